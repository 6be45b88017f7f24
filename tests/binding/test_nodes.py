"""Nodes in words."""

from __future__ import annotations

import ast

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
