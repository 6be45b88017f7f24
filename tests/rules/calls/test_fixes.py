"""Fixes of calls."""

from __future__ import annotations

import pytest

from tests.fixing import fix_one

CALLS = """\
from celery import chain, group, shared_task


@shared_task(name="a")
def add(x=0, y=0, **more):
    return x


def send(items, n: int, m: dict):
    {}
"""


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("CLY603", "add.delay(1, y=2, countdown=3)", 'add.apply_async(args=[1], kwargs={"y": 2}, countdown=3)'),
        ("CLY603", "add.delay(countdown=3)", "add.apply_async(countdown=3)"),
        ("CLY603", "add.delay(*items, countdown=n)", "add.apply_async(args=[*items], countdown=n)"),
        ("CLY603", "add.s(1, countdown=3)", "add.s(1).set(countdown=3)"),
        ("CLY603", "add.delay_on_commit(1, countdown=3)", "add.apply_async_on_commit(args=[1], countdown=3)"),
        ("CLY604", "add.apply_async((1))", "add.apply_async((1,))"),
        ("CLY604", "add.apply_async(n)", "add.apply_async((n,))"),
        ("CLY604", "add.apply_async((q.pk))", "add.apply_async((q.pk,))"),
        ("CLY604", "add.apply_async(q.pk)", "add.apply_async((q.pk,))"),
        ("CLY604", "add.apply_async(args=((q)))", "add.apply_async(args=((q,)))"),
        ("CLY604", "add.apply_async(m)", "add.apply_async(kwargs=m)"),
        ("CLY604", "add.apply_async(args=m, countdown=1)", "add.apply_async(kwargs=m, countdown=1)"),
        ("CLY604", "add.apply_async(args=m, kwargs=m)", "add.apply_async(args=m, kwargs=m)"),
        ("CLY604", "add.apply_async({1})", "add.apply_async({1})"),
        ("CLY608", "return group(add(1), add(2))", "return group(add.s(1), add.s(2))"),
        ("CLY608", "return chain(add.s(1), add.delay(2))", "return chain(add.s(1), add.s(2))"),
        ("CLY608", "return chain(add.s(1), add.apply_async((2,)))", "return chain(add.s(1), add.signature((2,)))"),
        ("CLY608", "return chain(add.s(1), add)", "return chain(add.s(1), add.s())"),
        ("CLY608", "return chain(add.s(1), add.delay)", "return chain(add.s(1), add.s())"),
        ("CLY608", "return chain(add.s(1), add.s(2).delay())", "return chain(add.s(1), add.s(2).delay())"),
    ],
)
def test_calls(code, before, after, tmp_path):
    assert fix_one(tmp_path, CALLS.format(before), code) == CALLS.format(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("chain(add.s(1), add.s()).delay(countdown=3)", "chain(add.s(1), add.s()).apply_async(countdown=3)"),
        ("chain(add.s(), add.s())(1, priority=3)", "chain(add.s(), add.s()).apply_async(args=[1], priority=3)"),
        (
            "(add.s() | add.s()).delay(expires=3, y=2, countdown=1)",
            '(add.s() | add.s()).apply_async(kwargs={"y": 2}, expires=3, countdown=1)',
        ),
        ("group(add.s()).delay(args=[1])", "group(add.s()).apply_async(args=[1])"),
        ("group(add.s()).delay(1, args=[1])", "group(add.s()).delay(1, args=[1])"),
        ("one = add.s(1)\n    one.delay(countdown=2)", "one = add.s(1)\n    one.apply_async(countdown=2)"),
        (
            "one = add.s(1)\n    one.delay(countdown=2)\n    one.delay(expires=2)",
            "one = add.s(1)\n    one.apply_async(countdown=2)\n    one.apply_async(expires=2)",
        ),
    ],
)
def test_options_of_canvases(before, after, tmp_path):
    text = CALLS.replace(", **more", "")
    assert fix_one(tmp_path, text.format(before), "CLY603") == text.format(after)
