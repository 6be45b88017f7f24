"""docs/contract.md: what it shows is what happens."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.contract import record
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.pages import examples
from tests.helpers import ROOT

PAGE = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
SECTIONS = {section.title: section for section in examples.sections(PAGE)}

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_the_story_is_found_and_the_record_is_written(git, monkeypatch, capfd):
    fences = SECTIONS["A package is renamed"].fences
    (module,) = [fence for fence in fences if fence.language == "python"]
    (shown,) = [fence.text for fence in fences if fence.language == "console"]
    git.commit({"accounts/__init__.py": "", module.title: module.text})
    monkeypatch.chdir(git.folder)
    assert main(["contract"]) == 0
    (kept,) = [fence.text for fence in SECTIONS["The record"].fences if fence.language == "json"]
    assert capfd.readouterr().out == kept == record.as_text(record.of(json.loads(kept), ""))
    git("mv", "accounts", "user_accounts")
    session.forget()
    command, *lines = shown.splitlines()
    assert main(command.split()[2:]) == 1
    assert capfd.readouterr().out.splitlines() == lines


def test_the_first_page_shows_what_the_example_gives(monkeypatch, capfd):
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (number,) = [number for number, line in enumerate(readme) if "flake8-celery-tasks contract docs/example" in line]
    monkeypatch.chdir(ROOT)
    assert main(readme[number].split()[2:]) == 1
    assert capfd.readouterr().out.splitlines() == [readme[number + 1]]
