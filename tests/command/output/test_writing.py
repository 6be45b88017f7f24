"""Colors, encodings and streams."""

from __future__ import annotations

import io
import sys
from argparse import Namespace

import pytest

from flake8_celery_tasks.command.output import writing


class Terminal(io.TextIOWrapper):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    def use(encoding="utf-8"):
        stream = Terminal(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        return stream.buffer

    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return use


@pytest.mark.parametrize(
    ("color", "environment", "is_terminal", "target", "wanted"),
    [
        ("auto", {}, True, None, True),
        ("auto", {}, False, None, False),
        ("auto", {}, True, "file", False),
        ("auto", {"NO_COLOR": "1"}, True, None, False),
        ("auto", {"NO_COLOR": ""}, True, None, True),
        ("auto", {"FORCE_COLOR": "1"}, False, None, True),
        ("auto", {"FORCE_COLOR": "1"}, False, "file", False),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, None, False),
        ("auto", {"TERM": "dumb"}, True, None, False),
        ("auto", {"TERM": "dumb", "FORCE_COLOR": "1"}, True, None, True),
        ("auto", {"FORCE_COLOR": "0"}, False, None, False),
        ("auto", {"FORCE_COLOR": "False"}, False, None, False),
        ("auto", {"FORCE_COLOR": "0"}, True, None, True),
        ("auto", {"FORCE_COLOR": "0", "CLICOLOR_FORCE": "1"}, False, None, True),
        ("auto", {"CLICOLOR": "0"}, True, None, False),
        ("auto", {"CLICOLOR": "1"}, True, None, True),
        ("auto", {"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True, None, True),
        ("auto", {"CLICOLOR_FORCE": "0"}, False, None, False),
        ("always", {"NO_COLOR": "1"}, False, "file", True),
        ("never", {"FORCE_COLOR": "1"}, True, None, False),
    ],
)
def test_colors(terminal, monkeypatch, color, environment, is_terminal, target, wanted):
    if is_terminal:
        terminal()
    else:
        monkeypatch.setattr(sys, "stdout", io.StringIO())
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert writing.in_color(Namespace(color=color), target) is wanted


@pytest.mark.parametrize("supported", [True, False])
def test_consoles_of_windows(terminal, monkeypatch, supported):
    from flake8.formatting import _windows_color

    terminal()
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(_windows_color, "terminal_supports_color", supported)
    assert writing.in_color(Namespace(color="auto")) is supported


@pytest.mark.parametrize(
    ("encoding", "content"),
    [("utf-8", "ü名".encode()), ("ascii", b"\\xfc\\u540d"), ("latin-1", b"\xfc\\u540d"), ("UTF_8", "ü名".encode())],
)
def test_a_terminal_gets_its_encoding(terminal, encoding, content):
    buffer = terminal(encoding)
    writing.write("ü名")
    assert buffer.getvalue() == content


def test_a_pipe_gets_utf_8(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    writing.write("ü")
    assert stream.buffer.getvalue() == "ü".encode()


def test_what_is_said_is_one_line(capsys):
    writing.say("a\x1b\nb")
    writing.tell("a")
    assert capsys.readouterr().err == "a\\x1b\\nb\nflake8-celery-tasks: a\n"
