"""JSON."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


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
