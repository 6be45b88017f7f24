"""Calls and sent messages, as rules are given them."""

from __future__ import annotations

import ast

from flake8_celery_tasks.binding.binder import collect
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.facts.calls import (
    Dropped,
    OnCommit,
    RaisedMethod,
    Retry,
    SendingMethod,
    TaskLookup,
    around_invocations,
)
from tests.helpers import facts_of


def test_the_name_of_an_invocation(tmp_path):
    text = (
        "from celery import current_app, shared_task\n\n\n@shared_task(name='a')\ndef a(): ...\n\n\n"
        "a.delay()\ncurrent_app.send_task(*names)\ncurrent_app.send_task('x', *more)\n"
    )
    sent = facts_of(tmp_path, text).invocations
    assert [invocation.name for invocation in sent] == [MISSING, UNKNOWN, "x"]
    assert sent[2].argument("kwargs", 2) is UNKNOWN


def test_the_tries_around_a_place():
    from flake8_celery_tasks.facts.calls import trys_around

    inner = "    def f():\n        try:\n            (lambda: g())()\n        finally:\n            pass\n"
    tree = ast.parse(f"try:\n{inner}finally:\n    pass\n")
    found = collect(tree)
    site = next(site for call, site in found.calls if getattr(call.func, "id", "") == "g")
    function = tree.body[0].body[0]
    assert [part for _, part in trys_around(site, function)] == ["body"]
    assert [part for _, part in trys_around(site, tree)] == ["body", "body"]


TASKS = """\
from celery import Celery, current_app, shared_task
from django.db.transaction import on_commit

from shop.mail import deliver


@shared_task(name="pay", bind=True)
def pay(self, order):
    try:
        raise self.retry
    except KeyError:
        self.retry(countdown=1)


def later(client):
    client.retry(3)
    retry(3)
    raise client.retry
"""


def test_every_call_of_retry_is_one(tmp_path):
    found = list(facts_of(tmp_path, TASKS).of(Retry))
    assert [(retry.node.lineno, ast.unparse(retry.receiver), retry.own is None) for retry in found] == [
        (12, "self", False),
        (16, "client", True),
    ]
    assert [[keyword.arg for keyword in retry.options] for retry in found] == [["countdown"], []]


def test_methods_of_the_running_task_that_are_raised(tmp_path):
    found = facts_of(tmp_path, TASKS).of(RaisedMethod)
    assert [(raised.node.lineno, raised.method.attr) for raised in found] == [(10, "retry")]


def test_tasks_that_are_looked_up(tmp_path):
    text = (
        f"{TASKS}\n\ncurrent_app.tasks['pay']\ncurrent_app.tasks[deliver(1)]\n"
        "other.tasks['x']\ndel current_app.tasks['pay']\n"
    )
    found = list(facts_of(tmp_path, text).of(TaskLookup))
    assert [lookup.name for lookup in found][:1] == ["pay"]
    assert [ast.unparse(lookup.node.slice) for lookup in found] == ["'pay'", "deliver(1)"]


def test_sending_methods_of_names_of_the_project(tmp_path):
    text = f"{TASKS}\n\npay.delay(1)\ndeliver.delay\nmissing.delay()\ncurrent_app.send_task('pay')\n[].delay()\n"
    mail = {"shop/mail.py": "def deliver(): ...\n"}
    found = list(facts_of(tmp_path, text, mail).of(SendingMethod))
    assert [(sent.node.attr, sent.target.path) for sent in found] == [
        ("delay", "shop.tasks.pay"),
        ("delay", "shop.mail.deliver"),
    ]


def test_what_is_dropped(tmp_path):
    text = (
        f"{TASKS}\n\npay.s(1)\nkept = pay.s(2)\npay.s(3) | pay.s(4)\npay.delay\n"
        "on_commit(lambda: pay.s(5))\nprint(pay.s(6))\n"
    )
    found = facts_of(tmp_path, text).of(Dropped)
    assert sorted(ast.unparse(dropped.node) for dropped in found) == [
        "pay.delay",
        "pay.s(1)",
        "pay.s(3) | pay.s(4)",
        "pay.s(5)",
    ]


def test_a_callback_of_on_commit(tmp_path):
    text = f"{TASKS}\n\non_commit(pay.delay)\non_commit(func=pay)\non_commit(*them)\non_commit()\n"
    found = facts_of(tmp_path, text).of(OnCommit)
    shown = [None if call.callback is None else ast.unparse(call.callback) for call in found]
    assert shown == ["pay.delay", "pay", None, None]


def test_what_stands_around_calls(tmp_path):
    facts = facts_of(tmp_path, f"{TASKS}\n\ndef send():\n    (lambda: pay.delay(1))()\n\n\ndef other(): ...\n")
    around = around_invocations(facts)
    send, other = facts.module.candidates.functions[2][0], facts.module.candidates.functions[3][0]
    assert id(send) in around
    assert id(other) not in around
