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
