"""The formats of `check`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.edits.text import lines_of as text_lines
from flake8_celery_tasks.engine import loader, session
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
        session.forget()
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
    assert [rule["id"] for rule in driver["rules"]] == [rule.code for rule in loader.rules()] + ["E999"]
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


# Fixes.

MANY = """\
from celery import shared_task
from django.db import transaction
from content.tasks import index


@shared_task
def plain(): ...


@shared_task(name="bound", bind=True)
def bound(): ...


@shared_task  # noqa: CLY101
def silenced(): ...


def view():
    "名前 😀"; index.delay("名前")
    transaction.on_commit(lambda: index.delay(2))


def other():
    items = "é", index.delay(3)  # a comment
"""


def applied(text, fix):
    """Return a text with the replacements of a fix made, as a reader of SARIF makes them."""
    starts = [0]
    for line in text_lines(text):
        starts.append(starts[-1] + len(line))

    def offset(region, which):
        return starts[region[f"{which}Line"] - 1] + region[f"{which}Column"] - 1

    (change,) = fix["artifactChanges"]
    for one in reversed(change["replacements"]):
        region = one["deletedRegion"]
        text = text[: offset(region, "start")] + one["insertedContent"]["text"] + text[offset(region, "end") :]
    return text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_sarif_has_fixes(shop, read, newline, end, encoding):
    text = (MANY.rstrip("\n") + end).replace("\n", newline)
    path = shop / "shop/many.py"
    path.write_bytes(text.encode(encoding))
    log = read("sarif", "--select=CLY", "shop/many.py")
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    results = log["runs"][0]["results"]
    fixes = {one["ruleId"]: one["fixes"] for one in results if "fixes" in one}
    assert list(fixes) == ["CLY401", "CLY101", "CLY201", "CLY202"]
    assert all(len(found) == 1 for found in fixes.values())
    for code, (fix,) in fixes.items():
        (change,) = fix["artifactChanges"]
        assert change["artifactLocation"] == {"uri": "shop/many.py", "uriBaseId": "PROJECTROOT"}
        is_safe = code in ("CLY101", "CLY202")
        assert fix["properties"]["safe"] is is_safe
        assert fix["description"]["text"].startswith("Safe fix" if is_safe else "Unsafe fix")
        # What the command makes of it.
        path.write_bytes(text.encode(encoding))
        assert main(["fix", "--unsafe", f"--select={code}", "shop/many.py"]) == 0
        assert path.read_bytes().decode(encoding) == applied(text, fix) != text


def test_sarif_of_what_has_no_fix(shop, read):
    write(shop, {"shop/many.py": "from celery import shared_task\n\n\n@shared_task(name='x')\nasync def x(): ...\n"})
    (result,) = read("sarif", "--select=CLY", "shop/many.py")["runs"][0]["results"]
    assert "fixes" not in result


def test_fixes_that_touch_each_other_are_each_offered(shop, read):
    write(shop, {"shop/many.py": "from celery import shared_task\n\n\n@shared_task(bind=True)\ndef x(): ...\n"})
    results = read("sarif", "--select=CLY", "shop/many.py")["runs"][0]["results"]
    assert [(one["ruleId"], len(one["fixes"])) for one in results] == [("CLY101", 1), ("CLY201", 1), ("CLY202", 1)]


def test_sarif_of_the_input_has_no_fixes(shop, read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MANY.encode())))
    results = read("sarif", "--select=CLY", "--stdin-display-name=shop/many.py", "-")["runs"][0]["results"]
    assert len(results) == 4
    assert not any("fixes" in one for one in results)


def test_rules_have_addresses(shop, read):
    driver = read("sarif", "content")["runs"][0]["tool"]["driver"]
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    assert f"repo: {driver['informationUri']}\n" in readme
    for rule in driver["rules"]:
        page = rule["helpUri"].removeprefix(f"{driver['informationUri']}/blob/main/")
        assert (Path(__file__).parent.parent / page).is_file()


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
