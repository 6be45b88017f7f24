from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.catalog.crontab import BY_NAME, DAYS, FIELDS, MONTH_NAMES_SINCE, MONTHS, check
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.configured.schedules import Crontab
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.catalog.crontab import Reading
    from flake8_celery_tasks.core.violation import Violation


class CrontabMeansSomethingElse(Rule[Crontab]):
    """Celery accepts a `crontab`, but it does not mean what it seems to say.

    ## What happens

    Celery reads the beginning of each part of a field and ignores the rest. Of a whole cron line in the first argument
    it uses only the first field: `crontab("*/5 3 * * *")` runs every five minutes, all day long. It also ignores
    everything after a step (`"*/5/2"`). A step that is not smaller than its range leaves only the first value
    (`minute="*/90"` is every full hour). The name of a day or month becomes a number in any field.

    The order of the arguments is not cron's either: the third argument is the day of the week, followed by the day of
    the month and the month. `crontab("0", "0", "1", "*", "*")` runs every Monday, not on the first of the month.
    Nothing is logged.

    ```pycon
    >>> from celery.schedules import crontab
    >>> crontab("*/5 3 * * *").hour == set(range(24))
    True
    >>> crontab(minute="*/90").minute
    {0}
    >>> crontab("0", "0", "1", "*", "*").day_of_week
    {1}
    ```

    ## Bad

    ```python
    from celery.schedules import crontab

    AT_NIGHT = crontab("*/5 3 * * *")
    ```

    ```python
    from celery.schedules import crontab

    FIRST_OF_THE_MONTH = crontab("0", "0", "1", "*", "*")
    ```

    ```python
    from celery.schedules import crontab

    EVERY_90_MINUTES = crontab(minute="*/90")
    ```

    ## Good

    ```python
    from datetime import timedelta

    from celery.schedules import crontab

    AT_NIGHT = crontab(minute="*/5", hour=3)
    FIRST_OF_THE_MONTH = crontab(minute=0, hour=0, day_of_month=1)
    MONDAYS = crontab(minute=0, hour=0, day_of_week="mon")
    EVERY_90_MINUTES = timedelta(minutes=90)
    ```

    ## Not reported when

    - the value can't be resolved, or Celery refuses it: that is CLY802;
    - a step leaves a shorter gap at the end (`"*/7"`): cron does the same;
    - five positional arguments mean the same in both orders;
    - the module is a test: tests use such values on purpose.

    ## Fix

    Write each field as a keyword, and an interval that does not divide the hour or day as a `timedelta`. The task then
    runs at different times than before: the intended ones.
    """

    code = "CLY803"
    see = ("periodic#crontab-schedules", "schedules#celery.schedules.crontab")
    message = "crontab takes {kept!r} of {field}={value!r} and drops {dropped!r}; write only what is meant"
    line: Final = "crontab takes {kept!r} of the cron line {value!r} for {field} and drops the rest; use from_string"
    step: Final = (
        "The step in {field}={value!r} spans all {size} values: only the first is left; write it, or a timedelta"
    )
    stranger: Final = "{name!r} is not a {field}: crontab treats it as the number {number}; give it to {other}"
    order: Final = (
        "crontab's third position is day_of_week, not cron's day of the month: {value!r} is {day}; write day_of_month="
    )

    quiet_in_tests = True

    def check(self, crontab: Crontab) -> Iterator[Violation]:
        """Report each field that means something else, at the field."""
        arguments = {name: value for name, value in crontab.arguments.items() if name in BY_NAME}
        verdict = check(arguments, version_of(crontab.project))
        if verdict.refused:
            return
        for name, reading in verdict.readings.items():
            found = self._field(crontab, name, arguments[name], reading)
            if found is not None:
                yield found
        third = arguments.get("day_of_week")
        last = [arguments.get(field.name) for field in FIELDS[3:]]
        if crontab.positional == len(FIELDS) and str(third).isdecimal() and last == ["*", "*"]:
            number = int(str(third))
            if number > 0:  # there is no day 0 in a month
                day = _DAY_NAMES[number]
                yield self.report(crontab.module, crontab.place("day_of_week"), self.order, value=third, day=day)

    def _field(self, crontab: Crontab, name: str, value: Any, reading: Reading) -> Violation | None:
        place = crontab.place(name)
        if reading.cron_line:
            kept = str(value).split()[0]
            return self.report(crontab.module, place, self.line, field=name, value=value, kept=kept)
        if reading.ignored:
            kept = str(value).replace(reading.ignored[0], "", 1).strip()
            return self.report(crontab.module, place, field=name, value=value, kept=kept, dropped=reading.ignored[0])
        if reading.strangers:
            text = reading.strangers[0]
            number, other = _meaning(text, version_of(crontab.project))
            return self.report(crontab.module, place, self.stranger, name=text, field=name, number=number, other=other)
        if reading.long_steps:
            size = reading.long_steps[0].size
            return self.report(crontab.module, place, self.step, field=name, value=value, size=size)
        return None


_DAY_NAMES: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def _meaning(text: str, version: tuple[int, ...]) -> tuple[int, str]:
    """Return the number that a name means, and the field that the name belongs to."""
    key = text[:3].lower()
    if version >= MONTH_NAMES_SINCE and key in MONTHS:
        return MONTHS[key], "month_of_year"
    return DAYS[key], "day_of_week"
