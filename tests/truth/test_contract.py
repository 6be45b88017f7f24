"""CLY411-413, CLY923 and CLY924: messages of one release, handled by a worker that runs another."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery import states
from celery.exceptions import NotRegistered
from celery.worker import control

from flake8_celery_tasks.contract import known, present
from flake8_celery_tasks.contract.compare import breaks
from flake8_celery_tasks.contract.signature import parse
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from tests.helpers import write

from .lab import celery_version

HEAD = "from celery import Task, current_app, shared_task\n\n\n"
UNREGISTERED = "Received unregistered task of type"


@pytest.fixture
def release(lab):
    """Start the next release: a new app on the same queue, that knows what its modules define."""

    def start(text: str, module: str = "tasks") -> object:
        lab.restart()
        return lab.module(HEAD + text, f"release_{uuid4().hex}.{module}")

    return start


def task(parameters: str, body: str = "return sorted(locals().items())", options: str = "name='shop.pay'") -> str:
    return f"@shared_task({options})\ndef pay{parameters}:\n    {body}\n"


# Names.


@pytest.mark.truth("CLY411")
def test_a_message_of_the_old_name_is_lost(lab, release):
    """CLY411: the worker with the new code drops a message under the old name, and the sender is not told."""
    result = release(task("(order_pk)")).pay.delay(1)
    release(task("(order_pk)", options="name='shop.buy'"))
    lab.work()
    assert f"{UNREGISTERED} 'shop.pay'." in lab.log
    assert isinstance(result.result, NotRegistered)  # who has a backend, and asks
    assert lab.queue_length() == 0


@pytest.mark.truth("CLY411")
def test_an_automatic_name_moves_with_the_module(lab, release):
    """CLY411: nobody wrote the name, and it is another one after the move."""
    old = release(task("(order_pk)", options=""), "mail")
    name = old.pay.name
    assert name.endswith(".mail.pay")
    old.pay.delay(1)
    new = release(task("(order_pk)", options=""), "letters")
    assert new.pay.name.endswith(".letters.pay")
    lab.work()
    assert f"{UNREGISTERED} '{name}'." in lab.log


MENDED = {
    "the old name": "@shared_task(name='shop.pay')\ndef buy(order_pk):\n    return order_pk\n",
    "an alias": "@shared_task(name='shop.buy')\ndef buy(order_pk):\n    return order_pk\n\n\n"
    "current_app.tasks['shop.pay'] = buy\n",
    "an alias of what is registered": "@shared_task(name='shop.buy')\ndef buy(order_pk):\n    return order_pk\n\n\n"
    "current_app.tasks['shop.pay'] = current_app.tasks['shop.buy']\n",
    "a second function": "@shared_task(name='shop.buy')\ndef buy(order_pk):\n    return order_pk\n\n\n"
    "@shared_task(name='shop.pay')\ndef pay(order_pk):\n    return buy(order_pk)\n",
    "a class": "class Pay(Task):\n    name = 'shop.pay'\n\n    def run(self, order_pk):\n        return order_pk\n\n\n"
    "current_app.register_task(Pay())\n",
}


@pytest.mark.truth("CLY411")
@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED)
def test_what_takes_over_an_old_name(lab, release, text):
    """CLY411: what the page and docs/contract.md advise runs the old message; messages of the new name run too."""
    result = release(task("(order_pk)")).pay.delay(1)
    release(text)
    new = lab.app.send_task("shop.buy", [2]) if "shop.buy" in text else None
    lab.work()
    assert UNREGISTERED not in lab.log
    assert result.get(timeout=1) == 1
    assert new is None or new.get(timeout=1) == 2


@pytest.mark.truth("CLY411")
def test_a_folder_without_init_is_part_of_the_name(lab, tmp_path):
    """CLY411: a module in a plain folder of a package is called by its path, and so is its task."""
    package = f"shop_{uuid4().hex}"
    write(tmp_path, {f"{package}/__init__.py": ""})
    (tmp_path / package / "jobs").mkdir()
    (tmp_path / package / "jobs" / "mail.py").write_text(HEAD + task("()", options=""))
    lab.monkeypatch.syspath_prepend(tmp_path)
    found = present.Present(session.projects_around(str(tmp_path), Options(celery_no_cache=True)))
    module = __import__(f"{package}.jobs.mail", fromlist=["pay"])
    assert list(found.by_name) == [module.pay.name] == [f"{package}.jobs.mail.pay"]


# Arguments.

CALLS = {
    "by position": ([1, 2], {}),
    "by name": ([], {"a": 1, "b": 2}),
    "the first only": ([1], {}),
}


@pytest.mark.truth("CLY412", "CLY413")
@pytest.mark.parametrize(
    ("before", "now", "call", "error"),
    [
        ("(a, b)", "(a)", "by position", "takes 1 positional argument but 2 were given"),
        ("(a, b)", "(a)", "by name", "got an unexpected keyword argument 'b'"),
        ("(a, b)", "(a, **kwargs)", "by position", "takes 1 positional argument but 2 were given"),
        ("(a, b)", "(a, c)", "by name", "got an unexpected keyword argument 'b'"),
        ("(a, b)", "(a, *, b)", "by position", "takes 1 positional argument but 2"),
        ("(a, b)", "(a, b, /)", "by name", "got some positional-only arguments passed as keyword arguments"),
        ("(a, *args)", "(a)", "by position", "takes 1 positional argument but 2 were given"),
        ("(a, **kwargs)", "(a)", "by name", "got an unexpected keyword argument 'b'"),
        ("(a, b=...)", "(a, b)", "the first only", "missing 1 required positional argument: 'b'"),
        ("(a)", "(a, *, c)", "the first only", "missing 1 required keyword-only argument: 'c'"),
        # The same with what the pages advise.
        ("(a, b)", "(a, b=None)", "by position", ""),
        ("(a, b)", "(a, b=None)", "by name", ""),
        ("(a, b)", "(a, *args, **kwargs)", "by position", ""),
        ("(a, b)", "(a, *args, **kwargs)", "by name", ""),
        ("(a, *, b)", "(a, **kwargs)", "by name", ""),
        ("(a, b)", "(a, b=None, c=None)", "by name", ""),
        ("(a, *args)", "(a, *args, c=None)", "by position", ""),
        ("(a, b=...)", "(a, b=None)", "the first only", ""),
        ("(a)", "(a, c=None)", "the first only", ""),
    ],
)
def test_an_old_message_and_the_new_function(lab, release, before, now, call, error):
    """CLY412, CLY413: an old message fails in the worker where the signatures differ so, and runs where all is well."""
    args, kwargs = CALLS[call]
    result = release(task(before)).pay.apply_async(args, kwargs)
    release(task(now))
    lab.work()
    found = breaks(parse(before), parse(now.replace("=None", "=...")))
    assert bool(error) == bool(found)
    assert result.state == (states.FAILURE if error else states.SUCCESS)
    assert error in lab.log


@pytest.mark.truth("CLY412")
@pytest.mark.parametrize(
    ("before", "now", "values"),
    [
        ("(user, order)", "(order, user)", {"user": 12, "order": 7}),
        ("(user, order)", "(shop=None, user=None)", {"shop": 7, "user": 12}),
        ("(user, order, *rest)", "(user, *rest)", {"user": 7, "rest": [12]}),
    ],
)
def test_values_are_swapped_and_nothing_is_logged(lab, release, before, now, values):
    """CLY412: where an old message still fits, its values go to other parameters, in silence."""
    result = release(task(before)).pay.delay(7, 12)
    release(task(now))
    lab.work()
    assert dict(result.get(timeout=1)) == values
    assert next(iter(breaks(parse(before), parse(now.replace("=None", "=..."))))).kind == "swapped"
    assert not [
        record.getMessage()
        for record in lab.caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("celery")
    ]


@pytest.mark.truth("CLY412")
def test_the_task_object_is_none_of_the_arguments(lab, release):
    """CLY412: a task becomes bound, and its messages stay the same."""
    result = release(task("(a)")).pay.delay(1)
    release(task("(self, a)", "return a", "name='shop.pay', bind=True"))
    lab.work()
    assert result.get(timeout=1) == 1


# Options and results.


@pytest.mark.truth("CLY923")
def test_who_sends_by_name_repeats_the_old_options(lab, release):
    """CLY923: `delay` has the decorator's new queue and expiry; a call by name has what was written there long ago."""
    new = release(task("(a)", options="name='shop.pay', queue='new', expires=60"))
    new.pay.delay(1)
    lab.restart()
    lab.app.send_task("shop.pay", [1], queue="old", expires=3600)
    here, there = lab.published
    assert (here.queue, there.queue) == ("new", "old")


