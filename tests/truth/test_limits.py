"""503: time limits of tasks against those of the settings."""

from __future__ import annotations

import pytest

from .lab import celery_version


@pytest.mark.truth("CLY503")
@pytest.mark.parametrize(
    ("soft", "hard", "options", "call", "fits"),
    [
        (None, 60, {"soft_time_limit": 90}, {}, False),
        (60, None, {"time_limit": 30}, {}, False),
        (60, 300, {"time_limit": 30}, {}, False),
        (60, 300, {"time_limit": 30, "soft_time_limit": None}, {}, False),
        (60, 30, {}, {}, False),
        (60, 300, {"time_limit": 30, "soft_time_limit": 20}, {}, True),
        (60, 300, {"time_limit": 30, "soft_time_limit": 0}, {}, True),
        (60, 300, {"time_limit": 60}, {}, True),
        (60, 0, {}, {}, True),
        (None, 60, {}, {"soft_time_limit": 90}, True),
        (60, None, {}, {"time_limit": 30}, True),
    ],
)
def test_limits_of_a_task_and_of_the_settings(lab, soft, hard, options, call, fits):
    """CLY503: from 5.7 a task has the limits of the settings where it has none, and each call is refused."""
    lab.app.conf.task_soft_time_limit, lab.app.conf.task_time_limit = soft, hard

    @lab.app.task(name="rebuild", **options)
    def rebuild():
        pass

    if fits or celery_version() < (5, 7):
        rebuild.apply_async(**call)
    else:
        with pytest.raises(ValueError, match="soft_time_limit must be less than or equal to time_limit"):
            rebuild.apply_async(**call)
