from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.crontab import (
    BY_NAME,
    FIELDS,
    FROM_STRING_SINCE,
    IMPOSSIBLE_DATES_REFUSED_SINCE,
    check,
    is_cron_line,
    split_line,
)
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.core.text import literal
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.configured.schedules import Crontab
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Common wrong names of fields.
OTHER_NAMES: Final = {
    "day": "day_of_month",
    "days": "day_of_month",
    "dom": "day_of_month",
    "dow": "day_of_week",
    "month": "month_of_year",
    "months": "month_of_year",
    "moy": "month_of_year",
    "week_day": "day_of_week",
    "weekday": "day_of_week",
}


class InvalidCrontab(Rule[Crontab]):
    """A `crontab` has an argument that Celery refuses.

    ## What happens

    Celery parses the fields when the object is created, which is when the module is imported. With a number out of
    range, a `7` for Sunday, an unknown name or keyword, or a whole cron line in one argument, the import fails, and so
    do the worker and beat.

    ```text
    ValueError: Invalid crontab pattern.  Valid range is 0-6. '7' was found.
    TypeError: BaseSchedule.__init__() got an unexpected keyword argument 'minutes'
    ValueError: Invalid weekday literal '0 0 * * *'.
    ```

    Celery 5.7 and later also refuse a date that never comes, such as 31 February. In older versions, beat breaks when
    it computes the next run: `RuntimeError: unable to rollover`.

    ## Bad

    ```python
    from celery.schedules import crontab

    SUNDAYS = crontab(minute=0, hour=8, day_of_week=7)
    ```

    ```python
    from celery.schedules import crontab

    EVERY_FIVE_MINUTES = crontab(minutes="*/5")
    ```

    ```python
    from celery.schedules import crontab

    MIDNIGHT = crontab("0 0 * * *")
    ```

    ## Good

    ```python
    from celery.schedules import crontab

    SUNDAYS = crontab(minute=0, hour=8, day_of_week="sunday")
    EVERY_FIVE_MINUTES = crontab(minute="*/5")
    MIDNIGHT = crontab.from_string("0 0 * * *")
    ```

    ## Not reported when

    - the value can't be resolved;
    - a test expects the exception: `with pytest.raises(ValueError)`;
    - the Celery version that the project pins, or that `celery-target-version` names, accepts the value, such as names
      of months from 5.5 on.

    ## Fix

    Write a value that the field accepts: minute 0-59, hour 0-23, day_of_week 0-6 from Sunday or a name, day_of_month
    1-31, month_of_year 1-12 or (from Celery 5.5 on) a name. `crontab.from_string`, also from 5.5 on, accepts a whole
    cron line. Only you know which value is intended.
    """

    code = "CLY802"
    see = ("periodic#crontab-schedules", "schedules#celery.schedules.crontab")
    message = "crontab refuses {field}={value}: {reason}; the import fails with {error}{hint}"
    keyword: Final = "crontab has no parameter {field!r}: the import fails with TypeError{hint}"
    too_many: Final = "crontab takes five positions, {count} are given: the import fails with TypeError"
    never: Final = (
        "crontab: day_of_month {day} never comes in month_of_year {month}: {effect}; choose a date that exists"
    )
    line: Final = "crontab.from_string refuses {text!r}: a cron line has five fields with one space between"
    no_line: Final = "Celery {version} has no crontab.from_string: AttributeError; write the fields as keywords"

    def check(self, crontab: Crontab) -> Iterator[Violation]:
        """Report the first value that Celery refuses, at its place."""
        if is_expected_to_fail(crontab.site):
            return
        version = version_of(crontab.project)
        if crontab.from_line:
            if version < FROM_STRING_SINCE:
                text = ".".join(map(str, version))
                yield self.report(crontab.module, crontab.node.func, self.no_line, version=text)
                return
            if crontab.line is not None and split_line(crontab.line) is None:
                yield self.report(crontab.module, crontab.place(""), self.line, text=_short(crontab.line))
                return
        elif crontab.positional > len(FIELDS):
            place = (*crontab.node.args, *[crontab.node] * len(FIELDS))[len(FIELDS)]
            yield self.report(crontab.module, place, self.too_many, count=crontab.positional)
            return
        known = {name: value for name, value in crontab.arguments.items() if name in BY_NAME}
        unknown = [name for name in crontab.given if not crontab.from_line and name not in BY_NAME]
        verdict = check({**known, **dict.fromkeys(unknown)}, version)
        if verdict.impossible_date:
            yield self._impossible(crontab, version)
        elif verdict.field in BY_NAME:
            yield self._refused(crontab, verdict.field, verdict.refused, verdict.error)
        elif verdict.field:
            meant = OTHER_NAMES.get(verdict.field) or close_match(verdict.field, BY_NAME)
            hint = f"; did you mean {meant!r}?" if meant else ""
            yield self.report(
                crontab.module, crontab.place(verdict.field), self.keyword, field=verdict.field, hint=hint
            )

    def _refused(self, crontab: Crontab, field: str, reason: str, error: str) -> Violation:
        value = crontab.arguments[field]
        hint = ""
        if isinstance(value, str) and is_cron_line(value):
            reason, hint = "it is a whole cron line", "; use crontab.from_string or one argument per field"
        elif field == "day_of_week" and value in (7, "7"):
            hint = "; write 0 for Sunday"
        return self.report(
            crontab.module,
            crontab.place(field),
            field=field,
            value=_short(value),
            reason=_cut(reason),
            error=error,
            hint=hint,
        )

    def _impossible(self, crontab: Crontab, version: tuple[int, ...]) -> Violation:
        refused = version >= IMPOSSIBLE_DATES_REFUSED_SINCE
        return self.report(
            crontab.module,
            crontab.place("day_of_month"),
            self.never,
            day=_short(crontab.arguments.get("day_of_month")),
            month=_short(crontab.arguments.get("month_of_year")),
            effect="the import fails with ValueError" if refused else "beat breaks with RuntimeError",
        )


def _short(value: object) -> str:
    return _cut(literal(value))


def _cut(text: str) -> str:
    return cut(text, 40)
