import datetime
import decimal
import fractions
import itertools
import random
import string

import pytest
from celery.schedules import crontab, crontab_parser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.catalog import NEWEST
from flake8_celery_tasks.catalog import crontab as catalog
from flake8_celery_tasks.catalog.crontab import LongStep, check, read, shortest_gap

from .installed import VERSION, parameters

NAMES = list(catalog.BY_NAME)
DAYS = ["sun", "Mon", "tuesday", "WED", "thu", "fr", "fri", "saturn", "monkey"]
MONTHS = ["jan", "Feb", "march", "APR", "may", "june", "jul", "aug", "sep", "sept", "oct", "nov", "december"]
ODD = [
    "L",
    "?",
    "#",
    "W",
    "@daily",
    "x",
    "mo",
    "_",
    "5_0",
    "+5",
    " 5",
    "5 ",
    "-5",
    "٣",
    "²",
    "½",
    "0x1",
    "1e1",
    "\uff11\uff12",
]
BITS = [*DAYS, *MONTHS, *ODD, "0 3 * * *", "* * * *", "*", "/", "-", ",", " ", "\n", "\t", "\xa0", "\x00", "", "5.0"]


# --- against Celery ---------------------------------------------------------------------------------------------------


def by_celery(name, value):
    """The set of values, or the name of the exception."""
    field = catalog.BY_NAME[name]
    try:
        return crontab._expand_cronspec(value, field.high - field.low + 1, field.low)
    except Exception as error:  # whatever it is, the catalogue must name it
        return type(error).__name__


def by_catalogue(name, value):
    reading = read(name, value, VERSION)
    assert (reading.values is None) == bool(reading.refused) == bool(reading.error)
    return reading.error if reading.refused else set(reading.values)


def same(name, value):
    expected = by_celery(name, value)
    assert by_catalogue(name, value) == expected, (name, value)
    return isinstance(expected, set)


number = st.one_of(st.integers(0, 7), st.integers(-1, 70), st.integers(0, 6), st.sampled_from([12, 23, 31, 59])).map(
    str
)
word = st.one_of(number, number, number, st.sampled_from([*DAYS, *MONTHS]), st.sampled_from(ODD))
span = st.one_of(
    word,
    st.just("*"),
    st.tuples(number, number).map("-".join),
    st.tuples(word, word).map("-".join),
)
junk = st.sampled_from(["", "", "", "", "", " ", "\n", "/2", "-9", "x", " * * * *", "/", "\xa0", "#2"])
part = st.one_of(
    span,
    st.tuples(span, number).map("/".join),
    st.tuples(span, word).map("/".join),
    st.tuples(span, st.just("/"), word, junk).map("".join),
    st.tuples(span, junk).map("".join),
)
line = st.lists(part, min_size=1, max_size=3).map(",".join)
noise = st.text(alphabet="0123456789*/-,_+ \n\tabdefjmnorstuwMON\xa0٣²½\u017fİK", max_size=10)


@st.composite
def mutated(draw):
    text = draw(line)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.sampled_from(BITS)) + text[at + draw(st.integers(0, 2)) :]
    return text


atom = st.one_of(
    st.integers(-2, 70),
    st.integers(0, 6),
    st.booleans(),
    st.floats(-1, 62),
    st.sampled_from(
        [None, "1", float("nan"), float("inf"), decimal.Decimal(3), decimal.Decimal("NaN"), 1j, (1,), b"1"]
    ),
    st.sampled_from([fractions.Fraction(3, 2), datetime.timedelta(1)]),
)
iterable = st.one_of(
    st.lists(st.integers(1, 6), max_size=4),
    st.lists(st.integers(-1, 60), max_size=4).map(tuple),
    st.sets(st.integers(0, 12), max_size=4),
    st.frozensets(st.integers(0, 12), max_size=4),
    st.lists(atom, max_size=3),
    st.lists(atom, max_size=3).map(tuple),
    st.dictionaries(st.integers(0, 7), st.none(), max_size=2),
    st.builds(range, st.integers(-1, 8), st.integers(0, 61)),
    st.binary(max_size=2),
    st.just([[1]]),
)
value = st.one_of(line, line, mutated(), noise, atom, iterable)
thorough = settings(max_examples=2500, deadline=None, database=None, derandomize=True)


