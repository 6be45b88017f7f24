from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Packages with a pool that runs coroutines. A project that uses one mentions the package's name.
_POOLS = (b"celery_aio_pool", b"celery_pool_asyncio")


class CoroutineOrGeneratorTask(Rule[Task]):
    """A task is an `async def` or has a `yield`: its body never runs.

    ## What happens

    The worker calls the function and treats its return value as the result. A call of a coroutine or generator function
    returns an object without running the body. That object can't be stored as a result:

    ```text
    kombu.exceptions.EncodeError: Object of type coroutine is not JSON serializable
    ```

    With `ignore_result=True`, or if tests run tasks eagerly, there is no error at all: the task succeeds.

    ```text
    Task shop_fetch_rates[...] succeeded in ...s: <coroutine object fetch_rates at 0x...>
    ```

    Celery's own pools, up to 5.7, never run coroutines.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    async def fetch_rates(url):
        return await download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_pages")
    def fetch_pages(urls):
        for url in urls:
            yield download(url)
    ```

    ## Good

    ```python
    import asyncio

    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return asyncio.run(download(url))


    @shared_task(name="shop_fetch_pages")
    def fetch_pages(urls):
        return [download(url) for url in urls]
    ```

    ## Not reported when

    - a decorator is between the task decorator and the function: it may run what the function returns;
    - the task's class has its own `__call__`, or can't be resolved;
    - a decorator of the project that can't be resolved creates the task;
    - the workers' pool runs coroutines: the option `celery-async-pool` says so, or the project mentions
      `celery_aio_pool` or `celery_pool_asyncio`.

    ## Fix

    Run the coroutine inside the task with `asyncio.run(...)` or asgiref's `async_to_sync`. Create async clients and
    engines inside the coroutine: each run has its own event loop, and anything bound to the loop of an earlier run
    fails with `Event loop is closed` (CLY524). Return a list instead of a generator. Either way, check the body: it
    will run for the first time.
    """

    code = "CLY511"
    see = ("concurrency#overview-of-concurrency-options", "asyncio#asyncio.run")
    message = "Task {function!r} is {kind}: the worker only creates {made} and its body never runs; {advice}"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report such a function, at its name."""
        runs = task.runs
        if runs is None or not (runs.is_async or runs.yields):
            return
        if task.is_opaque or len(task.function.decorator_list) > (0 if task.is_class else task.definition.index + 1):
            return
        if task.effective("__call__") is not MISSING or not task.is_registered:
            return
        kind, made, advice = "a generator", "a generator object", "return a list"
        if isinstance(task.function, ast.AsyncFunctionDef):
            if _has_async_pool(task.project):
                return
            kind, made, advice = (
                "'async def'",
                "a coroutine",
                "asyncio.run() it in a plain function, clients made inside",
            )
        values = {"function": task.node.name, "kind": kind, "made": made, "advice": advice}
        if task.is_class:
            yield self.report(task.module, task.function, **values)
        else:
            yield self.report_name(task, **values)


def _has_async_pool(project: Project) -> bool:
    """Return whether the project's workers may run coroutines."""
    return project.options.celery_async_pool or any(True for _ in project.files.holding(*_POOLS))
