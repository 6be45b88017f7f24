from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.violation import Violation
from flake8_celery_tasks.facts.apps import TaskClass
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _bases, _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


class RetryWithoutLateAck(Rule[Task | TaskClass]):
    """A task is retried when it fails, but lost when its worker is killed.

    ## What happens

    A retry policy says that the work must be done in the end, but it only handles exceptions. With early
    acknowledgement, Celery's default, the message is gone when the run starts. If the worker is killed during the run,
    no exception is raised, nothing is retried, nothing is logged, and the state does not change. With `acks_late=True`,
    the broker redelivers the task in that case too; `acks_late=False` says that it should not.

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

    ## Not reported when

    - the task, a base class, the app's `task_cls`, shared defaults or a decorator of the project has `acks_late`, or
      one of these can't be resolved;
    - the project sets `task_acks_late`, to any value, or the option `celery-acks-late`;
    - a base class in the project retries the task: that is reported once, at the class;
    - it is uncertain whether anything retries the task, or `max_retries` is 0 or can't be resolved;
    - `retry_on_worker_lost`, on the task or in the project's settings, requeues the task (Celery 5.7);
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `acks_late=True` if the task may run twice, otherwise `acks_late=False` and no retries (CLY304). The choice is
    yours.
    """

    code = "CLY921"
    see = ("faq#should-i-use-retry-or-acks-late", "tasks#Task.acks_late")
    message = (
        "Task {function!r} is retried on errors, but lost with its worker: write acks_late=True, or False if meant"
    )
    of_base: Final = (
        "Tasks of {base} are retried on errors, but lost with their worker: write acks_late=True, or False if meant"
    )
    quiet_in_tests = True

    def check(self, fact: Task | TaskClass) -> Iterator[Violation]:
        """Report retried tasks without an acknowledgement option, at the task's decorator or at its class."""
        project = fact.project
        if project.options.celery_acks_late or setting_values(project, "task_acks_late"):
            return
        if isinstance(fact, Task):
            is_open = not fact.is_opaque and _is_retried_by_itself(fact) and _decisions.leaves_open(fact, "acks_late")
            if is_open and not fact.may_retry_when_lost:
                yield self.report_definition(fact, function=fact.node.name)
        elif fact.place("autoretry_for") is not None:
            errors = fact.value("autoretry_for")
            if isinstance(errors, (tuple, list, set)) and errors and _leaves_open(project, fact.target):
                yield self.report_class(fact, self.of_base, base=fact.node.name)

    def report_class(self, fact: TaskClass, message: str, **values: str) -> Violation:
        """Return a violation at the name of a class."""
        line, column = fact.module.source.name(fact.node)
        return Violation(line, column, self.code, message.format(**values))


def _is_retried_by_itself(task: Task) -> bool:
    """Return whether a task's own option or body retries it, and not only its class."""
    own = task.states("autoretry_for") or any(use.attribute == "retry" for use in task.uses)
    return own and _decisions.is_retried(task)


def _leaves_open(project: Project, base: Target) -> bool:
    """Return whether a class retries one of its tasks, and nothing sets when that task is acknowledged."""
    return any(
        task.option("autoretry_for") is MISSING
        and task.effective("acks_late") in (MISSING, None)
        and task.effective("max_retries") not in (UNKNOWN, 0)
        and task.effective("retry_on_worker_lost") in (MISSING, None, False)
        for task in _bases.heirs(project, base)
    ) and not any(
        value is not False and value is not None for value in setting_values(project, "task_retry_on_worker_lost")
    )
