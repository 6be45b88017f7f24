"""Fixes are applied in rounds, and each has to prove itself."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.edits.edit import Import
from flake8_celery_tasks.edits.operations import Replace, Span
from flake8_celery_tasks.engine import judge, loader, session
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.workspace.source import Source
from tests.fixer.offering import offered
from tests.fixing import BEFORE, fix
from tests.helpers import project_at, write


def test_nothing_to_try(tmp_path):
    text = "import os.path\n"
    known = project_at(tmp_path, {"shop/tasks.py": text})
    path = str(tmp_path / "shop/tasks.py")
    order = rounds.Order()
    state = rounds.State(path, Source.of(text), ast.parse(text), order)
    assert rounds.Attempts(path, state, order, known).add([], None, []) == ([], None)


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def test_fixes_that_do_harm_are_not_applied(monkeypatch, shop):
    def write_what(node):
        text = {"a": "z = 1", "b": "not python (", "c": "c", "d": "d\ne"}.get(node.value.id, "e")
        return (Replace(node, text),)

    assert offered(monkeypatch, shop, "a\nb\nc\nd\n", write_what) == "z = 1\nb\nc\nd\n"


def test_what_would_change_more_is_not_applied(monkeypatch, shop):
    def cut(node):
        value = node.value
        return (Replace(value.right, "c, d"),) if isinstance(value, ast.BinOp) else (Span(0, 0, "y = x."),)

    assert offered(monkeypatch, shop, "a * b\n", cut) == "a * b\n"
    assert offered(monkeypatch, shop, "a\n", cut) == "a\n"


def test_two_operations_on_one_place(monkeypatch, shop):
    assert offered(monkeypatch, shop, "a\n", lambda node: (Span(0, 1, "x = 1"), Span(0, 1, "y = 1"))) == "a\n"


def test_fixes_that_touch_wait_for_the_next_round(monkeypatch, shop):
    def join(node):
        return (Span(0, 0, "x = 1\n"), Replace(node, "pass"))

    assert offered(monkeypatch, shop, "a\nb\n", join) == "x = 1\nx = 1\npass\npass\n"


def test_imports_are_added_once(monkeypatch, shop):
    after = offered(
        monkeypatch, shop, "a\nb\n", lambda node: (Replace(node, "pass"),), (Import("os", "sep"), Import("re", "sub"))
    )
    assert after == "from os import sep\nfrom re import sub\n\npass\npass\n"


def test_import_that_finds_no_place(monkeypatch, shop):
    text = "import re; a = 1\nb\n"
    assert offered(monkeypatch, shop, text, lambda node: (Replace(node, "pass"),), (Import("sys", "argv"),)) == text


def test_rounds_end(monkeypatch, shop):
    def one_by_one(node):
        return (Span(0, 0, "x = 1\n"), Replace(node, "pass"))

    after = offered(monkeypatch, shop, "a\n" * 12, one_by_one)
    assert after.count("pass") == rounds.ROUNDS


def test_what_would_go_is_not_applied(monkeypatch, shop):
    assert offered(monkeypatch, shop, "a\n", lambda node: (Span(0, 0, "x = 1  # "),)) == "a\n"


def test_import_beside_a_docstring(monkeypatch, shop):
    text = '"""x"""; from sys import path\nb\n'

    def replace(node):
        return (Replace(node, "pass"),) if isinstance(node.value, ast.Name) else ()

    assert offered(monkeypatch, shop, text, replace, (Import("os", "sep"),)) == text


def test_only_what_is_wanted(shop):
    assert not fix(shop, rounds.Order(wants=lambda path, lines, tree, found: []))


CONFLICT = """

@shared_task(name="task_{0}", bind=True)
def task_{0}(): ...
"""

BAD_FIX = """

@shared_task(name="bad_{0}", bind=True)
def bad_{0}(self):
    try:
        raise self.retry(exc=ValueError())
    except MaxRetriesExceededError:
        pass


@shared_task(name="task_{0}", bind=True)
def task_{0}(self, x):
    try:
        print(x)
    except OSError as exc:
        try:
            raise self.retry(exc)
        except MaxRetriesExceededError:
            print(x)
"""

MANY_HEAD = "from celery import shared_task\nfrom celery.exceptions import MaxRetriesExceededError\n"


@pytest.mark.parametrize("block", [CONFLICT, BAD_FIX], ids=["two that conflict", "one that is not good"])
def test_the_number_of_attempts_does_not_grow_with_that_of_the_fixes(tmp_path, monkeypatch, block):
    """Each attempt takes as long as a check of the file: it must not be one for each fix."""
    attempts = []
    apply = rounds.Attempts.apply
    monkeypatch.setattr(rounds.Attempts, "apply", lambda *given: attempts.append(1) or apply(*given))
    counted = {}
    for blocks in (5, 40):
        write(tmp_path, {"shop/tasks.py": MANY_HEAD + "".join(block.format(number) for number in range(blocks))})
        session.forget()
        attempts.clear()
        fix(tmp_path / "shop/tasks.py")
        counted[blocks] = len(attempts)
    assert counted[40] == counted[5]


@pytest.mark.parametrize(("end", "new"), [(5, "c, d"), (9, "e")], ids=["other code changes", "a node is cut"])
def test_fixes_that_change_something_else_are_known_at_once(monkeypatch, shop, end, new):
    def operations(node):
        if isinstance(node.value, ast.Name):
            return (Replace(node, "pass"),)
        start = sum(len(line) for line in text.splitlines(keepends=True)[: node.lineno - 1])
        return (Span(start + 4, start + end, new),)

    attempts = []
    apply = rounds.Attempts.apply
    monkeypatch.setattr(rounds.Attempts, "apply", lambda *given: attempts.append(1) or apply(*given))
    counted = set()
    for count in (5, 50):
        attempts.clear()
        text = "aaaa\nb * c * d\n" * count
        assert offered(monkeypatch, shop, text, operations) == text.replace("aaaa", "pass")
        counted.add(len(attempts))
    assert len(counted) == 1


def test_attempts_end(monkeypatch, shop):
    monkeypatch.setattr(rounds, "_WORK", 0)
    monkeypatch.setattr(rounds, "_TURNS", 3)
    attempts = []
    apply = rounds.Attempts.apply
    monkeypatch.setattr(rounds.Attempts, "apply", lambda *given: attempts.append(1) or apply(*given))
    text = "a\n" * 50
    assert offered(monkeypatch, shop, text, lambda node: (Span(2 * node.lineno - 2, 2 * node.lineno - 1, "("),)) == text
    assert len(attempts) == 3


def test_of_two_fixes_that_conflict_one_is_applied(tmp_path):
    write(tmp_path, {"shop/tasks.py": MANY_HEAD + "".join(CONFLICT.format(number) for number in range(5))})
    (result,) = fix(tmp_path / "shop/tasks.py")
    assert len(result.violations) >= 5
    assert not fix(tmp_path / "shop/tasks.py")
    assert judge.check(*_judged(tmp_path / "shop/tasks.py"), loader.by_kind()) == []


def _judged(path):
    known = session.project_of(str(path), Options())
    text = path.read_text()
    return known, known.open(str(path), Source(text.splitlines(keepends=True)), ast.parse(text))
