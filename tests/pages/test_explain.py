"""The documents that are made from the pages."""

from __future__ import annotations

import importlib
import os
import re
import runpy
import subprocess
import sys

import pytest

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import explain
from tests.helpers import ROOT, write


def test_documents_are_up_to_date():
    assert explain.stale(ROOT) == []


def test_documents_are_written_and_checked(tmp_path, capsys):
    (tmp_path / "README.md").write_text(f"before\n{explain.START}\nold\n{explain.END}\nafter\n")
    (tmp_path / "mkdocs.yml").write_text(f"nav:\n{explain.NAVIGATION_START}{explain.NAVIGATION_END}theme: material\n")
    (tmp_path / "docs/rules").mkdir(parents=True)
    (tmp_path / "docs/design.md").write_text(f"before\n{explain.PACKAGES_START}\n{explain.PACKAGES_END}\nafter\n")
    (tmp_path / "docs/rules/CLY000.md").touch()
    assert explain.main(["--check", "--root", str(tmp_path)]) == 1
    assert "not up to date: " in capsys.readouterr().out
    assert explain.main(["--write", "--root", str(tmp_path)]) == 0
    assert not (tmp_path / "docs/rules/CLY000.md").exists()
    assert explain.main(["--check", "--root", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "\n<details><summary>1xx Names: " in text
    assert "| [CLY101](docs/rules/CLY101.md) | missing-task-name | A task has no explicit name. |" in text
    navigation = (tmp_path / "mkdocs.yml").read_text()
    assert navigation.startswith(
        "nav:\n      # rules\n      - 1xx Names:\n          - CLY101 missing-task-name: rules/CLY101.md"
    )
    assert navigation.endswith("\n      # end of rules\ntheme: material\n")
    design = (tmp_path / "docs/design.md").read_text()
    assert design.startswith("before\n<!-- packages -->\n\n| package | what it does | modules |\n")
    (tmp_path / "README.md").write_text("no marks\n")
    assert explain.main(["--check", "--root", str(tmp_path)]) == 0


def test_packages_are_told_from_the_lowest_up(tmp_path):
    """The contract says which there are and in which order; one that is not there is left out."""
    write(
        tmp_path,
        {
            ".importlinter": "[importlinter:contract:pipeline]\nlayers =\n    top\n    a | b\n    (c)\n    d\n",
            "flake8_celery_tasks/top.py": '"""The top. It is small."""\n',
            "flake8_celery_tasks/a/__init__.py": '"""One\nsentence.\n\nMore.\n"""\n',
            "flake8_celery_tasks/a/z.py": "",
            "flake8_celery_tasks/a/x.py": "",
            "flake8_celery_tasks/b/__init__.py": "",
            "flake8_celery_tasks/d/topic/y.py": "",
        },
    )
    assert explain.packages(tmp_path).splitlines()[2:] == [
        "| `d` |  | topic |",
        "| `a` | One sentence. | x, z |",
        "| `b` |  |  |",
        "| `top.py` | The top. It is small. |  |",
    ]


def test_the_readme_folds_its_tables_by_topic():
    """Each topic is folded, says how many rules it has, and leaves the blank lines around a table."""
    folded = re.findall(
        r"<details><summary>(\dxx .*?): (\d+) rules?</summary>\n\n(.*?)\n\n</details>\n", explain.table(), re.DOTALL
    )
    assert [title for title, _, _ in folded] == [f"{digit}xx {topic}" for digit, topic in explain.TOPICS.items()]
    for title, number, table in folded:
        head, _, *rows = table.splitlines()
        assert head == "| code | name | what is wrong |"
        assert len(rows) == int(number) > 0
        assert all(row.startswith(f"| [CLY{title[0]}") for row in rows)


def test_one_rule_is_not_several(monkeypatch):
    first = loader.rules()[:1]
    monkeypatch.setattr(explain.loader, "rules", lambda: first)
    assert "<summary>1xx Names: 1 rule</summary>" in explain.table()


def test_the_overview_marks_fixes_and_opt_in_rules():
    text = explain.overview()
    rows = re.findall(r"^\| \[(CLY\d+)\]\(.*\| ([^|]*) \| ([^|]*) \|$", text, re.MULTILINE)
    assert rows == [(rule.code, rule.fixes, "opt-in" * rule.opt_in) for rule in loader.rules()]
    legend = set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE))
    assert legend == {rule.fixes for rule in loader.rules() if rule.fixes} | {"opt-in"}


def test_options_page_names_defaults():
    text = explain.options()
    assert "## `celery-acks-late`" in text
    assert "Default: `false`" in text
    assert "Default: none" in text
    assert "Default: `tests/,test/,tests.py" in text


def test_the_public_name(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["explain", "--check", "--root", str(ROOT)])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert importlib.import_module("flake8_celery_tasks.explain").main is explain.main
    monkeypatch.delitem(sys.modules, "flake8_celery_tasks.explain")
    with pytest.raises(SystemExit) as done:
        runpy.run_module("flake8_celery_tasks.explain", run_name="__main__")
    assert done.value.code == 0


def test_modules_of_the_working_directory_are_not_imported(tmp_path):
    (tmp_path / "argparse.py").write_text("raise SystemExit('taken')\n")
    command = [sys.executable, "-m", "flake8_celery_tasks.explain", "--check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("error: not a checkout, it has no README.md\n")


def test_pages_without_docstrings_in_memory(monkeypatch):
    """`python -OO` drops them."""
    (rule,) = explain.rules_called("CLY101")
    page, described = explain.page(rule), explain.description(rule)
    monkeypatch.setattr(type(rule), "__doc__", None)
    assert (explain.page(rule), explain.description(rule)) == (page, described)
    assert "## What happens" in page
