"""The options of a task, one fact at a time, with what decides each."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.survey import facts
from flake8_celery_tasks.engine.survey.facts import Fact
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

HEAD = "from celery import Celery, Task, shared_task\n\nHALF = 30\n\n\n"


@pytest.fixture
def listed(tmp_path, monkeypatch, capfd):
    def run(text, **files):
        session.forget()
        more = {f"shop/{name}.py": content for name, content in files.items()}
        write(tmp_path, {"shop/tasks.py": HEAD + text, **more})
        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        assert main(["tasks", "--format=json"]) == 0
        (found,) = json.loads(capfd.readouterr().out)
        return found

    return run


@pytest.fixture
def told(listed):
    def run(keywords, **files):
        found = listed(f"@shared_task({keywords})\ndef t(self): ...\n", **files)["facts"]
        return {name: (fact["value"], fact["source"]) for name, fact in found.items()}

    return run


def test_what_the_task_says(told):
    found = told(
        "name='t', bind=True, acks_late=True, time_limit=2 * HALF, autoretry_for=(OSError, KeyError), queue='q'"
    )
    assert list(found) == ["name", *facts.TOLD, "result_backend"]
    assert found["name"] == ("t", "given")
    assert found["bind"] == (True, "task")
    assert found["acks_late"] == (True, "task")
    assert found["time_limit"] == (60, "task")
    assert found["autoretry_for"] == (["builtins.OSError", "builtins.KeyError"], "task")
    assert found["queue"] == ("q", "task")
    assert found["max_retries"] == (3, "default")
    assert found["serializer"] == ("json", "default")
    assert found["result_backend"] == (None, "unknown")


def test_what_can_not_be_resolved(told):
    found = told("name=object().x, acks_late=object().x, queue=object(), autoretry_for=(OSError, object().x)")
    assert {found[name] for name in ("name", "acks_late", "queue", "autoretry_for")} == {(None, "unknown")}


def test_the_name_is_derived(told):
    assert told("")["name"] == ("shop.tasks.t", "derived")


def test_the_project_decides(told):
    found = told("", settings="task_acks_late = True\ntask_track_started = None\ntask_serializer = 'yaml'\n")
    assert found["acks_late"] == (True, "project")
    assert found["track_started"] == (False, "default")
    assert found["serializer"] == ("yaml", "project")
    found = told("", settings="task_acks_late = True\n", dev="task_acks_late = False\n")
    assert found["acks_late"] == (None, "unknown")


def test_a_class_decides(listed):
    text = "class Base(Task):\n    max_retries = 7\n\n\n@shared_task(base=Base)\ndef t(): ...\n"
    assert listed(text)["facts"]["max_retries"] == {"value": 7, "source": "class"}


def test_a_task_that_is_a_class(listed):
    text = (
        "app = Celery()\n\n\nclass Send(Task):\n    name = 't'\n    max_retries = 7\n\n    def run(self): ...\n\n\n"
        "app.register_task(Send())\n"
    )
    found = listed(text)["facts"]
    assert found["max_retries"] == {"value": 7, "source": "task"}
    assert found["name"] == {"value": "t", "source": "given"}
    assert found["result_backend"] == {"value": False, "source": "project"}


def test_nothing_is_known_of_an_unread_decorator(told, tmp_path):
    from flake8_celery_tasks.binding.values import UNKNOWN

    class Opaque:
        is_opaque = True

    assert facts._fact(Opaque(), "acks_late") == Fact(None, "unknown")
    assert facts._plain(object()) is UNKNOWN


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ("{'shop.tasks.*': {'queue': 'mail'}}", ("mail", "route")),
        ("{'shop.tasks.t': 'mail'}", ("mail", "route")),
        ("{'shop.tasks.t': {'priority': 1}}", (None, "default")),
        ("{'content.*': 'mail'}", (None, "default")),
        ("{'shop.*': {'queue': object()}}", (None, "unknown")),
        ("[object()]", (None, "unknown")),
    ],
)
def test_a_route_decides(told, routes, expected):
    assert told("", settings=f"task_routes = {routes}\n")["queue"] == expected


def test_routes_of_a_task_without_a_known_name(told):
    assert told("name=object().x", settings="task_routes = {'shop.*': 'mail'}\n")["queue"] == (None, "unknown")


@pytest.mark.parametrize(
    ("keywords", "settings", "expected"),
    [
        ("", "", ["runs", "retries", "result", "status", "start"]),
        ("acks_late=False, max_retries=0, ignore_result=False, track_started=False", "", []),
        ("acks_late=False, max_retries=0, ignore_result=True", "", []),
        ("max_retries=object().x", "task_acks_late = True\ntask_ignore_result = True\n", []),
        ("max_retries=object().x, autoretry_for=object().x", "task_ignore_result = True\n", ["runs", "retries"]),
        ("acks_late=False, max_retries=0, ignore_result=False", "", ["start"]),
    ],
)
def test_questions_that_nobody_decides(listed, keywords, settings, expected):
    assert listed(f"@shared_task({keywords})\ndef t(): ...\n", settings=settings)["unanswered"] == expected


def test_without_a_backend_or_facts_nothing_is_asked():
    known = {name: Fact(None, "default") for name in facts.TOLD}
    assert facts.unanswered({**known, "result_backend": Fact(False, "project")}, "never") == ("runs", "retries")
    assert facts.unanswered({}, "?") == ()
