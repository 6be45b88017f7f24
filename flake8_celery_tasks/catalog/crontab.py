"""How `celery.schedules.crontab` treats its arguments, without using Celery.

`read` takes the value of one field, `check` a whole call. They accept and refuse what Celery of the given version does
when the object is created, with the same sets of values; `tests/catalog/test_crontab.py` verifies that. Source:
`schedules.py:crontab`, `crontab_parser`; `utils/time.py:weekday`, `yearmonth` (Celery 5.2 to 5.7).
"""

import itertools
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from . import NEWEST, Version


class Field(NamedTuple):
    """One field: its name, the smallest and the largest value, and which names it accepts (`day`, `month`, or none)."""

    name: str
    low: int
    high: int
    names: str = ""


FIELDS: tuple[Field, ...] = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day_of_week", 0, 6, "day"),
    Field("day_of_month", 1, 31),
    Field("month_of_year", 1, 12, "month"),
)
"""The fields in the order of `crontab`'s positional parameters, which is not cron's. Sunday is 0."""

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

CRON_ORDER: tuple[str, ...] = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
"""The fields in the order of a cron line, and of `crontab.from_string`."""

EXTRA_KEYWORDS = frozenset({"app", "nowfun"})
"""Keywords of `crontab` in addition to the fields; any other is a TypeError."""

DAYS: dict[str, int] = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
"""Names of days, by their first three letters in any case."""

MONTHS: dict[str, int] = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
"""Names of months, likewise; Celery checks these first."""

DAYS_IN_MONTH: tuple[int, ...] = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""By month; February as in a leap year."""

MONTH_NAMES_SINCE: Version = (5, 5)
FROM_STRING_SINCE: Version = (5, 5)
IMPOSSIBLE_DATES_REFUSED_SINCE: Version = (5, 7)
"""In older versions, beat fails with `RuntimeError: unable to rollover` when it computes the next run."""


class LongStep(NamedTuple):
    """A step at least as large as its range, so that only the first value is left."""

    step: int
    size: int
    """How many values the range has."""


class Reading(NamedTuple):
    """What Celery makes of the value of one field."""

    values: frozenset[Any] | None
    """The resulting values (ints, unless an iterable contained something else); None when refused."""
    refused: str = ""
    """The reason why it is refused; empty when accepted."""
    error: str = ""
    """The exception raised in that case: `ValueError`, `TypeError` or `ParseException`."""
    ignored: tuple[str, ...] = ()
    """Pieces of the text that Celery drops: anything after a step or a range, stripped of whitespace."""
    long_steps: tuple[LongStep, ...] = ()
    strangers: tuple[str, ...] = ()
    """Names of days outside `day_of_week`, and of months outside `month_of_year`."""
    cron_line: bool = False
    """Whether this one argument contains a whole cron line (five or six fields), accepted or refused."""


class Verdict(NamedTuple):
    """What Celery makes of a whole call."""

    readings: dict[str, Reading]
    """By field, for the given fields."""
    field: str = ""
    """The field or keyword that is refused first; empty if none is, or if the date never occurs."""
    refused: str = ""
    error: str = ""
    impossible_date: bool = False
    """Whether no day in `day_of_month` occurs in any month in `month_of_year`, refused or not."""


class _RefusedError(Exception):
    """Celery raises `error`, for `reason`."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error
        self.reason = reason


def read(name: str, value: object, version: Version = NEWEST) -> Reading:
    """Return what Celery `version` makes of `value` for the field `name`."""
    return _read(name, value, version)[0]


