from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.values import MISSING, Unknown
from flake8_celery_tasks.facts.calls import Raise, TaskCall
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.exceptions import Catcher


class SwallowedRetry(Rule[TaskCall | Raise]):
    """An exception handler swallows the `Retry` that `self.retry()` raises.

    ## What happens

    `self.retry()` sends the task again and then raises `Retry`, which is an `Exception`. The worker needs to see it.
    `self.replace()` does the same with `Ignore`. If the call is in a `try` that catches `Exception`, the worker never
    sees it. It logs a success, the result is whatever the handler returns, and the retry still runs:

    ```text
    Task shop_fetch_rates[...] received
    Task shop_fetch_rates[...] succeeded in ...s: None
    Task shop_fetch_rates[...] received
    Task shop_fetch_rates[...] succeeded in ...s: None
    ```

    A `raise Reject()` or `raise Ignore()` in such a `try` has the same effect as a `return`. A `return` in `finally`
    and `with suppress(Exception)` swallow these exceptions too.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            response = download(url)
            if response.status_code == 503:
                raise self.retry(countdown=60)
            return response.text
        except Exception:
            print("no rates today")
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery.exceptions import Retry

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            response = download(url)
        except Exception:
            print("no rates today")
            return None
        if response.status_code == 503:
            raise self.retry(countdown=60)
        return response.text


    @shared_task(name="shop_fetch_prices", bind=True)
    def fetch_prices(self, url):
        try:
            response = download(url)
            if response.status_code == 503:
                raise self.retry(countdown=60)
            return response.text
        except Retry:
            raise
        except Exception:
            print("no prices today")
    ```

    ## Not reported when

    - the call is in a handler, not in the body of the `try`;
    - an earlier handler re-raises the exception: it names `Retry`, `Ignore`, `Reject`, or one of their base classes;
    - every path through the handler ends in `raise` or in another retry (CLY223), or the handler checks the exception
      or the remaining retries;
    - the handler calls a function of the project that raises or retries, or passes the task to one;
    - the type of a handler can't be resolved;
    - `throw=False` is given: then `self.retry()` raises nothing.

    ## Fix

    Move the retry out of the `try`, or put `except Retry: raise` before the handler. The latter still swallows one
    exception: the `MaxRetriesExceededError` that `self.retry()` raises when no retries are left. Check what else
    changes: the run then ends in the state RETRY instead of SUCCESS, and code after the `try` no longer runs.
    """

    code = "CLY217"
    see = ("tasks#retrying", "Task#celery.app.task.Task.retry")
    message = "{catcher} swallows {what}: the run counts as a success{still}; {advice}"

    def check(self, fact: TaskCall | Raise) -> Iterator[Violation]:
        """Report a call or raise whose exception does not leave the function."""
        if isinstance(fact, TaskCall):
            throw = fact.argument("throw") if fact.method == "retry" else True
            if throw is MISSING or throw is True:
                name, again = ("Retry", "retry") if fact.method == "retry" else ("Ignore", "replacement")
                me = "self" if fact.task is None else fact.task.me
                catcher = exceptions.fate(fact.project, fact.module, fact.site, f"celery.exceptions.{name}", me)
                what, still = f"the {name} of {_short(fact.node.func)}()", f" and the {again} still runs"
                yield from self._report(fact.module, fact.node, catcher, what=what, name=name, still=still)
        elif fact.path != exceptions.RETRY:
            name = fact.path.rpartition(".")[2]
            catcher = exceptions.fate(fact.project, fact.module, fact.site, fact.path, fact.task.me)
            # Code that raises Ignore and catches it by name uses it for control flow.
            if not (isinstance(catcher, ast.ExceptHandler) and _names(catcher, name)):
                yield from self._report(fact.module, fact.node, catcher, what=f"this {name}", name=name, still="")

    def _report(
        self, module: Module, node: ast.AST, catcher: Catcher | Unknown | None, what: str, name: str, still: str
    ) -> Iterator[Violation]:
        if catcher is None or isinstance(catcher, Unknown):
            return
        text, advice = "'return' in 'finally'", "return after the try"
        if isinstance(catcher, ast.ExceptHandler):
            text = "'except'" if catcher.type is None else f"'except {_short(catcher.type)}'"
            advice = "re-raise it" if _names(catcher, name) else f"put 'except {name}: raise' first"
        elif isinstance(catcher, ast.withitem):
            text, advice = f"'with {_short(catcher.context_expr)}'", "move it out"
        yield self.report(module, node, what=what, catcher=text, still=still, advice=advice)


def _names(handler: ast.ExceptHandler, name: str) -> bool:
    """Return whether a handler names an exception itself, not only a base class."""
    return handler.type is not None and any(
        name in (getattr(node, "id", ""), getattr(node, "attr", "")) for node in ast.walk(handler.type)
    )


def _short(node: ast.expr) -> str:
    return cut(unparsed(node), 30)
