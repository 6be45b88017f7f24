"""SARIF."""

from __future__ import annotations

import io
import json

import jsonschema
import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.workspace.source import lines_of as text_lines
from tests.helpers import PROJECT, ROOT, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

SCHEMA = json.loads((ROOT / "tests" / "data" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))


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
            "region": {"startLine": 9, "startColumn": 24, "endLine": 9, "endColumn": 33},
        },
        "logicalLocations": [{"fullyQualifiedName": "b"}],
    }
    assert run["originalUriBaseIds"]["PROJECTROOT"]["uri"] == f"{shop.resolve().as_uri()}/"
    for rule in driver["rules"]:
        assert rule["fullDescription"]["text"]
        assert rule["properties"]["precision"] == "very-high"
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
    by_code = {rule["id"]: rule for rule in driver["rules"]}
    assert by_code["CLY101"]["fullDescription"]["text"].startswith("A task has no explicit name. ")
    assert by_code["CLY903"]["properties"]["problem.severity"] == "recommendation"


def test_sarif_of_unusual_paths(shop, read, monkeypatch):
    write(shop, {"a b/c%d.py": PROJECT["shop/tasks.py"]})
    uris = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]
        for one in read("sarif", "a b")["runs"][0]["results"]
    ]
    assert uris[0]["uri"] == "a%20b/c%25d.py"
    absolute = read("sarif", str(shop / "a b"))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert absolute["artifactLocation"] == {"uri": "a%20b/c%25d.py", "uriBaseId": "PROJECTROOT"}


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
    assert "fixes" not in read("sarif", "--select=CLY", "shop/many.py")["runs"][0]["results"][0]
    log = read("sarif", "--fixes", "--select=CLY", "shop/many.py")
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
    (result,) = read("sarif", "--fixes", "--select=CLY", "shop/many.py")["runs"][0]["results"]
    assert "fixes" not in result


def test_fixes_that_touch_each_other_are_each_offered(shop, read):
    write(shop, {"shop/many.py": "from celery import shared_task\n\n\n@shared_task(bind=True)\ndef x(): ...\n"})
    results = read("sarif", "--fixes", "--select=CLY", "shop/many.py")["runs"][0]["results"]
    assert [(one["ruleId"], len(one["fixes"])) for one in results] == [("CLY101", 1), ("CLY201", 1), ("CLY202", 1)]


def test_sarif_of_the_input_has_no_fixes(shop, read, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MANY.encode())))
    results = read("sarif", "--fixes", "--select=CLY", "--stdin-display-name=shop/many.py", "-")["runs"][0]["results"]
    assert len(results) == 4
    assert not any("fixes" in one for one in results)


def test_rules_have_addresses(shop, read):
    driver = read("sarif", "content")["runs"][0]["tool"]["driver"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"repo: {driver['informationUri']}\n" in readme
    for rule in driver["rules"]:
        page = rule["helpUri"].removeprefix(f"{driver['informationUri']}/blob/main/")
        assert (ROOT / page).is_file()


def test_sarif_of_a_file_outside_the_repository(shop, read, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    write(other, {"tasks.py": PROJECT["shop/tasks.py"]})
    (result, *_) = read("sarif", "--select=CLY", str(other))["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": (other / "tasks.py").resolve().as_uri()}


def test_sarif_of_what_has_no_place(shop, read):
    (shop / "shop/none.py").symlink_to("nowhere")
    (result,) = read("sarif", "--select=E9", "shop/none.py")["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}
