"""What the pages say happens at run time is shown by the real Celery: each default rule has a test that does."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from flake8_celery_tasks.engine import loader

FOLDER = Path(__file__).parent

#: Default rules whose pages say nothing that Celery could show, and why.
EXCEPTIONS: dict[str, str] = {}


def marked(source):
    """Yield the codes that the tests in a source are marked with: `@pytest.mark.truth("CLY101", ...)`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_"):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.truth":
                    yield from map(ast.literal_eval, mark.args)


MARKED = {code for path in FOLDER.glob("test_*.py") for code in marked(path.read_text(encoding="utf-8"))}
RULES = {rule.code: rule for rule in loader.rules()}


def test_every_default_rule_is_shown_by_celery():
    assert {code for code, rule in RULES.items() if not rule.opt_in} - MARKED == EXCEPTIONS.keys()


def test_marks_are_of_rules():
    assert RULES.keys() >= MARKED


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ('@pytest.mark.truth("CLY101", "CLY102")\ndef test_it(): ...', ["CLY101", "CLY102"]),
        (
            'class TestIt:\n    @pytest.mark.slow\n    @pytest.mark.truth("CLY101")\n    def test_it(self): ...',
            ["CLY101"],
        ),
        ('@pytest.mark.truth("CLY101")\ndef helper(): ...', []),
        ('# @pytest.mark.truth("CLY101")\ndef test_it(): ...', []),
    ],
)
def test_marks_are_read_as_pytest_reads_them(source, codes):
    assert list(marked(source)) == codes
