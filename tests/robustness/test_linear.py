"""The time for a file grows with its length, and not with its square: ten times as many tasks take at most 12 times."""

from __future__ import annotations

import ast
import gc
import time

import pytest

from flake8_celery_tasks.command import main
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.plugin import Plugin
from tests.helpers import write
from tests.robustness import large
from tests.robustness.effort import LONG

BOUND = 12

#: The rules that have no work in the large module, and why.
IDLE = {
    "CLY103": "a name that is no text makes the names of other tasks uncertain",
    "CLY812": "a module of settings has no tasks",
}


@pytest.fixture
def _alone(_fresh_plugin, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    was_on = gc.isenabled()
    gc.disable()
    yield
    if was_on:
        gc.enable()


class Project:
    """A project with a large module."""

    record = None

    def __init__(self, folder, tasks):
        self.folder = folder / str(tasks)
        self.path = self.folder / large.PATH
        self.text, others = self.content(tasks)
        self.folder.mkdir(parents=True)
        write(self.folder, {large.PATH: self.text, **others})
        self.restore = lambda: self.path.write_text(self.text, encoding="utf-8")

    def content(self, tasks):
        return large.module(tasks), large.OTHERS

    def plugin(self):
        """Run the plugin with all rules on, and return its reports."""
        options = Options(
            celery_no_cache=True, celery_task_name_pattern=r"shop\..+", celery_contract=self.record and str(self.record)
        )
        Plugin.told = Run(options, opted=("CLY9",))
        tree = ast.parse(self.text)
        plugin = Plugin(tree, str(self.path), self.text.splitlines(keepends=True))
        return lambda: list(plugin.run())

    def check(self):
        """Check, with what is told of each finding."""
        return self.command("check", "--output-format=json", "--extend-select=CLY9", str(self.path))

    def sarif(self):
        """Check, and prove all fixes."""
        return self.command("check", "--output-format=sarif", "--fixes", "--extend-select=CLY9", str(self.path))

    def fix(self):
        """Apply all fixes."""
        return self.command("fix", "--unsafe", str(self.path))

    def tasks(self):
        """List all tasks."""
        return self.command("tasks", str(self.path.parent))

    def command(self, name, *arguments):
        self.restore()
        output = [] if name == "fix" else ["--output-file", str(self.folder / "output.txt")]
        return lambda: main.main([name, "--isolated", "--celery-no-cache=true", *output, *arguments])

    def seconds(self, name, times):
        """Return the least CPU that something takes, in seconds."""
        return min(self.measured(getattr(self, name)()) for _ in range(times))

    def measured(self, run):
        session.forget()
        gc.collect()
        start = time.process_time()
        run()
        return time.process_time() - start


class Lone(Project):
    """A project without Django that keeps a record of its tasks."""

    def content(self, tasks):
        self.record = self.folder / large.RECORD
        return large.lone_module(tasks), {large.RECORD: large.record(tasks)}


@pytest.mark.usefixtures("_alone")
def test_every_rule_has_work(tmp_path):
    projects = Project(tmp_path / "django", 200), Lone(tmp_path / "lone", 40)
    found = {text.partition(" ")[0] for project in projects for _, _, text, _ in project.plugin()()}
    assert {rule.code for rule in loader.rules()} - found == IDLE.keys()


@pytest.mark.no_cover  # it would measure the measuring
@pytest.mark.usefixtures("_alone")
@pytest.mark.parametrize(
    ("kind", "name", "tasks"),
    [
        (Project, "plugin", 2_000),
        (Project, "tasks", 2_000 if LONG else 500),
        (Project, "check", 2_000 if LONG else 500),
        (Project, "sarif", 2_000 if LONG else 200),
        (Project, "fix", 2_000 if LONG else 200),
        (Lone, "plugin", 2_000 if LONG else 500),
    ],
)
def test_time_is_linear(tmp_path, monkeypatch, kind, name, tasks):
    monkeypatch.chdir(tmp_path)
    small, big = kind(tmp_path, tasks), kind(tmp_path, 10 * tasks)
    kind(tmp_path, 20).seconds(name, 1)  # what is imported is imported
    for _ in range(5):  # somebody else may need the processor's caches
        before, after = small.seconds(name, 2), big.seconds(name, 1)
        if after <= BOUND * before:
            break
    assert after <= BOUND * before, f"{before:.2f} s for {tasks} tasks, {after:.2f} s for {10 * tasks}"
