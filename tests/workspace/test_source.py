"""Where nodes stand in a file's text."""

from __future__ import annotations

import ast

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
