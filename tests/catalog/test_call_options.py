import importlib.util
import logging
import pathlib
import warnings

import kombu
import pytest
from amqp.basic_message import Message
from celery import Celery, beat
from celery.app.task import Task
from celery.canvas import Signature
from kombu import Connection, Producer

from flake8_celery_tasks.catalog import NEWEST, OLDEST, task_options
from flake8_celery_tasks.catalog import call_options as catalog

from .installed import VERSION, parameters

HERE = {record.name for record in catalog.OPTIONS.values() if record.exists(VERSION)}
KINDS = sorted(catalog.OWN_KEYWORDS)


@pytest.fixture(scope="module")
def app():
    made = Celery("catalogue", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.finalize()
    return made


def function(*args, **kwargs):
    """A function to make a task of."""


@pytest.fixture(scope="module")
def task(app):
    return app.task(name="catalogue.task", bind=True, shared=False)(function)


def of(*groups):
    return {record.name for record in catalog.OPTIONS.values() if record.group in groups}


def test_options_are_the_parameters_on_the_way(app):
    found = {*parameters(Task.apply_async), *parameters(Celery.send_task)}
    if VERSION >= (5, 3):
        found.update(parameters(app.amqp.as_task_v2))
    found.update(parameters(app.amqp._create_task_sender()), parameters(Producer.publish))
    own = catalog.OWN_KEYWORDS["send_task"] | catalog.conflicts("send_task", VERSION)
    # In 5.2 no parameter tells of these: `send_task` looks for them among the options.
    read = {"argsrepr", "kwargsrepr", "ignore_result"} & HERE
    assert found - own | read == HERE - of("message", "transport")


def test_message_properties_are_those_of_amqp():
    real = {name for name, _ in Message.PROPERTIES} - {"application_headers"}
    assert real == of("message") | (real & HERE)


def test_transport_properties_are_read_by_a_transport():
    folder = pathlib.Path(importlib.util.find_spec("kombu.transport").origin).parent
    text = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    missing = {name for name in of("transport") if f"'{name}'" not in text}
    assert missing <= ({"delay_seconds", "DelaySeconds"} if kombu.VERSION < (5, 7) else set())


def test_positional_parameters():
    assert catalog.POSITIONAL["apply_async"] == tuple(parameters(Task.apply_async))
    assert tuple(parameters(Task.retry)) == catalog.RETRY_KEYWORDS
    assert catalog.POSITIONAL["set"] == tuple(parameters(Signature.set))
    made = [name for name in parameters(Signature.__init__) if name not in ("task", "ex")]
    assert catalog.POSITIONAL["signature"] == tuple(made)
    since_5_3 = ("replaced_task_nesting",) if VERSION < (5, 3) else ()
    assert catalog.POSITIONAL["send_task"] == tuple(parameters(Celery.send_task)) + since_5_3


def test_own_keywords_are_parameters():
    for kind, names in catalog.OWN_KEYWORDS.items():
        assert names <= set(catalog.POSITIONAL.get(kind, ()))
        assert not names & catalog.OPTIONS.keys()


LEGAL = {"args": (), "kwargs": {}, "headers": {}, "countdown": 1, "expires": 10, "stamped_headers": [], "options": {}}


class Caller:
    """Makes the calls of each kind with one keyword, and tells what came of it."""

    def __init__(self, app, task):
        self.app, self.task = app, task

    def apply_async(self, **keyword):
        self.task.apply_async(**keyword)

    def send_task(self, **keyword):
        self.app.send_task(*(() if "name" in keyword else ("catalogue.task",)), **keyword)

    def set(self, **keyword):
        self.task.s().set(**keyword).apply_async()

    def signature(self, **keyword):
        self.task.signature(**keyword).apply_async()

    def retry(self, **keyword):
        self.task.push_request(
            id="1", retries=0, called_directly=False, args=(), kwargs={}, delivery_info={}, hostname="h"
        )
        try:
            self.task.retry(**{"throw": False, **keyword})
        finally:
            self.task.pop_request()

    def beat(self, **keyword):
        entry = beat.ScheduleEntry(name="e", task="catalogue.task", schedule=10, options=keyword, app=self.app)
        beat.Scheduler(app=self.app, lazy=True).apply_async(entry, producer=None, advance=False)

    def in_conflict(self, kind, name):
        try:
            getattr(self, kind)(**{name: LEGAL.get(name, "x")})
        except Exception as error:  # each layer wraps it differently
            return "multiple values" in str(error)
        return False


@pytest.mark.parametrize("kind", KINDS)
def test_conflicts_are_those_that_celery_raises(app, task, kind):
    names = {*catalog.OPTIONS, *task_options.OPTIONS, *task_options.TASK_API, "subtask_type", "options", "task", "id"}
    names |= set().union(*(catalog.conflicts(each) for each in KINDS), *catalog.OWN_KEYWORDS.values())
    names -= {"name"} if kind == "send_task" else set()
    names -= {"__call__"}
    caller = Caller(app, task)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = {name for name in names if caller.in_conflict(kind, name)}
    finally:
        logging.disable(logging.NOTSET)
    assert found == catalog.conflicts(kind, VERSION)


def test_keywords_by_version():
    assert "stamped_headers" in catalog.keywords("apply_async")
    assert "stamped_headers" not in catalog.keywords("apply_async", OLDEST)
    assert "callbacks" in catalog.conflicts("apply_async", NEWEST)
    assert "callbacks" not in catalog.conflicts("apply_async", OLDEST)
    assert "max_retries" in catalog.keywords("retry")
    assert "max_retries" not in catalog.keywords("apply_async")
    assert "retries" not in catalog.keywords("retry")
    assert "args" not in catalog.keywords("set")
    assert "immutable" in catalog.keywords("set")


def test_what_only_a_task_reads():
    no_word_for_a_call = {"abstract", "from_config"}
    expected = {record.name for record in task_options.OPTIONS.values() if record.group != "hook"}
    assert expected - catalog.OPTIONS.keys() - no_word_for_a_call == catalog.TASK_ONLY


def test_an_unknown_keyword_becomes_a_property_of_the_message(app, task):
    task.apply_async(max_retries=5, countdwn=10, queue="catalogue")
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get("catalogue")
    assert message.properties["max_retries"] == 5
    assert message.properties["countdwn"] == 10


def test_traps_and_mistakes_are_options():
    assert catalog.TRAPS.keys() | catalog.DELAY_MISTAKES <= catalog.OPTIONS.keys()
    assert catalog.INTERVAL_KEYS < catalog.RETRY_POLICY_KEYS


def test_keys_of_a_retry_policy():
    assert set(parameters(Connection.ensure)) - {"obj", "fun"} == catalog.RETRY_POLICY_KEYS


def test_keys_of_a_beat_entry():
    assert set(parameters(beat.ScheduleEntry.__init__)) == {*catalog.BEAT_KEYS} | catalog.BEAT_INTERNAL_KEYS
    assert not catalog.BEAT_INTERNAL_KEYS & {*catalog.BEAT_KEYS}


def test_types_are_single_words():
    assert all(word.isidentifier() for record in catalog.OPTIONS.values() for word in record.types)
