"""925, 929 and 933: what house policy says of crontabs and of beat."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest
from celery import Celery
from celery.beat import Scheduler
from celery.schedules import crontab


@pytest.mark.truth("CLY925")
@pytest.mark.parametrize(
    ("fields", "name", "values"),
    [
        ({"minute": "*/45"}, "minute", {0, 45}),
        ({"minute": "0-59/45"}, "minute", {0, 45}),
        ({"minute": 0, "hour": "*/5"}, "hour", {0, 5, 10, 15, 20}),
        ({"minute": 0, "hour": 3, "day_of_week": "*/2"}, "day_of_week", {0, 2, 4, 6}),
        ({"minute": 0, "hour": 3, "day_of_month": "*/10"}, "day_of_month", {1, 11, 21, 31}),
        ({"minute": 0, "hour": 3, "day_of_month": 1, "month_of_year": "*/5"}, "month_of_year", {1, 6, 11}),
    ],
    ids=str,
)
def test_step_begins_anew_with_its_field(fields, name, values):
    """CLY925: a step counts from the beginning of its field, so what is left over is a shorter gap."""
    assert getattr(crontab(**fields), name) == values


@pytest.mark.truth("CLY925")
def test_step_in_one_hour_only():
    """CLY925: in one hour of the day the short gap is never seen."""
    schedule = crontab(minute="*/45", hour=3)
    assert (schedule.hour, schedule.minute) == ({3}, {0, 45})


@pytest.mark.truth("CLY929")
def test_beat_does_not_wait_for_the_last_run(lab):
    """CLY929: an entry is due again after its period, whatever has become of what it sent before."""
    lab.app.conf.beat_schedule = {"rates": {"task": "fetch_rates", "schedule": 0.01}}
    scheduler = Scheduler(app=lab.app, lazy=True)
    scheduler.setup_schedule()
    for _ in range(3):
        time.sleep(0.02)
        scheduler.tick()
    assert [message.name for message in lab.published] == ["fetch_rates"] * len(lab.published)
    assert len(lab.published) >= 2


@pytest.mark.truth("CLY933")
@pytest.mark.parametrize(("zone", "hours"), [(None, 9), ("UTC", 9), ("Asia/Tokyo", 0)])
def test_crontab_is_in_utc_unless_told_otherwise(zone, hours):
    """CLY933: nine o'clock is nine o'clock UTC, where no zone is set; in Tokyo it is midnight in UTC."""
    app = Celery("shop", set_as_current=False)
    if zone is not None:
        app.conf.timezone = zone
    start = datetime(2024, 1, 1, tzinfo=timezone.utc).astimezone(app.timezone)  # as `app.now()`, which beat asks
    schedule = crontab(minute=0, hour=9, app=app, nowfun=lambda: start)
    due = start + schedule.remaining_estimate(start - timedelta(seconds=1))
    assert due.astimezone(timezone.utc).hour == hours
