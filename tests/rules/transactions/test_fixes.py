"""Fixes of tasks that are sent in transactions."""

from __future__ import annotations

import pytest

from tests.fixing import fix_one

COMMITS = """\
{imports}from celery import {names}
from django.db import transaction


@shared_task(name="a")
def add(x=0):
    return x


def save(items):
    with transaction.atomic({using}):
        for item in items:
            {call}
"""


def commit(call, using="", imports="", names="shared_task"):
    return COMMITS.format(call=call, using=using, imports=imports, names=names)


PARTIAL = "from functools import partial\n\n"


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("CLY701", commit("add.delay(item)"), commit("add.delay_on_commit(item)")),
        ("CLY701", commit("add.delay(1)", "durable=True"), commit("add.delay_on_commit(1)", "durable=True")),
        ("CLY701", commit("add.delay(item)", "using='x'"), commit("add.delay(item)", "using='x'")),
        ("CLY701", commit("x = add.delay(item)"), commit("x = add.delay(item)")),
        (
            "CLY701",
            commit("add.s(item).delay()"),
            commit("transaction.on_commit(add.s(item).delay)"),
        ),
        (
            "CLY701",
            commit("current_app.send_task('b', [item])", names="current_app, shared_task"),
            commit(
                "transaction.on_commit(partial(current_app.send_task, 'b', [item]))",
                imports=PARTIAL,
                names="current_app, shared_task",
            ),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add.delay())"),
            commit("transaction.on_commit(add.delay)"),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add.delay_on_commit(1))"),
            commit("transaction.on_commit(partial(add.delay, 1))", imports=PARTIAL),
        ),
        (
            "CLY702",
            commit("transaction.on_commit(add(1))", imports="import functools\n\n"),
            commit("transaction.on_commit(functools.partial(add.delay, 1))", imports="import functools\n\n"),
        ),
        ("CLY703", commit("transaction.on_commit(add)"), commit("transaction.on_commit(add.delay)")),
        ("CLY703", commit("transaction.on_commit(add.s)"), commit("transaction.on_commit(add.delay)")),
        (
            "CLY704",
            commit("transaction.on_commit(lambda: add.delay(x=item))"),
            commit("transaction.on_commit(lambda item=item: add.delay(x=item))"),
        ),
        (
            "CLY704",
            commit("transaction.on_commit(lambda y=1: add.delay(item))"),
            commit("transaction.on_commit(lambda y=1, item=item: add.delay(item))"),
        ),
    ],
)
def test_transactions(code, before, after, tmp_path):
    assert fix_one(tmp_path, before, code) == after


def test_callback_with_what_is_deleted_is_left_to_you(tmp_path):
    text = commit("item.delete()\n            transaction.on_commit(lambda: add.delay(item.pk))")
    assert fix_one(tmp_path, text, "CLY704") == text
