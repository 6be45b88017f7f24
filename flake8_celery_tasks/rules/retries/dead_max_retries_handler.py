from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed, uses_of
from flake8_celery_tasks.binding.scopes import LAMBDA
from flake8_celery_tasks.facts.calls import trys_around
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import TaskCall


class DeadMaxRetriesHandler(Rule[Facts]):
    """`except MaxRetriesExceededError` around `self.retry(exc=...)` never runs.

    ## What happens

    When no retry is left, `self.retry(exc=error)` raises `error`, the exception that it was given. Only without `exc=`
    does it raise `MaxRetriesExceededError`. The handler that is meant to give up, clean up or alert somebody never
    runs, and the task fails with the original exception:

    ```text
    Task shop_fetch_rates[...] raised unexpected: ConnectionError('refused')
    ```

    ## Bad

    ```python
    from celery import shared_task
    from celery.exceptions import MaxRetriesExceededError

    from shop.alerts import give_up
    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as error:
            try:
                raise self.retry(exc=error)
            except MaxRetriesExceededError:
                give_up(url)
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery.exceptions import MaxRetriesExceededError

    from shop.alerts import give_up
    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError:
            try:
                raise self.retry()
            except MaxRetriesExceededError:
                give_up(url)
    ```

    ## Silent when

    - the handler names another exception too;
    - another retry in the same `try` has no `exc=`, or the task is passed to a helper there;
    - `exc=` is not certainly an exception, or is a `MaxRetriesExceededError` itself.

    ## Fix

    Leave `exc=` out, or catch the exception that is passed. Look at the handler first: code that has never run will
    run.
    """

    code = "CLY218"
    see = ("tasks#retrying", "Task#celery.app.task.Task.retry")
    message = (
        "This handler never runs: when no retry is left, {call} raises {exc}, not MaxRetriesExceededError; "
        "drop exc= or catch {exc}"
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report a handler for MaxRetriesExceededError that no retry in its `try` can reach."""
        retries = {id(call.node): call for call in facts.task_calls if call.method == "retry"}
        for call in retries.values():
            exc = call.keyword("exc")
            if exc is None or any(site.kind == LAMBDA for site in call.site.chain()):
                continue
            for node, part in trys_around(call.site, call.site.function()):
                for handler in node.handlers if part == "body" else ():
                    if handler.type is None or not self._is_max_retries(call, handler.type):
                        continue
                    below = (id(inner) for statement in node.body for inner in ast.walk(statement))
                    inside = [retries[inner] for inner in below if inner in retries]
                    if all(self._is_exception(other) for other in inside) and not self._hands_on(call, node):
                        text = cut(unparsed(exc.value), 20, "its exc")
                        name = f"{unparsed(call.node.func)}()"
                        yield self.report(facts.module, handler.type, call=name, exc=text)

    def _is_max_retries(self, call: TaskCall, node: ast.expr) -> bool:
        if not isinstance(node, (ast.Name, ast.Attribute)):
            return False
        if isinstance(node, ast.Attribute) and node.attr == "MaxRetriesExceededError":
            return True  # `self.MaxRetriesExceededError` is the same
        value = call.project.settle(call.module.value(node, call.site.scope), call.module)
        return isinstance(value, Target) and value.path == exceptions.MAX_RETRIES

    def _is_exception(self, call: TaskCall) -> bool:
        """Return whether `exc=` is certainly an exception, and none of the kind that the handler waits for."""
        exc = call.keyword("exc")
        if exc is None or call.has_spread:
            return False
        if isinstance(exc.value, ast.Name):
            found = call.site.scope.find(exc.value.id)
            nodes = [] if found is None else [binding.node for binding in found[1]]
            caught = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
            if not caught or len(caught) < len(nodes):
                return False
            # Where the call stands in one of the handlers, the name is of the innermost: others may use it again.
            around = [handler for handler in call.handlers() if handler.name == exc.value.id]
            return all(
                handler.type is not None
                and exceptions.catches(call.project, call.module, handler.type, call.site, {exceptions.MAX_RETRIES})
                is False
                for handler in around[:1] or caught
            )
        value = call.argument("exc")
        return (
            isinstance(value, Called)
            and isinstance(value.target, Target)
            and value.target.path != exceptions.MAX_RETRIES
        )

    def _hands_on(self, call: TaskCall, node: ast.Try) -> bool:
        names = {"self" if call.task is None else call.task.me} - {None}
        return any(use.attribute is None for statement in node.body for use in uses_of(statement, names))
