"""Mistakes that people repair in calls: errbacks, direct calls, results, task classes, canvases."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import itertools
import json
import pathlib
import subprocess

import pytest
from celery import Task, chain, chord, group, states
from celery.app.task import Context
from celery.exceptions import Retry
from celery.exceptions import TimeoutError as ResultTimeoutError
from celery.result import allow_join_result

from .lab import celery_version

# CLY617: what errbacks are called with

THREE = ["request", "exc", "traceback"]
ERRBACKS = [
    # parameters, whether it is bound, own arguments, and what it gets; None where it can't run; two where 5.7 differs
    ("", False, (), None),
    ("a", False, (), ["id"]),
    ("a", False, (5,), None),
    ("a, b", False, (), None),
    ("a, b", False, (5,), (None, ["id", 5])),
    ("a, b, c", False, (), THREE),
    ("a, b, c", False, (5,), None),
    ("a, b, c", False, (5, 6), (None, ["id", 5, 6])),
    ("a, b, c", False, {"c": 5}, None),
    ("a, b, c, d", False, (), None),
    ("a, b, c, d", False, (5,), [*THREE, 5]),
    ("a, b, c, d", False, {"d": 5}, [*THREE, 5]),
    ("a, b, c, *, d", False, {"d": 5}, [*THREE, 5]),
    ("*a", False, (), THREE),
    ("*a", False, (5,), [*THREE, 5]),
    ("a, *b", False, (5,), [*THREE, 5]),
    ("", True, (), None),
    ("a", True, (), ["id"]),
    ("a", True, (5,), None),
    ("a, b", True, (), None),
    ("a, b", True, (5,), ["id", 5]),
    ("a, b, c", True, (), None),
    ("a, *b", True, (5,), ["id", 5]),
]


def failing_with(lab, errback):
    """Let a task fail that has an errback."""

    @lab.app.task(name="fetch")
    def fetch():
        raise KeyError("no")

    result = fetch.apply_async(link_error=errback)
    lab.work()
    return result


def in_words(result, args):
    """What an errback was called with."""
    if args and isinstance(args[0], Context):
        assert args[0].id == result.id
        assert isinstance(args[1], KeyError)
        assert "KeyError" in args[2]
        return [*THREE, *args[3:]]
    return ["id" if arg == result.id else arg for arg in args]


@pytest.mark.truth("CLY617")
@pytest.mark.parametrize(("parameters", "bound", "own", "expected"), ERRBACKS, ids=str)
def test_what_an_errback_is_called_with(lab, parameters, bound, own, expected):
    """CLY617: the table of the page. What does not fit hides the error, or is logged where three are passed in 5.7."""
    calls = []
    named = {"calls": calls, "__name__": __name__}
    values = parameters.replace(" *,", "")
    exec(f"def note({'self, ' * bound}{parameters}): calls.append([{values}])", named)
    note = lab.app.task(named["note"], name="note", bind=bound)
    result = failing_with(lab, note.s(**own) if isinstance(own, dict) else note.s(*own))
    if isinstance(expected, tuple):
        expected = expected[celery_version() >= (5, 7)]
    assert [in_words(result, call) for call in calls] == ([] if expected is None else [expected])
    is_loud = isinstance(result.result, TypeError) or "Errback 'note' raised an exception" in lab.log
    assert is_loud == (expected is None)


@pytest.mark.truth("CLY617")
def test_an_immutable_errback_gets_nothing(lab):
    """CLY617: only its own arguments."""
    calls = []

    @lab.app.task(name="note")
    def note(*args):
        calls.append(args)

    failing_with(lab, note.si(5))
    assert calls == [(5,)]


@pytest.mark.truth("CLY617")
def test_a_class_gets_the_id(lab):
    """CLY617: as a bound task does."""
    calls = []

    class Note(Task):
        name = "note"

        def run(self, *args):
            calls.append(args)

    result = failing_with(lab, lab.app.register_task(Note()).s(5))
    assert calls == [(result.id, 5)]


# CLY619: tasks that are called as functions


@pytest.mark.truth("CLY619")
@pytest.mark.parametrize("ignored", [False, True], ids=["stored", "ignored"])
@pytest.mark.parametrize("own_id", [False, True], ids=["no id", "its own id"])
def test_a_state_can_not_be_set_without_an_id(app, ignored, own_id):
    """CLY619: called as a function a task has no id, and the backend needs one. Before 5.3 that was a TypeError."""

    @app.task(bind=True, ignore_result=ignored)
    def fetch(self):
        self.update_state(state="PROGRESS", **({"task_id": self.request.id} if own_id else {}))

    with pytest.raises((ValueError, TypeError), match=r"task_id must not be empty|NoneType found"):
        fetch()


@pytest.mark.truth("CLY619")
def test_it_can_where_no_result_is_stored(app):
    """CLY619: the disabled backend takes anything."""
    app.conf.result_backend = "disabled://"

    @app.task(bind=True)
    def fetch(self):
        self.update_state(state="PROGRESS")
        return 1

    assert fetch() == 1


@pytest.mark.truth("CLY619")
def test_the_id_tells_whether_a_worker_runs_it(lab):
    """CLY619: the guards that the page names."""

    @lab.app.task(name="fetch", bind=True)
    def fetch(self):
        if self.request.id:
            self.update_state(state="PROGRESS")
        return [self.request.called_directly, bool(self.request.id)]

    assert fetch() == [True, False]
    result = fetch.delay()
    lab.work()
    assert result.get(timeout=1) == [False, True]


@pytest.mark.truth("CLY619")
def test_a_retry_leaves_the_caller_and_sends_nothing(lab):
    """CLY619: a worker takes the Retry of a task that was called for one of the caller."""

    @lab.app.task(name="fetch", bind=True)
    def fetch(self):
        raise self.retry()

    @lab.app.task(name="fetch_all")
    def fetch_all():
        fetch()

    with pytest.raises(Retry):
        fetch()
    result = fetch_all.delay()
    lab.work()
    assert result.state == states.RETRY
    assert [message.name for message in lab.published] == ["fetch_all"]


@pytest.mark.truth("CLY619")
def test_a_retry_with_an_exception_raises_that(app):
    """CLY619: as a function would."""

    @app.task(bind=True)
    def fetch(self):
        self.retry(exc=KeyError("no"))

    with pytest.raises(KeyError):
        fetch()


@pytest.mark.truth("CLY619")
def test_a_task_that_is_passed_along_shifts_the_arguments(app):
    """CLY619: Celery passes the task itself in any case."""

    @app.task(bind=True)
    def fetch(self, url, depth=1):
        return url, depth

    assert fetch(fetch, "/") == (fetch, "/")
    with pytest.raises(TypeError, match="takes from 2 to 3 positional arguments but 4 were given"):
        fetch(fetch, "/", 1)
    with pytest.raises(TypeError, match="multiple values for argument 'url'"):
        fetch(fetch, url="/")


# CLY620: results that JSON does not know


class Plain:
    pass


@dataclasses.dataclass
class Row:
    number: int = 1


class Status(enum.Enum):
    NEW = "new"


UNENCODABLE = {
    "set": {1},
    "frozenset": frozenset([1]),
    "generator": (number for number in [1]),
    "keys": {1: 2}.keys(),
    "values": {1: 2}.values(),
    "items": {1: 2}.items(),
    "map": map(str, [1]),
    "filter": filter(None, [1]),
    "zip": zip([1]),
    "range": range(3),
    "reversed": reversed([1]),
    "enumerate": enumerate([1]),
    "chain": itertools.chain([1]),
    "function": len,
    "tuples as keys": {(1, 2): 3},
    "within": [{"a": {1}}],
    "timedelta": datetime.timedelta(1),
    "path": pathlib.Path("/"),
    "deque": collections.deque([1]),
    "exception": ValueError("no"),
    "object": object(),
    "instance": Plain(),
    "dataclass": Row(),
    "enum": Status.NEW,
    "process": subprocess.CompletedProcess([], 0),
}


@pytest.mark.truth("CLY620")
@pytest.mark.parametrize("value", UNENCODABLE.values(), ids=UNENCODABLE)
def test_a_result_that_json_does_not_know_is_a_failure(lab, value):
    """CLY620: after the work is done, and without a retry."""
    runs = []

    @lab.app.task(name="fetch", autoretry_for=(Exception,), retry_backoff=True)
    def fetch():
        runs.append(1)
        return value

    result = fetch.delay()
    lab.work()
    assert result.state == states.FAILURE
    assert runs == [1]
    assert "is not JSON serializable" in lab.log or "keys must be" in lab.log


@pytest.mark.truth("CLY620")
@pytest.mark.parametrize(
    "value", [b"a", [1, None], {"a": datetime.date(2026, 1, 1)}, collections.Counter("a"), {1: 2}], ids=repr
)
def test_a_result_that_json_knows_is_none(lab, value):
    """CLY620: bytes, dates and dicts with other keys are fine."""

    @lab.app.task(name="fetch")
    def fetch():
        return value

    result = fetch.delay()
    lab.work()
    assert result.state == states.SUCCESS


@pytest.mark.truth("CLY620")
@pytest.mark.parametrize("how", ["ignore_result", "eager", "called", "no backend"])
def test_nothing_is_encoded_where_nothing_is_stored(lab, how):
    """CLY620: an ignored result, an eager run, a direct call, a project without a result backend."""
    if how == "no backend":
        lab.app.conf.result_backend = "disabled://"
    runs = []

    @lab.app.task(name="fetch", ignore_result=how == "ignore_result")
    def fetch():
        runs.append(1)
        return {1}

    if how == "eager":
        assert fetch.apply().get() == {1}
    elif how == "called":
        assert fetch() == {1}
    else:
        fetch.delay()
        lab.work()
        assert "EncodeError" not in lab.log
    assert runs == [1]


# CLY621: task classes that nobody registers


@pytest.mark.truth("CLY621")
@pytest.mark.parametrize("send", ["delay", "apply_async", "signature"])
@pytest.mark.parametrize("name", [None, "fetch"])
def test_a_class_that_is_not_registered_is_lost(lab, send, name):
    """CLY621: the message goes out, with the name of the class or none, and the worker throws it away."""

    class Fetch(Task):
        def run(self, url):
            raise AssertionError(url)

    Fetch.name = name
    task = Fetch()
    sends = {"delay": task.delay, "signature": lambda url: task.s(url).delay()}
    result = sends[send]("/") if send in sends else task.apply_async(("/",))
    lab.work()
    assert [message.name for message in lab.published] == [name]
    assert f"Received unregistered task of type {name!r}" in lab.log
    assert result.id


@pytest.mark.truth("CLY621")
def test_only_the_instance_that_is_registered_gets_a_name(lab):
    """CLY621: another instance of the class has none, unless the class has one."""
    runs = []

    class Fetch(Task):
        def run(self, url):
            runs.append(url)

    class Named(Fetch):
        name = "named"

    task = lab.app.register_task(Fetch())
    lab.app.register_task(Named())
    assert task.name
    assert Fetch().name is None
    for number, sent in enumerate([task, Fetch(), Named()]):
        sent.delay(number)
    lab.work()
    assert runs == [0, 2]
    assert "Received unregistered task of type None" in lab.log


# CLY622: canvases that are misbuilt


def canvas_tasks(lab):
    """Two tasks for a canvas, and what they were given, in order."""
    runs = []

    @lab.app.task(name="add")
    def add(x, y=0):
        runs.append(x)
        return x + y

    @lab.app.task(name="total")
    def total(sums):
        runs.append(("total", sums))

    return add, total, runs


@pytest.mark.truth("CLY622")
@pytest.mark.parametrize("option", ["link", "link_error"])
@pytest.mark.parametrize("send", [group.apply_async, group.__call__], ids=["apply_async", "called"])
def test_a_group_takes_no_callbacks_at_the_call(lab, option, send):
    """CLY622: nothing is sent."""
    add, total, _ = canvas_tasks(lab)
    with pytest.raises(TypeError, match="Cannot add link to group"):
        send(group(add.s(1), add.s(2)), **{option: total.s()})
    assert not lab.published


@pytest.mark.truth("CLY622")
@pytest.mark.parametrize("option", ["link", "link_error"])
def test_a_chord_takes_them_from_5_7_on(lab, option):
    """CLY622: so does a group in front of another step, which is a chord."""
    add, total, _ = canvas_tasks(lab)
    both = group(add.s(1), add.s(2))
    canvases = chord([add.s(1)], total.s()), group(add.s(1)) | total.s(), both | total.s(), chain(both, total.s())
    for canvas in canvases:
        if celery_version() >= (5, 7):
            canvas.apply_async(**{option: total.si([])})
        else:
            with pytest.raises(TypeError, match="Cannot add link to group"):
                canvas.apply_async(**{option: total.si([])})
    chain(add.s(1), add.s(2)).apply_async(**{option: total.si([])})


@pytest.mark.truth("CLY622")
def test_an_errback_can_be_given_to_the_tasks_of_a_group(lab):
    """CLY622: `.on_error()` does that."""
    add, total, runs = canvas_tasks(lab)
    group(add.s(1), add.s("x", 1)).on_error(total.si("failed")).apply_async()
    lab.work()
    assert runs == [1, "x", ("total", "failed")]


@pytest.mark.truth("CLY622")
def test_lists_are_no_signatures(lab):
    """CLY622: neither in a chain nor in a group of more than one."""
    add, total, _ = canvas_tasks(lab)
    for steps in [[add.s(1)], total.s()], [add.s(1), [total.s()]], [(add.s(1),), total.s()]:
        with pytest.raises(TypeError, match="unsupported operand"):
            chain(*steps)
        with pytest.raises(AttributeError, match="object has no attribute"):
            group(*steps).delay()
    with pytest.raises(TypeError, match="unsupported operand"):
        [add.s(1)] | total.s()
    assert chain([add.s(1), total.s()]).delay()


@pytest.mark.truth("CLY622")
@pytest.mark.parametrize("make", [lambda add: add.map([1, 2]), lambda add: add.starmap([(1,), (2,)])])
def test_a_map_is_one_message(lab, make):
    """CLY622: the body of a chord gets one result, a list."""
    add, total, runs = canvas_tasks(lab)
    chord(make(add), total.s()).delay()
    lab.work()
    assert len(lab.published) == 2
    assert runs == [1, 2, ("total", [[1, 2]])]


@pytest.mark.truth("CLY622")
def test_a_chord_does_not_wait_for_chunks(lab):
    """CLY622: its body gets the ids of what was sent; `.group()` is waited for."""
    add, total, runs = canvas_tasks(lab)
    chord(add.chunks([(1,), (2,)], 1), total.s()).delay()
    lab.work()
    assert "celery.chunks" in [message.name for message in lab.published]
    (found,) = [run[1] for run in runs if isinstance(run, tuple)]
    ids = json.dumps(found)
    assert all(message.headers["id"] in ids for message in lab.published if message.name == "celery.starmap")
    runs.clear()
    chord(add.chunks([(1,), (2,)], 1).group(), total.s()).delay()
    lab.work()
    assert runs == [1, 2, ("total", [[1], [2]])]


@pytest.mark.truth("CLY622")
def test_a_chain_ends_with_chunks(lab):
    """CLY622: they are sent, and what comes after them is not."""
    add, total, runs = canvas_tasks(lab)
    chain(add.chunks([(1,), (2,)], 1), total.s()).delay()
    lab.work()
    assert runs == [1, 2]
    assert "Object of type GroupResult is not JSON serializable" in lab.log


# CLY612: chords, groups and chains of tasks that ignore their results


@pytest.mark.truth("CLY612")
def test_a_chord_waits_for_ignored_results_in_vain(lab):
    """CLY612: with a result backend that has to be asked; the body never runs, not even an immutable one."""
    add, total, runs = canvas_tasks(lab)
    lab.app.conf.result_chord_join_timeout = 0.3

    @lab.app.task(name="silent", ignore_result=True)
    def silent(x):
        runs.append(x)

    for header in [silent.s(1), silent.s(2)], [add.s(1), silent.s(2)]:
        result = chord(header, total.si("over")).delay()
        lab.work()
        assert runs == [1, 2]
        assert result.state == states.FAILURE
        assert "Operation timed out" in str(result.result)
        runs.clear()
    chord([add.s(1), add.s(2)], total.s()).delay()
    lab.work()
    assert runs[-1] == ("total", [1, 2])


@pytest.mark.truth("CLY612")
def test_a_group_or_chain_waits_in_vain(lab):
    """CLY612: `.get()` and `.join()` do, where one task of a group, or the last of a chain, ignores its result."""
    add, _, _ = canvas_tasks(lab)

    @lab.app.task(name="silent", ignore_result=True)
    def silent(*_):
        pass

    sent = group(add.s(1), silent.s(2)).delay(), group(silent.s(1)).delay(), chain(add.s(1), silent.s()).delay()
    first = chain(silent.s(1), add.si(2)).delay()
    lab.work()
    lab.stop()
    for result in sent:
        for read in [result.get, result.join] if hasattr(result, "join") else [result.get]:
            with pytest.raises(ResultTimeoutError), allow_join_result():
                read(timeout=0.2)
    with allow_join_result():
        assert first.get(timeout=1) == 2


# CLY601, CLY603: what a canvas is sent with


def pair(lab):
    """A task with two parameters, and one with any."""

    @lab.app.task(name="pair")
    def both(x, y):
        return x, y

    @lab.app.task(name="rest")
    def rest(*args, **kwargs):
        return args

    return both, rest


@pytest.mark.truth("CLY601")
def test_a_canvas_hands_its_arguments_to_the_first_tasks(lab):
    """CLY601: to the first of a chain, to all of a group and of a header; what does not fit fails at the call."""
    both, rest = pair(lab)
    canvases = (
        chain(both.s(1), rest.s()),
        both.s(1) | rest.s(),
        group(rest.s(1), both.s(1)),
        chord([both.s(1)], rest.s()),
        chain(group(both.s(1), both.s(2)), rest.s()),
    )
    for canvas in canvases:
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
            canvas.delay()
        with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
            canvas.delay(5, 6)
        canvas.delay(5)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        canvases[0]()


@pytest.mark.truth("CLY601")
def test_what_follows_in_a_chain_fails_in_the_worker(lab):
    """CLY601: it gets the result before it, and nothing else."""
    both, rest = pair(lab)
    chain(rest.s(1), both.s()).delay()
    lab.work()
    assert "missing 1 required positional argument: 'y'" in lab.log


@pytest.mark.truth("CLY603")
def test_options_of_delay_are_arguments_of_the_first_tasks(lab):
    """CLY603: a chain that is called passes them on too; a group and a chord take them as options then."""
    both, rest = pair(lab)
    header = chord([both.s(1, 2)], rest.s())
    canvases = [chain(both.s(1, 2), rest.s()), group(both.s(1, 2), rest.s()), both.s(1, 2)]
    for canvas in [*canvases, header] if celery_version() >= (5, 4) else canvases:
        with pytest.raises(TypeError, match="unexpected keyword argument 'countdown'"):
            canvas.delay(countdown=3)
        canvas.apply_async(countdown=3)
    with pytest.raises(TypeError, match="unexpected keyword argument 'countdown'"):
        canvases[0](countdown=3)
    canvases[1](countdown=3)
    header(countdown=3)
