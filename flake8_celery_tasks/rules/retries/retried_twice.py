from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING, Unknown
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import TaskCall, task_calls_in
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext


class RetriedTwice(Rule[TaskCall]):
    """A handler catches the `Retry` of `self.retry()` and retries again: each failure sends two messages.

    ## What happens

    `self.retry()` sends the task again and then raises `Retry`, which is an `Exception`. If the call is in a `try`
    whose handler catches `Exception` and retries too, both of them send a message. Each of these runs does the same
    when it fails, so the number of runs doubles with every retry: with `max_retries=4` there are 31 runs instead of the
    intended 5. The log only shows a retry for each run:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 60s: Retry(...)
    ```

    A retry in a `finally` does the same, and so does `self.replace()` if the handler retries.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=4)
    def fetch_rates(self, url):
        try:
            response = download(url)
            if response.status_code == 503:
                raise self.retry(countdown=60)
            return response.text
        except Exception as exc:
            raise self.retry(exc=exc, countdown=60)
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery.exceptions import Retry

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=4)
    def fetch_rates(self, url):
        try:
            response = download(url)
            if response.status_code == 503:
                raise self.retry(countdown=60)
            return response.text
        except Retry:
            raise
        except Exception as exc:
            raise self.retry(exc=exc, countdown=60)


    @shared_task(name="shop_fetch_prices", bind=True, max_retries=4)
    def fetch_prices(self, url):
        try:
            response = download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=60)
        if response.status_code == 503:
            raise self.retry(countdown=60)
        return response.text
    ```

    ## Not reported when

    - an earlier handler re-raises the exception, or the handler checks which exception it has caught;
    - the handler retries only under a condition, other than one on the remaining retries, or may end without a retry
      (CLY217);
    - `throw=False` is given: then `self.retry()` raises nothing;
    - the type of a handler can't be resolved, or the handler passes the task to a function before it retries.

    ## Fix

    Put `except Retry: raise` before the handler, or move the retry out of the `try`. The latter also lets the
    `MaxRetriesExceededError` through that `self.retry()` raises when no retries are left.
    """

    code = "CLY223"
    see = ("tasks#retrying", "Task#celery.app.task.Task.retry")
    message = "{catcher} the {name} of {call}() and retries again: each failure sends two messages; {advice}"

    def check(self, call: TaskCall) -> Iterator[Violation]:
        """Report a call whose exception triggers another retry in a handler or `finally` around it."""
        throw = call.argument("throw") if call.method == "retry" else MISSING
        if len(task_calls_in(call.context)) < len("ab") or (throw is not MISSING and throw is not True):
            return
        name = "Retry" if call.method == "retry" else "Ignore"
        me = "self" if call.task is None else call.task.me
        path = f"celery.exceptions.{name}"
        others = _raising(call.context) - {id(call.node)}
        found = exceptions.retried_by(call.project, call.module, call.site, path, me, others)
        swallowed = found and exceptions.fate(call.project, call.module, call.site, path, me)
        if found is not None and (swallowed is None or isinstance(swallowed, Unknown)):  # otherwise CLY217 reports it
            catcher, advice = "'finally' follows", "retry in one place only"
            if isinstance(found, ast.ExceptHandler):
                shape = "'except'" if found.type is None else f"'except {shown(found.type)}'"
                catcher, advice = f"{shape} catches", f"put 'except {name}: raise' first"
            yield self.report(
                call.module, call.node, catcher=catcher, name=name, call=shown(call.node.func), advice=advice
            )


@query()
def _raising(context: FileContext) -> set[int]:
    """Return the retries of a file that raise, or may do so, by identity."""
    calls = task_calls_in(context)
    return {id(call.node) for call in calls if call.method == "retry" and call.argument("throw") is not False}
