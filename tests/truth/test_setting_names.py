"""811, 812, 813, 502: more names of settings, the serializers of tasks and calls, and priorities."""

from __future__ import annotations

import struct

import pytest
from amqp.basic_message import Message
from celery import Celery
from celery.exceptions import ImproperlyConfigured
from kombu.transport.memory import Channel


@pytest.mark.truth("CLY811")
@pytest.mark.parametrize(
    ("short", "setting"),
    [("backend", "result_backend"), ("broker", "broker_url"), ("concurrency", "worker_concurrency")],
)
@pytest.mark.parametrize("namespace", [None, "CELERY"])
def test_arguments_of_an_app_are_no_settings(short, setting, namespace):
    """CLY811: the short names are kept, and nothing reads them."""
    app = Celery("shop", set_as_current=False)
    key = f"{namespace}_{short}".upper() if namespace else short
    app.config_from_object({key: "memory://"}, namespace=namespace)
    assert app.conf[setting] != "memory://"
    other = Celery("other", set_as_current=False)
    other.conf[short] = "memory://"
    assert other.conf[setting] != "memory://"


def by_update(app, names):
    app.conf.update(**names)


def by_dict(app, names):
    app.conf.update(names)


def by_attribute(app, names):
    for name, value in names.items():
        setattr(app.conf, name, value)


def by_item(app, names):
    for name, value in names.items():
        app.conf[name] = value


WAYS = [by_update, by_dict, by_attribute, by_item]
MIXED = {"CELERY_ACKS_LATE": True, "worker_prefetch_multiplier": 1}


@pytest.mark.truth("CLY812")
@pytest.mark.parametrize("give", WAYS)
def test_old_and_new_names_of_an_app(give):
    """CLY812: both on the configuration of an app stop it, unless an object has been given before."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    give(app, MIXED)
    with pytest.raises(ImproperlyConfigured, match="Cannot mix new and old setting keys"):
        app.conf.task_acks_late  # noqa: B018
    configured = Celery("shop", set_as_current=False)
    configured.config_from_object({"task_ignore_result": True})
    give(configured, MIXED)
    assert configured.conf.task_acks_late is True


@pytest.mark.truth("CLY812")
def test_old_and_new_names_that_an_app_is_made_with():
    """CLY812: `changes` stop it too; keywords of the app itself do not."""
    app = Celery("shop", set_as_current=False, changes=dict(MIXED))
    with pytest.raises(ImproperlyConfigured, match="Cannot mix new and old setting keys"):
        app.conf.task_acks_late  # noqa: B018
    assert Celery("shop", set_as_current=False, **MIXED).conf.task_acks_late is True


@pytest.mark.truth("CLY812")
@pytest.mark.parametrize("give", WAYS)
def test_old_names_alone_and_both_names(give):
    """CLY812: old names alone work, and so does a setting that is given by both."""
    for names in {"CELERY_ACKS_LATE": True}, {"CELERY_ACKS_LATE": True, "task_acks_late": True}:
        app = Celery("shop", set_as_current=False)
        give(app, names)
        assert app.conf.task_acks_late is True


@pytest.mark.truth("CLY812")
@pytest.mark.parametrize("give", WAYS)
@pytest.mark.parametrize("is_first", [True, False])
def test_old_names_on_the_configuration_under_a_namespace(give, is_first):
    """CLY812: old names that an app is given itself are read under a namespace too, new ones in upper case are not."""

    class Settings:
        CELERY_TASK_IGNORE_RESULT = True

    app = Celery("shop", set_as_current=False)
    names = {"CELERY_ACKS_LATE": True, "TASK_TRACK_STARTED": True}
    if is_first:
        give(app, names)
    app.config_from_object(Settings, namespace="CELERY")
    if not is_first:
        give(app, names)
    assert (app.conf.task_acks_late, app.conf.task_track_started, app.conf.task_ignore_result) == (True, False, True)


@pytest.mark.truth("CLY812")
@pytest.mark.parametrize("give", WAYS)
@pytest.mark.parametrize("key", ["TASK_ACKS_LATE", "CELERY_TASK_ACKS_LATE"])
def test_upper_case_on_the_configuration_is_ignored(give, key):
    """CLY812: new names in upper case are ignored there; so are the defaults that `setdefault` gives."""
    app = Celery("shop", set_as_current=False)
    give(app, {key: True})
    app.conf.setdefault(key, True)
    assert app.conf.task_acks_late is False


@pytest.mark.truth("CLY813")
def test_serializer_of_a_task_or_call_is_used(lab):
    """CLY813: a task or a call sends pickles though the settings say JSON; a worker that takes JSON refuses them."""

    @lab.app.task(name="bill", serializer="pickle")
    def bill(number):
        pass

    bill.delay(1)
    bill.apply_async((1,), serializer="json")
    bill.apply_async((1,), serializer="pickle")
    lab.app.send_task("bill", (1,), serializer="pickle")
    waiting = Channel.queues[lab.queue_name].queue
    sent = [message["content-type"] for message in waiting] if isinstance(waiting[0], dict) else None
    assert sent == ["application/x-python-serialize", "application/json", *["application/x-python-serialize"] * 2]
    lab.work()
    assert "Refusing to deserialize" in lab.log


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize(("priority", "fails"), [("low", True), ("5", True), ([5], True), (5, False)])
def test_priority_must_be_a_number(lab, priority, fails):
    """CLY502: RabbitMQ's client refuses a text; the other brokers read digits, and ignore what is none."""
    if fails:
        with pytest.raises((struct.error, TypeError)):
            Message("", priority=priority)._serialize_properties()
    else:
        assert Message("", priority=priority)._serialize_properties()
    lab.app.send_task("bill", priority=priority)
    with lab.app.connection_for_write() as connection:
        read = connection.default_channel._get_message_priority({"properties": {"priority": priority}})
    assert read == (5 if priority in ("5", 5) else connection.default_channel.default_priority)
