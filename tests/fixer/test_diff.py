"""Diffs: what `patch` and `git apply` take."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from flake8_celery_tasks.command import main
from flake8_celery_tasks.fixer import diff
from flake8_celery_tasks.fixer.files import Result
from tests.fixing import AFTER, BEFORE, fix
from tests.helpers import write


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_diff_is_what_patch_takes(newline, encoding, shop):
    """Whatever ends the lines, with a mark in front and spaces in the name."""
    program = shutil.which("patch")
    if program is None:
        pytest.skip("there is no patch")
    shop.write_bytes(BEFORE.replace("\n", newline).encode(encoding))
    (result,) = fix(shop, write=False)
    shop = shop.rename(shop.parent / "my old tasks.py")
    command = [program, "--binary", "-p1", "-d", shop.parent]
    text = diff.diff(result._replace(path="a/my old tasks.py"))
    subprocess.run(command, input=text.encode(), stdout=subprocess.DEVNULL, check=True)
    assert shop.read_bytes() == AFTER.replace("\n", newline).encode(encoding)


@pytest.mark.parametrize("name", ["tasks.py", "my tasks.py", 'the "old"\n\ttasks\\.py', "\u00e9.py"])
@pytest.mark.parametrize("given", ["", ".", "./shop", "{folder}/shop"])
@pytest.mark.skipif(sys.platform == "win32", reason="some of these names are not allowed")
def test_command_writes_what_git_and_patch_apply(tmp_path, monkeypatch, capfdbinary, given, name):
    before = 'from celery import shared_task\n\n\n@shared_task(name="add", autoretry_for=OSError)\ndef add(): ...\n'
    write(tmp_path, {f"shop/{name}": before})
    monkeypatch.chdir(tmp_path)
    arguments = [given.format(folder=tmp_path)] if given else []
    assert main.main(["fix", "--isolated", "--diff", *arguments]) == 1
    text = capfdbinary.readouterr().out
    for program in ["git", "apply", "-p0"], ["patch", "-p0", "--no-backup-if-mismatch"]:
        if shutil.which(program[0]):
            subprocess.run(program, input=text, check=True, stdout=subprocess.DEVNULL)
            path = tmp_path / "shop" / name
            assert path.read_text(encoding="utf-8") == before.replace("OSError", "(OSError,)")
            path.write_text(before, encoding="utf-8")


def test_diff_of_a_line_without_end(shop):
    result = Result(str(shop), "a", "b")
    assert diff.diff(result).endswith("-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n")


def test_on_a_terminal_nothing_moves_the_cursor():
    text = "@@ -1 +1 @@\n  ::error::x\n-\tx = 1  # \x1b[2J\r\n+\ty = 1\n"
    shown = "@@ -1 +1 @@\n  \\x3a:error::x\n-\tx = 1  # \\x1b[2J\r\n+\ty = 1\n"
    assert diff.shown(text, colored=False) == shown
    colored = diff.shown(text, colored=True)
    assert "\x1b[2J" not in colored
    assert "\x1b[32m+\ty = 1\x1b[0m\n" in colored


@pytest.mark.parametrize("line", ['  """', " ::error::x", "\t::add-mask::x", " x = '##[group]'"])
def test_in_a_log_nothing_is_a_command(tmp_path, line):
    before = f'x = 1\n"""\n{line}\n"""\n'
    after = before.replace("x = 1", "x = 2")
    if '"""' in line:
        before, after = "x = 1\n", "x = 2\n"
    result = Result(str(tmp_path / "a.py"), before, after)
    text = diff.diff(result._replace(path="a.py"))
    found = diff.guarded(text)
    if '"""' in line:
        assert found == text
        return
    first, *_, last = found.splitlines()
    token = first.removeprefix("::stop-commands::")
    assert len(token) == 32
    assert last == f"::{token}::"
    assert text in found
    (tmp_path / "a.py").write_text(before)
    (tmp_path / "patch").write_text(found)
    subprocess.run(["git", "apply", "patch"], cwd=tmp_path, check=True)
    assert (tmp_path / "a.py").read_text() == after