@thorough
@given(st.sampled_from(NAMES), value)
@example("minute", "*\n")
@example("minute", "*/5\n")
@example("minute", "1-5\n")
@example("month_of_year", "K")
@example("minute", "1-9" + "9" * 5000)
@example("minute", "*/1" + "0" * 60)
def test_a_field_is_what_celery_makes_of_it(name, given):
    same(name, given)


DATE = {
    "day_of_month": st.one_of(
        st.sampled_from(["29", "30", "31", 30, 31, [30, 31], "*/31", "1,31", [], [1.5], [29.5]]), value
    ),
    "month_of_year": st.one_of(st.sampled_from(["2", 2, "feb", "4,6", [2], [], [1.5], [2, 1.5], [True], "*/2"]), value),
}


def call_by_celery(arguments):
    try:
        made = crontab(**arguments)
    except Exception as error:  # whatever it is, the catalogue must name it
        return type(error).__name__
    return {name: getattr(made, name) for name in NAMES}


def call_by_catalogue(arguments):
    verdict = check(arguments, VERSION)
    if verdict.refused:
        return verdict.error
    whole = {field.name: set(range(field.low, field.high + 1)) for field in catalog.FIELDS}
    return whole | {name: set(reading.values) for name, reading in verdict.readings.items()}


@settings(thorough, max_examples=1500)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            **DATE,
            "minute": value,
            "hour": line,
            "day_of_week": line,
            "nowfun": st.none(),
            "app": st.none(),
            "day": st.just(1),
        },
    )
)
@example({})
@example({"minute": 0, "timezone": None})
@example({"day_of_month": 31, "month_of_year": 2, "nowfun": None})
def test_a_call_is_what_celery_makes_of_it(arguments):
    expected = call_by_celery(arguments)
    found = call_by_catalogue(arguments)
    if isinstance(expected, str):
        # With two mistakes, either may be named.
        assert isinstance(found, str)
        if sum(bool(read(name, arguments[name], VERSION).refused) for name in NAMES if name in arguments) < 2:
            assert found == expected or arguments.keys() - set(NAMES)
    else:
        assert found == expected


@settings(thorough, max_examples=1000)
@given(st.fixed_dictionaries({}, optional=DATE))
def test_dates_are_what_celery_makes_of_them(arguments):
    expected = call_by_celery(arguments)
    found = call_by_catalogue(arguments)
    assert isinstance(found, str) == isinstance(expected, str)
    if isinstance(expected, dict):
        assert found == expected


def test_random_text_is_what_celery_makes_of_it():
    source = random.Random(5)
    letters = string.digits * 3 + "**//--,,,  _+\n" + "aebfrjmnuyosctdpvlghwi"
    accepted = 0
    for _ in range(40_000):
        text = "".join(source.choices(letters, k=source.randint(0, 8)))
        accepted += same(source.choice(NAMES), text)
    assert accepted > 1_000


def test_every_range_and_step():
    for name in ("day_of_week", "month_of_year"):
        high = catalog.BY_NAME[name].high
        for first in range(high + 2):
            same(name, str(first))
            same(name, f"*/{first}")
            for last in range(high + 2):
                same(name, f"{first}-{last}")
                for step in range(0, high + 2, 2):
                    same(name, f"{first}-{last}/{step}")


@settings(thorough, max_examples=800)
@given(st.sampled_from(NAMES), part)
def test_what_is_ignored_can_go(name, text):
    reading = read(name, text, VERSION)
    if reading.ignored:
        rest = text[: text.rindex(reading.ignored[0])]
        again = read(name, rest, VERSION)
        assert again.ignored == ()
        if reading.values is not None:
            assert by_celery(name, rest) == reading.values


@settings(thorough, max_examples=800)
@given(st.sampled_from(NAMES), part)
def test_a_long_step_leaves_one_value(name, text):
    reading = read(name, text, VERSION)
    if reading.long_steps:
        assert len(by_celery(name, text)) == 1


