from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog import ALWAYS
from flake8_celery_tasks.catalog.call_options import INTERVAL_KEYS
from flake8_celery_tasks.catalog.settings import OLD_TO_NEW, SETTINGS
from flake8_celery_tasks.catalog.task_options import (
    CALL_ONLY,
    EXTENSIONS,
    INTERNAL,
    OPTIONS,
    TASK_API,
    option_of_setting,
)
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.catalog import Version
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix

#: Names that other rules report (CLY504, CLY505).
_KNOWN = CALL_ONLY | INTERNAL | TASK_API | OPTIONS.keys()

#: Prefixes of settings that can't be task options.
_OF_AN_APP = ("beat_", "broker_", "result_", "task_", "worker_")


class UnknownTaskOption(Rule[Task]):
    """A task's definition has an option that Celery stores and never reads.

    ## What happens

    Celery turns every keyword of the decorator into an attribute of the task, whether or not it knows the name. Nothing
    is logged. The intended option keeps its default:

    ```pycon
    >>> from shop.tasks import fetch_rates
    >>> fetch_rates.max_retry
    9
    >>> fetch_rates.max_retries
    3
    ```

    Three other kinds of names have no effect either: a setting (`task_track_started`, `worker_prefetch_multiplier`), a
    key of the `retry_policy` of `apply_async` (`interval_start`), and an option of an extension without its task class
    (`once` of `QueueOnce`).

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retry=9)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", task_track_started=True)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), interval_start=1, interval_max=60)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", once={"graceful": True})
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery_once import QueueOnce

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=9)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", base=QueueOnce, once={"graceful": True})
    def fetch_prices(url):
        return download(url)
    ```

    ## Not reported when

    - the name does not resemble an option: it may be the project's own extension, and something may read it;
    - the option `celery-extra-task-options` lists the name, or the task's class has or reads an attribute of that name;
    - something in the file reads the name from a task, or with `getattr`;
    - the option belongs to an extension, and the task or the app has its own task class;
    - a decorator of the project that can't be resolved creates the task: it may read the option itself.

    ## Fix

    Write the name that the message suggests. The automatic fix renames misspelt options and names of settings. The
    option then takes effect, so make sure that this is right. List the names that your own task classes read in
    `celery-extra-task-options`.
    """

    code = "CLY501"
    see = ("tasks#list-of-options",)
    fixes = "unsafe"
    message = "Nothing reads the task option {name!r}, so it has no effect; did you mean {option!r}?"
    setting = "{name!r} is a setting: nothing reads it on a task; the option is called {option!r}"
    of_app = "{name!r} is a setting of the app: nothing reads it on a task; set {option} in the app's configuration"
    interval = "{name!r} belongs to the retry_policy of a call: nothing reads it on a task; see retry_backoff, {option}"
    extension = "Only {base} reads {name!r}, and task {function!r} is not one: it has no effect; write base={base}"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report options that are certainly never read, each at its keyword."""
        for name, node in task.stated():
            if name in _KNOWN:
                continue
            message, option = self._meant(task, name)
            if message and not task.is_own_option(name):
                yield self.report(
                    task.module,
                    node,
                    message,
                    name=name,
                    option=option,
                    base=EXTENSIONS.get(name, ("",))[0],
                    function=task.node.name,
                )

    def _meant(self, task: Task, name: str) -> tuple[str, str]:
        """Return the message for a name that Celery doesn't know, and the intended option; both may be empty."""
        if name in EXTENSIONS:
            return (self.extension if task.has_plain_base else "", "")
        if name in INTERVAL_KEYS:
            return self.interval, "retry_backoff_max" if name == "interval_max" else "default_retry_delay"
        option = option_of_setting(name)
        if option is not None:
            return self.setting, option
        if name in OLD_TO_NEW or (name in SETTINGS and name.startswith(_OF_AN_APP)):
            return self.of_app, OLD_TO_NEW.get(name, name)
        option = close_match(name, _options(version_of(task.project)))
        return (self.message, option) if option else ("", "")

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Rename the option to the intended one."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import RenameKeyword

        call = task.decorator
        for name, node in task.stated():
            if (
                isinstance(call, ast.Call)
                and isinstance(node, ast.keyword)
                and task.module.source.position(node) == violation[:2]
            ):
                message, option = self._meant(task, name)
                if message in (self.message, self.setting) and option and not task.states(option) and node.arg == name:
                    return Fix((RenameKeyword(call, node, option),), safe=False)
        return None


def _options(version: Version) -> Iterator[str]:
    """Yield the options that the name may be meant for."""
    for option in OPTIONS.values():
        if option.exists(version) and option.deprecated != ALWAYS and option.name[0].islower():
            yield option.name
