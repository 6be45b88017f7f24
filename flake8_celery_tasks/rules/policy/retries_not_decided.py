from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetriesNotDecided(Rule[Task]):
    """A task does not say whether it is retried.

    ## What happens

    A task without a retry policy runs once. If the database restarts or the other side answers with an error, the
    exception is logged, the state is `FAILURE`, and nothing else happens:

    ```text
    Task shop_send_receipt[...] raised unexpected: ConnectionError('refused')
    ```

    For some tasks that is right; for others, a retry policy was forgotten. `max_retries=0` says that it is intended.

    This is one of the five questions to answer before you define a task: is it retried, and how often?

    ## Bad

    ```ini
    extend-select = CLY902
    ```

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY902
    ```

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt", autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=True)
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    @shared_task(name="shop_count_orders", max_retries=0)
    def count_orders(day):
        return len(day)
    ```

    ## Not reported when

    - the task itself, a base class, the app's `task_cls`, shared defaults or a decorator of the project has any retry
      option, or one of these can't be resolved;
    - the task's body calls `retry`, or passes the task to a helper, which may retry it;
    - a decorator that can't be resolved is below the task decorator: it may retry;
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `autoretry_for=(...)` with the exceptions that are worth a retry, or `max_retries=0`. The choice is yours.
    """

    code = "CLY902"
    see = ("tasks#retrying", "tasks#automatic-retry-for-known-exceptions")
    message = (
        "Is task {function!r} retried when it fails? Write autoretry_for=(...) with max_retries=, or max_retries=0 "
        "for never"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without an answer."""
        if not _decisions.has_retry_policy(task) and task.is_registered:
            yield self.report_definition(task, function=task.node.name)
