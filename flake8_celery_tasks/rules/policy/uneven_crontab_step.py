from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.crontab import BY_NAME, check, has_neighbours
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.configured.schedules import Crontab
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flake8_celery_tasks.catalog.crontab import Reading
    from flake8_celery_tasks.core.violation import Violation

#: A step over all values of a field.
_STEP: Final = re.compile(r"(?:\*|(\d+)-(\d+))/(\d+)")

#: The fields that must have consecutive values for a field's last gap to occur.
_ABOVE: Final = {
    "minute": ("hour",),
    "hour": ("day_of_week", "day_of_month"),
    "day_of_week": (),
    "day_of_month": ("month_of_year",),
    "month_of_year": (),
}


class UnevenCrontabStep(Rule[Crontab]):
    """A step in a `crontab` does not divide its range, so one gap is shorter than the others.

    ## What happens

    As in cron, a step starts again at the beginning of its field each time. `minute="*/45"` runs on the hour, at 45
    minutes past, and then on the hour again: gaps of 45 and 15 minutes. `hour="*/5"` waits five hours four times, and
    then four. Nothing is logged.

    ```pycon
    >>> from celery.schedules import crontab
    >>> sorted(crontab(minute="*/45").minute)
    [0, 45]
    >>> sorted(crontab(minute=0, hour="*/5").hour)
    [0, 5, 10, 15, 20]
    ```

    ## Bad

    ```ini
    extend-select = CLY925
    ```

    ```python
    from celery.schedules import crontab

    EVERY_45_MINUTES = crontab(minute="*/45")
    ```

    ```python
    from celery.schedules import crontab

    EVERY_FIVE_HOURS = crontab(minute=0, hour="*/5")
    ```

    ## Good

    ```ini
    extend-select = CLY925
    ```

    ```python
    from datetime import timedelta

    from celery.schedules import crontab

    EVERY_45_MINUTES = timedelta(minutes=45)
    EVERY_QUARTER = crontab(minute="*/15")
    EVERY_SIX_HOURS = crontab(minute=0, hour="*/6")
    BOTH_TIMES = crontab(minute="0,45")
    TWICE_AT_NIGHT = crontab(minute="*/45", hour=3)
    ```

    ## Not reported when

    - the step divides its range, or the values are written out;
    - the last gap never occurs, because `crontab(minute="*/45", hour=3)` runs in one hour only, or `hour="*/5"` on
      Mondays only;
    - the step covers a part of the range (`8-18/3`), or is not smaller than its range (CLY803);
    - a field that matters can't be resolved, or Celery refuses the crontab (CLY802);
    - the module is a test or a migration.

    ## Fix

    If you mean an interval, write a `timedelta` or a step that divides the range. If you mean the values, write them
    out. A `timedelta` counts from the last run, not from the full hour.
    """

    code = "CLY925"
    see = ("periodic#crontab-schedules", "schedules#celery.schedules.crontab")
    message = "{field}={value!r} runs at {shown}, then at {first} again: a gap of {last} and not {step}; {advice}"
    quiet_in_tests = True

    def check(self, crontab: Crontab) -> Iterator[Violation]:
        """Report each field with such a step, at the field."""
        arguments = {name: value for name, value in crontab.arguments.items() if name in BY_NAME}
        verdict = check(arguments, version_of(crontab.project))
        if verdict.refused or not crontab.complete:
            return
        for name, reading in verdict.readings.items():
            value = arguments[name]
            step = _uneven(name, value)
            if step is None or reading.long_steps or not _is_seen(crontab, name, verdict.readings):
                continue
            values = sorted(reading.values or ())
            yield self.report(
                crontab.module,
                crontab.place(name),
                field=name,
                value=value,
                shown=_shown(values),
                first=values[0],
                last=BY_NAME[name].high + 1 - values[-1] + values[0] - BY_NAME[name].low,
                step=step,
                advice="write a timedelta, or the values" if name in ("minute", "hour") else "write the values",
            )


def _shown(values: list[int]) -> str:
    texts = [str(value) for value in values]
    return ", ".join(texts if len(texts) <= 5 else [*texts[:2], "...", texts[-1]])


def _uneven(name: str, value: object) -> int | None:
    """Return the step of a field that covers all its values and does not divide their number."""
    found = _STEP.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    field = BY_NAME[name]
    low, high, step = (found[1] or field.low), (found[2] or field.high), int(found[3])
    size = field.high + 1 - field.low
    return step if (int(low), int(high)) == (field.low, field.high) and size % step else None


def _is_seen(crontab: Crontab, name: str, readings: Mapping[str, Reading]) -> bool:
    """Return whether the first value of the next period ever follows the last value of a field."""
    for other in _ABOVE[name]:
        if other in readings:
            if not has_neighbours(other, readings[other].values or ()):
                return False
        elif other in crontab.given:
            return False  # it can't be resolved
    return True