def check(arguments: Mapping[str, object], version: Version = NEWEST) -> Verdict:
    """Return what Celery `version` makes of `crontab(**arguments)`; a field that is not given is `"*"`."""
    readings: dict[str, Reading] = {}
    sets: dict[str, Iterable[Any]] = {field.name: range(field.low, field.high + 1) for field in FIELDS}
    for name in BY_NAME:
        if name in arguments:
            readings[name], sets[name] = _read(name, arguments[name], version)
    for name, reading in readings.items():
        if reading.refused:
            return Verdict(readings, name, reading.refused, reading.error)
    strict = version >= IMPOSSIBLE_DATES_REFUSED_SINCE
    try:
        occurs = any(day <= _days_in(month) for month in sets["month_of_year"] for day in sets["day_of_month"])
    except KeyError:
        # A month such as 1.5 passes the range check; only the lookup of its length fails.
        if strict:
            return Verdict(readings, "month_of_year", "a month is not a whole number", "KeyError")
        occurs = True
    if strict and not occurs:
        return Verdict(readings, "", "no such day occurs in these months", "ValueError", impossible_date=True)
    for name in arguments:
        if name not in BY_NAME and name not in EXTRA_KEYWORDS:
            return Verdict(readings, name, f"crontab has no parameter {name!r}", "TypeError", not occurs)
    return Verdict(readings, impossible_date=not occurs)


_DAY = 24 * 60


def shortest_gap(arguments: Mapping[str, object], version: Version = NEWEST) -> int | None:
    """Return the fewest seconds between two runs of `crontab(**arguments)`; None if refused, or over a day."""
    verdict = check(arguments, version)
    if verdict.refused:
        return None
    every = {field.name: frozenset(range(field.low, field.high + 1)) for field in FIELDS}
    sets = {**every, **{name: reading.values or frozenset() for name, reading in verdict.readings.items()}}
    times = sorted(60 * hour + minute for hour in sets["hour"] for minute in sets["minute"])
    if all(has_neighbours(name, sets[name]) for name in ("day_of_week", "day_of_month")):
        times += [_DAY + time for time in times[:1]]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    return 60 * min(gaps) if gaps else None


def has_neighbours(name: str, values: Collection[int]) -> bool:
    """Return whether two values of a field are consecutive, including the last and the first."""
    field = BY_NAME[name]
    return any((value + 1 if value < field.high else field.low) in values for value in values)


def split_line(text: str) -> dict[str, str] | None:
    """Return the arguments that `crontab.from_string(text)` makes of a cron line; None if it raises ValueError.

    It splits at single spaces, so two in a row make an empty field.
    """
    parts = text.split(" ")
    return dict(zip(CRON_ORDER, parts, strict=True)) if len(parts) == len(CRON_ORDER) else None


def is_cron_line(text: str) -> bool:
    """Return whether `text` contains five or six fields, as a cron line does; `"1, 2, 3, 4, 5"` does not."""
    parts = text.split()
    return len(parts) in (5, 6) and not any(part[0] == "," or part[-1] == "," for part in parts)


def _days_in(month: Any) -> int:
    for number in range(1, 13):
        if month == number:
            return DAYS_IN_MONTH[number]
    raise KeyError(month)


def _read(name: str, value: object, version: Version) -> tuple[Reading, Iterable[Any]]:
    reader = _Reader(BY_NAME[name], version)
    refusal = None
    found: set[Any] = set()
    try:
        found = reader.expand(value)
    except _RefusedError as error:
        refusal = error
    reading = Reading(
        frozenset(found) if refusal is None else None,
        refusal.reason if refusal else "",
        refusal.error if refusal else "",
        tuple(reader.ignored),
        tuple(reader.long_steps),
        tuple(reader.strangers),
        isinstance(value, str) and is_cron_line(value),
    )
    # Use the set itself: the order in which Celery iterates over it can matter.
    return reading, found


