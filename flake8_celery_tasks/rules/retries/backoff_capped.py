from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.task_options import DEFAULT_BACKOFF_MAX
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class BackoffCapped(Rule[Task]):
    """`retry_backoff` is greater than `retry_backoff_max`, the longest allowed wait.

    ## What happens

    The delay before a retry is `retry_backoff` seconds, then twice that, then four times that, and never more than
    `retry_backoff_max`, which is 600 seconds by default. If `retry_backoff` is above the maximum, Celery uses the
    maximum from the first retry on. The delay does not grow, and is never the one in the code:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 600s: ConnectionError('refused')
    ```

    With `retry_jitter`, which is on by default, the delay is a random time up to the maximum.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(
        name="shop_fetch_rates",
        autoretry_for=(ConnectionError,),
        retry_backoff=30 * 60,
        retry_jitter=False,
    )
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(
        name="shop_fetch_rates",
        autoretry_for=(ConnectionError,),
        retry_backoff=30 * 60,
        retry_backoff_max=6 * 60 * 60,
        retry_jitter=False,
    )
    def fetch_rates(url):
        return download(url)
    ```

    ## Not reported when

    - the two are equal, or one of them can't be resolved;
    - the task has no `autoretry_for`: that is CLY211;
    - both come from a base class or shared defaults.

    ## Fix

    Raise `retry_backoff_max`, or lower `retry_backoff`. Only you know which of the two is wrong.
    """

    code = "CLY216"
    see = ("tasks#Task.retry_backoff_max",)
    message = (
        "retry_backoff={backoff} is above retry_backoff_max={cap}: task {function!r} never waits longer than {cap} s"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a backoff above its cap, at the first of the two."""
        written = task.written(("retry_backoff", "retry_backoff_max"))
        if not written or task.is_opaque:
            return
        backoff, cap = task.effective("retry_backoff"), task.effective("retry_backoff_max")
        cap = DEFAULT_BACKOFF_MAX if cap is MISSING else cap
        if not isinstance(backoff, (int, float)) or not isinstance(cap, (int, float)) or backoff <= cap:
            return
        if task.autoretries is True:
            yield self.report(task.module, written[0][1], function=task.node.name, backoff=backoff, cap=cap)
