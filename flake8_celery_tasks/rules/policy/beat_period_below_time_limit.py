from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


class BeatPeriodBelowTimeLimit(Rule[BeatEntry]):
    """An entry of the beat schedule is due again before its task's time limit ends a run.

    ## What happens

    Beat does not wait for the last run to end. If a task may take five minutes and is due every minute, five runs can
    work on the same data at once, and slow each other down. Nothing is logged about it.

    ## Bad

    ```ini
    extend-select = CLY929
    ```

    ```python
    from celery import Celery

    app = Celery("shop")


    @app.task(name="shop_fetch_rates", time_limit=300)
    def fetch_rates():
        print("rates")


    app.conf.beat_schedule = {
        "rates": {"task": "shop_fetch_rates", "schedule": 60.0},
    }
    ```

    ## Good

    ```ini
    extend-select = CLY929
    ```

    ```python
    from celery import Celery

    app = Celery("shop")


    @app.task(name="shop_fetch_rates", time_limit=50)
    def fetch_rates():
        print("rates")


    app.conf.beat_schedule = {
        "rates": {"task": "shop_fetch_rates", "schedule": 60.0},
    }
    ```

    ## Not reported when

    - neither the entry, the task nor the project sets a limit, or one can't be resolved (the soft limit applies if it
      is lower);
    - the period can't be resolved, or depends on the sun (for a `crontab`, the shortest gap applies);
    - runs may exclude each other: the task's module mentions a lock, or its class has its own `__call__` or
      `apply_async`, or can't be resolved;
    - the module is a test or a migration.

    ## Fix

    Lower the limit below the period, lengthen the period, or take a lock in the task (`cache.add`, a Redis lock), so
    that a second run ends at once.
    """

    code = "CLY929"
    see = ("periodic#introduction", "workers#time-limits")
    message = (
        "{entry} is due every {period:g} s, but a run may take {limit:g} s: runs overlap; lower the limit, or lock"
    )
    quiet_in_tests = True

    def check(self, entry: BeatEntry) -> Iterator[Violation]:
        """Report a period that is shorter than the limit."""
        period = entry.period
        definitions = entry.definitions if period is not None and period > 0 else None
        if not definitions or period is None:
            return
        tasks = [Defined(entry.project, found) for found in definitions]
        limits = [_limit(entry, task) for task in tasks]
        if any(limit is None or period >= limit for limit in limits) or any(map(_may_lock, tasks)):
            return
        named = f"Beat entry {entry.name!r}" if isinstance(entry.name, str) else "This beat entry"
        limit = min(limit for limit in limits if limit is not None)
        yield self.report(entry.module, entry.given["schedule"].value, entry=named, period=period, limit=limit)


def _limit(entry: BeatEntry, task: Defined) -> float | None:
    """Return the seconds after which a run ends; None if there is no limit, or one can't be resolved."""
    found = []
    for option in ("time_limit", "soft_time_limit"):
        value = entry.option(option)
        if _is_left_out(value):
            value = task.effective(option)
        if _is_left_out(value):
            value = _setting(entry.project, f"task_{option}")
        if value is UNKNOWN or not isinstance(value, (int, float, type(None))):
            return None
        found.append(value)
    return min(filter(None, found), default=None)


def _is_left_out(value: Any) -> bool:
    """Return whether Celery uses the next limit: for none, and for zero."""
    return value is MISSING or value is None or value == 0


def _setting(project: Project, name: str) -> Any:
    """Return the lowest value of a setting; None if nothing sets it."""
    values = [value for value in setting_values(project, name) if value is not None]
    return min(values, default=None) if all(isinstance(value, (int, float)) for value in values) else UNKNOWN


def _may_lock(task: Defined) -> bool:
    """Return whether a second run of a task may end at once."""
    return _locks(task.project, task.module.place.path) or task.overrides("__call__", "apply_async") is not False


@query()
def _locks(project: Project, path: str) -> bool:
    """Return whether a file mentions a lock."""
    return b"lock" in (project.files.read(path) or b"").lower()