class _Reader:
    """The grammar: parts joined by commas, each a number, a name, a range or `*`, the last two with an optional step.

    Celery matches each form only at the start of a part, and ignores the rest.
    """

    def __init__(self, field: Field, version: Version) -> None:
        self.field = field
        self.month_names = version >= MONTH_NAMES_SINCE
        self.ignored: list[str] = []
        self.long_steps: list[LongStep] = []
        self.strangers: list[str] = []

    def expand(self, value: object) -> set[Any]:
        if isinstance(value, str):
            found: set[Any] = set()
            for part in value.split(","):
                found.update(self.part(part))
            return found
        if isinstance(value, int):
            found = {int(value)}
        elif isinstance(value, set):
            found = value
        elif isinstance(value, Iterable):
            try:
                found = set(value)
            except TypeError:
                raise _RefusedError("TypeError", "it holds something that has no hash") from None
        else:
            raise _RefusedError("TypeError", f"a field is a number, a string or an iterable, not {value!r}")
        # The order of strings in a set differs from run to run.
        for number in sorted(found) if all(isinstance(item, str) for item in found) else found:
            self.in_range(number)
        return found

    def part(self, part: str) -> list[int]:
        if not part:
            raise _RefusedError("ParseException", "there is an empty part")
        if part.startswith("*/"):
            return self.step(self.all(), part, 2)
        if part in ("*", "*\n"):  # `$` also matches before a trailing line feed
            return self.all()
        dash = _word_end(part, 0)
        end = _word_end(part, dash + 1)
        if dash and part.startswith("-", dash) and end > dash + 1:
            first, last = part[:dash], part[dash + 1 : end]
            if not part.startswith("/", end):
                self.ignore(part[end:])
                return self.range(first, last)
            if _word_end(part, end + 1) == end + 1:
                # Celery checks the step first, and the range only if there is one.
                raise _RefusedError("ParseException", "the step is empty")
            return self.step(self.range(first, last), part, end + 1)
        return [self.number(part)]

    def all(self) -> list[int]:
        return list(range(self.field.low, self.field.high + 1))

    def range(self, first: str, last: str) -> list[int]:
        begin, end = self.number(first), self.number(last)
        if end < begin:  # wraps around: 22-2
            return [*range(begin, self.field.high + 1), *range(self.field.low, end + 1)]
        return list(range(begin, end + 1))

    def step(self, numbers: list[int], part: str, begin: int) -> list[int]:
        end = _word_end(part, begin)
        text = part[begin:end]
        if not text:
            raise _RefusedError("ParseException", "the step is empty")
        try:
            step = int(text)
        except ValueError:
            raise _RefusedError("ValueError", f"the step {text!r} is not a number") from None
        if not step:
            raise _RefusedError("ValueError", "the step is zero")
        self.ignore(part[end:])
        if step > 1 and step >= len(numbers):
            self.long_steps.append(LongStep(step, len(numbers)))
        return numbers[::step]

    def number(self, text: str) -> int:
        if text[0] == "-":
            raise _RefusedError("ParseException", f"{text!r} is negative")
        try:
            number = int(text)
        except ValueError:
            number = self.named(text)
        self.in_range(number)
        return number

    def named(self, text: str) -> int:
        key = text[:3].lower()
        kind, number = "day", DAYS.get(key)
        if self.month_names and key in MONTHS:
            kind, number = "month", MONTHS[key]
        if number is None:
            raise _RefusedError("ValueError", f"{text!r} is neither a number nor a name that Celery knows")
        if kind != self.field.names:
            self.strangers.append(text)
        return number

    def in_range(self, number: Any) -> None:
        field = self.field
        try:
            inside = not (number >= field.high + 1 or number < field.low)
        except (TypeError, ArithmeticError) as error:  # the latter from decimal.Decimal("NaN")
            raise _RefusedError(type(error).__name__, f"{number!r} is not a number") from None
        if not inside:
            raise _RefusedError("ValueError", f"{number!r} is not in {field.low}-{field.high}")

    def ignore(self, text: str) -> None:
        if text := text.strip():
            self.ignored.append(text)


def _word_end(text: str, begin: int) -> int:
    """Return where the run of word characters (in the regular expression sense) that starts at `begin` ends."""
    end = begin
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return end
