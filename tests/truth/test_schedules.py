"""801-806: crontabs, beat entries and routes."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from celery.beat import Scheduler, SchedulingError
from celery.schedules import ParseException, crontab

from .lab import celery_version

HOURS = set(range(24))
MINUTES = set(range(60))


# CLY801-CLY803: crontab


@pytest.mark.truth("CLY801")
@pytest.mark.parametrize(
    ("fields", "runs"),
    [
        ({"hour": 3}, 60),
        ({"day_of_month": 1}, 24 * 60),
        ({"day_of_week": "mon"}, 24 * 60),
        ({"minute": 0, "day_of_month": 1}, 24),
        ({"minute": 0, "hour": 3}, 1),
    ],
    ids=str,
)
def test_missing_field_is_every(fields, runs):
    """CLY801: a field that is not given matches always, so `crontab(hour=3)` runs 60 times."""
    schedule = crontab(**fields)
    assert len(schedule.hour) * len(schedule.minute) == runs


@pytest.mark.truth("CLY801")
def test_positional_fields_count():
    """CLY801: the first two positions are minute and hour."""
    assert crontab("0", "3").minute == {0}
    assert crontab("0", "3").hour == {3}


@pytest.mark.truth("CLY802")
@pytest.mark.parametrize(
    "fields",
    [
        {"minute": 60},
        {"minute": "60"},
        {"hour": 24},
        {"day_of_week": 7},
        {"day_of_week": "7"},
        {"day_of_month": 0},
        {"day_of_month": 32},
        {"month_of_year": 13},
        {"minute": ""},
        {"minute": "*/"},
        {"minute": "*/0"},
        {"minute": "5/15"},
        {"minute": "@daily"},
        {"day_of_week": "mon, wed"},
        {"day_of_week": "foo"},
        {"minute": 1.5},
        {"minute": None},
        {"minutes": 5},
        {"hours": 3},
        {"day": 1},
        {"timezone": "UTC"},
        {"minute": "0 0 * * *"},
    ],
    ids=str,
)
def test_refused_crontab(fields):
    """CLY802: Celery refuses these where they are made, at the import of the module."""
    with pytest.raises((ValueError, TypeError, ParseException)):
        crontab(**fields)


@pytest.mark.truth("CLY802")
def test_sixth_position():
    """CLY802: there are five positions."""
    with pytest.raises(TypeError):
        crontab(0, 0, 0, 1, 1, 2027)


@pytest.mark.truth("CLY802", "CLY803")
def test_line_of_cron():
    """CLY802, CLY803: from 5.5 `from_string` takes a line of cron, in cron's order, with one space between."""
    if celery_version() < (5, 5):
        assert not hasattr(crontab, "from_string")
        return
    schedule = crontab.from_string("0 0 1 * *")
    assert schedule.day_of_month == {1}
    assert schedule.day_of_week == set(range(7))
    for line in ("0 0 * *", "0  0 * * *"):
        with pytest.raises(ValueError, match="unpack"):
            crontab.from_string(line)


@pytest.mark.truth("CLY802")
def test_impossible_date():
    """CLY802: from 5.7 a day that never comes is refused; before, beat fails on it."""
    fields = {"minute": 0, "hour": 0, "day_of_month": 31, "month_of_year": 2}
    if celery_version() >= (5, 7):
        with pytest.raises(ValueError, match="31"):
            crontab(**fields)
    else:
        schedule = crontab(**fields)
        with pytest.raises(RuntimeError, match="unable to rollover"):
            schedule.remaining_delta(schedule.now())


@pytest.mark.truth("CLY803")
@pytest.mark.parametrize(
    ("fields", "attribute", "means"),
    [
        ({"minute": "*/5 3 * * *"}, "minute", set(range(0, 60, 5))),
        ({"minute": "*/5 3 * * *"}, "hour", HOURS),
        ({"minute": "*/5/2"}, "minute", set(range(0, 60, 5))),
        ({"minute": "1-5/2-9"}, "minute", {1, 3, 5}),
        ({"minute": "*/90"}, "minute", {0}),
        ({"minute": "*/60"}, "minute", {0}),
        ({"hour": "*/24"}, "hour", {0}),
        ({"minute": "mon"}, "minute", {1}),
    ],
    ids=str,
)
def test_accepted_crontab_that_means_something_else(fields, attribute, means):
    """CLY803: a cron line, junk, a step beyond the range and a name in the wrong field are accepted."""
    assert getattr(crontab(**fields), attribute) == means


