from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class ResultNotDecided(Rule[Task]):
    """A task does not say whether its result is stored.

    ## What happens

    Without `ignore_result`, Celery writes the function's return value, and the traceback of each failure, to the result
    backend if the project has one, and keeps them for a day (`result_expires`). The setting `task_ignore_result`, far
    from the task, decides whether that happens. A result that nobody reads costs a round trip for each run. A result
    that somebody reads becomes None when the setting changes. Nothing is logged in either case.

    This is one of the five questions to answer before you define a task: is its result stored?

    ## Bad

    ```ini
    extend-select = CLY901
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY901
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt", ignore_result=True)
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(name="shop_count_orders", ignore_result=False)
    def count_orders(day):
        return len(day)
    ```

    ## Not reported when

    - a base class, the app's `task_cls`, shared defaults (`**DEFAULTS`) or a decorator of the project gives the answer,
      or one of these can't be resolved;
    - a class-based task is never registered;
    - the module is a test or a migration.

    `ignore_result=None` is not an answer: Celery then uses the project's settings.

    ## Fix

    Write `ignore_result=True`, or `ignore_result=False` if code reads the result or the state. The choice is yours.
    """

    code = "CLY901"
    see = ("tasks#ignore-results-you-don-t-want", "tasks#Task.ignore_result")
    message = (
        "Is the result of task {function!r} stored? Write ignore_result=True, or ignore_result=False where its result "
        "or state is read"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without an answer."""
        if _decisions.leaves_open(task, "ignore_result"):
            yield self.report_definition(task, function=task.node.name)
