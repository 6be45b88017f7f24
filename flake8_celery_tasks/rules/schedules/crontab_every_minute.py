from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.crontab import read
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.configured.schedules import Crontab
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.core.violation import Violation

DAYS: Final = ("day_of_week", "day_of_month", "month_of_year")


class CrontabEveryMinute(Rule[Crontab]):
    """A `crontab` names an hour or a day, but no minute.

    ## What happens

    A missing field always matches. `crontab(hour=3)` does not run at three o'clock: it runs at 3:00, 3:01, 3:02 and so
    on, 60 times. `crontab(day_of_month=1)` runs 1440 times on the first of the month, and
    `crontab(minute=0, day_of_month=1)` runs every hour of that day. Beat does not warn. It sends the task too often:

    ```text
    Scheduler: Sending due task clean-up (shop.tasks.clean_up)
    Scheduler: Sending due task clean-up (shop.tasks.clean_up)
    Scheduler: Sending due task clean-up (shop.tasks.clean_up)
    ```

    Celery's user guide describes `crontab(day_of_week='sunday')` as "Execute every minute (!) at Sundays".

    ## Bad

    ```python
    from celery.schedules import crontab

    NIGHTLY = crontab(hour=3)
    ```

    ```python
    from celery.schedules import crontab

    MONTHLY = crontab(minute=0, day_of_month=1)
    ```

    ## Good

    ```python
    from celery.schedules import crontab

    NIGHTLY = crontab(minute=0, hour=3)
    MONTHLY = crontab(minute=0, hour=0, day_of_month=1)
    THE_WHOLE_HOUR = crontab(minute="*", hour=3)
    ON_WEEKDAYS = crontab(minute="*/15", day_of_week="mon-fri")
    ```

    ## Not reported when

    - the minute (or, with a day, the hour) is written out as `"*"`: that is deliberate;
    - the hour is missing next to a step of minutes (`minute="*/15"`), a minute that can't be resolved, or several days
      of the week (`day_of_week="mon-fri"`): that may mean every quarter of an hour, or every hour, on these days;
    - there are no arguments at all: `crontab()` means every minute, as documented;
    - a `*` or `**` that can't be resolved may contain the field.

    ## Fix

    Add the missing field: `minute=0`, and `hour=0` for a day. The task then runs less often.
    """

    code = "CLY801"
    see = ("periodic#crontab-schedules",)
    message = "{call} has no minute: it runs every minute {when}; add minute=0, or minute='*' if that is meant"
    every_hour: Final = "{call} has no hour: it runs every hour of the day; add hour=0, or hour='*' if that is meant"

    def check(self, crontab: Crontab) -> Iterator[Violation]:
        """Report a missing minute next to an hour or a day, and a missing hour next to a day, at the call."""
        given = crontab.given
        if crontab.from_line or not crontab.complete:
            return
        days = [name for name in DAYS if name in given and crontab.arguments.get(name) != "*"]
        if "minute" not in given:
            if "hour" in given:
                yield self.report(crontab.module, crontab.node, call=crontab.text, when="of the hour")
            elif days:
                yield self.report(crontab.module, crontab.node, call=crontab.text, when="of the day")
        elif days and "hour" not in given and self._is_for_one_hour(crontab, days):
            yield self.report(crontab.module, crontab.node, self.every_hour, call=crontab.text)

    def _is_for_one_hour(self, crontab: Crontab, days: Sequence[str]) -> bool:
        """Return whether a schedule without an hour seems to mean one time on certain days.

        "Each quarter of an hour" and "each hour on weekdays" need no hour.
        """
        minute = crontab.arguments.get("minute", "*")
        if isinstance(minute, str) and ("*" in minute or "/" in minute):
            return False
        if len(days) > 1 or days[0] != "day_of_week":
            return True
        week = read("day_of_week", crontab.arguments.get("day_of_week"), version_of(crontab.project))
        return week.values is not None and len(week.values) == 1
