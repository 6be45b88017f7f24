from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class AcknowledgementNotDecided(Rule[Task]):
    """A task does not say when its message is acknowledged.

    ## What happens

    `acks_late` decides what happens to a task whose worker is lost, because of a deployment, a crash or a lack of
    memory. With early acknowledgement (`False`), the message is gone, and the task runs at most once. With late
    acknowledgement (`True`), the broker redelivers the message, and the task runs at least once, perhaps twice. Without
    the option, `task_acks_late` decides for all tasks at once. Nothing is logged about which of the two happened.

    This is one of the five questions to answer before you define a task: may it run only once, or more than once?

    ## Bad

    ```ini
    extend-select = CLY903
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY903
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt", acks_late=False)
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(name="shop_update_index", acks_late=True)
    def update_index(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - a base class, the app's `task_cls`, shared defaults (`**DEFAULTS`) or a decorator of the project gives the answer,
      or one of these can't be resolved;
    - a class-based task is never registered;
    - the module is a test or a migration.

    `acks_late=None` is not an answer: Celery then uses the project's settings.

    ## Fix

    Write `acks_late=False` if a second run does harm, `acks_late=True` if a lost run does. The choice is yours.
    """

    code = "CLY903"
    see = ("faq#should-i-use-retry-or-acks-late", "tasks#Task.acks_late")
    message = (
        "May task {function!r} run again when its worker is lost? Write acks_late=True, or acks_late=False for at "
        "most once"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without an answer."""
        if _decisions.leaves_open(task, "acks_late"):
            yield self.report_definition(task, function=task.node.name)
