"""What is known of a task."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.binding.symbols import parameters
from flake8_celery_tasks.celery_model.task import retried_in, without_first
from tests.helpers import opened, project_at


def params_of(head):
    return parameters(ast.parse(f"def f({head}): pass").body[0].args)


@pytest.mark.parametrize(
    ("head", "left"),
    [("self, a=1", "a=1"), ("self=None, a=1", "a=1"), ("self, a, /, b", "a, /, b"), ("*args", "*args")],
)
def test_without_first(head, left):
    assert without_first(params_of(head)) == params_of(left)


def test_only_retries_of_tasks_count(tmp_path):
    text = "from shop.other import thing\nfrom celery import current_task\n\nthing.retry()\ncurrent_task.retry()\n"
    known = project_at(tmp_path, {"shop/tasks.py": text, "shop/other.py": "thing = object()\n"})
    assert retried_in(opened(known, tmp_path, "shop/tasks.py", text), known) == {None}
