from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.calls import trys_around
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules import _side_effects
from flake8_celery_tasks.rules._messages import cut_front
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.frameworks.http_mail import Outbound


class ExternalCallWithoutRetry(Rule[Task]):
    """A task makes a request or sends an email, and is not retried when that fails.

    ## What happens

    Networks fail for seconds at a time. Without a retry policy, the library's exception ends the task. Its work is not
    done, and the log mentions it only once:

    ```text
    Task shop_fetch_rates[...] raised unexpected: ConnectionError('refused')
    ```

    The rule checks requests of any method through `requests`, `httpx`, `aiohttp` and `urllib3`, also on their sessions;
    Django's `send_mail`, `send_mass_mail`, `mail_admins`, `mail_managers`, `EmailMessage(...).send()` and
    `get_connection().send_messages()`; emails sent through `smtplib`; and every call that the option
    `celery-at-most-once-calls` names.

    ## Bad

    ```ini
    extend-select = CLY920
    ```

    ```python
    import requests
    from celery import shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        return requests.get(url, timeout=10).json()
    ```

    ## Good

    ```ini
    extend-select = CLY920
    ```

    ```python
    import requests
    from celery import shared_task


    @shared_task(
        name="shop_fetch_rates",
        autoretry_for=(requests.RequestException,),
        max_retries=5,
        retry_backoff=True,
    )
    def fetch_rates(url):
        return requests.get(url, timeout=10).json()


    @shared_task(name="shop_charge", acks_late=False)
    def charge(url, cents):
        requests.post(url, json={"cents": cents}, timeout=10)
    ```

    ## Not reported when

    - the task has any retry option, including `max_retries=0`, or calls `retry`, or passes itself to a helper, which
      may retry it;
    - `acks_late=False` is given: a second run would do harm;
    - the call is in a `try` whose handler does not raise, or has `fail_silently=True`: the failure is handled;
    - the task's base class can't be resolved, or a decorator that can't be resolved is below the task decorator: it may
      retry;
    - the call is in a function that the task calls: only the task's own body is checked;
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `autoretry_for=(...)` with the library's exceptions. If a second call would do harm, write `acks_late=False`
    instead. The choice is yours.
    """

    code = "CLY920"
    see = ("tasks#automatic-retry-for-known-exceptions",)
    message = (
        "When {call}() fails, task {function!r} is not run again: write autoretry_for=(...), or acks_late=False if it "
        "must not be"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task for its first call outside the process, at the task's decorator or class."""
        if task.is_opaque:
            return
        call = next((call for call in _side_effects.outbound_calls(task) if not _is_handled(task, call)), None)
        if call is None or task.effective("acks_late") is False or _decisions.has_retry_policy(task):
            return
        if not task.is_registered:
            return
        name = cut_front(call.name, 32)
        yield self.report_definition(task, call=name, function=task.node.name)


def _is_handled(task: Task, call: Outbound) -> bool:
    """Return whether the task itself handles the failure of a call."""
    if any(keyword.arg == "fail_silently" for keyword in call.node.keywords):
        return True
    return any(
        part == "body" and any(not isinstance(handler.body[-1], ast.Raise) for handler in node.handlers)
        for node, part in trys_around(call.site, task.function)
    )
