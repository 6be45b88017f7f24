from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.apps import TaskClass
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_OPTION: Final = "autoretry_for"

_BROAD: Final = {"builtins.Exception": "Exception", "builtins.BaseException": "BaseException"}


class BroadAutoretry(Rule[Task | TaskClass]):
    """`autoretry_for` contains `Exception` or `BaseException`.

    ## What happens

    Every failure is retried, even failures that no retry can fix: a `TypeError` from a programming mistake, a
    `DoesNotExist`, the `SoftTimeLimitExceeded` of a run that took too long, a `Reject` that should discard the message.
    The work is repeated up to `max_retries` times. The error is recorded as a failure only when the last run has
    failed, after many minutes of

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

    ## Not reported when

    - `autoretry_for` can't be resolved, or is not a tuple (that is CLY214);
    - `max_retries=0` disables retries;
    - the option comes from a base class in the project: it is reported once, in that class;
    - the module is a test or a migration.

    ## Fix

    Name the exceptions that are temporary: those of the network, of locks, or of a database that restarts. The choice
    is yours.
    """

    code = "CLY908"
    see = ("tasks#automatic-retry-for-known-exceptions",)
    message = (
        "autoretry_for of task {function!r} contains {name}: programming errors are retried too; name the exceptions "
        "that a retry can fix"
    )
    of_base: Final = (
        "autoretry_for of {base} contains {name}: all its tasks retry programming errors too; name the exceptions "
        "that a retry can fix"
    )
    quiet_in_tests = True

    def check(self, fact: Task | TaskClass) -> Iterator[Violation]:
        """Report an option that contains a root exception class; for a base class, once, in the class."""
        if isinstance(fact, Task):
            if fact.states(_OPTION) and fact.effective("max_retries") != 0:
                name = _broadest(fact.effective(_OPTION))
                if name is not None:
                    yield self.report(fact.module, fact.keyword(_OPTION), function=fact.node.name, name=name)
            return
        place = fact.place(_OPTION)
        name = None if place is None else _broadest(fact.value(_OPTION))
        if place is not None and name is not None and fact.value("max_retries") != 0:
            yield self.report(fact.module, place, self.of_base, base=fact.node.name, name=name)


def _broadest(errors: object) -> str | None:
    """Return the root exception class among some exceptions; None if there is none."""
    paths = (
        {error.path for error in errors if isinstance(error, Target)} if isinstance(errors, (tuple, list, set)) else ()
    )
    return next((name for path, name in _BROAD.items() if path in paths), None)
