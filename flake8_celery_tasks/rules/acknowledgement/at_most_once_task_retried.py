from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model import settings
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: The first Celery version that reads `retry_on_worker_lost`.
_SINCE: Final = (5, 7)


class AtMostOnceTaskRetried(Rule[Task]):
    """A task has `acks_late=False`, which says that it runs at most once, but it is retried.

    ## What happens

    `acks_late=False` is Celery's default. Writing it out says that a lost task is better than a task that runs twice.
    But a retry is a new message and does not depend on the acknowledgement of the old one: the body runs again from the
    start, even if it has already done part of its work.

    ```text
    Task shop_charge[...] retry: Retry in 180s: ConnectionError('read timed out')
    ```

    Celery allows this combination, but it contradicts "at most once".

    ## Bad

    ```python
    from celery import shared_task

    from shop.payments import charge_once


    @shared_task(name="shop_charge", acks_late=False, autoretry_for=(ConnectionError,))
    def charge(order_pk):
        charge_once(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.payments import charge_once
    from shop.web import download


    @shared_task(name="shop_charge", acks_late=False)
    def charge(order_pk):
        charge_once(order_pk)


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,))
    def fetch_rates(url):
        return download(url)
    ```

    ## Not reported when

    - the project acknowledges late (`task_acks_late`, `celery-acks-late`), or may do so: then the `False` has another
      reason;
    - `max_retries=0` disables retries;
    - the option that retries the task can't be resolved, or is `retry_on_worker_lost` before Celery 5.7, which ignores
      it;
    - a decorator that can't be resolved creates the task.

    ## Fix

    Remove the retry if the task must not run twice. Otherwise remove `acks_late=False`, which changes nothing unless
    the project or a base class sets another value.
    """

    code = "CLY304"
    see = ("faq#should-i-use-retry-or-acks-late", "tasks#Task.acks_late")
    message = (
        "acks_late=False asks for at most one run, but {mechanism} runs the body of {function!r} again; "
        "drop one of them"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report an explicit `acks_late=False` on a task that is retried."""
        if task.option("acks_late") is not False or task.is_opaque:
            return
        mechanism = self._mechanism(task)
        if mechanism and task.effective("max_retries") != 0 and settings.acks_late(task.project) is False:
            yield self.report(task.module, task.keyword("acks_late"), mechanism=mechanism, function=task.node.name)

    def _mechanism(self, task: Task) -> str:
        errors = task.effective("autoretry_for")
        if isinstance(errors, (tuple, list, set)) and errors:
            return "autoretry_for"
        for use in task.uses:
            if use.attribute == "retry":
                return f"{use.name}.retry()"
        lost = task.effective("retry_on_worker_lost") if version_of(task.project) >= _SINCE else MISSING
        return "retry_on_worker_lost" if lost is True else ""
