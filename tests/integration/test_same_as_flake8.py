"""The command next to flake8: the same lines."""

from __future__ import annotations

import subprocess
import sys

import pytest

from flake8_celery_tasks.command.main import main
from tests.helpers import BAD, ROOT, flake8, places, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

EXAMPLE = ROOT / "docs" / "example"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--select=CLY"],
        ["--select=CLY1,CLY4"],
        ["--select=CLY,CLY9"],
        ["--select=CLY", "--extend-select=CLY903"],
        ["--select=CLY9"],
        ["--select=CLY", "--enable-extensions=CLY901"],
        ["--select=CLY", "--ignore=CLY2"],
        ["--select=CLY2", "--ignore=CLY"],
        ["--select=CLY", "--extend-ignore=CLY101,CLY4"],
        ["--select=CLY", "--per-file-ignores=shop/tasks.py:CLY2 views.py:CLY4"],
        ["--select=CLY", "--exclude=shop/tasks.py"],
        ["--select=CLY", "--extend-exclude=content"],
        ["--select=CLY", "--filename=view*"],
        ["--select=CLY", "--filename=*/view*"],
        ["--select=CLY", "shop/views.py", "shop/tasks.py", "shop"],
        ["--select=CLY", "."],
        ["--select=CLY", "--format=pylint"],
        ["--select=CLY", "--format=%(code)s at %(path)s"],
        ["--select=CLY", "-q"],
        ["--select=CLY", "-qq", "--count"],
        ["--select=CLY", "--show-source"],
        ["--select=CLY", "--statistics", "--count"],
        ["--select=CLY", "--color=always"],
        ["--select=CLY", "-j1"],
        ["--select=CLY", "--celery-bind-requires-retry=yes", "--celery-test-paths=shop/"],
        ["--select=CLY", "--isolated"],
        ["--select=CLY,E9"],
    ],
)
def test_same_lines_for_the_same_arguments(shop, check, capfd, arguments):
    (shop / "shop/more.py").write_text(BAD.replace("@shared_task\n", "@shared_task  # noqa: CLY101\n"))
    main(["check", *arguments])
    assert capfd.readouterr().out.splitlines() == flake8(*arguments)


@pytest.mark.parametrize(
    "configuration",
    [
        "extend-ignore = CLY2",
        "ignore = E,W,CLY4",
        "exclude = content\nextend-exclude = shop/views.py",
        "per-file-ignores =\n    shop/views.py: CLY401\n    content/*: CLY",
        "celery-bind-requires-retry = yes\ncelery-test-paths =\n    shop/tasks.py,\n    other/",
        "max-line-length = 100\nmax-complexity = 3\nimport-order-style = google",
        "extend-select = CLY9",
        "enable-extensions = CLY903",
        "disable-noqa = true\njobs = 1",
        "format = pylint",
        "quiet = 1",
        "show_source = true",
    ],
)
@pytest.mark.parametrize("file", ["setup.cfg", ".flake8"])
def test_same_lines_for_the_same_configuration(shop, capfd, configuration, file):
    (shop / file).write_text(f"[flake8]\n{configuration}\n")
    (shop / "shop/more.py").write_text(BAD.replace("@shared_task\n", "@shared_task  # noqa\n"))
    main(["check"])
    assert capfd.readouterr().out.splitlines() == flake8("--select=CLY")


def test_the_example_of_the_documentation(monkeypatch, check):
    monkeypatch.chdir(EXAMPLE)
    lines = check("--isolated")
    assert len(lines) >= 7
    assert lines == flake8("--isolated", "--select=CLY")


TRAPS = {
    "bom.py": "\ufeff" + BAD,
    "crlf.py": BAD.replace("\n", "\r\n"),
    "file_noqa.py": "# flake8: noqa\n" + BAD,
    "line_noqa.py": "x = 1  # flake8: noqa\n" + BAD,
    "long_noqa.py": BAD.replace("(name", "(\n    name").replace("bind=True)", "bind=True,\n)  # NoQA:CLY201,E501"),
    "string_noqa.py": BAD.replace('"b"', '"""\n# noqa\n"""'),
    "no_end.py": BAD.rstrip(),
    "form_feed.py": BAD.replace("\n\n\n", "\n\f\n"),
    "wide.py": BAD.replace("@shared_task\n", "@shared_task(ignore_result='ü', max_retries=-1)\n"),
    "stub.pyi": BAD,
    "empty.py": "",
}


def test_same_lines_for_traps(tmp_path, monkeypatch, check):
    write(tmp_path, {f"traps/{name}": text for name, text in TRAPS.items()})
    latin = BAD.replace("def a", "def ä").replace("from", "# -*- coding: latin-1 -*-\nfrom", 1)
    (tmp_path / "traps/latin.py").write_bytes(latin.encode("latin-1"))
    (tmp_path / "traps/wrong.py").write_bytes(BAD.replace("def a", "# ä\ndef a").encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    lines = check("--select=CLY")
    assert len(lines) > 15
    assert lines == flake8("--select=CLY")
    assert check("--select=CLY", "traps/stub.pyi") == flake8("--select=CLY", "traps/stub.pyi")


def test_a_decorator_whose_name_is_not_ascii(tmp_path, monkeypatch, check):
    write(tmp_path, {"shop/jobs.py": "from other import größe\n\n\n@größe\ndef a(): ...\n", "shop/b.py": "x = 1\n"})
    monkeypatch.chdir(tmp_path)
    lines = check("--select=CLY", "--celery-task-decorators=other.größe")
    assert places(lines) == ["./shop/jobs.py:4:2:"]
    assert lines == flake8("--select=CLY", "--celery-task-decorators=other.größe")


@pytest.mark.parametrize("name", ["shop/tasks.py", "shop/new.py", "stdin"])
def test_standard_input(shop, capfd, name, monkeypatch):
    (shop / "shop/tasks.py").write_text("x = 1\n")
    arguments = ["--select=CLY", f"--stdin-display-name={name}", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", *arguments],
        input=BAD,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "")  # an editor asks: no last line
    assert done.stdout.splitlines() == flake8(*arguments, stdin=BAD)
    assert places(done.stdout.splitlines())[0] == f"{name}:4:2:"


def test_input_without_a_name_is_no_module_of_its_own(shop):
    """It may be any file of the project: it has no module name, belongs to no app, and does not clash with itself."""
    views = (shop / "shop/views.py").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", "--select=CLY", "-"],
        input=f"{BAD}\n{views}",
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(": ", 1)[1] for line in done.stdout.splitlines()]
    assert [line[:6] for line in lines] == ["CLY101", "CLY201", "CLY202"]
    assert "add name=... (its current name is uncertain: the file is not a module)" in lines[0]
