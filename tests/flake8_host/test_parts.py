"""Each file has the configuration of the nearest `pyproject.toml` with our table."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.flake8_host import files
from flake8_celery_tasks.flake8_host.configuration import configuration_for
from flake8_celery_tasks.flake8_host.parts import parts

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def given(**more):
    return Namespace(**{"config": None, "append_config": [], "isolated": False, **more})


def split(paths=(), **more):
    asked = given(**more)
    configured = configuration_for(asked, list(paths))
    return parts(configured, asked, files.files(configured.options))


def test_each_service_has_its_own(above):
    base, mail, pay = split()
    assert (base.table, base.names) == ("", ["./tools/tasks.py"])
    assert mail.table == str(above / "services/mail/pyproject.toml")
    assert sorted(mail.names) == ["./services/mail/mail/__init__.py", "./services/mail/mail/tasks.py"]
    assert mail.configuration.run.options.celery_target_version == (5, 3)
    assert mail.configuration.options.select == ["CLY1"]
    # What the service excludes is left out.
    assert sorted(name.rpartition("/")[2] for name in pay.names) == ["__init__.py", "quiet.py", "tasks.py"]


def test_what_is_explicit_applies_to_all(above, tmp_path):
    assert len(split(isolated=True)) == 1
    (tmp_path / "own.cfg").write_text("[flake8]\nselect = CLY4\n")
    (only,) = split(config=str(tmp_path / "own.cfg"))
    assert only.configuration.options.select == ["CLY4"]
    assert all(part.configuration.options.ignore == ["CLY9"] for part in split(ignore=["CLY9"]))


def test_inside_a_service_nothing_else_is_read(above, monkeypatch):
    monkeypatch.chdir(above / "services/mail")
    (part,) = split()
    assert part.table == str(above / "services/mail/pyproject.toml")


def test_the_input_is_where_it_says(above):
    base, pay = split(["-"], stdin_display_name="services/pay/pay/new.py")
    assert (base.names, pay.names) == ([], ["-"])


def test_a_table_above_the_working_directory(above, monkeypatch):
    (above / "pyproject.toml").write_text('[tool.flake8-celery-tasks]\nselect = ["CLY2"]\n')
    monkeypatch.chdir(above / "tools")
    (part,) = split()
    assert part.table == str(above / "pyproject.toml")
    assert part.names == ["./tasks.py"]


def test_a_broken_file_is_told(above):
    (above / "services/mail/pyproject.toml").write_text("[tool.flake8-celery-tasks\n")
    with pytest.raises(UsageError, match=r"services/mail/pyproject\.toml"):
        split()


def test_check(above, check):
    lines = check()
    assert [line.split(" ")[0] for line in lines] == [
        "./services/mail/mail/tasks.py:4:2:",
        "./services/pay/pay/quiet.py:9:24:",
        "./services/pay/pay/tasks.py:9:24:",
        "./services/pay/pay/tasks.py:10:5:",
        "./tools/tasks.py:4:2:",
        "./tools/tasks.py:9:24:",
        "./tools/tasks.py:10:5:",
    ]
    assert [f"./{line}" for line in check("services/mail/mail/tasks.py")] == lines[:1]
    assert check("--select=CLY202", "--statistics", "--count")[-2:] == [
        check("--select=CLY202", "--statistics")[-1],
        "3",
    ]


def test_paths_of_a_table_are_relative_to_it(above, monkeypatch, check):
    monkeypatch.chdir(above / "services/pay/pay")
    assert [line.split(" ")[0] for line in check()] == ["./quiet.py:9:24:", "./tasks.py:9:24:", "./tasks.py:10:5:"]
    (above / "services/pay/base.json").write_text('{"version": 1, "findings": []}')
    (above / "services/pay/known.json").write_text('{"version": 1, "tasks": {}, "uncertain": []}')
    for key, value in (
        ("celery-baseline", '"base.json"'),
        ("celery-known-tasks", '["known.json"]'),
        ("celery-project-root", '"."'),
        ("celery-broker", '"redis"'),
        ("per-file-ignores", '"quiet.py:CLY2"'),
        ("per-file-ignores", '{"*.py" = ["CLY2"], "/nowhere/x.py" = ["CLY2"]}'),
    ):
        (above / "services/pay/pyproject.toml").write_text(f"[tool.flake8-celery-tasks]\n{key} = {value}\n")
        monkeypatch.chdir(above)
        options = split(["services"])[-1].configuration.run.options
        if key == "celery-baseline":
            assert options.celery_baseline == str(above / "services/pay/base.json")
        elif key == "celery-known-tasks":
            assert options.celery_known_tasks == (str(above / "services/pay/known.json"),)
        elif key == "celery-project-root":
            assert options.celery_project_root == str(above / "services/pay")


def test_baselines(above, check, capfd):
    assert main(["check", "--write-baseline", "all.json"]) == 0
    assert capfd.readouterr().err.startswith("flake8-celery-tasks: 7 findings written")
    assert check("--celery-baseline=all.json") == []
    (above / "services/mail/mail/tasks.py").write_text("import celery\n")
    (above / "tools/tasks.py").write_text("import celery\n")
    assert main(["check", "--celery-baseline=all.json", "--prune-baseline"]) == 0
    assert capfd.readouterr().err.count("removed from the baseline") == 4
    left = json.loads((above / "all.json").read_text())["findings"]
    assert {one["path"] for one in left} == {"services/pay/pay/quiet.py", "services/pay/pay/tasks.py"}
    # One service has a baseline, the others have none.
    text = (above / "services/pay/pyproject.toml").read_text()
    (above / "services/pay/known.json").write_text('{"version": 1, "findings": []}')
    text = text.replace("]\nsel", ']\ncelery-baseline = "known.json"\nsel', 1)
    (above / "services/pay/pyproject.toml").write_text(text)
    assert main(["check", "--prune-baseline"]) == 1


def test_fix(above, capfd):
    assert main(["fix", "--diff"]) == 1
    out = capfd.readouterr().out
    assert 'name="mail.tasks.a"' in out
    assert 'name="pay.tasks.a"' not in out
    assert main(["fix"]) == 0
    assert 'name="mail.tasks.a"' in (above / "services/mail/mail/tasks.py").read_text()
    assert 'name="pay.tasks.a"' not in (above / "services/pay/pay/tasks.py").read_text()


def test_fix_of_the_input(above, capfd, monkeypatch):
    import io
    import sys

    class Input:
        buffer = io.BytesIO((above / "services/mail/mail/tasks.py").read_bytes())

    monkeypatch.setattr(sys, "stdin", Input)
    assert main(["fix", "-", "--stdin-display-name=services/mail/mail/tasks.py"]) == 0
    assert 'name="mail.tasks.a"' in capfd.readouterr().out


def test_tasks(above, capfd):
    assert main(["tasks", "--format=json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert {one["path"] for one in found if one["name"] == "b"} == {
        "services/mail/mail/tasks.py",
        "services/pay/pay/tasks.py",
    }


def test_contract(above, capfd):
    assert main(["contract", "--write", "tasks.json"]) == 0
    for name in ("mail", "pay"):
        path = above / f"services/{name}/{name}/tasks.py"
        path.write_text(path.read_text().replace('name="b"', f'name="{name}.new"'))
    capfd.readouterr()
    assert main(["contract", "--against", "tasks.json", "--select=CLY411"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["./services/mail/mail/tasks.py"]
