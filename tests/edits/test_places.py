"""The nodes at a place: the same as if all nodes were visited."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.edits.places import around, items_at, touched
from flake8_celery_tasks.workspace.source import Source

MANY = range(12)

TEXT = "\n".join(
    (
        "import a; b = 1;c = b",
        "def f(",
        *(f"    a{n}={n}," for n in MANY),
        "    *,",
        *(f"    k{n}," for n in MANY),
        "    last=(),",
        "): ...",
        "with (",
        *(f"    a({n}) as x{n}," for n in MANY),
        "    b(),",
        "):",
        "    global " + ", ".join(f"g{n}" for n in MANY),
        "match b:",
        *(f"    case {{'k': {n}, 'm': x}} if f(x):\n        f({n})\n        f(-{n})" for n in MANY),
        "try:",
        "    f()",
        *(f"except E{n}:\n    f({n})" for n in MANY),
        "else:",
        "    f(1)",
        "finally:",
        "    f(2)",
        *(f"{'el' * (n > 0)}if b == {n}:\n    f({n})" for n in MANY),
        "else:",
        "    f(3)",
        "x = {",
        "    **b,",
        *(f"    {n}:\n        f({n})," for n in MANY),
        "    **c,",
        "}",
        "y = [",
        "    x + z",
        *(f"    for x in f({n})\n    for z in x\n    if x if f(z)" for n in MANY),
        "]",
        *(f"@a.decorator({n})" for n in MANY),
        "class A(",
        *(f"    B{n}," for n in MANY),
        "):",
        '    "é"; x = f(1, *b); y = f(2)',
        "    async def method(self): await f(self, b)",
        "    def other(self): return lambda x: (",
        *(f"        x < {n} if x else" for n in MANY),
        "        1 < x",
        *(f"        < f({n})" for n in MANY),
        "    )",
        "",
    )
)
SOURCE = Source.of(TEXT)
NODES = [node for node in ast.walk(SOURCE.tree) if hasattr(node, "end_lineno")]
PLACES = sorted({(SOURCE.start(node), SOURCE.end(node)) for node in NODES})


@pytest.mark.parametrize("kind", ["whole", "start", "end"])
def test_around(kind):
    for first, last in PLACES:
        start, end = {"whole": (first, last), "start": (first, first), "end": (last, last)}[kind]
        every = [node for node in NODES if SOURCE.start(node) <= start and end <= SOURCE.end(node)]
        statements = [node for node in every if isinstance(node, ast.stmt)]
        inner = min(statements, key=lambda node: SOURCE.end(node) - SOURCE.start(node))
        found = list(around(SOURCE, start, end))
        assert found[0] is SOURCE.statement(start, end) is inner
        below = {*ast.walk(inner)} - {one for node in ast.walk(inner) if node is not inner for one in _of(node)}
        if kind == "whole":
            assert set(found) == below.intersection(every)
        assert set(found) <= below.intersection(every)


def _of(node):
    return ast.walk(node) if isinstance(node, ast.stmt) else ()


def test_around_nothing():
    assert list(around(SOURCE, 0, len(TEXT))) == []
    assert Source.of("").statement(0, 0) is None
    assert SOURCE.statement(0, TEXT.index(";") + 1) is None


def test_touched():
    for (start, _), (_, end) in zip(PLACES, PLACES[5:], strict=False):
        if start < end:
            places = {place for place in PLACES if place[1] > start and place[0] < end}
            found = set(touched(SOURCE, start, end))
            assert found <= places
            assert all(first <= start and end <= last for first, last in places - found)


def test_items():
    (display,) = (node for node in NODES if isinstance(node, ast.Dict) and len(node.keys) > 2)
    every = list(zip(display.keys, display.values, strict=True))
    for key, value in every:
        start, end = SOURCE.start(key or value), SOURCE.end(value)
        assert list(items_at(SOURCE, display, start, end)) == [(key, value)]
    assert list(items_at(SOURCE, display, 0, len(TEXT))) == every
