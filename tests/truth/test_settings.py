"""811-813: settings, and those that nobody looks at."""

from __future__ import annotations

import types

import pytest
from celery import Celery, states
from celery.exceptions import ImproperlyConfigured

from .lab import celery_version


def configured(namespace=None, **names):
    """An app configured by a module with these names."""
    app = Celery("shop", set_as_current=False)
    app.config_from_object(types.SimpleNamespace(**names), namespace=namespace)
    return app.conf


@pytest.mark.truth("CLY811")
def test_misspelt_setting_is_ignored():
    """CLY811: an unknown setting is kept and never read, wherever it is written."""
    app = Celery("shop", set_as_current=False, task_ack_late=True)
    app.conf.task_ack_late = True
    app.conf["task_ack_late"] = True
    app.conf.update(task_ack_late=True)
    assert app.conf.task_acks_late is False
    assert configured(task_ack_late=True).task_acks_late is False
    assert configured("CELERY", CELERY_TASK_ACK_LATE=True).task_acks_late is False
    assert configured("CELERY", CELERY_TASK_ACKS_LATE=True).task_acks_late is True


@pytest.mark.truth("CLY811")
@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("CELERY_WORKER_TASK_SOFT_TIME_LIMIT", "task_soft_time_limit"),
        ("CELERY_SOFT_TIME_LIMIT", "task_soft_time_limit"),
        ("CELERY_SEND_TASK_EVENTS", "worker_send_task_events"),
    ],
)
def test_setting_of_the_wrong_part_is_ignored(key, setting):
    """CLY811: a name with a part of Celery too many, or missing, is no other name of the setting."""
    assert configured("CELERY", **{key: 300})[setting] != 300


@pytest.mark.truth("CLY812")
def test_unprefixed_name_under_a_namespace_is_ignored():
    """CLY812: under a namespace an upper case name needs it."""
    assert configured("CELERY", TASK_ACKS_LATE=True).task_acks_late is False
    assert configured("CELERY", task_acks_late=True).task_acks_late is True


@pytest.mark.truth("CLY812")
def test_new_name_in_upper_case_without_a_namespace_is_ignored():
    """CLY812: upper case needs a namespace."""
    assert configured(TASK_ACKS_LATE=True).task_acks_late is False
    assert configured(task_acks_late=True).task_acks_late is True
    app = Celery("shop", set_as_current=False)
    app.conf.update(TASK_ACKS_LATE=True)
    app.conf.CELERY_TASK_ACKS_LATE = True
    assert app.conf.task_acks_late is False


@pytest.mark.truth("CLY812")
@pytest.mark.parametrize(
    ("names", "setting"),
    [
        ({"CELERY_ALWAYS_EAGER": True}, "task_always_eager"),
        ({"CELERY_IGNORE_RESULT": True}, "task_ignore_result"),
        ({"CELERYD_CONCURRENCY": True}, "worker_concurrency"),
        ({"CELERYBEAT_SCHEDULE": True}, "beat_schedule"),
    ],
    ids=str,
)
def test_old_name_under_a_namespace_is_ignored_up_to_5_6(names, setting):
    """CLY812: under a namespace old names are ignored up to 5.6; 5.7 reads them."""
    value = getattr(configured("CELERY", **names), setting)
    assert (value is True) == (celery_version() >= (5, 7))


@pytest.mark.truth("CLY812")
def test_old_names_alone_work():
    """CLY812: without a namespace old names alone are read."""
    assert configured(CELERY_ACKS_LATE=True).task_acks_late is True


@pytest.mark.truth("CLY812")
def test_old_and_new_names_do_not_mix():
    """CLY812: both kinds in one module are an error when the configuration is first read."""
    conf = configured(CELERY_ACKS_LATE=True, task_track_started=True)
    with pytest.raises(ImproperlyConfigured, match="Cannot mix new and old setting keys"):
        conf.task_acks_late  # noqa: B018
    both = configured(CELERY_ACKS_LATE=True, task_acks_late=True, task_track_started=True)
    assert both.task_acks_late is True


LOADED = []


def record(what):
    """Any function at all."""
    LOADED.append(what)


class Payload:
    """What an attacker sends: loading it is running it."""

    def __reduce__(self):
        return record, ("code of whoever reaches the broker",)


@pytest.mark.truth("CLY813")
@pytest.mark.parametrize("accepted", [["json"], ["json", "pickle"]], ids="+".join)
def test_accepted_pickle_runs_code(lab, accepted):
    """CLY813: a worker that accepts pickle runs what the message says, whatever the task is."""
    LOADED.clear()
    lab.app.conf.accept_content = accepted
    runs = []

    @lab.app.task(name="fetch")
    def fetch(value):
        runs.append(value)

    result = fetch.apply_async((Payload(),), serializer="pickle")
    lab.work()
    if "pickle" in accepted:
        assert set(LOADED) == {"code of whoever reaches the broker"}
        assert result.state == states.SUCCESS
    else:
        assert LOADED == []
        assert runs == []
        assert "Refusing to deserialize" in lab.log
