"""Tasks as JSON."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from tests.report.listing.projects import lay_out

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def test_senders_and_facts(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(lay_out(tmp_path))
    main(["tasks", "--format=json", "--celery-known-tasks=crm.json"])
    found = {one["name"]: one for one in json.loads(capfd.readouterr().out)}
    index = found["content.index"]
    assert index["definition"] == "index"
    assert [(one["path"], one["kind"], one["app"], one["task"], one["definition"]) for one in index["senders"]] == [
        ("content/celery.py", "beat", "content", None, None),
        ("loose.py", "call", "loose", None, None),
        ("shop/tasks.py", "call", "shop", "shop.send", "send"),
        ("shop/tasks.py", "call", "shop", "shop.send", "send"),
    ]
    assert index["sent_from"] == ["content/celery.py:4 (beat)", "loose.py:3", "shop/tasks.py:8", "shop/tasks.py:9"]
    assert index["facts"]["queue"] == {"value": None, "source": "default"}
    other = found["crm.call"]
    assert (other["facts"], other["unanswered"], other["definition"], other["path"]) == ({}, [], None, "other service")
    assert [one["path"] for one in other["senders"]] == ["shop/views.py"]
