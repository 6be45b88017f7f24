"""Options of messages, and queues by their names."""

from __future__ import annotations

import ast

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.calls import Invocation, TaskCall
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.facts.options import MessageOption, QueueUse
from tests.helpers import facts_of

TEXT = """\
from celery import Celery, shared_task

app = Celery("shop")
LATER = {"countdown": 5}


@shared_task(name="pay", bind=True, queue="money")
def pay(self, order):
    self.retry(countdown=60 if order else 120)


pay.apply_async((1,), queue="slow", **LATER)
pay.apply((1,), queue="here")
pay.delay(1, queue="argument")
app.conf.task_default_queue = "usual"
app.conf.task_routes = [{"pay": "fast"}, [("mail", {"queue": "mails"})], {"x": {"priority": 1}}]
app.conf.beat_schedule = {"pay": {"task": "pay", "schedule": 1, "options": {"queue": "beat" if x else "b"}}}
"""


def test_options_of_messages(tmp_path):
    found = list(facts_of(tmp_path, TEXT).of(MessageOption))
    assert [(option.name, type(option.owner), option.method, option.node.lineno) for option in found] == [
        ("queue", Invocation, "apply_async", 12),
        ("countdown", Invocation, "apply_async", 12),
        ("queue", Invocation, "apply", 13),
        ("countdown", TaskCall, "retry", 9),
        ("queue", BeatEntry, "", 17),
    ]


def test_the_values_of_an_option(tmp_path):
    options = list(facts_of(tmp_path, TEXT).of(MessageOption))
    assert [option.settled() for option in options[:3]] == ["slow", 5, "here"]
    retry, entry = options[3], options[4]
    assert [retry.settled(value) for value in retry.values] == [60, 120]
    assert [retry.kind(value) for value in retry.values] == ["number", "number"]
    # Of a beat entry an option counts as a whole.
    assert entry.values == [entry.value]
    assert isinstance(entry.value, ast.IfExp)


def test_queues_by_name(tmp_path):
    facts = facts_of(tmp_path, TEXT)
    assert [use.name for use in facts.of(QueueUse)] == ["money", "slow", "usual", "fast", "mails"]


def test_no_queue_is_looked_for_where_none_can_be(tmp_path):
    text = "from celery import shared_task\n\n\n@shared_task(name='a')\ndef a(): ...\n\n\na.apply_async()\n"
    facts = facts_of(tmp_path, text)
    assert facts.of(QueueUse) == []
    assert facts.of(MessageOption) == []
    assert facts.invocations[0].argument("queue") is MISSING
