"""What the desk sees: the same as `check`, with what is open in place of what is on disk."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("pygls")

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.server.desk import Unwanted
from flake8_celery_tasks.server.homes import folder_of
from tests.helpers import ROOT
from tests.monorepo import lay_out
from tests.server.conftest import SHOP, TASKS, VIEWS
from tests.server.desks import Table


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Table(tmp_path / "project", SHOP)


def test_ranges_are_those_of_nodes(shop):
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]
    assert shop.found("content/tasks.py") == [("CLY211", "max_retries=5"), ("CLY301", "reject_on_worker_lost=True")]
    text = TASKS.replace('@shared_task(name="content.index", max_retries=5)', "@shared_task")
    assert shop.found("content/tasks.py", text)[0] == ("CLY101", "shared_task")


def test_the_same_as_check(shop):
    said = subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check"],
        cwd=shop.folder,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    ).stdout
    found = [
        f"./{name}:{one.line}:{one.column + 1}: {one.code} {one.message}"
        for name in sorted(SHOP)
        for one in shop.problems(shop.open(name))
    ]
    assert sorted(said.splitlines()) == sorted(found)
    assert found


def test_a_file_that_does_not_parse(shop):
    text = f"{VIEWS}\ndef broken(:\n"
    assert [code for code, _ in shop.found("content/views.py", text)] == ["E999"]
    assert shop.found("content/tasks.py", "def broken(:\n") == []  # as `check`: nothing of Celery's in it
    shop.open("content/tasks.py", f"{TASKS}\ndef broken(:\n")
    # What it defines is unknown then: nobody says that there is no such task.
    assert shop.found("content/views.py", VIEWS.replace("content.indx", "content.new")) == []


def test_what_is_open_counts(shop):
    assert shop.found("content/views.py", VIEWS.replace("indx", "index")) == []
    shop.open("content/tasks.py", TASKS.replace('name="content.index"', 'name="content.indx"'))
    assert shop.found("content/views.py", VIEWS) == [("CLY403", '"content.index"')]


def test_noqa_baseline_and_selection(shop):
    silent = VIEWS.replace('"content.indx", args=[pk])', '"content.indx", args=[pk])  # noqa: CLY403')
    assert shop.found("content/views.py", silent) == []
    (shop.folder / ".flake8").write_text("[flake8]\nper-file-ignores =\n    content/views.py: CLY403\n")
    assert shop.found("content/views.py") == []
    (shop.folder / ".flake8").write_text("[flake8]\nexclude = content\n")
    assert shop.found("content/views.py") == []
    (shop.folder / ".flake8").unlink()
    assert len(shop.found("content/views.py")) == 1
    subprocess.run(
        [sys.executable, "-m", "flake8_celery_tasks", "check", "--write-baseline", "known.json"],
        cwd=shop.folder,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    (shop.folder / ".flake8").write_text("[flake8]\ncelery-baseline = known.json\n")
    assert shop.found("content/views.py") == []
    assert shop.desk.named() == {shop.path("known.json")}
    (shop.folder / "known.json").write_text('{"version": 1, "findings": []}')
    assert len(shop.found("content/views.py")) == 1


def test_a_broken_configuration_is_told_once(shop):
    (shop.folder / ".flake8").write_text("[flake8]\ncelery-baseline = missing.json\n")
    assert shop.found("content/views.py") == []
    assert shop.found("content/views.py") == []
    assert len(shop.told) == 1
    assert "celery-baseline" in shop.told[0]
    assert shop.sight(shop.open("content/views.py")) is None
    (shop.folder / ".flake8").write_text("[flake8]\n")
    assert len(shop.found("content/views.py")) == 1


def test_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    table = Table(tmp_path / "project", SHOP, ignore=("CLY403",), extend_select=("CLY9",))
    assert {code for code, _ in table.found("content/tasks.py")} > {"CLY301", "CLY211"}
    assert "CLY403" not in {code for code, _ in table.found("content/views.py")}
    silent = Table(tmp_path / "project", SHOP, enable=False)
    assert silent.found("content/views.py") == []


def test_a_rule_that_crashes_costs_its_own_findings(shop, monkeypatch):
    rule = next(one for one in loader.wanted() if one.code == "CLY403")

    def crash(_):
        raise RuntimeError("of no use")

    monkeypatch.setattr(type(rule), "check", lambda self, fact: crash(fact))
    assert shop.found("content/views.py") == []
    assert shop.found("content/tasks.py") == [("CLY211", "max_retries=5"), ("CLY301", "reject_on_worker_lost=True")]
    said = shop.logged[0]
    assert "views.py" in said
    assert "CLY403" in said
    assert "RuntimeError: of no use" in said


def test_files_that_change_on_disk(shop):
    assert len(shop.found("content/views.py")) == 1
    (shop.folder / "content/tasks.py").write_text(TASKS.replace("content.index", "content.indx"))
    shop.desk.changed_on_disk([shop.path("content/tasks.py")], shop.buffers)
    assert shop.found("content/views.py") == [("CLY403", '"content.index"')]
    # A file that is open says what the editor says, until it is closed.
    shop.open("content/tasks.py", TASKS)
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]
    del shop.buffers[shop.path("content/tasks.py")]
    shop.desk.closed(shop.path("content/tasks.py"))
    assert shop.found("content/views.py") == [("CLY403", '"content.index"')]
    (shop.folder / "content/tasks.py").write_text(TASKS)
    shop.desk.closed(shop.path("content/tasks.py"))
    assert shop.found("content/views.py") == [("CLY403", '"content.indx"')]


def test_a_buffer_that_is_no_file(shop):
    assert shop.found("stdin", VIEWS) == [("CLY403", '"content.indx"')]
    assert shop.path("stdin") not in shop.buffers


def test_nobody_waits(shop):
    buffer = shop.open("content/views.py")
    shop.desk.is_wanted = lambda: False
    with pytest.raises(Unwanted):
        shop.problems(buffer)
    shop.desk.unwanted()
    shop.desk.is_wanted = lambda: True
    assert len(shop.problems(buffer)) == 1


def test_memory_stays_flat(shop):
    def kept():
        base = next(iter(shop.desk._sights.values()))[0]
        return len(base.answers), [len(module.answers) for module in base.modules_known()]

    for number in range(30):
        shop.found("content/views.py", f"{VIEWS}# {number}\n")
        if number == 3:
            before = kept()
    assert kept() == before


def test_a_service_has_its_own_configuration(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = lay_out(tmp_path / "project")
    own = {name: str(folder / f"services/{name}/{name}/tasks.py") for name in ("mail", "pay")}
    for name, path in own.items():
        assert folder_of(path, [str(folder)]) == str(folder / f"services/{name}")
    assert folder_of(str(folder / "tools/tasks.py"), [str(folder)]) == str(folder)
    assert folder_of(own["pay"], []) == str(folder / "services/pay")
    # Above what the client has open nothing is looked for.
    (folder / "pyproject.toml").write_text("[tool.flake8-celery-tasks]\n")
    assert folder_of(str(folder / "tools/tasks.py"), [str(folder / "tools")]) == str(folder / "tools")
    (folder / "services/pay/pyproject.toml").write_text("[tool.flake8-celery-tasks\n")
    assert folder_of(own["pay"], [str(folder)]) == str(folder / "services/pay")