def test_fields_are_the_parameters_of_crontab():
    assert [field.name for field in catalog.FIELDS] == parameters(crontab.__init__)
    assert set(catalog.CRON_ORDER) == set(NAMES)
    for field in catalog.FIELDS:
        assert crontab_parser(field.high - field.low + 1, field.low).parse("*") == set(range(field.low, field.high + 1))


@pytest.mark.skipif(VERSION < catalog.FROM_STRING_SINCE, reason="no from_string")
@pytest.mark.parametrize(
    "text", ["0 4 1 6 *", "*/5 * * * mon", "0 0 1 1", "0  0 1 1 *", "", " ", "0 0 1 1 * *", "a b c d e"]
)
def test_a_line_is_what_from_string_makes_of_it(text):
    arguments = catalog.split_line(text)
    try:
        made = crontab.from_string(text)
    except Exception:
        assert arguments is None or check(arguments, VERSION).refused
    else:
        assert call_by_catalogue(arguments) == {name: getattr(made, name) for name in NAMES}


def test_from_string_is_as_old_as_said():
    assert hasattr(crontab, "from_string") == (VERSION >= catalog.FROM_STRING_SINCE)


# --- by hand ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("minute", "*", set(range(60))),
        ("minute", "*/15", {0, 15, 30, 45}),
        ("minute", "5", {5}),
        ("minute", "05", {5}),
        ("minute", " 5", {5}),
        ("minute", "1, 2, 3, 4, 5", {1, 2, 3, 4, 5}),
        ("minute", "+5", {5}),
        ("minute", "1_0", {10}),
        ("minute", "٣", {3}),
        ("minute", "58-1", {58, 59, 0, 1}),
        ("hour", "22-3/2", {22, 0, 2}),
        ("hour", "8-17/3,0", {0, 8, 11, 14, 17}),
        ("day_of_week", "mon-fri", {1, 2, 3, 4, 5}),
        ("day_of_week", "MONKEY", {1}),
        ("day_of_week", "fri-mon", {5, 6, 0, 1}),
        ("day_of_month", "*/10", {1, 11, 21, 31}),
        ("month_of_year", "nov-feb", {11, 12, 1, 2}),
        ("month_of_year", "*/3", {1, 4, 7, 10}),
        ("minute", True, {1}),
        ("minute", False, {0}),
        ("minute", 7, {7}),
        ("minute", [1, 2], {1, 2}),
        ("minute", (1, 2), {1, 2}),
        ("minute", {1, 2}, {1, 2}),
        ("minute", range(3), {0, 1, 2}),
        ("minute", [], set()),
        ("minute", b"1", {49}),
        ("minute", [1.5], {1.5}),
    ],
)
def test_accepted(name, text, values):
    reading = read(name, text)
    assert reading == catalog.Reading(frozenset(values))
    assert same(name, text) or (VERSION < (5, 5) and name == "month_of_year")


