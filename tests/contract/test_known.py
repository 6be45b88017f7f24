from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.contract import known, record, signature
from flake8_celery_tasks.contract.record import Record, RecordedTask, RecordError

TASK = RecordedTask(signature.parse("(a)"), "billing.tasks", "pay", {}, "stored")
OTHER = TASK._replace(signature=signature.parse("(b)"))


@pytest.fixture
def load(tmp_path):
    def of(*contents: object) -> known.KnownTasks:
        paths = []
        for number, content in enumerate(contents):
            text = record.as_text(content) if isinstance(content, Record) else json.dumps(content)
            paths.append(tmp_path / f"{number}.json")
            paths[-1].write_text(text)
        return known.load(map(str, paths))

    return of


def test_records(load):
    found = load(Record({"pay": TASK}, ("a.b:f",)), Record({"refund": OTHER}, ("c:g",)))
    assert found.tasks == {"pay": TASK, "refund": OTHER}
    assert found.uncertain == ("a.b:f", "c:g")


def test_nothing_is_known_of_a_name_that_two_services_have(load):
    assert load(Record({"pay": TASK}), Record({"pay": OTHER})).tasks == {"pay": None}
    assert load(Record({"pay": TASK}), Record({"pay": OTHER}), Record({"pay": TASK})).tasks == {"pay": None}
    assert load(Record({"pay": TASK}), Record({"pay": TASK})).tasks == {"pay": TASK}


def test_what_workers_say(load):
    found = load({"celery@one": ["pay", "send [rate_limit=10/m]", "odd]"], "celery@two": ["pay", "x [exchange=[y]]"]})
    assert found == known.KnownTasks(dict.fromkeys(["pay", "send", "odd]", "x"]))


def test_a_record_says_more_than_a_worker(load):
    registered = {"celery@one": ["pay"]}
    assert load(registered, Record({"pay": TASK})).tasks == {"pay": TASK}
    assert load(Record({"pay": TASK}), registered).tasks == {"pay": TASK}


@pytest.mark.parametrize("content", [{}, [], {"celery@one": "pay"}, {"celery@one": [1]}, {"celery@one": {"error": ""}}])
def test_what_is_neither_is_no_record(load, content):
    with pytest.raises(RecordError, match=r"0\.json is no record"):
        load(content)


@pytest.mark.parametrize(
    ("name", "may"),
    [("legacy.build", True), ("legacy", True), ("other.build", True), ("build", True), ("other.make", False)],
)
def test_a_task_of_uncertain_name_may_have_names_near_its_place(name, may):
    assert known.KnownTasks({}, ("legacy.tasks:Builder.build",)).may_have(name) is may
    assert not known.KnownTasks({"legacy.build": None}).may_have("legacy.other")
