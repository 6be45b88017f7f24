"""Fixes are applied in rounds, and each has to prove itself."""

from __future__ import annotations

import ast

from flake8_celery_tasks.fixer import rounds
from tests.helpers import project_at


def test_nothing_to_try(tmp_path):
    text = "import os.path\n"
    known = project_at(tmp_path, {"shop/tasks.py": text})
    path = str(tmp_path / "shop/tasks.py")
    order = rounds.Order()
    state = rounds.State(path, rounds.Text(text), ast.parse(text), order)
    assert rounds.Attempts(path, state, order, known).add([], None, []) == ([], None)
