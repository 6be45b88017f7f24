"""Edits."""

from __future__ import annotations

from flake8_celery_tasks.edits.edit import Edit


def test_empty_edit_is_a_value():
    assert Edit(1, 2, "") == (1, 2, "")
