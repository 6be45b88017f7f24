"""Fixes with their proof, and `# noqa` that leaves the program as it is."""

from __future__ import annotations

import pytest

pytest.importorskip("pygls")

from flake8_celery_tasks.server import actions
from tests.server.desks import Table

TASKS = """\
from celery import shared_task


@shared_task
def add(x):
    print(x)


@shared_task(name="shop.sub")
def sub(x):
    print(x)


def view():
    sub.delay(1, countdown=3)
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Table(tmp_path / "project", {"shop/tasks.py": TASKS})


def applied(text, edits):
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def test_a_fix_for_each_finding(shop):
    buffer = shop.open("shop/tasks.py", TASKS)
    found = shop.problems(buffer)
    offered = actions.fixes(shop.sight(buffer), buffer, found, unsafe=True)
    by_code = {action.problem.code: action for action in offered}
    name = by_code["CLY101"]
    assert name.preferred
    assert name.title == "Fix CLY101"
    assert '@shared_task(name="shop.tasks.add")' in applied(TASKS, name.edits)
    unsafe = [action for action in offered if not action.preferred]
    assert all("unsafe" in action.title for action in unsafe)
    assert [
        action for action in actions.fixes(shop.sight(buffer), buffer, found, unsafe=False) if not action.preferred
    ] == []
    only = [one for one in found if one.code == "CLY101"]
    assert [action.problem for action in actions.fixes(shop.sight(buffer), buffer, only, unsafe=True)] == only


def test_all_safe_fixes(shop):
    buffer = shop.open("shop/tasks.py", TASKS)
    after = applied(TASKS, actions.fix_all(shop.sight(buffer), buffer))
    assert "CLY101" not in {code for code, _ in shop.found("shop/tasks.py", after)}
    buffer = shop.open("shop/tasks.py", after)
    assert actions.fix_all(shop.sight(buffer), buffer) == []


def test_nothing_to_fix_where_nothing_parses(shop):
    buffer = shop.open("shop/tasks.py", f"{TASKS}\ndef (:\n")
    found = shop.problems(buffer)
    assert [one.code for one in found] == ["E999"]
    assert actions.fixes(shop.sight(buffer), buffer, found, unsafe=True) == []
    assert actions.fix_all(shop.sight(buffer), buffer) == []
    assert list(actions.silenced(buffer, found)) == []


@pytest.mark.parametrize(
    ("text", "line", "after"),
    [
        ("x = 1\n", 1, "x = 1  # noqa: CLY101\n"),
        ("x = 1", 1, "x = 1  # noqa: CLY101"),
        ("x = 1\r\ny = 2\r\n", 1, "x = 1  # noqa: CLY101\r\ny = 2\r\n"),
        ("x = 1  # why\n", 1, "x = 1  # why  # noqa: CLY101\n"),
        ("x = 1  # noqa: E501\n", 1, "x = 1  # noqa: E501, CLY101\n"),
        ("x = 1  # noqa:E501 # why\n", 1, "x = 1  # noqa:E501, CLY101 # why\n"),
        ("x = 1 + \\\n    2\n", 1, "x = 1 + \\\n    2  # noqa: CLY101\n"),
        ('x = """a\nb"""\n', 1, 'x = """a\nb"""  # noqa: CLY101\n'),
        ("f(\n    1,\n)\n", 2, "f(\n    1,  # noqa: CLY101\n)\n"),
        ('x = """# noqa: E501\nb"""\n', 1, None),
        ('x = """\n', 1, None),
        ("x = = 1\n", 1, None),
        ("", 1, "  # noqa: CLY101"),
    ],
)
def test_noqa(text, line, after):
    edit = actions.noqa(text, line, "CLY101")
    assert (None if edit is None else applied(text, [edit])) == after


def test_a_line_that_is_silenced_is_silent(shop):
    buffer = shop.open("shop/tasks.py", TASKS)
    for action in actions.silenced(buffer, shop.problems(buffer)):
        after = applied(TASKS, action.edits)
        left = [(one.code, one.line) for one in shop.problems(shop.open("shop/tasks.py", after))]
        assert (action.problem.code, action.problem.line) not in left
        assert action.title == f"Disable {action.problem.code} on this line"


def test_no_comment_where_it_would_change_the_program(shop):
    text = TASKS.replace("sub.delay(1, countdown=3)", 'sub.delay(1, countdown="""# noqa: E501\n3""")')
    buffer = shop.open("shop/tasks.py", text)
    found = shop.problems(buffer)
    line = text[: text.index("sub.delay")].count("\n") + 1
    assert [one.line for one in found if one.line == line]
    offered = [action.problem for action in actions.silenced(buffer, found)]
    assert offered == [one for one in found if one.line != line]