@pytest.mark.parametrize(
    ("name", "text", "error", "reason"),
    [
        ("minute", "60", "ValueError", "60 is not in 0-59"),
        ("minute", 60, "ValueError", "60 is not in 0-59"),
        ("minute", -1, "ValueError", "-1 is not in 0-59"),
        ("hour", "24", "ValueError", "24 is not in 0-23"),
        ("day_of_week", "7", "ValueError", "7 is not in 0-6"),
        ("day_of_week", 7, "ValueError", "7 is not in 0-6"),
        ("day_of_month", "0", "ValueError", "0 is not in 1-31"),
        ("month_of_year", [0], "ValueError", "0 is not in 1-12"),
        ("minute", "", "ParseException", "there is an empty part"),
        ("minute", "1,,2", "ParseException", "there is an empty part"),
        ("minute", "1,", "ParseException", "there is an empty part"),
        ("minute", "*/", "ParseException", "the step is empty"),
        ("minute", "*/ 5", "ParseException", "the step is empty"),
        ("minute", "1-5/", "ParseException", "the step is empty"),
        ("minute", "70-80/", "ParseException", "the step is empty"),
        ("minute", "*/0", "ValueError", "the step is zero"),
        ("minute", "*/x", "ValueError", "the step 'x' is not a number"),
        ("minute", "-5", "ParseException", "'-5' is negative"),
        ("minute", "5/15", "ValueError", "'5/15' is neither a number nor a name that Celery knows"),
        ("minute", "* ", "ValueError", "'* ' is neither a number nor a name that Celery knows"),
        ("minute", "*5", "ValueError", "'*5' is neither a number nor a name that Celery knows"),
        ("day_of_week", "mon, wed", "ValueError", "' wed' is neither a number nor a name that Celery knows"),
        ("day_of_month", "L", "ValueError", "'L' is neither a number nor a name that Celery knows"),
        ("day_of_week", "?", "ValueError", "'?' is neither a number nor a name that Celery knows"),
        ("minute", "5.0", "ValueError", "'5.0' is neither a number nor a name that Celery knows"),
        ("minute", "@daily", "ValueError", "'@daily' is neither a number nor a name that Celery knows"),
        ("minute", None, "TypeError", "a field is a number, a string or an iterable, not None"),
        ("minute", 5.0, "TypeError", "a field is a number, a string or an iterable, not 5.0"),
        ("minute", ["1"], "TypeError", "'1' is not a number"),
        ("minute", [None], "TypeError", "None is not a number"),
        ("minute", [[1]], "TypeError", "it holds something that has no hash"),
        ("minute", [decimal.Decimal("NaN")], "InvalidOperation", "Decimal('NaN') is not a number"),
    ],
)
def test_refused(name, text, error, reason):
    reading = read(name, text)
    assert (reading.values, reading.refused, reading.error) == (None, reason, error)
    if VERSION == NEWEST:
        assert not same(name, text)


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("*/5 3 * * *", ("3 * * *",)),
        ("*/5/2", ("/2",)),
        ("1-5/2-9", ("-9",)),
        ("*/5-10", ("-10",)),
        ("1-5-9", ("-9",)),
        ("1-5 x,*/7!", ("x", "!")),
        ("1-5 ", ()),
        ("*\n", ()),
        ("*/5\n", ()),
        ("*/5", ()),
    ],
)
def test_what_is_ignored(text, ignored):
    assert read("minute", text).ignored == ignored
    assert read("minute", text).values is not None


@pytest.mark.parametrize(
    ("name", "text", "steps"),
    [
        ("minute", "*/60", [(60, 60)]),
        ("minute", "*/90", [(90, 60)]),
        ("minute", "*/59", []),
        ("hour", "*/24", [(24, 24)]),
        ("hour", "8-17/10", [(10, 10)]),
        ("hour", "8-17/9", []),
        ("hour", "8-8/1", []),
        ("hour", "22-2/5,*/30", [(5, 5), (30, 24)]),
    ],
)
def test_long_steps(name, text, steps):
    assert read(name, text).long_steps == tuple(LongStep(*step) for step in steps)


@pytest.mark.parametrize(
    ("name", "text", "strangers"),
    [
        ("minute", "mon", ("mon",)),
        ("hour", "mon-jan", ("mon", "jan")),
        ("day_of_week", "mar", ("mar",)),
        ("day_of_week", "mon,mar", ("mar",)),
        ("day_of_week", "mon-fri", ()),
        ("month_of_year", "monday", ("monday",)),
        ("month_of_year", "march", ()),
    ],
)
def test_strangers(name, text, strangers):
    assert read(name, text).strangers == strangers


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("*/5 3 * * *", True),
        ("0 0 * * *", True),
        ("0 0 1,15 * mon-fri", True),
        ("0 0 0 * * *", True),
        ("0\t0 * * *", True),
        ("* * * *", False),
        ("1, 2, 3, 4, 5", False),
        ("1 ,2 ,3 ,4 ,5", False),
        ("*/5", False),
        ("", False),
    ],
)
def test_cron_lines(text, answer):
    assert catalog.is_cron_line(text) == answer
    assert read("minute", text).cron_line == answer


