"""The subcommand `tasks`: where it writes, and for whom."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from flake8_celery_tasks.command.listing import tasks
from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.engine.findings import Finding
from flake8_celery_tasks.engine.survey.inventory import Entry, Listed, Sender
from flake8_celery_tasks.report.listing.fit import width
from tests.helpers import ROOT
from tests.report.listing.projects import lay_out

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.chdir(lay_out(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    session.forget()
    return tmp_path


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.mark.parametrize(("columns", "encoding", "mark"), [(100, "utf-8", "\u2026"), (60, "ascii", "...")])
def test_the_table_fits_the_terminal(shop, monkeypatch, columns, encoding, mark):
    terminal = Terminal(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main(["tasks"]) == 0
    lines = terminal.buffer.getvalue().decode().splitlines()
    assert max(map(width, lines)) <= columns
    assert any(mark in line for line in lines)
    assert lines[0].startswith("Task")


def test_an_encoding_that_nobody_knows(monkeypatch):
    monkeypatch.setattr(tasks, "sys", SimpleNamespace(stdout=SimpleNamespace(isatty=lambda: False, encoding="no-such")))
    assert tasks.screen(None, color=False) == tasks.Screen(False, 0, "...")


def test_columns_that_are_asked_for_are_not_left_out(shop, monkeypatch):
    terminal = Terminal(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["tasks", "--columns=name,sent_from,start"]) == 0
    assert terminal.buffer.getvalue().decode().splitlines()[0].split() == ["Task", "Sent", "from", "Start"]


def test_a_file_or_pipe_has_no_width(shop, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["tasks"]) == 0
    assert len(capfd.readouterr().out.splitlines()[0]) > 100
    terminal = Terminal(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["tasks", "--output-file=table"]) == 0
    assert len((shop / "table").read_text(encoding="utf-8").splitlines()[0]) > 100


def test_of_nothing_the_table_is_empty(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert main(["tasks"]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == ("", "flake8-celery-tasks: no tasks in .\n0 tasks in 0 files.\n")


def test_where_none_is_as_asked_for_there_are_tasks(shop, capfd):
    assert main(["tasks", "--app=nowhere"]) == 0
    assert capfd.readouterr().err == "flake8-celery-tasks: no tasks in . match the filters\n0 tasks in 0 files.\n"


@pytest.mark.parametrize("form", ["html", "mermaid", "dot", "json"])
def test_every_format_goes_to_an_ascii_output_and_a_closed_pipe(shop, form):
    call = [sys.executable, "-m", "flake8_celery_tasks", "tasks", "--quiet", f"--format={form}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(call, capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode("utf-8")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(call, stdout=write, stderr=subprocess.PIPE, env=environment, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_failure_in_a_rule_is_told_with_the_page_that_lacks_its_findings(shop, monkeypatch, capfd):
    def fail(self, fact):
        raise KeyError("no")

    rule = next(one for one in loader.wanted() if one.code == "CLY101")
    monkeypatch.setattr(type(rule), "check", fail)
    assert main(["tasks", "--format=html", "--quiet", "--celery-no-cache"]) == 1
    out, err = capfd.readouterr()
    assert out.endswith("</html>\n")
    assert {line.partition(": ")[2].partition(": ")[2] for line in err.splitlines()} == {
        "internal error: KeyError: 'no': please report"
    }
    assert main(["tasks", "--format=json", "--quiet", "--celery-no-cache"]) == 0


def test_paths_have_slashes(shop, monkeypatch, capfd):
    monkeypatch.setattr(tasks.os.path, "relpath", lambda path, start=None: "shop\\views.py")
    monkeypatch.setattr(tasks.os, "sep", "\\")
    one = Finding(str(shop / "shop/tasks.py"), 1, 1, "CLY101", "text", "t")
    entry = Entry("t", "shop/tasks.py", 1, "shop", *["x"] * 7, ())
    listed = [Listed(entry, {}, (), (str(shop / "shop/tasks.py"), "t", 1))]
    assert tasks._findings(listed, [one], str(shop))[0][0]["path"] == "shop/views.py"


def test_findings_are_those_of_the_definition_and_of_its_senders(shop):
    path = str(shop / "shop/tasks.py")
    sender = Sender("shop/views.py", 3, "")
    entry = Entry("t", "shop/tasks.py", 1, "shop", *["x"] * 7, ())
    found = [
        Finding(path, 1, 1, "CLY1", "its own", "a.t"),
        Finding(path, 2, 1, "CLY2", "inside", "a.t.inner"),
        Finding(path, 3, 1, "CLY3", "of another", "a.tt"),
        Finding(str(shop / "shop/views.py"), 3, 1, "CLY4", "where it is sent", ""),
        Finding(str(shop / "shop/views.py"), 4, 1, "CLY5", "elsewhere", ""),
    ]
    listed = [
        Listed(entry, {}, (sender,), (path, "a.<locals>.t", 1)),
        Listed(entry, {}, (sender,)),
    ]
    about = tasks._findings(listed, found, str(shop))
    assert [[one["code"] for one in about[index]] for index in (0, 1)] == [["CLY1", "CLY2", "CLY4"], ["CLY4"]]


def test_wrong_usage(shop, capfd):
    assert main(["tasks", "nowhere"]) == 2
    assert main(["tasks", "--columns=name", "--format=dot"]) == 2
    err = capfd.readouterr().err
    assert "no such file or directory: 'nowhere'" in err
    assert "argument --columns: does not apply to --format dot" in err


def test_markdown(shop, capfd):
    assert main(["tasks", "--format=markdown"]) == 0
    assert capfd.readouterr().out.startswith("| Task | Place |")
