"""What all formats of `check` have in common."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_nothing_found(shop, rendered):
    assert rendered("json", "content") == "[]\n"
    assert rendered("gitlab", "content") == "[]\n"
    assert rendered("github", "content") == ""
    assert rendered("text", "content") == ""


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


@pytest.mark.parametrize("form", ["json", "sarif", "github", "gitlab"])
def test_to_a_file(shop, rendered, form):
    text = rendered(form)
    assert rendered(form, "--output-file=out") == ""
    assert (shop / "out").read_text(encoding="utf-8") == text
