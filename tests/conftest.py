from __future__ import annotations

import linecache

import pytest
from flake8 import utils
from hypothesis import settings

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.pages import explain
from flake8_celery_tasks.plugin import Plugin
from flake8_celery_tasks.rules.rule import Rule
from tests.helpers import PROJECT, without_summary, write
from tests.monorepo import lay_out

#: The codes of the rules by their names.
CODES = {name: code for code, name in explain.names().items()}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let `-k CLY601`, and `-k call-arguments-mismatch`, choose all tests of one rule."""
    words = {word for mark in item.iter_markers() if mark.name in ("rule", "truth") for word in mark.args}
    rule = getattr(item, "callspec", None) and item.callspec.params.get("rule")
    if isinstance(rule, Rule):
        words.add(rule.code)
    item.extra_keyword_matches.update(words, (name for name, code in CODES.items() if code in words))


# How long an example takes says nothing on a machine that does other things too.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _fresh_projects():
    session.forget()
    yield
    session.forget()


@pytest.fixture
def _fresh_plugin():
    """For tests that run the command in this process: what it has told the plugin is forgotten again."""
    yield
    Plugin.told = None
    linecache.clearcache()
    utils.stdin_get_value.cache_clear()  # flake8 reads standard input once


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A project with four mistakes, as the working directory."""
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def above(tmp_path, monkeypatch):
    """A repository with two services, as the working directory."""
    folder = lay_out(tmp_path / "repository")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


@pytest.fixture
def run(capfd):
    """Run the command `check`, and return its code, its lines, and what it says beside them."""

    def command(*arguments):
        session.forget()
        capfd.readouterr()
        code = main(["check", *arguments])
        out, err = capfd.readouterr()
        return code, out.splitlines(), without_summary(err).splitlines()

    return command


@pytest.fixture
def check(run):
    """Run the command `check` and return its lines."""

    def lines(*arguments):
        code, out, told = run(*arguments)
        assert not told or any("what it defines is unknown" in line for line in told)
        assert code == bool(out)
        return out

    return lines


@pytest.fixture
def refused(capfd):
    """Run the command with something wrong and return the one line that it says."""

    def run(*arguments):
        capfd.readouterr()
        assert main(["check", *arguments]) == 2
        out, err = capfd.readouterr()
        assert not out
        assert err.startswith("flake8-celery-tasks: error: ")
        assert err.count("\n") == 1
        return err.removeprefix("flake8-celery-tasks: error: ").rstrip()

    return run
