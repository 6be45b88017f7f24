"""What an output can show."""

from __future__ import annotations

import sys

import pytest

from flake8_celery_tasks.report import screen


@pytest.mark.parametrize(
    ("environment", "shows"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, True),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "4600"}, False),
        ({"VTE_VERSION": "new"}, False),
        ({"WT_SESSION": "1"}, True),
        ({"TERM_PROGRAM": "iTerm.app"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, False),
        ({"TERM_PROGRAM": "vscode", "CI": "true"}, False),
        ({"TERM_PROGRAM": "vscode", "TMUX": "x"}, False),
        ({"VTE_VERSION": "7600", "TERM": "screen-256color"}, False),
        ({"FORCE_HYPERLINK": "1"}, True),
        ({"FORCE_HYPERLINK": "0", "TERM_PROGRAM": "vscode"}, False),
    ],
)
def test_links(environment, shows):
    assert screen.shows_links(environment) is shows


def test_what_is_no_terminal(monkeypatch):
    monkeypatch.delenv("FORCE_HYPERLINK", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert screen.found(colored=True, is_file=False) == screen.Screen(True, 120, "utf-8", False)
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    assert screen.found(colored=False, is_file=False).links
    assert screen.found(colored=True, is_file=True) == screen.Screen(True, 120, "utf-8", False)


@pytest.mark.parametrize(("columns", "width"), [("90", 90), ("5", 30)])
def test_a_terminal(monkeypatch, columns, width):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_HYPERLINK", "1")
    found = screen.found(colored=True, is_file=False)
    assert (found.width, found.links) == (width, True)
    assert not screen.found(colored=False, is_file=False).links
