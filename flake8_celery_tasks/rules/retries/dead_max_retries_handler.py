from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name, unparsed, uses_of, walk
from flake8_celery_tasks.binding.scopes import LAMBDA
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.task_options import TASK_API
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import TaskCall, task_calls_in, trys_around
from flake8_celery_tasks.facts.results import GivingUp, inside, is_max_retries
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.facts.task import Task

#: Methods that wait for the result of a task and raise the task's exception.
_WAITS: Final = ("apply", "collect", "get", "join", "join_native", "wait")


class DeadMaxRetriesHandler(Rule[TaskCall | GivingUp]):
    """`except MaxRetriesExceededError` handles an exception that nothing in its `try` raises.

    ## What happens

    When no retries are left, `self.retry(exc=error)` raises `error`, the exception that was passed to it. It raises
    `MaxRetriesExceededError` only without `exc=`. The handler that should give up, clean up or send an alert never
    runs, and the task fails with the original exception:

    ```text
    Task shop_fetch_rates[...] raised unexpected: ConnectionError('refused')
    ```

    Two other kinds of handlers never run. `autoretry_for` retries outside the function and raises the function's own
    error, so nothing in the function sees a `MaxRetriesExceededError`. And an exception that one handler of a `try`
    raises is not caught by the other handlers of the same `try`.

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

    ```python
    from celery import shared_task
    from celery.exceptions import MaxRetriesExceededError

    from shop.alerts import give_up
    from shop.web import download


    @shared_task(name="shop_fetch_prices", autoretry_for=(ConnectionError,), retry_backoff=True)
    def fetch_prices(url):
        try:
            return download(url)
        except MaxRetriesExceededError:
            give_up(url)
    ```

    ```python
    from celery import shared_task
    from celery.exceptions import MaxRetriesExceededError

    from shop.alerts import give_up
    from shop.web import download


    @shared_task(name="shop_fetch_stock", bind=True, max_retries=5)
    def fetch_stock(self, url):
        try:
            return download(url)
        except ConnectionError:
            raise self.retry()
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

    ## Not reported when

    - the handler names another exception too;
    - another retry in the same `try` has no `exc=`, or the `try` passes the task to a helper;
    - the value of `exc=` is a `MaxRetriesExceededError` itself, or may not be an exception;
    - the `try` has no retry, but passes the task to something, or calls a function that retries or waits for the result
      of a task: these may raise that error;
    - the `try` has no retry, the task has no `autoretry_for`, and no other handler of the `try` retries.

    ## Fix

    Leave `exc=` out, or catch the exception that is passed. Wrap a retry that is in a handler in its own `try`. With
    `autoretry_for`, give up in the method `on_failure` of the task's class. Review the handler first: it will run for
    the first time.
    """

    code = "CLY218"
    see = ("tasks#retrying", "Task#celery.app.task.Task.retry")
    message = (
        "This handler never runs: when no retries are left, {call} raises {exc}, not MaxRetriesExceededError; "
        "drop exc= or catch {exc}"
    )

    beside = "This handler never runs: {call} is in another handler, not in the 'try'; wrap it in its own 'try'"
    left = "This handler never runs: autoretry_for retries outside of {function!r}; give up in on_failure"

    def check(self, fact: TaskCall | GivingUp) -> Iterator[Violation]:
        """Report a handler for MaxRetriesExceededError that no retry in its `try` can reach."""
        if isinstance(fact, GivingUp):
            yield from self._without_retry(fact)
        elif fact.method == "retry":
            yield from self._around_retry(fact)

    def _around_retry(self, call: TaskCall) -> Iterator[Violation]:
        exc = call.keyword("exc")
        if exc is None or any(site.kind == LAMBDA for site in call.site.chain()):
            return
        me = "self" if call.task is None else call.task.me
        for node, part in trys_around(call.site, call.site.function()):
            for handler in node.handlers if part == "body" else ():
                if handler.type is None or not is_max_retries(call.context, handler.type, call.site):
                    continue
                if _only_raises(call.context, node) and not _hands_on(call.context, node, me):
                    text = cut(unparsed(exc.value), 20, "its exc")
                    name = f"{unparsed(call.node.func)}()"
                    yield self.report(call.module, handler.type, call=name, exc=text)

    def _without_retry(self, fact: GivingUp) -> Iterator[Violation]:
        """Report handlers of a `try` without a retry: the retry is in another handler, or outside the function."""
        retries = _retries(fact.context)
        if any(_may_exhaust(fact.context, fact.task, statement) for statement in fact.node.body):
            return
        handlers = (handler for handler in fact.node.handlers if handler.type not in fact.caught)
        others = (inner for handler in handlers for inner in ast.walk(handler))
        call = next((retries[id(inner)] for inner in others if id(inner) in retries), None)
        for caught in fact.caught:
            if call is not None:
                name = f"{unparsed(call.node.func)}()"
                yield self.report(fact.module, caught, self.beside, call=name)
            elif fact.task.autoretries is True:
                yield self.report(fact.module, caught, self.left, function=fact.task.node.name)