def test_only_text_is_a_cron_line():
    assert not read("minute", [0, 1, 2, 3, 4]).cron_line


def test_names_of_months_are_new():
    assert read("month_of_year", "jan", (5, 5)).values == {1}
    assert read("month_of_year", "jan", (5, 5, 3)).values == {1}
    assert read("month_of_year", "jan", (5, 4)).error == "ValueError"
    assert read("day_of_week", "mar", (5, 4)).refused
    assert read("day_of_week", "mon", (5, 4)).values == {1}


@pytest.mark.parametrize(
    ("days", "months", "impossible"),
    [
        ("31", "2", True),
        ("30", "feb", True),
        ("29", "2", False),
        ("31", "4,6,9,11", True),
        ("31", "*/2", False),
        ("30,31", "2", True),
        ("1,31", "2", False),
        ([], "2", True),
        ("31", [], True),
        ([31], {2}, True),
    ],
)
def test_impossible_dates(days, months, impossible):
    arguments = {"day_of_month": days, "month_of_year": months}
    assert check(arguments).impossible_date == impossible
    assert bool(check(arguments).refused) == impossible
    older = check(arguments, (5, 6))
    assert older.impossible_date == impossible
    assert not older.refused


def test_a_month_that_is_no_whole_number():
    arguments = {"month_of_year": [1.5]}
    assert check(arguments)[1:] == ("month_of_year", "a month is not a whole number", "KeyError", False)
    assert check(arguments, (5, 6))[1:] == ("", "", "", False)


def test_check_names_the_field():
    verdict = check({"hour": 3, "day_of_week": 7, "minute": "0"})
    assert (verdict.field, verdict.error) == ("day_of_week", "ValueError")
    assert list(verdict.readings) == ["minute", "hour", "day_of_week"]


def test_check_names_an_unknown_keyword():
    verdict = check({"minutes": 5, "app": None})
    assert (verdict.field, verdict.refused, verdict.error) == (
        "minutes",
        "crontab has no parameter 'minutes'",
        "TypeError",
    )


def test_a_lone_impossible_day_is_possible_in_other_months():
    assert check({"day_of_month": 31}) == catalog.Verdict({"day_of_month": catalog.Reading(frozenset({31}))})


def brute_gap(arguments):
    """The fewest seconds between two minutes of forty days that Celery's object matches."""
    schedule = crontab(**arguments)
    start = datetime.datetime(2024, 1, 1)
    times = [
        time
        for time in (start + datetime.timedelta(minutes=minute) for minute in range(40 * 24 * 60))
        if time.minute in schedule.minute
        and time.hour in schedule.hour
        and time.isoweekday() % 7 in schedule.day_of_week
        and time.day in schedule.day_of_month
        and time.month in schedule.month_of_year
    ]
    return min((after - before).total_seconds() for before, after in itertools.pairwise(times))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"minute": "*/5"},
        {"minute": "*/45"},
        {"minute": "0,58"},
        {"minute": 0, "hour": "*/5"},
        {"minute": "*/40", "hour": "*/9"},
        {"minute": [0, 50], "hour": {23, 0}},
        {"minute": 0, "hour": 3},
        {"minute": 0, "hour": 3, "day_of_week": "mon-fri"},
        {"minute": 0, "hour": "1,22", "day_of_week": "sat,sun"},
        {"minute": 0, "hour": "1,22", "day_of_week": "mon,wed"},
        {"minute": 0, "hour": "1,22", "day_of_month": "*/2"},
    ],
    ids=str,
)
def test_shortest_gap(arguments):
    assert shortest_gap(arguments) == brute_gap(arguments)


def test_shortest_gap_of_days_apart():
    assert shortest_gap({"minute": 0, "hour": 3, "day_of_week": "mon,wed"}) is None
    assert shortest_gap({"minute": 60}) is None


def test_split_line():
    assert catalog.split_line("1 2 3 4 5") == {
        "minute": "1",
        "hour": "2",
        "day_of_month": "3",
        "month_of_year": "4",
        "day_of_week": "5",
    }
    assert catalog.split_line("1 2 3 4") is None
