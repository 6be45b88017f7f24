"""Where nodes stand in a file's text."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.workspace.source import Source


def test_positions():
    text = 'x = "é"; y = 1\n\nasync  def é(): ...\n'
    source = Source(text.splitlines(keepends=True))
    tree = ast.parse(text)
    assert source.position(tree.body[1]) == (1, 9)
    assert source.name(tree.body[2]) == (3, 11)
    assert Source([]).position(tree.body[1]) == (1, 10)
    assert Source([]).name(tree.body[2]) == (3, 0)
    split = "async \\\n  def f(): ...\n"
    assert Source(split.splitlines(keepends=True)).name(ast.parse(split).body[0]) == (1, 0)


def test_offsets_of_wide_characters():
    text = Source.of("é = 'ü' ;x = f(1)\n")
    node = ast.parse(text.text).body[1]
    assert text.segment(node) == "x = f(1)"
    assert text.segment(node.value.args[0]) == "1"


def test_edges_of_texts():
    empty = Source.of("")
    assert empty.newline == "\n"
    assert empty.line_end(0) == 0
    assert empty.previous(0).text == ""
    assert empty.following(5).text == ""
    assert empty.quoted("a'b\"") == "'a\\'b\"'"
    with pytest.raises(Unfixable):
        Source.of("(").following(0)


@pytest.mark.parametrize("decorator", ["@f", "@ f", "@ \\\nf", "@(\n  f)"])
def test_definition_starts_at_its_first_decorator(decorator):
    text = Source.of(f"x = 1\n{decorator}\n@g\ndef h(): ...\n")
    assert text.start(ast.parse(text.text).body[1]) == 6


def test_function_in_parentheses():
    text = Source.of("(f)(1)")
    call = ast.parse(text.text).body[0].value
    assert text.opening(call) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [("f(a)", "a"), ("f((a))", "(a)"), ("f(((a)), b)", "((a))"), ("(a)", "a"), ("f((a), b)", "(a)")],
)
def test_the_parentheses_around_a_place_within_others(text, expected):
    source = Source.of(text)
    at = text.index("a")
    first, last = source.outside(at, at + 1, 2 if text[0] == "f" else 1, len(text) - 1)
    assert text[first:last] == expected


def test_lines_that_may_contain_a_name():
    text = "a\nab ab\nc\n\u0430\n'\xe4'\nb"
    assert Source.of(text).lines_with({"a", "b"}) == [1, 2, 4, 5, 6]
    assert Source.of("a.b\nab\n").lines_with({"a.b"}) == [1]
