"""Mistakes that people repair: what retries twice, is never sent, or reports what is not so."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import itertools
import json
import pathlib
import subprocess
import sys

import pytest
from celery import Task, chain, chord, group, states
from celery.app.task import Context
from celery.exceptions import Ignore, Reject, Retry

from flake8_celery_tasks.catalog.methods import SIGNATURE_NAMES, TASK_NAMES
from flake8_celery_tasks.rules.definitions import misspelt_task_api

from .lab import celery_version

# CLY223: a retry in a `try` whose handler retries again


def runs_of(lab, function, **options):
    """Send a bound task, let the worker do all there is to do, and count the messages."""
    lab.app.task(function, bind=True, name="fetch", **options).delay()
    lab.work()
    return len([message for message in lab.published if message.name == "fetch"])


@pytest.mark.truth("CLY223")
@pytest.mark.parametrize(("retries", "runs"), [(1, 3), (2, 7), (4, 31)])
def test_the_runs_double_with_each_retry(lab, retries, runs):
    """CLY223: the inner retry and the handler's both send a message."""

    def fetch(self):
        try:
            raise self.retry()
        except Exception as error:
            self.retry(exc=error)

    assert runs_of(lab, fetch, max_retries=retries) == runs


@pytest.mark.truth("CLY223")
def test_a_finally_sends_a_second_message_too(lab):
    """CLY223: the Retry of the first call is on its way when `finally` retries."""

    def fetch(self):
        try:
            self.retry()
        finally:
            self.retry()

    assert runs_of(lab, fetch, max_retries=1) == 3


@pytest.mark.truth("CLY223")
def test_a_handler_that_retries_sends_the_task_beside_its_replacement(lab):
    """CLY223: `replace` raises Ignore, which the handler catches."""

    @lab.app.task(name="other")
    def other():
        pass

    def fetch(self):
        try:
            raise self.replace(other.si())
        except Exception:
            self.retry()

    assert runs_of(lab, fetch, max_retries=1) == 2
    assert [message.name for message in lab.published].count("other") == 2


@pytest.mark.truth("CLY223")
@pytest.mark.parametrize("inner", ["let through", "does not raise", "is told apart"])
def test_one_retry_sends_one_message(lab, inner):
    """CLY223: an earlier handler, a condition in the handler, or `throw=False` keep it to one."""

    let_through = Retry if inner == "let through" else KeyError

    def fetch(self):
        try:
            if inner == "does not raise":
                return self.retry(throw=False)
            raise self.retry()
        except let_through:
            raise
        except Exception as error:
            if inner == "is told apart" and isinstance(error, Retry):
                raise
            self.retry(exc=error)

    # When no retry is left the inner one raises MaxRetriesExceededError, and the handler finds none left either.
    assert runs_of(lab, fetch, max_retries=2) == 3


@pytest.mark.truth("CLY223")
@pytest.mark.skipif(sys.version_info < (3, 11), reason="except* came with Python 3.11")
def test_except_star_catches_it_as_well(lab):
    """CLY223: a handler with a star retries again."""
    tasks = lab.module(
        "from celery import shared_task\n"
        "@shared_task(name='fetch', bind=True, max_retries=2)\n"
        "def fetch(self):\n"
        "    try:\n"
        "        raise self.retry()\n"
        "    except* Exception:\n"
        "        raise self.retry()\n"
    )
    tasks.fetch.delay()
    lab.work()
    assert len(lab.published) == 7


# CLY519: a task that returns a signature


def returning(lab, make, **options):
    """Send a task that returns what `make` makes of a signature, and let the worker do all there is to do."""

    @lab.app.task(name="add")
    def add(x, y=0):
        return x + y

    @lab.app.task(name="plan", bind=True, **options)
    def plan(self):
        return make(self, add.si(1))

    result = plan.delay()
    lab.work()
    return result


@pytest.mark.truth("CLY519")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda _, signature: signature, "add"),
        (lambda _, signature: group(signature, signature), "celery.group"),
        (lambda _, signature: chain(signature, signature), "celery.chain"),
        (lambda _, signature: chord([signature], signature), "celery.chord"),
        (lambda _, signature: signature.type.map([1]), "celery.map"),
    ],
    ids=["signature", "group", "chain", "chord", "map"],
)
def test_a_signature_that_is_returned_is_a_dict(lab, make, name):
    """CLY519: the task is a success, its result is a dict, and nothing else was sent."""
    result = returning(lab, make)
    assert result.state == states.SUCCESS
    assert result.get(timeout=1)["task"] == name
    assert [message.name for message in lab.published] == ["plan"]


