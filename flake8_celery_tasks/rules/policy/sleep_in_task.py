from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SleepInTask(Rule[Task]):
    """A task sleeps, which blocks its pool process.

    ## What happens

    `time.sleep` does not release the worker: the pool process does nothing for that time, and runs no other task. With
    as many sleeping tasks as processes, the queue stops, and nothing is logged. Celery can wait without blocking a
    process: a message with a `countdown` stays with the worker, or the broker, until it is due.

    ## Bad

    ```ini
    extend-select = CLY914
    ```

    ```python
    import time

    from celery import shared_task

    from shop.payments import is_paid


    @shared_task(name="shop_wait_for_payment")
    def wait_for_payment(order_pk):
        while not is_paid(order_pk):
            time.sleep(10)
    ```

    ## Good

    ```ini
    extend-select = CLY914
    ```

    ```python
    from celery import shared_task

    from shop.payments import is_paid


    @shared_task(name="shop_wait_for_payment", bind=True, max_retries=60)
    def wait_for_payment(self, order_pk):
        if not is_paid(order_pk):
            raise self.retry(countdown=10)
    ```

    ## Not reported when

    - the sleep is `sleep(0)`, or that of gevent, eventlet or asyncio, which let other tasks run;
    - the sleep is in a function that the task calls: only the task's own body is checked;
    - the module is a test or a migration.

    ## Fix

    Wait with `raise self.retry(countdown=...)`, or send the rest of the work with `apply_async(countdown=...)`. To
    limit how often something is called, use `rate_limit=`.
    """

    code = "CLY914"
    see = ("calling#eta-and-countdown", "tasks#using-a-custom-retry-delay")
    message = (
        "{call} blocks a pool process that does nothing: wait with retry(countdown=...) or apply_async(countdown=...)"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the calls of `time.sleep` in a task's body."""
        for call, site in task.calls():
            func = task.module.value(call.func, site.scope)
            if not isinstance(func, Ref) or task.project.resolve(func.path, task.module).path != "time.sleep":
                continue
            values = [task.project.settle(task.module.value(arg, site.scope), task.module) for arg in call.args]
            if values == [0]:
                continue
            shown = f"sleep({values[0]})" if values and isinstance(values[0], (int, float)) else "sleep()"
            yield self.report(task.module, call, call=shown)
