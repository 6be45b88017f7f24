"""The subcommand `config`: what applies, and why."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from tests.helpers import PROJECT, write
from tests.monorepo import lay_out

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, PROJECT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def told(capfd):
    def run(*arguments):
        assert main(["config", "--format=json", *arguments]) == 0
        return json.loads(capfd.readouterr().out)

    return run


def test_a_project(shop, told, capfd):
    (shop / "setup.cfg").write_text("[flake8]\nexclude = .venv,\n  build\ncelery_broker = redis\n")
    (shop / "pyproject.toml").write_text(
        '[tool.flake8-celery-tasks]\nselect = ["CLY"]\ncelery-broker = "sqs"\ncelery-no-cache = true\n'
        '[tool.flake8-celery-tasks.per-file-ignores]\n"x/*.py" = ["CLY1", "CLY2"]\n'
    )
    found = told("--celery-target-version=5.3")
    assert found["module"] is None
    assert found["root"] == {"path": str(shop), "because": "pyproject.toml, setup.cfg"}
    assert found["celery"]["version"] == "5.3"
    files = [str(shop / "setup.cfg"), str(shop / "pyproject.toml")]
    assert found["configuration"]["files"] == files
    assert [tuple(one.values()) for one in found["configuration"]["options"]] == [
        ("celery-broker", "redis", files[0]),
        ("celery-no-cache", "true", files[1]),
        ("celery-target-version", "5.3", "command line"),
        ("exclude", ".venv, build", files[0]),
        ("per-file-ignores", "x/*.py: CLY1, CLY2", files[1]),
        ("select", "CLY", files[1]),
    ]
    assert [(one["name"], one["tasks"]) for one in found["decorators"]] == [("celery.shared_task", 3)]
    assert main(["config", "--output-file=said.txt"]) == 0
    assert (shop / "said.txt").read_text().startswith("project root ")


def test_which_files_are_read(shop, told):
    (shop / "pyproject.toml").write_text('[tool.flake8-celery-tasks]\nselect = ["CLY"]\n')
    (shop / "own.cfg").write_text("[flake8]\nselect = CLY1\n")
    (shop / "more.cfg").write_text("[other]\nselect = CLY2\n")
    assert told("--isolated")["configuration"] == {"files": [], "options": []}
    found = told("--config=own.cfg", "--append-config=more.cfg")["configuration"]
    assert found["files"] == ["more.cfg", "own.cfg"]
    assert found["options"] == [{"name": "select", "value": "CLY1", "source": "own.cfg"}]
    assert told("--append-config=own.cfg")["configuration"]["files"] == ["own.cfg", str(shop / "pyproject.toml")]


@pytest.mark.parametrize(
    ("arguments", "checked"),
    [
        (["shop/tasks.py"], "yes"),
        (["shop/__init__.py"], "no: nothing in it has to do with Celery"),
        (["shop/silent.py"], "no: it contains a line # flake8: noqa"),
        (["shop/silent.py", "--disable-noqa"], "yes"),
        (["shop/coded.py"], "yes"),
        (["shop/tasks.py", "--exclude=shop"], "no: excluded, or its name does not match the option filename"),
    ],
)
def test_a_file(shop, told, arguments, checked):
    (shop / "shop/silent.py").write_text("# flake8: noqa\nimport celery\n")
    (shop / "shop/coded.py").write_text("# coding: rot13\nimport celery\n")
    module = told(*arguments)["module"]
    assert module["checked"] == checked
    assert (module["certain"], module["app"]) == (True, "shop")


def test_a_file_of_a_service(tmp_path, monkeypatch, told):
    folder = lay_out(tmp_path / "repository")
    monkeypatch.chdir(folder)
    found = told("services/mail/mail/tasks.py")
    assert found["root"]["path"] == str(folder / "services/mail")
    assert found["configuration"]["files"] == [str(folder / "services/mail/pyproject.toml")]
    assert found["celery"]["version"] == "5.3"
    assert told("tools")["configuration"]["files"] == []


def test_no_such_file(shop, capfd):
    assert main(["config", "nowhere.py"]) == 2
    assert "no such file or directory: 'nowhere.py'" in capfd.readouterr().err
