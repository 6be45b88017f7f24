"""How the inventory is written."""

from __future__ import annotations

import csv
import io
import sys

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.report import tasks
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    sends = "from shop.tasks import a\n" + "a.delay()\n" * 5
    text = "from celery import shared_task\n\n\n@shared_task(name='{}')\ndef {}(): ...\n"
    write(tmp_path, {"shop/tasks.py": text.format("名前|\x1b[31m", "a"), "shop/views.py": sends})
    (tmp_path / "shop/more.py").write_text(text.format("b", "b"))
    monkeypatch.chdir(tmp_path)
    session.forget()
    return tmp_path


def test_table(shop, capfd):
    assert main(["tasks"]) == 0
    out, err = capfd.readouterr()
    assert err == "2 tasks in 2 files.\n"
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == ["Task", "b", "名前|?[31m"]
    starts = {tasks.width(line[: line.index("shop/")]) for line in lines[1:]}
    assert starts == {tasks.width(lines[0][: lines[0].index("Place")])}
    assert lines[2].endswith("shop/views.py:2, shop/views.py:3, shop/views.py:4 and 2 more")
    assert all(line == line.rstrip() for line in lines)
    assert "\033" not in out


def test_colours(shop, capfd):
    main(["tasks", "--color=always"])
    out = capfd.readouterr().out
    assert out.startswith("\033[1mTask")
    assert "\033[2m(default)\033[m" in out
    main(["tasks"])
    assert out.replace("\033[1m", "").replace("\033[2m", "").replace("\033[m", "") == capfd.readouterr().out


@pytest.mark.parametrize(("no_color", "first"), [("", "\033[1mTask"), ("1", "Task")])
def test_colours_on_a_terminal(shop, monkeypatch, no_color, first):
    class Terminal(io.TextIOWrapper):
        def isatty(self):
            return True

    terminal = Terminal(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)
    main(["tasks"])
    assert terminal.buffer.getvalue().decode().startswith(first)


def test_markdown(shop, capfd):
    main(["tasks", "--format=markdown"])
    lines = capfd.readouterr().out.splitlines()
    assert lines[0].startswith("| Task | Place | App | ")
    assert lines[1].startswith("| --- | --- |")
    assert lines[3].startswith("| 名前\\|?\\[31m | shop/tasks.py:5 | shop | ")
    assert lines[3].count("<br>") == 4


def test_csv(shop, capfd):
    main(["tasks", "--format=csv"])
    rows = list(csv.DictReader(io.StringIO(capfd.readouterr().out)))
    assert [(row["name"], row["line"]) for row in rows] == [("b", "5"), ("名前|\\x1b[31m", "5")]
    assert rows[1]["sent_from"].split("; ")[0] == "shop/views.py:2"


def test_to_a_file(shop, capfd):
    main(["tasks", "--format=json"])
    out = capfd.readouterr().out
    assert main(["tasks", "--format=json", "--output-file=out.json"]) == 0
    assert capfd.readouterr() == ("", "2 tasks in 2 files.\n")
    assert (shop / "out.json").read_text() == out


@pytest.mark.parametrize(("form", "text"), [("table", ""), ("json", "[]\n"), ("csv", None), ("markdown", None)])
def test_no_tasks(tmp_path, monkeypatch, capfd, form, text):
    write(tmp_path, {"shop/views.py": "x = 1\n"})
    monkeypatch.chdir(tmp_path)
    assert main(["tasks", f"--format={form}"]) == 0
    out, err = capfd.readouterr()
    assert err == "flake8-celery-tasks: no tasks in .\n0 tasks in 0 files.\n"
    assert text is None or out == text