@pytest.mark.truth("CLY519")
def test_replace_sends_what_it_is_given(lab):
    """CLY519: `self.replace` sends the signature, and its result is the task's."""
    result = returning(lab, lambda self, signature: self.replace(signature))
    assert result.get(timeout=1) == 1
    assert [message.name for message in lab.published] == ["plan", "add"]


@pytest.mark.truth("CLY519")
def test_a_class_of_its_own_may_send_what_is_returned(lab):
    """CLY519: whoever calls the task gets the signature."""

    class Sending(Task):
        def on_success(self, retval, *_):
            retval.delay()

    assert returning(lab, lambda _, signature: signature, base=Sending).state == states.SUCCESS
    assert [message.name for message in lab.published] == ["plan", "add"]


# CLY521: attributes that no task or signature has


@pytest.mark.truth("CLY521")
def test_tasks_and_signatures_have_no_other_attributes(app):
    """CLY521: what the rule takes for a misspelling is no attribute of a task, signature or canvas."""

    @app.task(bind=True)
    def add(self):
        return self

    near = {*TASK_NAMES, *SIGNATURE_NAMES}
    words = {one[:index] + one[index + 1 :] for one in near for index in range(len(one))}
    words |= {"deplay", "async_apply", "retries", "requests", "update_stat", "applyAsync"}
    words = {word for word in words if misspelt_task_api._near(word)}
    assert len(words) > 100
    for thing, of_signatures in (
        (add, False),
        (add.s(), True),
        (group(add.s()), True),
        (chord([add.s()], add.s()), True),
    ):
        for word in sorted(words):
            if (misspelt_task_api._near(word) or ("", ""))[of_signatures]:
                with pytest.raises(AttributeError):
                    getattr(thing, word)


@pytest.mark.truth("CLY521")
def test_all_names_that_are_looked_for_are_known(app):
    """CLY521: the attributes of tasks, signatures and canvases of this Celery are none of those that are reported."""

    @app.task
    def add():
        pass

    signature = add.s()
    things = [add, signature, group(signature), chain(signature, signature), chord([signature], signature)]
    for thing in things:
        of_signatures = thing is not add
        for name in dir(thing):
            assert name.startswith("_") or not (misspelt_task_api._near(name) or ("", ""))[of_signatures], name


@pytest.mark.truth("CLY521")
def test_a_base_class_may_have_them(app):
    """CLY521: what the class of the task has is found."""

    class Base(Task):
        def deplay(self):
            return 1

    @app.task(base=Base)
    def add():
        pass

    assert add.deplay() == 1
    add.requests = 2
    assert add.requests == 2


# CLY523: a state of failure before a normal end

ERROR = {"exc_type": "ValueError", "exc_message": ["no"]}


def ending(lab, state, meta=None, error=None, **options):
    """Send a task that sets a state and then ends, and return what is stored of it in the end."""

    @lab.app.task(name="fetch", bind=True, **options)
    def fetch(self):
        self.update_state(state=state, meta=meta)
        if error is not None:
            raise error

    result = fetch.delay()
    lab.work()
    return lab.app.AsyncResult(result.id).state


@pytest.mark.truth("CLY523")
@pytest.mark.parametrize("state", [states.FAILURE, states.REVOKED])
@pytest.mark.parametrize("meta", [None, {}, ERROR, ValueError("no")], ids=str)
def test_a_normal_end_makes_a_success_of_it(lab, state, meta):
    """CLY523: what `update_state` has stored is overwritten."""
    assert ending(lab, state, meta) == states.SUCCESS


@pytest.mark.truth("CLY523")
@pytest.mark.parametrize("error", [Ignore(), ValueError("no"), Reject("no", requeue=False)], ids=repr)
def test_an_exception_makes_none(lab, error):
    """CLY523: Ignore leaves the state, any other exception is a failure; what Reject does differs by version."""
    found = ending(lab, states.REVOKED, ERROR, error)
    assert found in (states.REVOKED, states.FAILURE)
    assert (found == states.REVOKED) >= isinstance(error, Ignore)


@pytest.mark.truth("CLY523")
def test_where_results_are_ignored_nothing_is_stored_at_the_end(lab):
    """CLY523: `ignore_result` leaves what `update_state` has stored."""
    assert ending(lab, states.FAILURE, ERROR, ignore_result=True) == states.FAILURE


@pytest.mark.truth("CLY523")
def test_a_meta_without_exc_type_can_not_be_overwritten(lab):
    """CLY523: such a state is CLY516's: it stays, and can't be read."""
    with pytest.raises(ValueError, match=r"Exception information must include ?the exception type"):
        ending(lab, states.FAILURE, {"reason": "no"})


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
