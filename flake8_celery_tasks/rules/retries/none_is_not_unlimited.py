from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.task_options import DEFAULT_MAX_RETRIES
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.task import Task


class NoneIsNotUnlimited(Rule[Facts]):
    """`max_retries=None` in a retry call or in `retry_kwargs` does not mean "without limit".

    ## What happens

    In both places `None` means "not given", and the task's own `max_retries` counts, which is 3 by default. The task
    gives up after the fourth run:

    ```text
    MaxRetriesExceededError: Can't retry shop_fetch_rates[...] args:('https://example.com/rates',) kwargs:{}
    ```

    Only `max_retries=None` on the task itself removes the limit.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError:
            raise self.retry(max_retries=None)


    @shared_task(name="shop_fetch_prices", autoretry_for=(ConnectionError,), retry_kwargs={"max_retries": None})
    def fetch_prices(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=None)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError:
            raise self.retry()


    @shared_task(name="shop_fetch_prices", autoretry_for=(ConnectionError,), max_retries=None)
    def fetch_prices(url):
        return download(url)
    ```

    ## Silent when

    - the task's own `max_retries` is None too, or can't be read;
    - the task has no `autoretry_for`, so that nothing reads `retry_kwargs`: that is CLY211.

    ## Fix

    Write `max_retries=None` on the task if there is to be no limit, otherwise drop the argument. Dropping it changes
    nothing at run time; only you know which of the two is meant.
    """

    code = "CLY215"
    see = ("tasks#Task.max_retries", "Task#celery.app.task.Task.retry")
    message = (
        "max_retries=None in {place} is not unlimited: task {function!r} gives up after {limit}; set it on the task"
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the argument of a retry call, and the item of `retry_kwargs`."""
        for call in facts.task_calls:
            keyword = call.keyword("max_retries")
            if (
                call.method != "retry"
                or keyword is None
                or call.task is None
                or call.argument("max_retries") is not None
            ):
                continue
            limit = _limit(call.task)
            if limit is not None:
                name = call.task.node.name
                yield self.report(facts.module, keyword, place="retry()", function=name, limit=limit)
        for task in facts.tasks:
            if not task.written(("retry_kwargs",)):
                continue
            kwargs = task.option("retry_kwargs")
            if not isinstance(kwargs, Table) or kwargs.get("max_retries", MISSING) is not None:
                continue
            limit = _limit(task)
            if limit is not None and task.autoretries is True:
                node = task.entry("retry_kwargs", "max_retries")
                yield self.report(facts.module, node, place="retry_kwargs", function=task.node.name, limit=limit)


def _limit(task: Task) -> Any:
    """Return the limit that a task has of its own, None where it has none or it can't be read."""
    limit = task.effective("max_retries")
    if limit is MISSING:
        return DEFAULT_MAX_RETRIES
    return limit if isinstance(limit, (int, float)) else None