@pytest.mark.truth("CLY803")
def test_order_of_the_positions_is_not_cron_s():
    """CLY803: the third position is the day of the week, not of the month."""
    schedule = crontab("0", "0", "1", "*", "*")
    assert schedule.day_of_week == {1}
    assert schedule.day_of_month == set(range(1, 32))


@pytest.mark.truth("CLY803")
def test_month_name_as_day_of_the_week():
    """CLY803: from 5.5 a month's name is a number in any field: March is Wednesday."""
    if celery_version() >= (5, 5):
        assert crontab(day_of_week="mar").day_of_week == {3}
    else:
        with pytest.raises(ValueError, match="mar"):
            crontab(day_of_week="mar")


# CLY804: beat entries


def beat(app, **entry):
    """A scheduler that has read one entry."""
    scheduler = Scheduler(app=app, lazy=True)
    scheduler.update_from_dict({"entry": entry})
    return scheduler


@pytest.mark.truth("CLY804")
@pytest.mark.parametrize("key", ["arg", "queue", "expires", "enabled", "description"])
def test_unknown_key_of_a_beat_entry(app, key):
    """CLY804: any other key keeps beat from starting."""
    with pytest.raises(TypeError, match=f"got an unexpected keyword argument '{key}'"):
        beat(app, task="fetch", schedule=60, **{key: 1})


@pytest.mark.truth("CLY502")
def test_duration_for_the_expiry_of_a_beat_entry(app):
    """CLY502: beat can't send an entry with such an option, and goes on without it."""
    scheduler = beat(app, task="fetch", schedule=60, options={"expires": timedelta(minutes=1)})
    with pytest.raises(SchedulingError, match="'<' not supported between instances of"):
        scheduler.apply_async(scheduler.schedule["entry"])


@pytest.mark.truth("CLY804")
@pytest.mark.parametrize(("schedule", "type_name"), [("60", "str"), ({"seconds": 60}, "dict")])
def test_schedule_of_a_wrong_type(app, schedule, type_name):
    """CLY804: so does a text or a mapping for a schedule."""
    with pytest.raises(AttributeError, match=f"'{type_name}' object has no attribute"):
        beat(app, task="fetch", schedule=schedule).tick()


@pytest.mark.truth("CLY804")
@pytest.mark.parametrize("schedule", [0, -5, timedelta(0)], ids=str)
def test_schedule_of_no_length_fires_without_pause(app, schedule):
    """CLY804: a schedule of 0 or less is due whenever beat looks."""
    scheduler = beat(app, task="fetch", schedule=schedule)
    entry = scheduler.schedule["entry"]
    for _ in range(3):
        is_due, next_time = entry.is_due()
        assert is_due
        assert next_time <= 0
        entry = next(entry)


@pytest.mark.truth("CLY804")
def test_beat_entry_without_a_task_sends_none(lab):
    """CLY804: without `task` the name None is sent."""
    scheduler = beat(lab.app, schedule=60)
    scheduler.apply_entry(scheduler.schedule["entry"])
    assert [message.name for message in lab.published] == [None]


@pytest.mark.truth("CLY804")
def test_beat_entry_without_a_schedule_is_never_sent(lab):
    """CLY804: without `schedule` nothing is sent; up to 5.6 beat breaks on it."""
    scheduler = beat(lab.app, task="fetch")
    with suppress(AttributeError):
        scheduler.tick()
    assert lab.published == []


