from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.policy import _bases
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_BROAD: Final = {"builtins.Exception": "Exception", "builtins.BaseException": "BaseException"}


class BroadAutoretry(Rule[Facts]):
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
    - it comes from a base class in the project: it is reported once, in that class;
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
    of_base: Final = (
        "autoretry_for of {base} holds {name}: all its tasks retry programming errors too; name the exceptions that a "
        "retry can cure"
    )
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report an option that holds a class above all others, at the option; of a base class once, in the class."""
        for task in facts.tasks:
            if task.states("autoretry_for") and task.effective("max_retries") != 0:
                name = _broadest(task.effective("autoretry_for"))
                if name is not None:
                    yield self.report(facts.module, task.keyword("autoretry_for"), function=task.node.name, name=name)
        for base in _bases.bases_with(facts, "autoretry_for"):
            name = _broadest(base.value)
            if name is not None and facts.project.class_attribute(base.target, "max_retries") != 0:
                yield self.report(facts.module, base.place, self.of_base, base=base.node.name, name=name)


def _broadest(errors: object) -> str | None:
    """Return the class above all others that some exceptions hold, None where they hold none."""
    paths = (
        {error.path for error in errors if isinstance(error, Target)} if isinstance(errors, (tuple, list, set)) else ()
    )
    return next((name for path, name in _BROAD.items() if path in paths), None)
