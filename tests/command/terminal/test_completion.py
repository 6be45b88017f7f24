"""What a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flake8_celery_tasks.command import main as command_main
from flake8_celery_tasks.command.terminal import completion
from tests.helpers import ROOT

argcomplete = pytest.importorskip("argcomplete")


@pytest.fixture
def completed(tmp_path):
    def run(line):
        said = tmp_path / "said"
        environment = {
            **os.environ,
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(said),
            "_ARGCOMPLETE_IFS": "\n",
            "_ARGCOMPLETE_COMP_WORDBREAKS": " ",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-m", "flake8_celery_tasks"],
            env=environment,
            capture_output=True,
            check=False,
            cwd=tmp_path,
        )
        assert (done.returncode, done.stdout) == (0, b"")
        return said.read_text().replace("\x0b", "\n").split()

    return run


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flake8-celery-tasks con", {"config", "contract"}),
        ("flake8-celery-tasks explain CLY41", {"CLY411", "CLY412", "CLY413"}),
        ("flake8-celery-tasks explain missing-task-n", {"missing-task-name"}),
        ("flake8-celery-tasks check --select CLY601,CLY60", {"CLY601,CLY602"}),
        ("flake8-celery-tasks tasks --columns name,que", {"name,queue"}),
        ("flake8-celery-tasks tasks --format mer", {"mermaid"}),
        ("flake8-celery-tasks tasks --sort=-que", {"--sort=-queue"}),
        ("flake8-celery-tasks check --celery-broker r", {"redis"}),
        ("flake8-celery-tasks check --enable-extensions CLY90", {"CLY901"}),
    ],
)
def test_completion(completed, line, expected):
    assert expected <= set(completed(line))


def test_nothing_without_the_library_or_the_shell(monkeypatch):
    monkeypatch.delenv("_ARGCOMPLETE", raising=False)
    assert not completion.is_asked()
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    assert completion.is_asked()
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    parser = command_main._parser()
    completion.complete(parser, ["name", "queue"])
    assert not any(hasattr(action, "completer") for action in completion._actions(parser))


def test_what_is_completed_by_us(monkeypatch):
    parser = command_main._parser()
    asked = []
    monkeypatch.setattr(argcomplete, "autocomplete", asked.append)
    completion.complete(parser, ["name", "queue"])
    assert asked == [parser]
    found = {action.dest: action.completer for action in completion._actions(parser) if hasattr(action, "completer")}
    codes = {"codes", "enable_extensions", "extend_ignore", "extend_select", "ignore", "select"}
    assert set(found) == {*codes, "celery_broker", "columns", "sort"}
    assert "CLY101,CLY411" in found["select"]("CLY101,CLY4")
    assert "queue" in found["columns"]("")


def test_the_command_completes_all_subcommands(monkeypatch, capfd):
    asked = []
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    monkeypatch.setattr(argcomplete, "autocomplete", asked.append)
    assert command_main.main([]) == 2, "the library ends the process, which it does not do here"
    assert {"columns", "paths", "codes"} <= {action.dest for action in completion._actions(asked[0])}
