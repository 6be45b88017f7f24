from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_LIMIT: Final = re.compile(r"max_?retr|retr(y|ies)_(limit|max)", re.IGNORECASE)


class RetriesInCall(Rule[Invocation]):
    """`apply_async(retries=3)` says that the task was already retried three times.

    ## What happens

    `retries` is the counter that Celery sends with each retry. A call that sets it to 5 sends a message that looks like
    the fifth retry. With the default `max_retries=3`, the first failure is then the last, and the task is never
    retried:

    ```text
    Task shop_fetch_rates[...] received
    Task shop_fetch_rates[...] raised unexpected: ConnectionError('refused')
    ```

    `max_retries`, an option of the task, sets how often a task may be retried.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,))
    def fetch_rates(url):
        return download(url)


    def refresh(url):
        fetch_rates.apply_async((url,), retries=5)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5)
    def fetch_rates(url):
        return download(url)


    def refresh(url):
        fetch_rates.apply_async((url,))
    ```

    ## Not reported when

    - the value is 0, which is the default;
    - the value is passed on, as in `retries=self.request.retries`: the call then means the counter.

    ## Fix

    Drop it. Set `max_retries` on the task if the default of 3 is not what you want.
    """

    code = "CLY605"
    see = ("tasks#retrying", "tasks#Task.max_retries")
    message = (
        "retries={value} in {method}() says how many retries were made already and uses them up; "
        "set max_retries on the task"
    )

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a number, or an expression named like a limit."""
        keyword = call.keyword("retries") if call.method in TAKING_OPTIONS else None
        if keyword is None:
            return
        value = call.settled(keyword.value)
        text = unparsed(keyword.value)
        is_number = isinstance(value, (int, float)) and value > 0
        if is_number or (value is UNKNOWN and _LIMIT.search(text)):
            yield self.report(call.module, keyword, value=cut(text, 30, "..."), method=call.method)
