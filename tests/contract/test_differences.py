from __future__ import annotations

from flake8_celery_tasks.contract import signature
from flake8_celery_tasks.contract.differences import differences
from flake8_celery_tasks.contract.record import Record, RecordedTask

TASK = RecordedTask(signature.parse("(a)"), "shop.tasks", "pay", {"queue": "mail"}, "stored")


def said(kept: Record, now: Record) -> list[str]:
    return [str(one) for one in differences(kept, now)]


def test_what_is_the_same_is_not_told():
    other = TASK._replace(options={"expires": 3600.0, "queue": "mail"})
    assert said(Record({"pay": other}, ("a:f", "b:f")), Record({"pay": other}, ("b:f", "a:f", "a:f"))) == []
    same = other._replace(options={"queue": "mail", "expires": 3600})
    assert said(Record({"pay": other}), Record({"pay": same})) == []


def test_what_was_added_and_what_is_gone():
    assert said(Record({"a": TASK, "b": TASK}), Record({"b": TASK, "c": TASK})) == ["gone: a", "added: c"]


def test_uncertain_names():
    assert said(Record({}, ("x:f", "y:f")), Record({}, ("y:f", "z:f"))) == ["added: z:f", "gone: x:f"]


def test_what_has_changed():
    now = RecordedTask(None, "shop.mail", "pay", {"queue": None, "expires": 60.0, "priority": 1.5}, "ignored")
    assert said(Record({"pay": TASK}), Record({"pay": now})) == [
        "changed: pay: signature (a) is that can't be known now; queue \"mail\" is that can't be known now; "
        "priority not given is 1.5 now; expires not given is 60 now; result stored is ignored now"
    ]
    assert said(Record({"pay": TASK}), Record({"pay": TASK._replace(signature=signature.parse("(*args)"))})) == [
        "changed: pay: signature (a) is (*args) now"
    ]


def test_a_task_that_only_moved():
    (moved,) = differences(Record({"pay": TASK}), Record({"pay": TASK._replace(module="shop.mail")}))
    assert moved.kind == "moved"
    assert str(moved) == "moved: pay: from shop.tasks:pay to shop.mail:pay"


def test_each_is_one_line():
    now = {"a\nb\x1b\udcff": TASK, "c": TASK._replace(options={"queue": "x\ny"})}
    lines = said(Record({"c": TASK}), Record(now))
    assert lines[0] == "added: a\\nb\\x1b\\udcff"
    assert lines[1] == 'changed: c: queue "mail" is "x\\ny" now'
