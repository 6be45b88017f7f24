"""The formats of `check`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from flake8_celery_tasks import engine, project
from flake8_celery_tasks.cli import main
from tests.helpers import write
from tests.test_flake8 import PROJECT

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))

TWINS = """\
from content.tasks import index


def view():
    index()


class View:
    def get(self):
        from content.tasks import index
        index.delay(1)

    def put(self):
        from content.tasks import index
        index.delay(1)
        from content.tasks import index as other
        other.delay(1)
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, {**PROJECT, "shop/twins.py": TWINS})
    (tmp_path / "shop/broken.py").write_text("import celery\ndef (:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)
    return tmp_path


@pytest.fixture
def rendered(capfd):
    def run(form, *arguments):
        project.forget()
        capfd.readouterr()
        main(["check", f"--output-format={form}", *arguments])
        out, err = capfd.readouterr()
        assert not err
        return out

    return run


@pytest.fixture
def read(rendered):
    return lambda form, *arguments: json.loads(rendered(form, *arguments))


def lines_of(text):
    return [line.split(":")[:3] for line in text.splitlines()]


def test_json(shop, rendered, read):
    found = read("json")
    assert [[f"./{one['path']}", str(one["line"]), str(one["column"])] for one in found] == lines_of(rendered("text"))
    one = next(one for one in found if one["code"] == "CLY201")
    text = one.pop("text")
    assert len(one.pop("fingerprint")) == 64
    assert (
        one
        == {
            "path": "shop/tasks.py",
            "line": 9,
            "column": 24,
            "code": "CLY201",
            "rule": "bind-without-use",
            "definition": "b",
        }
        or one["rule"]
    )
    assert text in rendered("text")
    broken = next(one for one in found if one["code"] == "E999")
    assert (broken["rule"], broken["definition"]) == (None, None)


def test_nothing_found(shop, rendered):
    assert rendered("json", "content") == "[]\n"
    assert rendered("gitlab", "content") == "[]\n"
    assert rendered("github", "content") == ""
    assert rendered("text", "content") == ""


def test_sarif_is_valid(shop, read):
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    for arguments in ([], ["content"], ["--select=CLY,CLY9", str(shop / "shop")]):
        jsonschema.Draft7Validator(SCHEMA).validate(read("sarif", *arguments))


def test_sarif(shop, read):
    run = read("sarif", "--select=CLY,CLY903,E9")["runs"][0]
    driver = run["tool"]["driver"]
    assert [rule["id"] for rule in driver["rules"]] == [rule.code for rule in engine.rules()] + ["E999"]
    assert all("## What happens" in rule["help"]["markdown"] for rule in driver["rules"][:-1])
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    levels = {result["ruleId"]: result["level"] for result in run["results"]}
    assert (levels["CLY101"], levels["CLY903"], levels["E999"]) == ("warning", "note", "error")
    place = next(result for result in run["results"] if result["ruleId"] == "CLY201")["locations"][0]
    assert place == {
        "physicalLocation": {
            "artifactLocation": {"uri": "shop/tasks.py", "uriBaseId": "PROJECTROOT"},
            "region": {"startLine": 9, "startColumn": 24},
        },
        "logicalLocations": [{"fullyQualifiedName": "b"}],
    }
    assert run["originalUriBaseIds"]["PROJECTROOT"]["uri"] == f"{shop.as_uri()}/"


def test_sarif_of_unusual_paths(shop, read, monkeypatch):
    write(shop, {"a b/c%d.py": PROJECT["shop/tasks.py"]})
    uris = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]
        for one in read("sarif", "a b")["runs"][0]["results"]
    ]
    assert uris[0]["uri"] == "a%20b/c%25d.py"
    absolute = read("sarif", str(shop / "a b"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert absolute["artifactLocation"] == {"uri": (shop / "a b/c%d.py").as_uri()}


def fingerprints(found):
    return [one.get("fingerprint") or one["partialFingerprints"]["celeryTasks/v1"] for one in found]


@pytest.mark.parametrize("form", ["json", "gitlab", "sarif"])
def test_fingerprints(shop, read, form, monkeypatch):
    """They are different, stay when lines move, and don't depend on the working folder."""

    def found(*arguments):
        content = read(form, *arguments)
        return fingerprints(content["runs"][0]["results"] if form == "sarif" else content)

    before = found("shop/tasks.py", "shop/twins.py")
    assert len(before) == len(set(before)) > 5
    for name in ("tasks.py", "twins.py"):
        text = (shop / "shop" / name).read_text()
        (shop / "shop" / name).write_text("# A line more.\n\n" + text.replace("\n\n\n", "\n\n\n# And more.\n"))
    assert found("shop/tasks.py", "shop/twins.py") == before
    assert found("./shop/tasks.py", str(shop / "shop/twins.py"))[:3] != before[3:]
    monkeypatch.chdir(shop / "shop")
    assert found("tasks.py", "twins.py") == before


def test_github(shop, rendered):
    lines = rendered("github", "--select=CLY,CLY903").splitlines()
    assert any(
        line.startswith("::error file=shop/tasks.py,line=4,col=2,title=CLY101 missing-task-name::CLY101 ")
        for line in lines
    )
    assert any(line.startswith("::warning file=shop/tasks.py") for line in lines)


def test_github_escapes(shop, rendered):
    write(shop, {"50%,a:b/tasks.py": PROJECT["shop/tasks.py"]})
    assert rendered("github", "50%,a:b").startswith("::error file=50%25%2Ca%3Ab/tasks.py,line=")


def test_gitlab(shop, read, monkeypatch):
    found = read("gitlab", "--select=CLY,CLY903,E9")
    one = next(one for one in found if one["check_name"] == "CLY101")
    assert one["location"] == {"path": "shop/tasks.py", "lines": {"begin": 4}}
    assert one["description"].startswith("CLY101 Task 'a'")
    assert {one["check_name"]: one["severity"] for one in found}["E999"] == "blocker"
    assert {one["severity"] for one in found} == {"minor", "major", "blocker"}
    monkeypatch.setenv("CI_PROJECT_DIR", str(shop.parent))
    assert read("gitlab", "shop/tasks.py")[0]["location"]["path"] == f"{shop.name}/shop/tasks.py"


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab"])
def test_to_a_file(shop, rendered, form):
    text = rendered(form)
    assert rendered(form, "--output-file=out") == ""
    assert (shop / "out").read_text(encoding="utf-8") == text
