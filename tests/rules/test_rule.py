"""What a rule is."""

from __future__ import annotations

from flake8_celery_tasks.rules.rule import Rule
from tests.fixer.offering import Offering
from tests.helpers import check


def test_rules_have_no_fix_of_their_own():
    assert Rule.fix(Offering(), None, None) is None


def test_names_that_are_used_twice_among_many_modules(tmp_path):
    """After searches for some modules, all tasks are indexed instead."""
    task = "from celery import shared_task\n\n\n@shared_task{}\ndef run(pk):\n    print(pk)\n"
    files = {f"a{n:02}/tasks.py": task.format("") for n in range(60)}
    found = check(tmp_path, {**files, "b/tasks.py": task.format("(name='a55.tasks.run')")})
    assert [name for name, some in found.items() if "CLY102" in {one.code for one in some}] == [
        "a55/tasks.py",
        "b/tasks.py",
    ]
