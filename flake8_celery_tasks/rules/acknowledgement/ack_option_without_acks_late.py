from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: The options, each with the value that is reported: the one that is not Celery's default.
_OPTIONS: Final = {
    "reject_on_worker_lost": True,
    "acks_on_failure_or_timeout": False,
    "acks_on_failure": False,
    "acks_on_timeout": False,
}


class AckOptionWithoutAcksLate(Rule[Task]):
    """An option about acknowledgement has no effect without `acks_late=True`.

    ## What happens

    Without `acks_late` the worker acknowledges the message *before* it runs the task. After an exception, a time limit
    or a killed process, no message is left to reject or requeue. Celery stores `reject_on_worker_lost`,
    `acks_on_failure_or_timeout` and (from Celery 5.7 on) `acks_on_failure` and `acks_on_timeout`, but never reads them.
    If the pool process that runs the task below is killed, the worker logs

    ```text
    Process 'ForkPoolWorker-...' pid:... exited with 'signal 9 (SIGKILL)'
    Task handler raised error: WorkerLostError('Worker exited prematurely: signal 9 (SIGKILL) Job: ...')
    ```

    and the task is not run again, with or without `reject_on_worker_lost=True`.

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", reject_on_worker_lost=True)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", acks_late=True, reject_on_worker_lost=True)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Not reported when

    - the task, its base class or the project (`task_acks_late`, `celery-acks-late`) acknowledges late;
    - any of these can't be resolved, or `task_annotations` may set `acks_late`;
    - the option has its default value (`reject_on_worker_lost=False`, `acks_on_failure=True`).

    ## Fix

    Add `acks_late=True` if the task may run twice: it then runs again after its worker was lost. Otherwise remove the
    option, which changes nothing.
    """

    code = "CLY301"
    see = ("tasks#Task.acks_late", "configuration#task-reject-on-worker-lost")
    message = (
        "{option} has no effect without acks_late=True: the message of {function!r} is acknowledged before it runs; "
        "add acks_late or drop it"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report each option that Celery never reads."""
        for option, value in _OPTIONS.items():
            if task.states(option) and task.option(option) is value and task.acknowledges_late is False:
                yield self.report(
                    task.module, task.keyword(option), option=f"{option}={value}", function=task.node.name
                )
