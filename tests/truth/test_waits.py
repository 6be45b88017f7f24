"""615: how long the messages of retries wait."""

from __future__ import annotations

import pytest


@pytest.mark.truth("CLY615")
@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({"default_retry_delay": 7200}, [7200] * 3),
        ({"default_retry_delay": 7200, "retry_kwargs": {"countdown": 60}}, [60] * 3),
        ({"default_retry_delay": 7200, "retry_backoff": 60, "retry_jitter": False}, [60, 120, 240]),
        ({"retry_backoff": 1800, "retry_backoff_max": 9000, "retry_jitter": False}, [1800, 3600, 7200]),
        ({"retry_backoff": 1800, "retry_backoff_max": 5000, "retry_jitter": False}, [1800, 3600, 5000]),
        ({"retry_backoff": 1800, "retry_backoff_max": 9000, "retry_jitter": False, "max_retries": 1}, [1800]),
        (
            {"retry_backoff": 9, "retry_backoff_max": 90, "retry_jitter": False, "retry_kwargs": {"max_retries": 5}},
            [9, 18, 36, 72, 90],
        ),
    ],
    ids=str,
)
def test_waits_of_automatic_retries(lab, options, waits):
    """CLY615: what decides the wait of each retry, and how far a backoff gets within `max_retries`."""

    @lab.app.task(name="fetch", autoretry_for=(ValueError,), **options)
    def fetch():
        raise ValueError("no")

    fetch.delay()
    lab.work()
    assert lab.waits == waits


@pytest.mark.truth("CLY615")
@pytest.mark.parametrize(("given", "wait"), [({}, 7200), ({"countdown": 60}, 60)], ids=str)
def test_wait_of_a_retry_by_hand(lab, given, wait):
    """CLY615: a retry by a call waits for `default_retry_delay`, unless it says its own time."""

    @lab.app.task(name="fetch", bind=True, max_retries=1, default_retry_delay=7200)
    def fetch(self):
        raise self.retry(**given)

    fetch.delay()
    lab.work()
    assert lab.waits == [wait]
