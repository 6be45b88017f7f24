from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.frameworks import http_mail
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules import _side_effects
from flake8_celery_tasks.rules._messages import cut_front
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.frameworks.http_mail import Outbound

#: Prefixes of exceptions that neither a request nor an email causes.
_DATABASES: Final = ("django.db.", "psycopg", "sqlalchemy.")


class AcksLateRepeatsSideEffect(Rule[Task]):
    """A task that is acknowledged late makes a call that must not happen twice.

    ## What happens

    With `acks_late=True` the worker acknowledges a message after the task has ended. The broker redelivers the message
    if the worker is lost before that, because of a deployment or a lost connection to the broker, or if the task takes
    longer than the visibility timeout. Then the body runs again from the start, and a `POST` or an email that was
    already sent is sent a second time. The log does not tell the two runs apart:

    ```text
    Task shop_charge[...] received
    Task shop_charge[...] received
    ```

    The rule applies to HTTP `POST` and `PATCH` through `requests`, `httpx`, `aiohttp` and `urllib3`, also on their
    sessions; to Django's `send_mail`, `send_mass_mail`, `mail_admins`, `mail_managers`, `EmailMessage(...).send()` and
    `get_connection().send_messages()`; to emails sent through `smtplib`; and to the calls that the option
    `celery-at-most-once-calls` names.

    ## Bad

    ```python
    import requests
    from celery import shared_task


    @shared_task(name="shop_charge", acks_late=True)
    def charge(url, cents):
        requests.post(url, json={"cents": cents}, timeout=10)
    ```

    ## Good

    ```python
    import requests
    from celery import shared_task


    @shared_task(name="shop_charge", acks_late=False)
    def charge(url, cents):
        requests.post(url, json={"cents": cents}, timeout=10)


    @shared_task(name="shop_refund", acks_late=True)
    def refund(url, cents, key):
        requests.post(url, json={"cents": cents}, headers={"Idempotency-Key": key}, timeout=10)
    ```

    ## Not reported when

    - the HTTP method is another one, or uncertain: `GET`, `PUT` and `DELETE` may be repeated;
    - the headers of the call or of the session contain an `Idempotency-Key`, or can't be resolved;
    - the task's function mentions idempotency anywhere, as in `idempotency_key=`;
    - the call is in a function that the task calls: only the task's own body is checked;
    - the task has `autoretry_for` for more than database errors, or its value can't be resolved: the task is meant to
      run again after a failed call;
    - `acks_late` is not written on the task or its base class.

    ## Fix

    Write `acks_late=False`, so that the call is made at most once, or send an idempotency key that the other side
    honours. The choice is yours: with `acks_late=False` a lost worker loses the task.
    """

    code = "CLY303"
    see = ("faq#should-i-use-retry-or-acks-late", "tasks#Task.acks_late")
    message = (
        "acks_late=True runs {function!r} again after its worker is lost, which repeats {call}(); "
        "write acks_late=False{key}"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report late acknowledgement, at the option, for the first call that must not be repeated."""
        if task.effective("acks_late") is not True or _is_repeated(task.effective("autoretry_for")):
            return
        for call in _side_effects.outbound_calls(task):
            if self._counts(call) and not _side_effects.idempotent(task, call):
                name = cut_front(call.name, 40)
                key = " or send an Idempotency-Key" if call.kind == http_mail.HTTP else ""
                yield self.report(task.module, task.keyword("acks_late"), function=task.node.name, call=name, key=key)
                return

    def _counts(self, call: Outbound) -> bool:
        return call.kind != http_mail.HTTP or call.method in ("POST", "PATCH")


def _is_repeated(errors: Any) -> bool:
    """Return whether `autoretry_for` runs a task again for errors that its call may cause."""
    if not isinstance(errors, (tuple, list, set)):
        return errors is not MISSING
    return not all(isinstance(error, Target) and error.path.startswith(_DATABASES) for error in errors)
