"""Files that the running Python can't parse: every subcommand says so, and its exit code does."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from flake8_celery_tasks.command import main, notices
from flake8_celery_tasks.core import regular
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.files import MAX_BYTES
from tests.helpers import write

GOOD = 'from celery import shared_task\n\n\n@shared_task(name="a")\ndef a(): ...\n'
BROKEN = GOOD + "\n\ndef b(:\n"
PYTHON = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, {"shop/good.py": GOOD, "shop/tasks.py": BROKEN})
    monkeypatch.chdir(tmp_path)
    session.forget()
    return tmp_path


def run(capsys, *arguments):
    session.forget()
    code = main.main(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--isolated", "."),
        ("check", "--isolated", "--select=CLY", "."),
        ("check", "--isolated", "--extend-select=CLY9", "."),
        ("fix", "--isolated", "."),
        ("fix", "--isolated", "--diff", "."),
        ("tasks", "."),
    ],
    ids=" ".join,
)
def test_a_file_that_can_not_be_parsed_does_not_look_clean(shop, capsys, arguments):
    code, _, err = run(capsys, *arguments)
    assert code == 1
    assert f"Python {PYTHON} can't parse " in err
    assert "shop/tasks.py: what it defines is unknown\n" in err


@pytest.mark.parametrize("arguments", [(), ("--write", "tasks.json"), ("--check", "tasks.json")], ids=" ".join)
def test_a_contract_tells_it(shop, capsys, arguments):
    (shop / "tasks.json").write_text('{"version": 1, "tasks": {}, "uncertain": []}\n')
    assert "shop/tasks.py: what it defines is unknown" in run(capsys, "contract", *arguments)[2]


@pytest.mark.parametrize("arguments", [("tasks",), ("contract",), ("contract", "--write", "tasks.json")], ids=" ".join)
def test_a_file_that_is_too_large_is_told(shop, capsys, arguments):
    """What is not read is not listed either."""
    content = GOOD.encode()
    for size in (MAX_BYTES - 1, MAX_BYTES, MAX_BYTES + 1):
        padded = content + b"#" * (size - len(content))
        (shop / "shop/tasks.py").write_bytes(padded)
        code, _, err = run(capsys, *arguments)
        is_large = size > MAX_BYTES
        said = "flake8-celery-tasks: files over 4 MB are not read: shop/tasks.py: what it defines is unknown\n"
        assert (said in err) == is_large
        assert code == (is_large and arguments[0] == "tasks")


def test_check_reports_it_whatever_is_selected(shop, capsys):
    for select in ("--select=CLY", "--select=CLY1,CLY4", "--extend-select=CLY9"):
        assert "E999 SyntaxError" in run(capsys, "check", "--isolated", select, ".")[1]
    code, out, err = run(capsys, "check", "--isolated", "--select=CLY", "--extend-ignore=E9", ".")
    assert (code, out) == (0, "")
    assert "can't parse" in err


@pytest.mark.parametrize("command", ["check", "contract"])
def test_exit_zero_is_obeyed(shop, capsys, command):
    code, _, err = run(capsys, command, "--isolated", "--exit-zero", ".")
    assert code == 0
    assert "can't parse" in err


@pytest.mark.parametrize("command", ["check", "fix", "tasks", "contract"])
def test_what_is_excluded_does_not_count(shop, capsys, command):
    code, _, err = run(capsys, command, "--exclude=tasks.py", ".")
    assert (code, "can't parse" in err) == (0, False)


@pytest.mark.parametrize("command", ["check", "fix", "tasks"])
def test_only_what_is_asked_for_counts(shop, capsys, command):
    code, _, err = run(capsys, command, "shop/good.py")
    assert (code, "can't parse" in err) == (0, False)


def test_the_input(shop, capsys, monkeypatch):
    for text, expected in ((BROKEN, 1), (GOOD, 0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        code, out, err = run(capsys, "fix", "--isolated", "-")
        assert (code, out, "can't parse stdin" in err) == (expected, text, bool(expected))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BROKEN.encode())))
    assert run(capsys, "fix", "--isolated", "--diff", "-")[0] == 1


def test_several_files(shop):
    assert notices.unparsed(["a.py", "b.py"]).startswith(f"Python {PYTHON} can't parse 2 files, the first is a.py: ")


@pytest.mark.parametrize(
    ("declared", "asked"),
    [
        ('[project]\nrequires-python = ">=3.99"\n', "; the project requires Python >=3.99"),
        ('[project]\nrequires-python = ">=3.8"\n', ""),
        ('[tool.poetry.dependencies]\npython = "^3.99"\n', "; the project requires Python ^3.99"),
        ('[tool.poetry.dependencies]\npython = "^3.8"\n', ""),
        ('[project]\nrequires-python = "three"\n', ""),
        ("[project]\nrequires-python = 3\n", ""),
        ("project = 1\n", ""),
        ("[broken", ""),
        ("", ""),
    ],
)
def test_what_the_project_asks_for(shop, declared, asked):
    (shop / "pyproject.toml").write_text(declared)
    assert notices.unparsed(["shop/tasks.py"]).partition("what it defines is unknown")[2] == asked


def test_a_file_of_no_project(shop, monkeypatch):
    monkeypatch.setattr(folders, "ROOT_MARKS", frozenset())
    folders.forget()
    assert notices.unparsed(["shop/tasks.py"]).endswith("is unknown")


def test_what_can_not_be_read_was_not_parsed(shop):
    assert notices.unparsed_among(["shop", "gone.py", "shop/tasks.py", "shop/good.py", "a\0b"]) == ["shop/tasks.py"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="a warning of newer Pythons")
@pytest.mark.parametrize("command", ["check", "fix"])
def test_warnings_of_the_files_are_not_printed(shop, capfd, command):
    (shop / "shop/tasks.py").write_text(GOOD + 'x = "\\d"\n')
    session.forget()
    assert main.main([command, "--isolated", "."]) == 0
    assert "SyntaxWarning" not in capfd.readouterr().err


@pytest.fixture
def _closed(shop, monkeypatch):
    """Two files that nobody may read: what is root's own can be read by the user who runs the tests."""
    (shop / "shop/tasks.py").write_text(GOOD, encoding="utf-8")
    for name in ("shop/tasks.py", "shop/good.py"):
        (shop / name).chmod(0)
    read, access = regular.read, os.access

    def refuse(path, most=-1):
        if Path(path).stat().st_mode & 0o777 == 0:
            raise PermissionError(13, "Permission denied")
        return read(path, most)

    monkeypatch.setattr(regular, "read", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).stat().st_mode & 0o777 != 0 and access(path, mode))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
@pytest.mark.usefixtures("_closed")
def test_a_file_that_can_not_be_read_does_not_look_empty(shop, capsys):
    said = "can't read 2 files, the first is shop/good.py: what they define is unknown\n"
    code, _, err = run(capsys, "tasks", ".")
    assert (code, said in err) == (1, True)
    assert said in run(capsys, "contract", ".")[2]
    assert said not in run(capsys, "tasks", "shop/tasks.py")[2]
    code, _, err = run(capsys, "fix", "--isolated", "shop/tasks.py")
    assert (code, "shop/tasks.py: can't be read, left alone\n" in err) == (1, True)
    (shop / "shop/tasks.py").chmod(0o644)
    assert "can't read shop/good.py: what it defines is unknown" in run(capsys, "tasks", ".")[2]
