"""What is known of a task."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.binding.symbols import parameters
from flake8_celery_tasks.celery_model.task import without_first


def params_of(head):
    return parameters(ast.parse(f"def f({head}): pass").body[0].args)


@pytest.mark.parametrize(
    ("head", "left"),
    [("self, a=1", "a=1"), ("self=None, a=1", "a=1"), ("self, a, /, b", "a, /, b"), ("*args", "*args")],
)
def test_without_first(head, left):
    assert without_first(params_of(head)) == params_of(left)
