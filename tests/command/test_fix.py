"""The command `fix`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import libcst
import pytest

from flake8_celery_tasks.command import main
from flake8_celery_tasks.fixer import diff
from flake8_celery_tasks.fixer import files as fixer_files
from tests.fixing import AFTER, BEFORE, CONTENT, DJANGO, VIEWS, fix
from tests.helpers import BAD, write


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
    assert (code, err) == (1, "Would fix 1 problem in 1 file.\n")
    assert '+@shared_task(name="shop.tasks.add")  # why\n' in out
    assert shop.read_text(encoding="utf-8") == BEFORE
    assert run(["shop"], capsys) == (0, "", "Fixed 1 problem in 1 file.\n")
    assert shop.read_text(encoding="utf-8") == AFTER
    assert run(["shop"], capsys) == (0, "", "Fixed 0 problems in 0 files.\n")
    assert run(["--diff", "shop"], capsys) == (0, "", "Would fix 0 problems in 0 files.\n")
    assert run(["--diff", "-q", "shop"], capsys) == run(["--quiet", "shop"], capsys) == (0, "", "")


def test_command_obeys_selection_and_noqa(shop, capsys):
    assert run(["--select=CLY2", str(shop)], capsys)[2].endswith("Fixed 0 problems in 0 files.\n")
    shop.write_text(BEFORE.replace("# why", "# noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("Fixed 0 problems in 0 files.\n")
    shop.write_text(BEFORE + "# flake8: noqa\n", encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("Fixed 0 problems in 0 files.\n")


def test_noqa_on_several_lines(shop, capsys):
    shop.write_text(BEFORE.replace("# why", "('''\n''')  # noqa: CLY101"), encoding="utf-8")
    assert run([str(shop)], capsys)[2].endswith("Fixed 0 problems in 0 files.\n")


@pytest.mark.parametrize("jobs", [1, 2])
def test_command_in_several_processes(tmp_path, capsys, monkeypatch, jobs):
    write(tmp_path, {f"shop{number}/tasks.py": BEFORE for number in range(20)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(fixer_files, "_COLLECTED", 2)
    code, out, err = run(["--diff", f"--jobs={jobs}", "."], capsys)
    assert (code, err) == (1, "Would fix 20 problems in 20 files.\n")
    assert sorted(line[4:] for line in out.splitlines() if line.startswith("--- ")) == sorted(
        f"shop{number}/tasks.py" for number in range(20)
    )
    assert run([f"--jobs={jobs}", "."], capsys) == (0, "", "Fixed 20 problems in 20 files.\n")
    assert run([f"--jobs={jobs}", "--diff", "--quiet", "."], capsys) == (0, "", "")


def test_command_leaves_what_is_in_the_baseline(shop, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    assert main.main(["check", "--isolated", "--write-baseline", "known.json", "shop"]) == 0
    capsys.readouterr()
    assert run(["--celery-baseline=known.json", "shop"], capsys)[2].endswith("Fixed 0 problems in 0 files.\n")


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


# The input.


@pytest.fixture
def given(monkeypatch):
    """Give the command something to read."""

    class Input:
        def __init__(self, content):
            self.buffer = io.BytesIO(content)

    return lambda content: monkeypatch.setattr(sys, "stdin", Input(content))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_input_is_fixed_to_the_output(shop, given, capsysbinary, monkeypatch, encoding):
    monkeypatch.chdir(shop.parent.parent)
    head = "# coding: latin-1\n" if encoding == "latin-1" else ""
    given((head + BEFORE).replace("\n", "\r\n").encode(encoding))
    assert main.main(["fix", "--isolated", "--stdin-display-name=shop/tasks.py", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert (out, err) == ((head + AFTER).replace("\n", "\r\n").encode(encoding), b"")
    assert shop.read_text(encoding="utf-8") == BEFORE


def test_input_as_a_diff(shop, given, capsys, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    given(BEFORE.encode())
    code, out, err = run(["--diff", "--stdin-display-name=shop/tasks.py", "-"], capsys)
    assert (code, err) == (1, "")
    assert '+@shared_task(name="shop.tasks.add")  # why\n' in out
    given(AFTER.encode())
    assert run(["--diff", "--stdin-display-name=shop/tasks.py", "-"], capsys) == (0, "", "")


@pytest.mark.parametrize("content", [AFTER.encode(), b"", b"def (:\n", b"x = 1\n", b"# coding: nowhere\n", b"\xff\n"])
def test_input_with_nothing_to_fix_comes_out_as_it_is(content, shop, given, capsysbinary, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    given(content)
    assert main.main(["fix", "--isolated", "--stdin-display-name=shop/tasks.py", "-"]) == 0
    assert capsysbinary.readouterr() == (content, b"")


def test_input_that_is_excluded(shop, given, capsysbinary, monkeypatch):
    monkeypatch.chdir(shop.parent.parent)
    given(BEFORE.encode())
    assert main.main(["fix", "--isolated", "--exclude=tasks.py", "--stdin-display-name=shop/tasks.py", "-"]) == 0
    assert capsysbinary.readouterr() == (BEFORE.encode(), b"")


def test_input_that_does_not_come_back(given, capsysbinary, tmp_path, monkeypatch):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    monkeypatch.chdir(tmp_path)
    content = b"# coding: cp932\nNAME = '\x87\x90'\n" + BEFORE.replace("\u00e4", "").encode("ascii")
    given(content)
    assert main.main(["fix", "--isolated", "--stdin-display-name=shop/tasks.py", "-"]) == 0
    out, err = capsysbinary.readouterr()
    assert out == content
    assert err.startswith(b"flake8-celery-tasks: shop/tasks.py: does not come back from ")


# Colors.


def test_a_diff_in_color(shop, capsys, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    plain = run(["--diff", str(shop)], capsys)[1]
    assert "\x1b" not in plain
    shown = run(["--diff", "--color=always", str(shop)], capsys)[1]
    assert "\x1b[31m-@shared_task  # why\x1b[0m\n" in shown
    assert '\x1b[32m+@shared_task(name="shop.tasks.add")  # why\x1b[0m\n' in shown
    assert "\x1b[36m@@ -" in shown
    assert "\x1b[1m--- " in shown
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run(["--diff", str(shop)], capsys)[1] == shown
    assert run(["--diff", "--color=never", str(shop)], capsys)[1] == plain
    monkeypatch.setenv("NO_COLOR", "1")
    assert run(["--diff", str(shop)], capsys)[1] == plain


# What is left alone.


def test_virtual_environments_are_left_alone(tmp_path, capsys, monkeypatch):
    write(
        tmp_path,
        {
            "shop/tasks.py": BEFORE,
            "any/pyvenv.cfg": "",
            "any/lib/house/tasks.py": BEFORE,
            "vendor/site-packages/house/tasks.py": BEFORE,
        },
    )
    monkeypatch.chdir(tmp_path)
    assert run(["."], capsys) == (0, "", "Fixed 1 problem in 1 file.\n")
    assert (tmp_path / "any/lib/house/tasks.py").read_text(encoding="utf-8") == BEFORE
    code, _, err = run(["any/lib/house/tasks.py"], capsys)
    assert code == 0
    assert err.startswith("flake8-celery-tasks: any/lib/house/tasks.py: is installed, left alone\n")


def test_a_project_that_is_its_own_environment(tmp_path, capsys, monkeypatch):
    write(tmp_path, {"shop/tasks.py": BEFORE, "pyvenv.cfg": ""})
    monkeypatch.chdir(tmp_path)
    assert run(["."], capsys)[2] == "Fixed 1 problem in 1 file.\n"


def test_syntax_that_libcst_does_not_know(shop, capsys, monkeypatch):
    def refuse(_source):
        raise libcst.ParserSyntaxError("?", lines=[""], raw_line=1, raw_column=1)

    monkeypatch.setattr(libcst, "parse_expression", refuse)
    shop.write_text(BEFORE.replace("@shared_task ", "@shared_task() "), encoding="utf-8")
    code, out, err = run([str(shop)], capsys)
    assert (code, out) == (1, "")
    assert err.startswith(
        f"flake8-celery-tasks: {shop}: has syntax that the installed libcst does not know, left alone\n"
    )


# Tasks that run eagerly.


@pytest.mark.parametrize(("setting", "said"), [("CELERY_TASK_ALWAYS_EAGER = True\n", True), ("", False)])
def test_eager_tasks_are_named(setting, said, tmp_path, capsys, monkeypatch):
    views = VIEWS.format(imports="", call="make.delay()")
    files = {"content/tasks.py": CONTENT, "blog/views.py": views, "project/test_settings.py": setting, **DJANGO}
    write(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    err = run(["--unsafe", "--select=CLY4", "blog"], capsys)[2]
    note = f"{Path('project', 'test_settings.py')} sets task_always_eager, which send_task ignores"
    assert (note in err) is said


@pytest.fixture
def odd(tmp_path, monkeypatch):
    """What has something to fix next to lines that are more than text in a log or on a terminal."""
    write(tmp_path, {"shop/tasks.py": BAD.replace("    pass", '    """# \x1b[2J\n    ::error::x\n    """', 1)})
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("odd")
def test_a_diff_in_the_log_of_github(capsys, monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    assert run(["--diff", "shop"], capsys)[1].startswith("--- ")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert run(["--diff", "shop"], capsys)[1].startswith("::stop-commands::")


@pytest.mark.usefixtures("odd")
def test_a_diff_on_a_terminal_without_colors(capsys, monkeypatch):
    assert "# \x1b[2J" in run(["--diff", "shop"], capsys)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "# \\x1b[2J" in run(["--diff", "shop"], capsys)[1]
