"""608-611: what a canvas does with what it is made of, beyond the plain cases of `test_calls`."""

from __future__ import annotations

import pytest
from celery import chain, chord, group, states


@pytest.fixture
def bill(lab):
    """A task that takes one number and gives it back."""

    @lab.app.task(name="bill")
    def bill(number):
        return number

    lab.app.finalize()
    return bill


@pytest.fixture
def ship(lab):
    """A task that takes one number and notes it."""

    def ship(number):
        runs.append(number)

    runs: list[object] = []
    task = lab.app.task(ship, name="ship")
    task.runs = runs
    return task


@pytest.mark.truth("CLY608")
@pytest.mark.parametrize(
    ("canvas", "message"),
    [
        (lambda bill: group(bill.s)(), "'method' object is not iterable"),
        (lambda bill: chain(bill.s(1), bill.s)(), "chain' and 'method'"),
        (lambda bill: bill(1) | bill.s(), "'int' and 'Signature'"),
        (lambda bill: chain(bill.s(1), bill.delay(2))(), "chain' and 'AsyncResult'"),
    ],
    ids=["method", "method in a chain", "called first", "sent"],
)
def test_what_is_no_signature_breaks_a_canvas(bill, canvas, message):
    """CLY608: a method that is not called, and a value in front of `|`, break it too."""
    with pytest.raises(TypeError, match=message):
        canvas(bill)


@pytest.mark.truth("CLY608")
def test_bare_task_in_the_header_of_a_chord_runs_here(lab, ship, bill):
    """CLY608: a chord calls a bare task in its header, without arguments."""
    with pytest.raises(TypeError, match=r"ship\(\) missing 1 required positional argument"):
        chord([ship], bill.s())()
    assert lab.published == []


@pytest.mark.truth("CLY609")
@pytest.mark.parametrize("method", ["map", "starmap", "chunks"])
def test_spread_alone_sends_nothing(lab, bill, method):
    """CLY609: nor do `map`, `starmap` and `chunks`, or a signature with options, or a pipe."""
    getattr(bill, method)([(1,)], *([1] if method == "chunks" else []))
    bill.s(1).set(queue="slow")
    bill.s(1) | bill.s()
    assert lab.published == []


@pytest.mark.truth("CLY610")
@pytest.mark.parametrize("method", ["link_error", "on_error"])
def test_error_callback_may_be_a_name(lab, method):
    """CLY610: the methods for errors take the name of a task, as `link_error=` does."""
    runs = []

    @lab.app.task(name="note")
    def note(task_id):
        runs.append(task_id)

    @lab.app.task(name="fetch")
    def fetch():
        raise ValueError

    signature = fetch.s()
    getattr(signature, method)("note")
    result = signature.delay()
    lab.work()
    assert runs == [result.id]


@pytest.mark.truth("CLY610")
@pytest.mark.parametrize("body", ["sent", "called", "function"])
def test_chord_body_that_is_a_value(bill, body):
    """CLY610: a result, a value or a function is no body either."""
    given = {"sent": bill.delay, "called": bill, "function": lambda number: abs}[body](1)
    with pytest.raises(AttributeError, match="object has no attribute 'clone'"):
        chord([bill.s(1)], given)()


@pytest.mark.truth("CLY611")
def test_result_meets_a_keyword(lab, bill, ship):
    """CLY611: a parameter that is given by name gets the result too."""
    result = chain(bill.s(1), ship.s(number=2))()
    lab.work()
    assert ship.runs == []
    assert "ship() got multiple values for argument 'number'" in str(result.parent.result)


@pytest.mark.truth("CLY611")
def test_each_member_of_a_group_gets_the_result(lab, bill, ship):
    """CLY611: so does every member of a group in a chain, and the first of a chain in a chain."""
    chain(bill.s(1), group(ship.s(), ship.s()))()
    chain(bill.s(2), chain(ship.s(), bill.si(3)))()
    lab.work()
    assert sorted(ship.runs) == [1, 1, 2]


@pytest.mark.truth("CLY611")
def test_chain_of_many_calls_shifts_all_but_the_first(lab, ship):
    """CLY611: in a chain of calls of one task all but the first get a result, even None."""
    result = chain(ship.s(number) for number in range(3))()
    lab.work()
    assert ship.runs == [0]
    assert result.parent.parent.state == states.FAILURE


@pytest.mark.truth("CLY611")
def test_signature_made_immutable_takes_no_result(lab, bill, ship):
    """CLY611: `set(immutable=True)` and `signature(immutable=True)` do what `.si()` does."""
    chain(bill.s(1), ship.s(2).set(immutable=True))()
    chain(bill.s(1), ship.signature((3,), immutable=True))()
    bill.apply_async((1,), link=ship.si(4))
    lab.work()
    assert sorted(ship.runs) == [2, 3, 4]


@pytest.mark.truth("CLY918")
def test_group_makes_as_many_messages_as_a_loop(lab, ship):
    """CLY918: one message for each task, all under one result; chunks make fewer, a list of keys a single one."""
    result = group(ship.s(number) for number in range(6)).delay()
    assert len(lab.published) == len(result.results) == 6
    ship.chunks(zip(range(6)), 3).apply_async()
    assert len(lab.published) == 6 + 2
    ship.delay(list(range(6)))
    assert len(lab.published) == 6 + 2 + 1
