from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class LateAckLosesKilledWorker(Rule[Task]):
    """A task is acknowledged late, but is still lost when its pool process is killed.

    ## What happens

    With `acks_late=True`, the broker redelivers a task when the whole worker goes down. If only the pool process is
    killed, by the out-of-memory killer or by `kill -9`, the worker acknowledges the message and stores a failure, and
    the task does not run again:

    ```text
    Process 'ForkPoolWorker-...' pid:... exited with 'signal 9 (SIGKILL)'
    Task handler raised error: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: ...')
    ```

    Celery does this on purpose: a task that always kills its process would be redelivered forever. With
    `reject_on_worker_lost=True`, the message is requeued; `reject_on_worker_lost=False` makes it explicit that it is
    not.

    ## Bad

    ```ini
    extend-select = CLY911
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_update_index", acks_late=True)
    def update_index(order_pk):
        print(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY911
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_update_index", acks_late=True, reject_on_worker_lost=True)
    def update_index(order_pk):
        print(order_pk)


    @shared_task(name="shop_render_film", acks_late=True, reject_on_worker_lost=False)
    def render_film(film_pk):
        print(film_pk)
    ```

    ## Not reported when

    - the project sets `task_reject_on_worker_lost`, to any value;
    - neither the task nor its class has `acks_late=True`, or the class can't be resolved;
    - `retry_on_worker_lost`, on the task or in the project's settings, requeues the task (Celery 5.7);
    - the module is a test or a migration.

    ## Fix

    Write `reject_on_worker_lost=True`, or `False` if the task itself may kill the process. The choice is yours.
    """

    code = "CLY911"
    see = ("configuration#task-reject-on-worker-lost", "tasks#Task.acks_late")
    message = (
        "acks_late=True does not requeue {function!r} when its process is killed: write reject_on_worker_lost=True, "
        "or False if meant"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the late acknowledgement, at the option."""
        if task.effective("acks_late") is not True or not _decisions.leaves_open(task, "reject_on_worker_lost"):
            return
        if not task.may_retry_when_lost and not setting_values(task.project, "task_reject_on_worker_lost"):
            yield self.report(task.module, task.keyword("acks_late"), function=task.node.name)
