"""Canvases, and what gets the result of another signature."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.facts.canvas import Callback, Canvas, Handed, Linking, Receiver
from tests.helpers import facts_of

HEAD = """\
from celery import chain, chord, group, shared_task


@shared_task(name="a")
def a(*args): ...


@shared_task(name="b")
def b(*args): ...


"""


def shown(node):
    return ast.unparse(node)


def test_callbacks(tmp_path):
    text = (
        f"{HEAD}a.apply_async(link=[b.s(), b.si()], link_error=b.s(1))\na.s(link=b.s())\na.s().link(b.s(2))\n"
        "a.s().on_error(b)\nother.link(b.s(3))\nchord([a.s()], b.s(4))\nchord([a.s()])(b.s(5))\n"
    )
    found = [(shown(it.node), it.place, it.on_error, it.is_body) for it in facts_of(tmp_path, text).of(Callback)]
    assert found == [
        ("b.s()", "'link='", False, False),
        ("b.si()", "'link='", False, False),
        ("b.s(1)", "'link_error='", True, False),
        ("b.s(2)", "link()", False, False),
        ("b", "on_error()", True, False),
        ("b.s(4)", "the body of chord()", False, True),
        ("b.s(5)", "the body of chord()", False, True),
    ]


def test_calls_that_link(tmp_path):
    text = f"{HEAD}group(a.s())(link=b.s(), x=1)\nother(link_error=None)\nother(x=1)\n"
    found = list(facts_of(tmp_path, text).of(Linking))
    assert [[keyword.arg for keyword in call.keywords] for call in found] == [["link"], ["link_error"]]


def test_who_gets_a_result(tmp_path):
    text = (
        f"{HEAD}chain(a.s(), b.s(1))\nchord([a.s(2)], b.s(3))\na.s().link_error(b.s(4))\n"
        "a.s().link(group(b.s(5), b.s(6)))\n"
    )
    found = list(facts_of(tmp_path, text).of(Receiver))
    assert [(shown(it.node), it.what) for it in found] == [
        ("b.s(1)", "the result before it"),
        ("group(b.s(5), b.s(6))", "the result it is linked to"),
        ("b.s(3)", "the list of results"),
    ]
    signed = [[shown(call.node) for call in it.signatures()] for it in found]
    assert signed == [["b.s(1)"], ["b.s(5)", "b.s(6)"], ["b.s(3)"]]


@pytest.mark.parametrize(
    ("written", "signatures"),
    [
        ("step = b.s(1)\n    chain(a.s(), step)", ["b.s(1)"]),
        ("step = b.s(1)\n    step.args += (2,)\n    chain(a.s(), step)", []),
        ("chain(a.s(), b.s(1).set(queue='x'))", ["b.s(1)"]),
        ("chain(a.s(), b.s(1).set(immutable=True))", []),
        ("chain(a.s(), chain(b.s(1), b.s(2)))", ["b.s(1)"]),
        ("step = b.s(1)\n    chain(a.s(), group(step, b.s(2), step))", ["b.s(1)", "b.s(2)"]),
    ],
)
def test_the_signature_behind_an_expression(tmp_path, written, signatures):
    found = next(iter(facts_of(tmp_path, f"{HEAD}def send():\n    {written}\n").of(Receiver)))
    assert [shown(call.node) for call in found.signatures()] == signatures


def test_what_is_handed_over(tmp_path):
    text = (
        f"{HEAD}chain(a.s(1), b.s(2)).delay(3, x=4)\ngroup(a.s(5), b.s(6))(7)\nchord([a.s(8)])(b.s(9))\n\n\n"
        "def send():\n    one = a.s(10)\n    one.delay(11)\n"
    )
    found = list(facts_of(tmp_path, text).of(Handed))
    assert [(it.method, it.takes_all, [shown(call.node) for call in it.signed]) for it in found] == [
        ("delay()", True, ["a.s(1)"]),
        ("calling it", True, ["a.s(5)", "b.s(6)"]),
        ("calling it", True, ["a.s(8)"]),
        ("delay()", True, ["a.s(10)"]),
    ]
    assert [[shown(node) for node in it.more.positional] for it in found] == [["3"], ["7"], [], ["11"]]
    assert list(found[0].more.keywords) == ["x"]


def test_nothing_is_handed_over_for_certain_to_what_is_completed_later(tmp_path):
    text = f"{HEAD}one = a.s()\none.kwargs['x'] = 1\nchain(a.s(1), b.s()).delay(2)\n"
    assert list(facts_of(tmp_path, text).of(Handed)) == []


def test_the_names_of_canvases(tmp_path):
    text = f"{HEAD}a.s() | b.s()\ngroup(a.s())\n"
    assert [(it.kind, it.name) for it in facts_of(tmp_path, text).of(Canvas)] == [
        ("chain", "'|'"),
        ("group", "group()"),
    ]
