"""Parts that are hard to come by from outside."""

from __future__ import annotations

import ast

from flake8_celery_tasks.binding.values import Const, Param
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.edits import operations
from flake8_celery_tasks.facts import task
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.resolution import project
from flake8_celery_tasks.rules import _side_effects
from flake8_celery_tasks.rules.boundaries import _send_by_name
from tests.helpers import write

TEXT = """\
import os.path
from shop.other import thing
from celery import current_task

thing.retry()
current_task.retry()
{}.update({})
"""


def opened(folder, text=TEXT):
    write(folder, {"shop/tasks.py": text, "shop/other.py": "thing = object()\n"})
    known = project.Project(str(folder), Options())
    path = str(folder / "shop/tasks.py")
    return known, path, known.open(path, text.splitlines(keepends=True), ast.parse(text))


def test_what_a_file_takes_is_found_once(tmp_path):
    known, path, _ = opened(tmp_path)
    taken = _send_by_name._taken(known, path)
    assert taken == {("os", ""), ("shop.other", "thing"), ("celery", "current_task")}
    assert _send_by_name._taken(known, path) is taken


def test_only_retries_of_tasks_count(tmp_path):
    known, _, module = opened(tmp_path)
    assert task._retried(known, module) == {None}


def test_the_text_of_a_module(tmp_path):
    _, _, module = opened(tmp_path)
    assert operations.text_of(module).text == TEXT
    assert operations.text_of(module) is operations.text_of(module)


def test_nothing_to_try(tmp_path):
    known, path, _ = opened(tmp_path)
    order = rounds.Order()
    state = rounds.State(path, rounds.Text(TEXT), ast.parse(TEXT), order)
    assert rounds.Attempts(path, state, order, known).add([], None, []) == ([], None)


def test_a_session_that_is_handed_in_may_hold_the_key(tmp_path):
    known, _, module = opened(tmp_path)
    assert _side_effects._session_may_hold_key(known, module, Param("session", None), module)
    assert not _side_effects._adds_key(known, module)


def test_a_project_that_is_not_lasting_is_not_frozen(tmp_path, monkeypatch):
    known, _, _ = opened(tmp_path)
    known.is_lasting = False
    monkeypatch.setattr(project.gc, "freeze", None)
    assert not known.tasks.by_name


def test_a_module_that_adds_to_the_headers_may_add_the_key(tmp_path):
    known, _, module = opened(tmp_path, "session = make()\nsession.headers.update(key=1)\n")
    assert _side_effects._session_may_hold_key(known, module, Const(None), module)
