"""Apps, the modules that they load, classes of tasks and receivers of signals."""

from __future__ import annotations

import ast

from flake8_celery_tasks.facts.apps import AppMade, Connection, Discovery, TaskClass
from tests.helpers import facts_of

TEXT = """\
from celery import Celery, Task, signals
from celery.signals import task_failure

app = Celery("shop", include=["shop.mail"])
app.autodiscover_tasks(["shop", "web"], force=True)
app.conf.imports = "shop.other"


class Base(Task):
    max_retries = 1


class Job(Task):
    name = "job"

    def run(self): ...


class Other: ...


@task_failure.connect
def failed(**kwargs): ...


@app.on_after_configure.connect(weak=False)
def periodic(sender, **kwargs): ...


signals.worker_ready.connect(lambda **kwargs: None)
database.connect(failed)
connect(failed)
"""


def test_apps_and_what_they_load(tmp_path):
    facts = facts_of(tmp_path, TEXT)
    assert [made.node.lineno for made in facts.of(AppMade)] == [4]
    found = list(facts.of(Discovery))
    assert [(it.what, it.is_call, it.is_forced) for it in found] == [
        ("include", False, False),
        ("autodiscover_tasks", True, True),
        ("imports", False, False),
    ]
    assert [[name for name, _ in it.names or ()] for it in found] == [["shop.mail"], ["shop", "web"], ["shop.other"]]


def test_classes_of_tasks(tmp_path):
    (found,) = facts_of(tmp_path, TEXT).of(TaskClass)
    assert (found.node.name, found.target.path) == ("Base", "shop.tasks.Base")
    assert found.value("max_retries") == 1
    assert ast.unparse(found.place("max_retries")) == "max_retries = 1"
    assert found.place("rate_limit") is None


def test_receivers_that_are_connected(tmp_path):
    found = list(facts_of(tmp_path, TEXT).of(Connection))
    assert [(it.signal, it.call is None, it.function and it.function.name) for it in found] == [
        ("task_failure", True, "failed"),
        ("on_after_configure", False, "periodic"),
        ("worker_ready", False, None),
    ]
    assert [it.receiver is None for it in found] == [True, True, False]


def test_what_calls_a_factory_makes_no_app(tmp_path):
    text = "from celery import Celery\n\n\ndef Make():\n    return Celery('shop')\n\n\napp = Make()\n"
    assert [made.node.lineno for made in facts_of(tmp_path, text).of(AppMade)] == [5]


def test_no_app_without_the_word(tmp_path):
    assert list(facts_of(tmp_path, "class Base: ...\n\n\nBase()\n").of(AppMade)) == []


def test_a_call_of_a_factory_makes_no_app_the_factory_does(tmp_path):
    text = """\
import celery
from celery import Celery


def Make():
    return Celery("shop")


class Own(Celery): ...


app = Make()
other = Own("other")
third = celery.Celery("third")
"""
    assert [made.node.lineno for made in facts_of(tmp_path, text).of(AppMade)] == [6, 13, 14]
