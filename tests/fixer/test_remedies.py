"""Fixes that are offered for each finding by itself."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.edits.edit import Import
from flake8_celery_tasks.edits.operations import Replace
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.fixer import remedies as fixer_remedies
from flake8_celery_tasks.fixer import rounds
from tests.fixer.offering import Offering, Rivals, applied
from tests.fixing import BEFORE
from tests.helpers import write


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def test_of_rivals_one_is_applied(monkeypatch, shop):
    monkeypatch.setattr(loader, "by_kind", lambda opted=(): {"Facts": [Rivals]})
    assert rounds.fix_text(str(shop), "a\nb\n", rounds.Order()).text == "pass\nb\n"
    shop.write_text("a\nb\n", encoding="utf-8")
    assert [one.violation.text for one in fixer_remedies.remedies(str(shop), rounds.Order())[1]] == ["a", "b"]


def test_remedies_that_do_harm_are_not_offered(monkeypatch, shop):
    rule = Offering()
    rule.operations = lambda node: (Replace(node, {"a": "pass", "b": "not python ("}.get(node.value.id, "z = 1")),)
    monkeypatch.setattr(loader, "by_kind", lambda opted=(): {"Facts": [lambda: rule]})
    shop.write_text("a\nb\nc\n", encoding="utf-8")
    path, remedies = fixer_remedies.remedies(str(shop), rounds.Order())
    assert path == str(shop)
    assert [(one.violation.line, one.replacements[0].text) for one in remedies] == [(1, "pass"), (3, "z = 1")]


IMPORTED = "from sys import argv\n"


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        # What is mended stands below the imports, at their end, above them, or there are none.
        ("import re\n\na\n\nb\n", ["import re\n{}\npass\n\nb\n", "import re\n{}\na\n\npass\n"]),
        ("import re\na\nx = 1\n\nb\n", ["import re\n{}pass\nx = 1\n\nb\n", "import re\n{}a\nx = 1\n\npass\n"]),
        ("a\nimport re\nb", ["{}\npass\nimport re\nb", "{}\na\nimport re\npass"]),
        ('"""a"""\nb\n', ["{}\npass\nb\n", '"""a"""\n\n{}\npass\n']),
        ("from sys import path\n\na\n", ["from sys import argv, path\n\npass\n"]),
    ],
)
def test_remedies_come_with_their_imports(monkeypatch, shop, before, expected):
    rule = Offering()
    rule.operations = lambda node: (Replace(node, "pass"),)
    rule.imports = (Import("sys", "argv"),)
    monkeypatch.setattr(loader, "by_kind", lambda opted=(): {"Facts": [lambda: rule]})
    shop.write_text(before, encoding="utf-8")
    _, remedies = fixer_remedies.remedies(str(shop), rounds.Order())
    assert [applied(before, one) for one in remedies] == [text.format(IMPORTED) for text in expected]


def test_a_file_that_is_gone_or_broken_has_no_remedies(tmp_path):
    write(tmp_path, {"broken.py": "def (:\n"})
    for name in ("gone.py", "broken.py"):
        path = str(tmp_path / name)
        assert fixer_remedies.remedies(path, rounds.Order()) == (path, [])
