"""816: values of settings that Celery takes at first, and can't use."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import celery
import pytest
from billiard.pool import RUN, TimeoutHandler
from celery.worker import WorkController
from kombu import Queue
from kombu.exceptions import SerializerNotInstalled

from flake8_celery_tasks.catalog import setting_values
from flake8_celery_tasks.catalog.settings import SETTINGS

ERRORS = (AttributeError, KeyError, SerializerNotInstalled, TypeError, ValueError)


@pytest.mark.truth("CLY816")
@pytest.mark.parametrize(
    ("name", "value", "good"),
    [
        ("accept_content", "json", ["json"]),
        ("accept_content", True, ("json",)),
        ("broker_transport_options", "x=1", {}),
        ("broker_transport_options", [1], {}),
        ("broker_transport_options", ({"x": 1},), {"x": 1}),
        ("broker_transport_options", True, {}),
        ("broker_url", Path("/run/broker"), ["memory://", "memory://"]),
        ("result_accept_content", "json", ["json"]),
        ("result_backend", ["rpc://"], "cache+memory://"),
        ("result_backend", Path("/run/results"), False),
        ("result_backend", True, None),
        ("task_default_queue", ("slow",), "slow"),
        ("task_protocol", "2", 2),
        ("task_publish_retry_policy", [1], {}),
        ("task_queues", "slow", None),
        ("task_queues", ["slow"], [Queue("slow")]),
        ("task_queues", Queue("slow"), [Queue("slow")]),
        ("task_queues", {"slow": "slow"}, {"slow": {"exchange": "slow"}}),
        ("task_serializer", ("json",), "json"),
    ],
)
def test_value_breaks_each_call(lab, name, value, good):
    """CLY816: what is wrong fails at each call, what is right does not."""
    for given, fails in ((good, False), (value, True)):
        app = lab.restart()
        app.conf[name] = given

        @app.task(name="bill")
        def bill():
            pass

        if fails:
            with pytest.raises(ERRORS):
                bill.delay()
        else:
            bill.delay()


@pytest.mark.truth("CLY816")
@pytest.mark.parametrize(
    ("name", "value"), [("imports", True), ("task_default_rate_limit", ("10/m",)), ("worker_prefetch_multiplier", (1,))]
)
def test_value_keeps_a_worker_from_starting(lab, name, value):
    """CLY816: other values fail when a worker is made."""
    lab.app.conf[name] = value

    @lab.app.task(name="bill")
    def bill():
        pass

    with pytest.raises((AttributeError, TypeError)):
        WorkController(app=lab.app, pool="solo")


@pytest.mark.truth("CLY816")
@pytest.mark.parametrize("name", ["task_soft_time_limit", "task_time_limit"])
def test_duration_of_a_limit_crashes_what_watches_the_pool(lab, name):
    """CLY816: a limit is added to a time in seconds, in each version; the thread that watches the limits ends."""
    lab.app.conf[name] = timedelta(minutes=5)
    limit = lab.app.conf[name]
    for given, fails in ((limit, True), (limit.total_seconds() * 1e6, False)):
        job = SimpleNamespace(_time_accepted=1.0, _timeout=given, _soft_timeout=None)
        handler = TimeoutHandler([], {1: job}, None, None)
        handler._state = RUN
        with pytest.raises(TypeError, match="timedelta") if fails else nullcontext():
            next(handler.handle_timeouts())


@pytest.mark.truth("CLY816")
@pytest.mark.parametrize(("value", "fails"), [("10", True), (("10",), True), ("10 ", True), (10, False)])
def test_size_of_the_pool_is_not_converted(value, fails):
    """CLY816: the size of the pool of connections must be a number; the pools are those of the whole process."""
    source = (
        f"from celery import Celery\napp = Celery('shop', broker='memory://', broker_pool_limit={value!r})\n"
        "app.send_task('bill')\n"
    )
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
    assert ("TypeError" in run.stderr) is fails, run.stderr


@pytest.mark.truth("CLY816")
@pytest.mark.parametrize("value", ["False", (False,), "no"])
def test_text_and_tuple_are_true(lab, value):
    """CLY816: a text is true, and so is a tuple: the task runs in the caller."""
    lab.app.conf.task_always_eager = value

    @lab.app.task(name="bill")
    def bill():
        return 5

    assert bill.delay().get() == 5
    assert lab.published == []


@pytest.mark.truth("CLY816")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="dbm takes no path before")
@pytest.mark.parametrize("name", ["beat_schedule_filename", "worker_state_db"])
def test_names_of_files_may_be_paths(lab, name):
    """CLY816: a worker takes a path where it opens a file."""
    lab.app.conf[name] = lab.tmp_path / "state"
    lab.work()
    assert not setting_values.breaks(name, "path")


@pytest.mark.truth("CLY816")
def test_removed_settings_are_read_by_nobody():
    """CLY816: nothing in Celery mentions the settings that are gone."""
    root = Path(celery.__file__).parent
    text = "\n".join(path.read_text("utf-8") for path in root.rglob("*.py")).lower()
    for name in setting_values.REMOVED:
        assert name.lower() not in text
        assert name not in {setting.old for setting in SETTINGS.values()}
        assert name.removeprefix("CELERY_").removeprefix("CELERYD_").lower() not in SETTINGS
