"""Calls and sent messages, as rules are given them."""

from __future__ import annotations

import ast

from flake8_celery_tasks.binding.binder import collect
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
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


def test_what_makes_an_app(tmp_path):
    text = """\
import celery
from celery import Celery


def Make():
    return Celery("shop")


class Own(Celery): ...


app = Make()
other = Own("other")
third = celery.Celery("third")
"""
    assert [made.node.lineno for made in facts_of(tmp_path, text).apps_made] == [6, 13, 14]
