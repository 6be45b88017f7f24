"""Gate, source, options, engine, pages: what is not seen through the rules."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flake8_celery_tasks import plugin
from flake8_celery_tasks.core.options import OptionError, Options
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples, explain
from flake8_celery_tasks.workspace import gate
from flake8_celery_tasks.workspace.source import Source


def test_the_gate():
    assert gate.passes("from celery import shared_task")
    assert gate.passes("CELERY_TASK_ACKS_LATE = True")
    assert not gate.passes("import os\n\nprint(os.name)\n")
    own = gate.marks_of(("shop.jobs.job", "shop.decorators.*", "*", "x.instr*ted_[ab]?"))[len(gate.MARKS) :]
    assert own == ("job", "decorators", "instr")


def test_every_bad_example_passes_the_gate():
    for rule in loader.rules():
        section = next(s for s in examples.sections(inspect.getdoc(type(rule))) if s.title == "Bad")
        for case in examples.cases(section):
            assert any(gate.passes(text) for text in case.files.values()), rule.code


def test_nothing_is_imported_before_it_is_needed():
    """Importing the plugin, and checking a file that has nothing to do with Celery, loads neither engine nor rules."""
    code = (
        "import ast, sys; before = set(sys.modules); from flake8_celery_tasks.plugin import Plugin\n"
        "assert not list(Plugin(ast.parse('x = 1'), 'x.py', ['x = 1\\n']).run())\n"
        "print(sorted(m for m in set(sys.modules) - before if 'celery_tasks' in m or 'libcst' in m))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(
        [f"flake8_celery_tasks{name}" for name in ("", ".plugin", ".workspace", ".workspace.gate")]
    )


def test_a_file_that_does_not_pass_is_left_after_one_search():
    assert not list(plugin.Plugin(ast.parse("x = 1"), "x.py", ["x = 1\n"]).run())


def test_positions():
    text = 'x = "é"; y = 1\n\nasync  def é(): ...\n'
    source = Source(text.splitlines(keepends=True))
    tree = ast.parse(text)
    assert source.position(tree.body[1]) == (1, 9)
    assert source.name(tree.body[2]) == (3, 11)
    assert Source([]).position(tree.body[1]) == (1, 10)
    assert Source([]).name(tree.body[2]) == (3, 0)
    split = "async \\\n  def f(): ...\n"
    assert Source(split.splitlines(keepends=True)).name(ast.parse(split).body[0]) == (1, 0)


@pytest.mark.parametrize(
    ("field", "raw", "value"),
    [
        ("celery_acks_late", "Yes", True),
        ("celery_acks_late", "0", False),
        ("celery_acks_late", True, True),
        ("celery_broker", " Redis ", "redis"),
        ("celery_target_version", "5.4.2", (5, 4)),
        ("celery_target_version", (5, 3), (5, 3)),
        ("celery_apps", "a.b,\n c", ("a.b", "c")),
        ("celery_apps", ["a"], ("a",)),
        ("celery_test_paths", "a\\b/, x.py", ("a/b/", "x.py")),
        ("celery_project_root", " ", ""),
    ],
)
def test_options_take(field, raw, value):
    assert getattr(Options.of({field: raw}), field) == value


@pytest.mark.parametrize(
    ("field", "raw"),
    [
        ("celery_acks_late", "maybe"),
        ("celery_broker", "kafka"),
        ("celery_target_version", "5.x"),
        ("celery_apps", "a..b"),
        ("celery_apps", "a b"),
    ],
)
def test_options_refuse(field, raw):
    with pytest.raises(OptionError, match=field.replace("_", "-")) as refused:
        Options.of({field: raw})
    assert repr(raw) in str(refused.value)


def test_documents_are_up_to_date():
    assert explain.stale(Path(__file__).parent.parent) == []


def test_documents_are_written_and_checked(tmp_path, capsys):
    (tmp_path / "README.md").write_text(f"before\n{explain.START}\nold\n{explain.END}\nafter\n")
    (tmp_path / "mkdocs.yml").write_text(f"nav:\n{explain.NAVIGATION_START}{explain.NAVIGATION_END}theme: material\n")
    (tmp_path / "docs/rules").mkdir(parents=True)
    (tmp_path / "docs/rules/CLY000.md").touch()
    assert explain.main(["--check", "--root", str(tmp_path)]) == 1
    assert "not up to date: " in capsys.readouterr().out
    assert explain.main(["--write", "--root", str(tmp_path)]) == 0
    assert not (tmp_path / "docs/rules/CLY000.md").exists()
    assert explain.main(["--check", "--root", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "| [CLY101](docs/rules/CLY101.md) | missing-task-name | A task has no explicit name. |" in text
    navigation = (tmp_path / "mkdocs.yml").read_text()
    assert navigation.startswith(
        "nav:\n      # rules\n      - 1xx Names:\n          - CLY101 missing-task-name: rules/CLY101.md"
    )
    assert navigation.endswith("\n      # end of rules\ntheme: material\n")
    (tmp_path / "README.md").write_text("no marks\n")
    assert explain.main(["--check", "--root", str(tmp_path)]) == 0


def test_links_of_the_readme_lead_somewhere():
    """Those of the pages in `docs` are mkdocs' business."""
    root = Path(__file__).parent.parent
    links = re.findall(r"\]\((?!https://)([^)#]*)[^)]*\)", (root / "README.md").read_text(encoding="utf-8"))
    assert {"docs/options.md", "CHANGELOG.md"} <= set(links)
    assert [link for link in links if not (root / link).is_file()] == []


def test_options_page_names_defaults():
    text = explain.options()
    assert "## `celery-acks-late`" in text
    assert "Default: `false`" in text
    assert "Default: none" in text
    assert "Default: `tests/,test/,tests.py" in text


def test_examples_are_read():
    markdown = (
        "above\n# One\n```python\na  # CLY101, CLY202\n```\n"
        '```python title="x.py"\nb  # CLY303 "a"\n```\n```text\nc\n```\n```ini\nk-l = v\nnonsense\n```\n'
    )
    first, one = examples.sections(markdown)
    assert first.text == "above\n"
    cases = examples.cases(one)
    assert [sorted(case.files) for case in cases] == [["shop/tasks.py", "x.py"]]
    assert cases[0].options == {"k_l": "v"}
    assert [mark.code for mark in examples.marks("x", "a  # CLY101, CLY202\n")] == ["CLY101", "CLY202"]
    assert next(examples.marks("x", 'b  # CLY303 "a \\"b\\""')).text == 'a "b"'
    assert examples.sections("```python\nnever closed")[0].fences[0].text == "never closed\n"
    other = examples.cases(examples.sections('```toml title="pyproject.toml"\nx\n```\n')[0])
    assert other[0].files == {"pyproject.toml": "x\n"}