@query()
def _retries(context: FileContext) -> dict[int, TaskCall]:
    """Return the retries of a file by the identities of their nodes."""
    return {id(call.node): call for call in task_calls_in(context) if call.method == "retry"}


@query()
def _only_raises(context: FileContext, node: ast.Try) -> bool:
    """Return whether all retries in a `try` are given an exception to raise."""
    retries = _retries(context)
    below = (id(inner) for statement in node.body for inner in walk(statement))
    return all(_is_exception(retries[inner]) for inner in below if inner in retries)


def _is_exception(call: TaskCall) -> bool:
    """Return whether `exc=` is certainly an exception of a kind that the handler does not catch."""
    exc = call.keyword("exc")
    if exc is None or call.has_spread:
        return False
    if isinstance(exc.value, ast.Name):
        found = call.site.scope.find(exc.value.id)
        caught = None if found is None else _handlers_named(call.context, found[0], exc.value.id)
        if not caught:
            return False
        # If the call is in a handler, the name belongs to the innermost one: other handlers may reuse it.
        around = [handler for handler in call.handlers() if handler.name == exc.value.id]
        return all(
            handler.type is not None
            and exceptions.catches(call.project, call.module, handler.type, call.site, {exceptions.MAX_RETRIES})
            is False
            for handler in around[:1] or caught
        )
    value = call.argument("exc")
    return (
        isinstance(value, Called) and isinstance(value.target, Target) and value.target.path != exceptions.MAX_RETRIES
    )


@query()
def _handlers_named(_context: FileContext, scope: Scope, name: str) -> list[ast.ExceptHandler] | None:
    """Return the handlers that bind a name, None if something else binds it too."""
    nodes = [binding.node for binding in scope.bindings[name]]
    caught = [node for node in nodes if isinstance(node, ast.ExceptHandler)]
    return caught if len(caught) == len(nodes) else None


@query()
def _hands_on(_context: FileContext, node: ast.Try, me: str | None) -> bool:
    return any(use.attribute is None for statement in node.body for use in uses_of(statement, {me} - {None}))


def _may_exhaust(context: FileContext, task: Task, statement: ast.stmt) -> bool:
    """Return whether a statement may raise MaxRetriesExceededError: it may retry or wait for a task."""
    names, retries = {task.me} - {None}, _retries(context)
    if any(use.attribute is None or use.attribute not in TASK_API for use in uses_of(statement, names)):
        return True
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and (id(node) in retries or _may_be_of_task(context, node, task)))
        for node in ast.walk(statement)
    )


def _may_be_of_task(context: FileContext, call: ast.Call, task: Task) -> bool:
    """Return whether a call waits for a task's result, or calls a function that may wait or retry."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr in _WAITS:
        return func.attr != "get" or not call.args
    value = context.module.value(func, inside(context, task.function).scope)
    target = context.project.resolve(value.path, context.module) if isinstance(value, Ref) else None
    if target is not None and target.unread:  # if its file exists, it can't be parsed and may do anything
        owner = target.path.rpartition(".")[0]
        return context.project.layout.find(owner, context.module.place.root) is not None
    if target is None or not isinstance(target.symbol, Function) or target.module is None or target.rest:
        return False
    found = target.module.functions_called(target.symbol.qualname)
    names = {last_name(inner) for node, _, _ in found for inner in ast.walk(node) if isinstance(inner, _NAMES)}
    return not names.isdisjoint(("MaxRetriesExceededError", "retry", *_WAITS))


_NAMES: Final = (ast.Attribute, ast.Name)
