"""The page of the options: its examples are read, by flake8 and by the command, and mean the same."""

from __future__ import annotations

import argparse
import re

import pytest

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.flake8_host import configuration
from flake8_celery_tasks.pages import explain, option_page
from tests.helpers import touch

PAGE = option_page.markdown()
SECTIONS = dict(re.findall(r"^## `([\w-]+)`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
NAMES = list(Options._fields)


def fence(name, language):
    [found] = re.findall(
        rf"^```{language}[^\n]*\n(.*?)^```$", SECTIONS[name.replace("_", "-")], re.MULTILINE | re.DOTALL
    )
    return found


@pytest.fixture
def folder(tmp_path, monkeypatch):
    files = ("celery-baseline.json", "celery-tasks.json", "contracts/mail.json", "contracts/billing.json")
    touch(tmp_path, *files)
    for name in ("backend", ".venv/lib/python3.11/site-packages"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(configuration.engine_run, "begin", lambda *_: None)  # the files need not hold anything
    return tmp_path


def options():
    """Return what the command takes from the files of the working directory."""
    given = argparse.Namespace(config=None, append_config=[], isolated=False)
    return Options.of(vars(configuration.configuration_for(given, ["."]).options))


def test_every_option_has_a_section_and_an_example():
    assert [name.replace("-", "_") for name in SECTIONS] == NAMES == list(option_page.EXAMPLES)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_of_an_example_mean_the_same(folder, name):
    (folder / ".flake8").write_text(fence(name, "ini"), encoding="utf-8")
    by_flake8 = options()
    (folder / ".flake8").unlink()
    (folder / "pyproject.toml").write_text(fence(name, "toml"), encoding="utf-8")
    by_table = options()
    assert getattr(by_flake8, name) == getattr(by_table, name) != getattr(Options(), name)
    assert by_flake8 == by_table


def test_rules_on_the_page_are_links():
    assert "([CLY303](rules/CLY303.md))" in explain.options()