@pytest.mark.truth("CLY923")
@pytest.mark.skipif(celery_version() == (5, 6, 3), reason="stores the results of calls by name all the same")
def test_who_waits_for_a_result_waits_for_nothing(lab, release):
    """CLY923: who sends by name waits for the result of a task that ignores it now."""
    result = lab.app.send_task("shop.pay", [1])
    release(task("(a)", options="name='shop.pay', ignore_result=True"))
    lab.work()
    assert "Task shop.pay[" in lab.log
    assert result.state == states.PENDING


# The other direction.


@pytest.mark.truth("CLY924")
def test_a_new_message_and_the_old_worker(lab, release):
    """CLY924: a worker that still runs the old code drops a message of a new task."""
    result = release(task("(a)")).pay.delay(1)
    release("")
    lab.work()
    assert f"{UNREGISTERED} 'shop.pay'." in lab.log
    assert isinstance(result.result, NotRegistered)


@pytest.mark.truth("CLY924")
def test_a_new_argument_and_the_old_worker(lab, release):
    """CLY924: a worker that still runs the old code fails with an argument that its function does not have."""
    result = release(task("(a, b=None)")).pay.delay(1, b=2)
    release(task("(a)"))
    lab.work()
    assert "got an unexpected keyword argument 'b'" in lab.log
    assert result.state == states.FAILURE


@pytest.mark.truth("CLY924")
def test_the_workers_are_deployed_first(lab, release):
    """CLY924: in the order that the page advises, both the old message and the new one run."""
    old = release(task("(a)")).pay.delay(1)
    new = release(task("(a, b=None)")).pay.delay(1, b=2)
    lab.work()
    assert old.get(timeout=1) == [["a", 1], ["b", None]]
    assert new.get(timeout=1) == [["a", 1], ["b", 2]]


# What workers say.


def test_what_a_worker_says_is_registered(lab, release, tmp_path):
    """`celery inspect registered --json`: the names, with the attributes that a task has in brackets."""
    release(task("(a)", options="name='shop.pay', rate_limit='10/m'") + "\n\n" + task("(a)", options="name='shop.buy'"))
    said = control.registered(SimpleNamespace(app=lab.app))
    assert "shop.pay [rate_limit=10/m]" in said
    path = tmp_path / "registered.json"
    path.write_text(json.dumps({"celery@host": said}))
    assert {"shop.pay", "shop.buy"} <= set(known.load([str(path)]).tasks)
