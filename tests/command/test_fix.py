"""The command `fix`."""

from __future__ import annotations

from pathlib import Path

import pytest

from flake8_celery_tasks.command import main
from flake8_celery_tasks.fixer import diff
from flake8_celery_tasks.fixer import files as fixer_files
from tests.fixing import AFTER, BEFORE, fix
from tests.helpers import write


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def run(arguments, capsys):
    code = main.main(["fix", "--isolated", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_command(shop, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    code, out, err = run(["--diff", "shop"], capsys)
    assert (code, err) == (1, "")
    assert '+@shared_task(name="shop.tasks.add")  # why\n' in out
    assert shop.read_text(encoding="utf-8") == BEFORE
    assert run(["shop"], capsys) == (0, "", "flake8-celery-tasks: 1 fixed in 1 file\n")
    assert shop.read_text(encoding="utf-8") == AFTER
    assert run(["shop"], capsys) == (0, "", "flake8-celery-tasks: 0 fixed in 0 files\n")
    assert run(["--diff", "shop"], capsys) == (0, "", "")


def test_command_obeys_selection_and_noqa(shop, capsys):
    assert run(["--select=CLY2", str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")
    shop.write_text(BEFORE.replace("# why", "# noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")
    shop.write_text(BEFORE + "# flake8: noqa\n", encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")


def test_noqa_on_several_lines(shop, capsys):
    shop.write_text(BEFORE.replace("# why", "('''\n''')  # noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("0 fixed in 0 files\n")


@pytest.mark.parametrize("jobs", [1, 2])
def test_command_in_several_processes(tmp_path, capsys, monkeypatch, jobs):
    write(tmp_path, {f"shop{number}/tasks.py": BEFORE for number in range(20)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fixer_files, "_COLLECTED", 2)
    code, out, err = run(["--diff", f"--jobs={jobs}", "."], capsys)
    assert (code, err) == (1, "")
    assert sorted(line[4:] for line in out.splitlines() if line.startswith("--- ")) == sorted(
        f"shop{number}/tasks.py" for number in range(20)
    )
    assert run([f"--jobs={jobs}", "."], capsys) == (0, "", "flake8-celery-tasks: 20 fixed in 20 files\n")
    assert run([f"--jobs={jobs}", "--diff", "."], capsys) == (0, "", "")


def test_command_leaves_what_is_in_the_baseline(shop, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    assert main.main(["check", "--isolated", "--write-baseline", "known.json", "shop"]) == 0
    capsys.readouterr()
    assert run(["--celery-baseline=known.json", "shop"], capsys)[2].endswith("0 fixed in 0 files\n")


def test_command_tells_what_it_left_alone(shop, capsys):
    shop.chmod(0o440)
    code, out, err = run([str(shop)], capsys)
    assert (code, out) == (1, "")
    assert err.startswith(f"flake8-celery-tasks: {shop}: is write-protected, left alone\n")


def test_command_used_wrongly(tmp_path, capsys):
    assert run(["-", "-"], capsys)[0] == 2
    assert run(["--statistics"], capsys)[0] == 2
    assert run([str(tmp_path / "missing")], capsys)[0] == 2
    assert run([str(tmp_path)], capsys)[2].startswith("flake8-celery-tasks: no Python files in ")


def test_path_is_shown_as_given(shop, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    (result,) = fix(Path("shop/tasks.py"), write=False)
    assert diff.diff(result).startswith("--- shop/tasks.py\n+++ shop/tasks.py\n")
