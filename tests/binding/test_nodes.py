"""Nodes in words."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flake8_celery_tasks.binding import nodes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("f'{a}:{b!r}'", "f'{a}:{b!r}'"),
        ("f\"{a['b']}\"", "..."),
        ("call(1, f\"{a['b']}\")", "..."),
        ("f'{a:>{10}}'", "f'{a:>{10}}'"),
        ("['b']", "['b']"),
    ],
)
def test_what_messages_show_is_the_same_on_all_pythons(text, shown):
    """Which quotes an f-string is written with when it holds strings depends on the Python."""
    assert nodes.unparsed(ast.parse(text, mode="eval").body) == shown


def test_all_nodes_are_walked_in_the_usual_order():
    for path in Path(nodes.__file__).parents[1].glob("*/*.py"):
        tree = ast.parse(path.read_bytes())
        usual = [node for node in ast.walk(tree) if not isinstance(node, (ast.expr_context, *OPERATORS))]
        assert list(nodes.walk(tree)) == usual


OPERATORS = (ast.operator, ast.unaryop, ast.boolop, ast.cmpop)

LINES = """
a = b(
    c
)

@d
def e():
    f
    if g:
        h
    i
"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [([], ""), ([3], "abc"), ([6], "d"), ([7], "d"), ([8], "df"), ([9], "dg"), ([10], "dgh"), ([1, 5, 11], "di")],
)
def test_statements_on_other_lines_are_skipped(lines, expected):
    found = nodes.walk(ast.parse(LINES), lines)
    assert "".join(sorted(node.id for node in found if isinstance(node, ast.Name))) == expected


def test_large_nodes_are_not_written():
    assert nodes.unparsed(ast.parse(f"f({'1, ' * 400})", mode="eval").body) == "..."
    assert nodes.unparsed(ast.parse(f"f({'1, ' * 100})", mode="eval").body).startswith("f(1, 1")


def test_nodes_that_python_can_not_write():
    assert nodes.unparsed(ast.Constant(10**5000)) == "..."
