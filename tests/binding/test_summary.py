"""A summary that was read is one that was written, or none."""

from __future__ import annotations

import ast
import copy
import json

import pytest

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.binding.summary import is_sound
from flake8_celery_tasks.workspace.layout import Layout
from flake8_celery_tasks.workspace.source import Source

TEXT = """\
from celery import Task, shared_task
from shop.jobs import *

A = {"a": [1j, ..., {*()}, b"\\xff", 2**70, -1, None, 3 << 70], **EXTRA}
B = f(1, *a, k=v, **o)().attr[0]
C = f"{A}x"
D = 1180591620717411303424
E = lambda x: x


@shared_task(name="one")
def one(a: int, /, b=1, *c, d, e=2, **f):
    f["x"] = 1
    return a, b.c(d)


class Two(Task, metaclass=type):
    name = "two"

    def run(self): ...


three = shared_task(one)
"""


@pytest.fixture
def summary():
    tree = ast.parse(TEXT)
    module = Module(Layout("/project").place("/project/shop/tasks.py"), Source(()), tree, lambda: tree)
    for name in module.names():
        for symbol in module.symbols(name):
            for question in ("body", "attributes"):
                getattr(symbol, question, None)
    module.made()
    return json.loads(json.dumps(module.summary()))


def places(data, path=()):
    yield path
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from places(value, (*path, key))


def test_what_was_written_is_sound(summary):
    assert is_sound(summary)


@pytest.mark.parametrize("wrong", [{}, {"a": 1}, [{}], [["f", {}]], ["int", {}], ["r", {}], ["call", {}]])
def test_what_is_wrong_somewhere_is_not(summary, wrong):
    count = 0
    for path in list(places(summary))[1:]:
        if wrong == {} and path == ("symbols",):
            continue
        changed = copy.deepcopy(summary)
        owner = changed
        for key in path[:-1]:
            owner = owner[key]
        owner[path[-1]] = wrong
        assert not is_sound(changed), path
        count += 1
    assert count > 100


@pytest.mark.parametrize("change", [lambda data: data.pop("names"), lambda data: data.update(more=1)])
def test_fields_are_these(summary, change):
    change(summary)
    assert not is_sound(summary)


@pytest.mark.parametrize("value", [["int", "x"], ["b", "\u20ac"], ["z", 1, "1"], ["nothing"], [], [1]])
def test_constants_that_are_none(summary, value):
    summary["symbols"]["A"] = [["v", value]]
    assert not is_sound(summary)


def test_too_deep(summary):
    value = ["u"]
    for _ in range(5_000):
        value = ["op", "-", [value]]
    summary["symbols"]["A"] = [["v", value]]
    assert not is_sound(summary)
