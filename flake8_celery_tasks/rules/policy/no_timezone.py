from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.configuration import is_unset
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import AppMade
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Schedules that follow a clock.
_CLOCKS: Final = (b"celery.schedules",)
_CLOCK: Final = "crontab"


class NoTimezone(Rule[AppMade]):
    """The project has crontabs, but no setting for their time zone.

    ## What happens

    Celery's `timezone` is UTC unless it is set; in a Django project it is Django's `TIME_ZONE`. Then
    `crontab(minute=0, hour=9)` means nine o'clock in UTC, which is a different local hour during summer time. Nothing
    is logged.

    ```pycon
    >>> from shop.celery import app
    >>> app.timezone
    datetime.timezone.utc
    ```

    ## Bad

    ```ini
    extend-select = CLY933
    ```

    ```python title="shop/celery.py"
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop")
    app.conf.beat_schedule = {
        "report": {"task": "shop.report", "schedule": crontab(minute=0, hour=9)},
    }


    @app.task(name="shop.report")
    def report():
        print("report")
    ```

    ## Good

    ```ini
    extend-select = CLY933
    ```

    ```python title="shop/celery.py"
    from celery import Celery
    from celery.schedules import crontab

    app = Celery("shop")
    app.conf.timezone = "Europe/Vienna"
    app.conf.beat_schedule = {
        "report": {"task": "shop.report", "schedule": crontab(minute=0, hour=9)},
    }


    @app.task(name="shop.report")
    def report():
        print("report")
    ```

    ## Not reported when

    - the project sets `timezone`, even to UTC, or Django's `TIME_ZONE`;
    - nothing outside tests uses `crontab`, or only with minutes (`crontab(minute="*/5")`): intervals are the same
      everywhere;
    - something that configures the project can't be resolved, so it may set the zone;
    - the module is a test or a migration.

    ## Fix

    Set `timezone` to the zone that the schedule is meant for, or to `"UTC"`. Entries may then run at a different hour.
    """

    code = "CLY933"
    see = ("periodic#time-zones",)
    message = "In which time zone are the crontabs? Nothing sets timezone, so they are in UTC: write the zone, or 'UTC'"
    quiet_in_tests = True

    def check(self, made: AppMade) -> Iterator[Violation]:
        """Report an app whose crontabs have no time zone."""
        if _has_clock(made.project) and is_unset(made.project, "timezone") and not _has_django_zone(made.project):
            yield self.report(made.module, made.node)


@query()
def _has_clock(project: Project) -> bool:
    layout = project.layout
    return any(
        _CLOCK.encode() in (project.files.read(path) or b"")
        and not layout.is_test(layout.place(path))
        and _names_hours(project, path)
        for path in project.files.holding(*_CLOCKS)
    )


def _names_hours(project: Project, path: str) -> bool:
    """Return whether a file has crontabs that name more than minutes, or uses them in another way than by a call."""
    module = project.module(path)
    calls = [] if module is None else module.calls_of(_CLOCK)
    return not calls or any(
        len(call.args) > 1 or any(keyword.arg != "minute" for keyword in call.keywords) for call, _ in calls
    )


@query()
def _has_django_zone(project: Project) -> bool:
    """Return whether the settings of a Django project may have a time zone, whether or not they mention Celery."""
    layout = project.layout
    return any(
        b"TIME_ZONE" in (project.files.read(path) or b"") and not layout.is_test(layout.place(path))
        for path in layout.files()
    )