@pytest.mark.truth("CLY804")
def test_beat_entry_with_a_signature_for_a_task(lab):
    """CLY804: an object for a name is never sent right."""
    scheduler = beat(lab.app, task=lab.app.signature("fetch"), schedule=60)
    scheduler.apply_entry(scheduler.schedule["entry"])
    assert lab.published == []
    assert "Message Error: " in lab.log
    assert "unhashable type: 'Signature'" in lab.log


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize("args", [1, "abc"], ids=str)
def test_beat_entry_with_arguments_that_are_no_sequence(lab, args):
    """CLY604: beat logs an error for such arguments, and never sends the task."""

    @lab.app.task(name="fetch")
    def fetch(url):
        pass

    lab.app.finalize()
    scheduler = beat(lab.app, task="fetch", schedule=60, args=args)
    scheduler.apply_entry(scheduler.schedule["entry"])
    assert lab.published == []
    assert "Message Error" in lab.log


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize(("args", "sent"), [("-b", ("-", "b")), ({"x": 1}, ("x",)), ({2}, (2,))], ids=str)
@pytest.mark.parametrize("known", [True, False])
def test_beat_takes_the_arguments_of_an_entry_apart(lab, args, sent, known):
    """CLY604: beat sends each letter of a text, to a task that takes them, or that it does not know."""
    if known:

        @lab.app.task(name="fetch")
        def fetch(*letters):
            pass

    lab.app.finalize()
    scheduler = beat(lab.app, task="fetch", schedule=60, args=args)
    scheduler.apply_entry(scheduler.schedule["entry"])
    assert [tuple(message.args) for message in lab.published] == [sent]
    assert "Message Error" not in lab.log


# CLY805: routes


@pytest.mark.truth("CLY805")
@pytest.mark.parametrize(
    ("key", "queue"), [("shop.fetch", "routed"), ("shop.*", "routed"), ("shop.fetsh", None), ("shops.*", None)]
)
def test_route_that_matches_nothing(lab, key, queue):
    """CLY805: a key that matches no task routes nothing, without a word."""
    lab.app.conf.task_routes = {key: {"queue": "routed"}}
    lab.app.send_task("shop.fetch")
    assert lab.published[0].queue == (queue or lab.queue_name)


@pytest.mark.truth("CLY805")
@pytest.mark.parametrize(("key", "limit"), [("shop.fetch", "10/s"), ("shop.fetsh", None)])
def test_annotation_that_matches_nothing(lab, key, limit):
    """CLY805: nor does such a key annotate anything."""
    lab.app.conf.task_annotations = {key: {"rate_limit": "10/s"}}

    @lab.app.task(name="shop.fetch")
    def fetch():
        pass

    assert fetch.rate_limit == limit


@pytest.mark.truth("CLY805")
@pytest.mark.parametrize(("key", "limit"), [("*", "10/s"), ("shop.*", None)])
def test_annotations_know_no_patterns(lab, key, limit):
    """CLY805: in `task_annotations` only the star alone is more than a name."""
    lab.app.conf.task_annotations = {key: {"rate_limit": "10/s"}}

    @lab.app.task(name="shop.fetch")
    def fetch():
        pass

    assert fetch.rate_limit == limit


# CLY806: periodic tasks


@pytest.mark.truth("CLY806")
@pytest.mark.parametrize("kind", ["name", "delay", "called"])
def test_periodic_task_that_is_no_signature(app, kind):
    """CLY806: a name, a method or a result is no signature."""

    @app.task(name="fetch")
    def fetch():
        pass

    app.finalize()
    value = {"name": "fetch", "delay": fetch.delay, "called": fetch()}[kind]
    with pytest.raises(AttributeError):
        app.add_periodic_task(60, value)


@pytest.mark.truth("CLY806")
def test_two_unnamed_periodic_tasks_with_one_signature(app):
    """CLY806: without names the second replaces the first."""

    @app.task(name="fetch")
    def fetch(url):
        pass

    app.finalize()
    first = app.add_periodic_task(60, fetch.s("a"))
    second = app.add_periodic_task(crontab(minute=0, hour=3), fetch.s("a"))
    assert first == second
    assert isinstance(app.conf.beat_schedule[first]["schedule"], crontab)
    named = app.add_periodic_task(60, fetch.s("a"), name="each minute")
    assert set(app.conf.beat_schedule) == {first, named}
