"""A file's text with offsets."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.edits.text import Text, Unfixable


def test_offsets_of_wide_characters():
    text = Text("é = 'ü' ;x = f(1)\n")
    node = ast.parse(text.text).body[1]
    assert text.segment(node) == "x = f(1)"
    assert text.argument(node.value, node.value.args[0]) == "1"


def test_edges_of_texts():
    empty = Text("")
    assert empty.newline == "\n"
    assert empty.line_end(0) == 0
    assert empty.previous(0).text == ""
    assert empty.following(5).text == ""
    assert empty.quoted("a'b\"") == "'a\\'b\"'"
    with pytest.raises(Unfixable):
        Text("(").following(0)


@pytest.mark.parametrize("decorator", ["@f", "@ f", "@ \\\nf", "@(\n  f)"])
def test_definition_starts_at_its_first_decorator(decorator):
    text = Text(f"x = 1\n{decorator}\n@g\ndef h(): ...\n")
    assert text.start(ast.parse(text.text).body[1]) == 6


def test_function_in_parentheses():
    text = Text("(f)(1)")
    call = ast.parse(text.text).body[0].value
    assert text.opening(call) == 3
