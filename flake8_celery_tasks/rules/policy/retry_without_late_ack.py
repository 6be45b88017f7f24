from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetryWithoutLateAck(Rule[Task]):
    """A task is retried when it fails, but lost when its worker is killed.

    ## What happens

    A retry policy says that the work has to be done in the end, but it deals with exceptions only. Acknowledged early,
    as Celery does by default, the message is gone when the run starts: if the worker is killed in the middle of it, no
    exception is raised, nothing is retried, nothing is logged, and the state stays what it was. `acks_late=True` brings
    the task back in that case too; `acks_late=False` says that this is not wanted.

    ## Bad

    ```ini
    extend-select = CLY921
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=True)
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```ini
    extend-select = CLY921
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(
        name="shop_fetch_rates",
        acks_late=True,
        autoretry_for=(ConnectionError,),
        max_retries=5,
        retry_backoff=True,
    )
    def fetch_rates(url):
        return download(url)
    ```

    ## Silent when

    - `acks_late` is given on the task, a base class, the app's `task_cls`, in shared defaults or a decorator of the
      project, or one of them can't be read; or the project sets `task_acks_late`, to any value, or the option
      `celery-acks-late`;
    - nothing certainly retries the task, or `max_retries=0` switches retries off, or can't be read;
    - `retry_on_worker_lost`, of the task or of the project, brings the task back (Celery 5.7);
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `acks_late=True` where the task may run twice, otherwise `acks_late=False` and no retries (CLY304). The choice
    is yours.
    """

    code = "CLY921"
    see = ("faq#should-i-use-retry-or-acks-late", "tasks#Task.acks_late")
    message = (
        "Task {function!r} is retried on errors, but lost with its worker: write acks_late=True, or False if meant"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task that is retried and does not say when it is acknowledged, at what makes it."""
        if task.is_opaque or not _decisions.is_retried(task) or not _decisions.leaves_open(task, "acks_late"):
            return
        project = task.project
        if project.options.celery_acks_late or setting_values(project, "task_acks_late") or task.may_retry_when_lost:
            return
        yield self.report_definition(task, function=task.node.name)
