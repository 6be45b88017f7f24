"""Progress: on a terminal only, after a second, and gone in the end."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from flake8_celery_tasks.command.terminal import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def late(monkeypatch):
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(progress, "AFTER", -1e9)
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return terminal


def test_how_many_files_are_done(late, capfd):
    assert list(progress.shown("abc", 3)) == ["a", "b", "c"]
    shown = late.getvalue()
    assert "1/3" in shown
    assert "3/3" in shown
    assert capfd.readouterr().out == ""
    assert shown.rstrip().endswith("\x1b[2K")  # the line is gone


def test_not_too_often(late, monkeypatch):
    monkeypatch.setattr(progress, "_EVERY", 1e9)
    monkeypatch.setattr(progress.time, "monotonic", lambda: 5.0)
    assert list(progress.shown(range(50), 50)) == list(range(50))
    assert "50/50" not in late.getvalue()


def test_it_is_gone_after_an_error(late):
    def broken():
        yield 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(progress.shown(broken(), 2))
    assert late.getvalue().rstrip().endswith("\x1b[2K")


def test_nothing_before_a_second_has_gone(late, monkeypatch):
    monkeypatch.setattr(progress, "AFTER", 1e9)
    assert list(progress.shown("abc", 3)) == ["a", "b", "c"]
    assert late.getvalue() == ""


def test_nothing_where_nobody_looks(late, monkeypatch):
    assert list(progress.shown("ab", 2, quiet=True)) == ["a", "b"]
    monkeypatch.setenv("TERM", "dumb")
    assert list(progress.shown("ab", 2)) == ["a", "b"]
    assert late.getvalue() == ""
    for stream in (io.StringIO(), Terminal()):
        if isinstance(stream, Terminal):
            monkeypatch.setattr(Terminal, "isatty", io.StringIO.isatty)
            stream.close()
        monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
        assert list(progress.shown("ab", 2)) == ["a", "b"]


def test_nothing_without_the_library(late, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert list(progress.shown("ab", 2)) == ["a", "b"]
    assert late.getvalue() == ""
