"""What tasks store and wait for, and where they give up."""

from __future__ import annotations

import ast

from flake8_celery_tasks.facts.results import AwaitedResult, GivingUp, StateChange
from tests.helpers import facts_of

TEXT = """\
from celery import shared_task
from celery import states
from celery.exceptions import MaxRetriesExceededError


@shared_task(name="a", bind=True)
def a(self, order):
    b.delay(order).get()
    order.get("x")
    b.delay(order)
    self.update_state(state=states.FAILURE, meta={"x": 1})
    order.update_state(state=order.name)
    try:
        self.retry()
    except (KeyError, ValueError):
        pass
    except MaxRetriesExceededError:
        def inner():
            try:
                pass
            except MaxRetriesExceededError:
                pass
    except self.MaxRetriesExceededError:
        pass
    except:
        try:
            b()
        finally:
            pass


@shared_task(name="b")
def b(order): ...


b.delay(1).get()
update_state()
"""


def test_what_a_task_waits_for(tmp_path):
    (found,) = facts_of(tmp_path, TEXT).of(AwaitedResult)
    assert (found.node.lineno, found.method, found.task.node.name) == (8, "get", "a")
    assert found.result.of.definition.symbol.qualname == "b"


def test_states_that_are_set(tmp_path):
    found = list(facts_of(tmp_path, TEXT).of(StateChange))
    assert [(change.node.lineno, change.state) for change in found] == [(11, "FAILURE"), (12, None)]
    assert [(change.is_of_running_task, change.is_of_task) for change in found] == [(True, True), (False, False)]
    assert [change.lacks_type for change in found] == [True, False]


def test_where_a_task_gives_up(tmp_path):
    (found,) = facts_of(tmp_path, TEXT).of(GivingUp)
    assert found.node.lineno == 13
    assert [ast.unparse(node) for node in found.caught] == ["MaxRetriesExceededError", "self.MaxRetriesExceededError"]


def test_nothing_is_given_up_without_the_name(tmp_path):
    text = "from celery import shared_task\n\n\n@shared_task\ndef a():\n    try: ...\n    except OSError: ...\n"
    assert list(facts_of(tmp_path, text).of(GivingUp)) == []
