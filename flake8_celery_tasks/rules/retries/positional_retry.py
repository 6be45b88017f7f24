from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts import TaskCall
from flake8_celery_tasks.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.rule import Violation


class PositionalRetry(Rule[TaskCall]):
    """`self.retry(exc)` hands the exception over as the task's new arguments.

    ## What happens

    The first parameter of `Task.retry` is `args`, the positional arguments of the next run. An exception or a number is
    no sequence of arguments, so the call itself fails in the worker, and nothing is retried:

    ```text
    TypeError: 'ConnectionError' object is not iterable
    ```

    One example in Celery's own user guide makes this mistake.
    See [Retrying](https://docs.celeryq.dev/en/stable/userguide/tasks.html#retrying) in Celery's user guide.

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc)
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)
    ```

    ## Silent when

    - the argument is a tuple or list, or could be one: new arguments for the next run are what the parameter is for.

    ## Fix

    Write `exc=`. The fix is safe where the name is the exception of the handler around the call.
    """

    code = "CLY219"
    message = "The first parameter of retry() is args: {given} there raises TypeError and nothing is retried; {advice}"

    def check(self, call: TaskCall) -> Iterator[Violation]:
        """Report a first argument that can't be a sequence of arguments."""
        if call.method != "retry" or not call.node.args:
            return
        first = call.node.args[0]
        if isinstance(first, ast.Name) and first.id in self._handled(call):
            advice = f"write exc={first.id}"
            yield self.report(call.module, first, given=f"the exception {first.id!r}", advice=advice)
        elif isinstance(first, ast.Constant) and isinstance(first.value, (int, float)) and first.value is not None:
            advice = f"write countdown={first.value!r}"
            yield self.report(call.module, first, given=f"the number {first.value!r}", advice=advice)

    def _handled(self, call: TaskCall) -> set[str | None]:
        """Return the names of the exceptions that are being handled where the call stands."""
        return {
            handler.name
            for around in call.site.chain()
            if isinstance(around.node, ast.Try) and around.part == "handler"
            for handler in around.node.handlers
        }
