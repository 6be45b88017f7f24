from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class StartNotDecided(Rule[Task]):
    """A task does not say whether its start is tracked.

    ## What happens

    Celery stores no state when a task starts. A task that runs for an hour is `PENDING` all the time, and so is one
    that waits in the queue, or one that never existed. With `track_started=True`, its state is `STARTED` while it runs,
    at the price of a write to the result backend for each run. Without the option, `task_track_started` decides for all
    tasks at once. Nothing is logged when a task starts, only when its message is received and when the task ends.

    This is one of the five questions to answer before you define a task: is its start tracked?

    ## Bad

    ```ini
    extend-select = CLY905
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_export_orders", ignore_result=False)
    def export_orders(year):
        return year
    ```

    ## Good

    ```ini
    extend-select = CLY905
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_export_orders", ignore_result=False, track_started=True)
    def export_orders(year):
        return year


    @shared_task(name="shop_send_receipt", ignore_result=True, track_started=False)
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - a base class, the app's `task_cls`, shared defaults (`**DEFAULTS`) or a decorator of the project gives the answer,
      or one of these can't be resolved;
    - a class-based task is never registered;
    - the module is a test or a migration.

    `track_started=None` is not an answer: Celery then uses the project's settings. With `ignore_result=True`, the only
    answer is `track_started=False`, since nothing is then tracked (CLY305).

    ## Fix

    Write `track_started=True` for a task that somebody waits for, otherwise `track_started=False`. The choice is yours.
    """

    code = "CLY905"
    see = ("tasks#Task.track_started",)
    message = (
        "Is the start of task {function!r} tracked? Write track_started=True to see it as STARTED while it runs, else "
        "track_started=False"
    )
    ignored = "Is the start of task {function!r} tracked? With ignore_result=True nothing is: write track_started=False"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without an answer."""
        if _decisions.leaves_open(task, "track_started"):
            message = self.ignored if task.effective("ignore_result") is True else ""
            yield self.report_definition(task, message, function=task.node.name)
