from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_BROAD: Final = {"builtins.Exception": "Exception", "builtins.BaseException": "BaseException"}


class BroadAutoretry(Rule[Task]):
    """`autoretry_for` holds `Exception` or `BaseException`.

    ## What happens

    Every failure is retried, even those that no retry can cure: a `TypeError` from a programming mistake, a
    `DoesNotExist`, the `SoftTimeLimitExceeded` of a run that took too long, a `Reject` that wants the message gone. The
    work is done again up to `max_retries` times, and only when the last run has failed is the error recorded as a
    failure, after many minutes of

    ```text
    Task shop_fetch_rates[...] retry: Retry in 180s: TypeError('can only concatenate str (not "NoneType") to str')
    ```

    ## Bad

    ```ini
    extend-select = CLY908
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(Exception,), max_retries=5)
    def fetch_rates(url):
        return "rates: " + download(url)
    ```

    ## Good

    ```ini
    extend-select = CLY908
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError, TimeoutError), max_retries=5)
    def fetch_rates(url):
        return "rates: " + download(url)
    ```

    ## Silent when

    - `autoretry_for` can't be read, or is not a tuple (that is CLY214);
    - `max_retries=0` switches the retries off;
    - the module is a test or a migration.

    ## Fix

    Name the exceptions that go away by themselves: those of the network, of locks, of a database that restarts. The
    choice is yours.
    """

    code = "CLY908"
    see = ("tasks#automatic-retry-for-known-exceptions",)
    message = (
        "autoretry_for of task {function!r} holds {name}: programming errors are retried too; name the exceptions that "
        "a retry can cure"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report an option that holds a class above all others, at the option."""
        errors = task.effective("autoretry_for")
        if not isinstance(errors, (tuple, list, set)) or task.effective("max_retries") == 0:
            return
        paths = {error.path for error in errors if isinstance(error, Target)}
        for path, name in _BROAD.items():
            if path in paths:
                yield self.report(task.module, task.keyword("autoretry_for"), function=task.node.name, name=name)
                return
