from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.task_options import DEFAULT_MAX_RETRIES
from flake8_celery_tasks.facts.calls import TaskCall
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class NoneIsNotUnlimited(Rule[TaskCall | Task]):
    """`max_retries=None` in a retry call or in `retry_kwargs` does not mean "without limit".

    ## What happens

    In both places `None` means "not given", so the task's own `max_retries` applies, which is 3 by default. The task
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

    ## Not reported when

    - the task's own `max_retries` is None too, or can't be resolved;
    - the task has no `autoretry_for`, so that nothing reads `retry_kwargs`: that is CLY211.

    ## Fix

    If you want no limit, write `max_retries=None` on the task. Otherwise drop the argument, which changes nothing at
    run time. Only you know which of the two is intended.
    """

    code = "CLY215"
    see = ("tasks#Task.max_retries", "Task#celery.app.task.Task.retry")
    message = (
        "max_retries=None in {place} does not mean unlimited: task {function!r} gives up after {limit}; "
        "set it on the task"
    )

    def check(self, fact: TaskCall | Task) -> Iterator[Violation]:
        """Report the argument of a retry call, or the item of `retry_kwargs`."""
        place, node = _place(fact)
        task = fact if isinstance(fact, Task) else fact.task
        limit = None if node is None or task is None else _limit(task)
        if task is not None and node is not None and limit is not None:
            yield self.report(task.module, node, place=place, function=task.node.name, limit=limit)


def _place(fact: TaskCall | Task) -> tuple[str, ast.AST | None]:
    """Return where `max_retries=None` is given instead of a limit, and its node; None if it is not given."""
    if isinstance(fact, TaskCall):
        is_none = fact.method == "retry" and fact.argument("max_retries") is None
        return "retry()", fact.keyword("max_retries") if is_none else None
    kwargs = fact.option("retry_kwargs") if fact.written(("retry_kwargs",)) else MISSING
    is_none = isinstance(kwargs, Table) and kwargs.get("max_retries", MISSING) is None
    return "retry_kwargs", fact.entry("retry_kwargs", "max_retries") if is_none and fact.autoretries is True else None


def _limit(task: Task) -> Any:
    """Return the task's own limit; None if it has none, or it can't be resolved."""
    limit = task.effective("max_retries")
    if limit is MISSING:
        return DEFAULT_MAX_RETRIES
    return limit if isinstance(limit, (int, float)) else None
