from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class ConflictingRetryOptions(Rule[Task]):
    """Two retry options contradict each other, and Celery ignores one of them.

    ## What happens

    With `retry_backoff`, Celery computes the delay before each automatic retry and overwrites the `countdown` in
    `retry_kwargs`, which therefore has no effect. In the first example below, the first delay is 10 seconds, not 30:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 10s: ConnectionError('refused')
    ```

    Celery passes `max_retries` in `retry_kwargs` to every automatic retry, where it overrides the task's own
    `max_retries`: the second example has two retries, not five. The log does not mention the ignored option.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(
        name="shop_fetch_rates",
        autoretry_for=(ConnectionError,),
        retry_kwargs={"countdown": 30},
        retry_backoff=10,
        retry_jitter=False,
    )
    def fetch_rates(url):
        return download(url)


    @shared_task(
        name="shop_fetch_prices",
        autoretry_for=(ConnectionError,),
        retry_kwargs={"max_retries": 2},
        max_retries=5,
    )
    def fetch_prices(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=30)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": 2})
    def fetch_prices(url):
        return download(url)
    ```

    ## Not reported when

    - both have the same value, or one of them can't be resolved;
    - the ignored option still has a use: a retry call in the body or `retry_on_worker_lost` reads `max_retries`;
    - the task has no `autoretry_for`: that is CLY211;
    - both options come from a base class or shared defaults.

    ## Fix

    Drop the ignored option, which changes nothing at run time. If the other one is the mistake, drop that one.
    """

    code = "CLY213"
    see = ("tasks#automatic-retry-for-known-exceptions", "tasks#Task.retry_backoff")
    message = "retry_backoff overwrites the countdown in retry_kwargs: no retry of task {function!r} uses it; drop one"
    retries = "max_retries={outer} has no effect: retry_kwargs of task {function!r} overrides it with {inner}; drop one"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the option that Celery ignores."""
        if not task.written(("retry_kwargs",)) or task.is_opaque:
            return
        kwargs = task.option("retry_kwargs")
        if not isinstance(kwargs, Table) or task.autoretries is not True:
            return
        backoff = task.effective("retry_backoff")
        if kwargs.get("countdown") is not None and isinstance(backoff, (int, float)) and backoff:
            yield self.report(task.module, task.entry("retry_kwargs", "countdown"), function=task.node.name)
        inner, outer = kwargs.get("max_retries"), task.option("max_retries")
        if not isinstance(inner, int) or not (isinstance(outer, int) or outer is None) or inner == outer:
            return
        if task.written(("max_retries",)) and not task.retries_by_hand and not task.may_retry_when_lost:
            node = task.keyword("max_retries")
            yield self.report(task.module, node, self.retries, function=task.node.name, inner=inner, outer=outer)
