"""The formats of findings: which is chosen, and what they are called."""

from __future__ import annotations

import json
import sys
from argparse import Namespace

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.command.subcommands import shared
from flake8_celery_tasks.engine import session

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def out(capfd):
    def run(*arguments):
        session.forget()
        capfd.readouterr()
        assert main(arguments) in (0, 1)
        return capfd.readouterr().out

    return run


PLAIN = {"format": "default", "quiet": 0, "show_source": False}


@pytest.mark.parametrize(
    ("form", "options", "is_terminal", "target", "environment", "wanted"),
    [
        (None, {}, True, None, {}, "full"),
        (None, {}, False, None, {}, "concise"),
        (None, {}, True, "file", {}, "concise"),
        (None, {}, True, None, {"PRE_COMMIT": "1"}, "concise"),
        (None, {"format": "pylint"}, True, None, {}, "concise"),
        (None, {"quiet": 1}, True, None, {}, "concise"),
        (None, {"format": "json"}, True, None, {}, "json"),
        (None, {"format": "json", "quiet": 1}, True, None, {}, "concise"),
        ("concise", {"format": "json"}, True, None, {}, "concise"),
        (None, {"show_source": True}, True, None, {}, "concise"),
        ("full", {"quiet": 1}, False, "file", {}, "full"),
        ("json", {}, True, None, {}, "json"),
    ],
)
def test_which_is_chosen(monkeypatch, form, options, is_terminal, target, environment, wanted):
    monkeypatch.delenv("PRE_COMMIT", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal, raising=False)
    assert shared.chosen(form, Namespace(**{**PLAIN, **options}), target) == wanted


@pytest.mark.parametrize("name", ["json", "sarif", "github", "gitlab", "full", "concise"])
def test_format_names_one_too(shop, out, name):
    text = out("check", f"--format={name}")
    assert (
        text == out("check", f"--output-format={name}") == out("check", f"--format={name}", f"--output-format={name}")
    )
    if name in ("json", "sarif", "gitlab"):
        json.loads(text)


def test_flake8s_own_formats(shop, out):
    assert "shop/views.py:1: [CLY401]" in out("check", "--format=pylint")
    assert out("check", "--format=%(code)s").split() == ["CLY101", "CLY201", "CLY202", "CLY401"]
    assert out("check", "--output-format=text") == out("check", "--output-format=concise") == out("check")


def test_one_spelling_for_all_commands(shop, out):
    assert out("tasks", "--output-format=json") == out("tasks", "--format=json")
    assert out("explain", "--output-format=json", "CLY101") == out("explain", "--format=json", "CLY101")


def test_full(shop, out):
    text = out("check", "--output-format=full", "--select=CLY401")
    assert text.splitlines()[1:] == ["  |", "1 | from content.tasks import index", "  |" + " " * 27 + "^^^^^"]
    assert "\x1b" in out("check", "--output-format=full", "--color=always")


def test_no_arguments(capfd):
    assert main([]) == 2
    out, err = capfd.readouterr()
    assert not out
    assert "check" in err
    assert "usage: flake8-celery-tasks" in err
