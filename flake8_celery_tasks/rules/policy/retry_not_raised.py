from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.calls import TaskCall
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetryNotRaised(Rule[TaskCall]):
    """`self.retry()` is a statement without `raise`.

    ## What happens

    Nothing is wrong at run time, and nothing is logged: `retry` itself raises, and the line below never runs. But
    neither people nor tools can see that. A reader thinks that the rest of the function runs, a type checker demands a
    return value, and a linter does not report the dead code after it. Celery's user guide writes
    `raise self.retry(...)` "to be clear that the code after it won't be executed".

    ## Bad

    ```ini
    extend-select = CLY915
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            self.retry(exc=exc)
    ```

    ## Good

    ```ini
    extend-select = CLY915
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)
    ```

    ## Not reported when

    - `throw=False` is given, or a value for `throw` that can't be resolved: `retry` may not raise;
    - the value of the call is used: `return self.retry(...)`;
    - the module is a test or a migration.

    ## Fix

    Write `raise` before it. Nothing changes at run time.
    """

    code = "CLY915"
    see = ("tasks#retrying",)
    message = "{call}() raises, so nothing below it runs: write raise {call}(...) to show that"
    quiet_in_tests = True

    def check(self, call: TaskCall) -> Iterator[Violation]:
        """Report a retry that is a whole statement."""
        if call.method == "retry" and id(call.node) in call.module.candidates.statements:
            throw = call.argument("throw")
            if throw is MISSING or throw is True:
                yield self.report(call.module, call.node, call=unparsed(call.node.func))
