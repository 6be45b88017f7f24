"""601-616: what a call may say, and what becomes of canvas that says something else."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime, timedelta, timezone
from enum import Enum
from functools import partial, wraps
from pathlib import PurePosixPath

import pytest
from celery import Task, chain, chord, group, states
from celery.exceptions import TimeoutError as ResultTimeout
from kombu.exceptions import EncodeError

from .lab import celery_version, wait_for


@pytest.fixture
def add(lab):
    """A task that adds two numbers."""

    @lab.app.task(name="add")
    def add(x, y):
        return x + y

    return add


@pytest.fixture
def total(lab):
    """A task that takes a list, for chords."""

    @lab.app.task(name="total")
    def total(numbers):
        return sum(numbers)

    return total


# CLY601: arity


@pytest.mark.truth("CLY601")
@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ([1], {}, r"add\(\) missing 1 required positional argument: 'y'"),
        ([1, 2, 3], {}, r"add\(\) takes 2 positional arguments but 3 were given"),
        ([1, 2], {"z": 3}, r"add\(\) got an unexpected keyword argument 'z'"),
    ],
    ids=["missing", "too many", "unknown"],
)
def test_arguments_that_do_not_fit(add, args, kwargs, message):
    """CLY601: `delay`, `apply_async` and a signature's call refuse arguments that the task can't take."""
    for call in (
        lambda: add.delay(*args, **kwargs),
        lambda: add.apply_async(args, kwargs),
        lambda: add.s(*args, **kwargs).delay(),
        lambda: add.si(*args, **kwargs).apply_async(),
    ):
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.truth("CLY601")
def test_bound_task_takes_one_argument_less(lab):
    """CLY601: `self` is no argument of the caller's."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(self, url):
        pass

    fetch.delay("a")
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        fetch.delay(fetch, "a")


@pytest.mark.truth("CLY601")
def test_partial_signature_is_no_error(lab, add):
    """CLY601: a signature may lack arguments that come later."""
    result = add.s(1).delay(2)  # 2 + 1
    lab.work()
    assert result.result == 3


@pytest.mark.truth("CLY601")
def test_without_typing_the_worker_fails(lab):
    """CLY601: with `typing=False` the call is accepted and the task fails in the worker."""

    @lab.app.task(name="add", typing=False)
    def add(x, y):
        pass

    result = add.delay(1)
    lab.work()
    assert isinstance(result.result, TypeError)


@pytest.mark.truth("CLY601")
def test_class_and_wrapped_function_are_not_checked_at_the_call(lab):
    """CLY601: nothing is compared for a class, or below a decorator, and the task fails in the worker."""

    class Resize(Task):
        name = "resize"

        def run(self, image, width):
            pass

    def timed(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    @lab.app.task(name="crop")
    @timed
    def crop(image, width):
        pass

    resize = lab.app.register_task(Resize())
    results = [resize.delay(1), crop.delay(1)]
    lab.work()
    for result in results:
        assert isinstance(result.result, TypeError)
        assert "missing 1 required positional argument: 'width'" in str(result.result)


@pytest.mark.truth("CLY601")
def test_positional_only_parameter_by_name_fails_in_the_worker(lab):
    """CLY601: Celery's check takes a positional-only parameter for a plain one."""

    @lab.app.task(name="fetch")
    def fetch(url, /):
        pass

    result = fetch.delay(url="a")
    lab.work()
    assert "positional-only arguments passed as keyword arguments: 'url'" in str(result.result)


@pytest.mark.truth("CLY601")
def test_own_call_of_a_class_does_not_spare_the_check(lab):
    """CLY601: a `__call__` of the base class that adds arguments comes too late for a decorated function."""

    class Adding(Task):
        def __call__(self, *args, **kwargs):
            return super().__call__(*args, 2, **kwargs)

    @lab.app.task(name="add", base=Adding)
    def add(x, y):
        pass

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        add.delay(1)


@pytest.mark.truth("CLY601")
def test_immutable_signature_is_complete_when_it_is_made(add):
    """CLY601: `si` takes no further arguments, so a missing one stays missing."""
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'"):
        add.si(1).delay(2)


# CLY602, CLY603: options


@pytest.mark.truth("CLY602")
@pytest.mark.parametrize(
    "option",
    [{"countdwn": 10}, {"max_retries": 5}, {"acks_late": True}, {"ignore_results": True}, {"default_retry_delay": 9}],
    ids=lambda option: next(iter(option)),
)
@pytest.mark.parametrize("how", ["apply_async", "send_task", "set"])
def test_unknown_call_option_is_a_property_that_nobody_reads(lab, add, option, how):
    """CLY602: an option that is none is accepted, travels as a property of the message and has no effect."""
    if how == "apply_async":
        add.apply_async((1, 2), **option)
    elif how == "send_task":
        lab.app.send_task("add", (1, 2), **option)
    else:
        add.s(1, 2).set(**option).delay()
    ((name, value),) = option.items()
    (message,) = lab.published
    assert message.properties[name] == value
    assert message.wait is None


@pytest.mark.truth("CLY602")
@pytest.mark.parametrize("option", ["max_retry", "delay", "retry_backoff", "acks_late"])
def test_unknown_retry_option_is_a_property_that_nobody_reads(lab, option):
    """CLY602: the same in `self.retry`: three retries, each after 180 s."""

    @lab.app.task(bind=True, name="again")
    def again(self):
        raise self.retry(**{option: 0})

    again.delay()
    lab.work()
    assert lab.waits == [180, 180, 180]
    assert lab.published[-1].properties[option] == 0


@pytest.mark.truth("CLY602")
def test_parameter_of_the_task_as_call_option_does_not_arrive(lab):
    """CLY602: `apply_async(y=2)` is no way to pass `y`."""
    runs = []

    @lab.app.task(name="add")
    def add(x, y=0):
        runs.append((x, y))

    add.apply_async((1,), y=2)
    add.apply_async((1,), {"y": 2})
    lab.work()
    assert runs == [(1, 0), (1, 2)]


@pytest.mark.truth("CLY602")
@pytest.mark.parametrize("how", ["apply_async", "set"])
def test_name_of_its_own_as_call_option_is_refused(add, how):
    """CLY602: a few names are taken by Celery itself."""
    send = partial(add.apply_async, name="b") if how == "apply_async" else add.s().set(name="b").apply_async
    with pytest.raises(TypeError, match=r"got multiple values for .*argument 'name'"):
        send((1, 2))


@pytest.mark.truth("CLY603")
@pytest.mark.parametrize("option", ["countdown", "queue", "eta", "expires"])
def test_call_option_in_delay_is_an_argument(add, option):
    """CLY603: `delay` has no options: the keyword is an argument, and one too many."""
    with pytest.raises(TypeError, match=f"got an unexpected keyword argument '{option}'"):
        add.delay(1, 2, **{option: 10})


@pytest.mark.truth("CLY603")
def test_call_option_in_a_signature_fails_when_it_is_called(add):
    """CLY603: `s` takes it without a word, and the call of the signature fails."""
    signature = add.s(1, 2, countdown=10)
    assert signature.options == {}
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'countdown'"):
        signature.delay()


@pytest.mark.truth("CLY603")
def test_call_option_in_delay_of_a_task_that_takes_anything(lab):
    """CLY603: a task with `**kwargs` gets it, and runs at once."""
    runs = []

    @lab.app.task(name="fetch")
    def fetch(**kwargs):
        runs.append(kwargs)

    fetch.delay(countdown=10)
    lab.work()
    assert runs == [{"countdown": 10}]
    assert lab.published[0].wait is None


# CLY604, CLY605: arguments of the call


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("abc", "takes 1 positional argument but 3 were given"),
        ("a", "task args must be a list or tuple"),
        (5, r"argument after \* must be an iterable, not int"),
        (uuid.UUID(int=5), r"argument after \* must be an iterable, not UUID"),
        ({"url": "a"}, "task args must be a list or tuple"),
    ],
    ids=str,
)
def test_arguments_that_are_no_sequence(lab, args, message):
    """CLY604: a text, a number or a mapping for `args` fails at the call."""

    @lab.app.task(name="fetch")
    def fetch(url):
        pass

    with pytest.raises(TypeError, match=message):
        fetch.apply_async(args)


@pytest.mark.truth("CLY604")
def test_parentheses_make_no_tuple(lab):
    """CLY604: `(x)` is `x`, and what it holds decides; the comma makes a tuple."""

    @lab.app.task(name="fetch")
    def fetch(url):
        pass

    number = 5
    with pytest.raises(TypeError, match="must be an iterable, not int"):
        fetch.apply_async(number)
    fetch.apply_async((number,))
    assert [tuple(message.args) for message in lab.published] == [(5,)]


@pytest.mark.truth("CLY604")
def test_keyword_arguments_that_are_no_mapping(lab):
    """CLY604: a list for `kwargs` likewise."""

    @lab.app.task(name="fetch")
    def fetch():
        pass

    with pytest.raises(TypeError, match="must be a mapping"):
        fetch.apply_async(kwargs=["url"])


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize("kind", ["set", "generator", "text", "mapping"])
@pytest.mark.parametrize("how", ["apply_async", "send_task"])
def test_other_iterables_are_refused_too(lab, add, kind, how):
    """CLY604: only a list or tuple will do, even where the number of members fits."""
    args = {"set": {1, 2}, "generator": (n for n in (1, 2)), "text": "ab", "mapping": {"x": 1, "y": 2}}[kind]
    send = add.apply_async if how == "apply_async" else partial(lab.app.send_task, "add")
    with pytest.raises(TypeError, match="task args must be a list or tuple"):
        send(args)


@pytest.mark.truth("CLY604")
def test_signature_takes_text_and_mapping_apart(lab, add):
    """CLY604: in a signature each letter, or key, becomes an argument."""
    add.signature("ab").delay()
    lab.app.signature("add", {"x": 1, "y": 2}).delay()
    assert [tuple(message.args) for message in lab.published] == [("a", "b"), ("x", "y")]


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize(
    ("args", "sent"),
    [("a", ("a", 1)), ({"x": 1}, ("x", 1)), ({2}, (2, 1)), (iter([2]), (2, 1))],
    ids=["string", "dict", "set", "iterator"],
)
def test_signature_takes_apart_what_it_is_sent_with(lab, add, args, sent):
    """CLY604: what stands before a signature's own arguments may be anything that has members, but no number."""
    add.s(1).apply_async(args)
    group([add.s(1)]).apply_async(args if not hasattr(args, "__next__") else [2])
    assert [tuple(message.args) for message in lab.published] == [sent, sent]
    with pytest.raises(TypeError, match="'int' object is not iterable"):
        add.s(1).apply_async(5)


@pytest.mark.truth("CLY604")
@pytest.mark.parametrize("args", [0, "", {}], ids=repr)
def test_falsy_arguments_are_none(lab, args):
    """CLY604: what is false is accepted as no arguments at all."""
    runs = []

    @lab.app.task(name="fetch")
    def fetch(url="default"):
        runs.append(url)

    fetch.apply_async(args)
    lab.work()
    assert runs == ["default"]


@pytest.mark.truth("CLY605")
def test_retries_of_a_call_are_those_already_made(lab):
    """CLY605: `apply_async(retries=3)` uses up the three retries: the first failure is the last."""
    runs = []

    @lab.app.task(bind=True, name="fetch", autoretry_for=(ValueError,), max_retries=3)
    def fetch(self):
        runs.append(self.request.retries)
        raise ValueError

    result = fetch.apply_async(retries=3)
    lab.work()
    assert runs == [3]
    assert result.state == states.FAILURE


@pytest.mark.truth("CLY605")
def test_retries_of_a_signature_likewise(lab, add):
    """CLY605: `.set(retries=3)` ends in the same header."""
    add.s(1, 2).set(retries=3).delay()
    assert lab.published[0].retries == 3


# CLY606, CLY607: times


@pytest.mark.truth("CLY606")
def test_countdown_wins_over_eta(lab, add):
    """CLY606: with both, `eta` is dropped."""
    add.apply_async((1, 2), countdown=60, eta=datetime(2999, 1, 1, tzinfo=timezone.utc))
    assert lab.published[0].countdown == 60


@pytest.mark.truth("CLY606")
@pytest.mark.parametrize(
    "options", [{"expires": 0.01, "countdown": 0.05}, {"expires": 0}, {"expires": -5}], ids=["countdown", "0", "-5"]
)
def test_task_that_expires_before_it_can_run(lab, options):
    """CLY606: a task that expires before its time is REVOKED and never runs."""
    lab.skip_waits = False
    runs = []

    @lab.app.task(name="fetch")
    def fetch():
        runs.append(1)

    result = fetch.apply_async(**options)
    lab.work()
    wait_for(result.ready, "the end of the countdown")
    assert result.state == states.REVOKED
    assert runs == []
    assert f"Discarding revoked task: fetch[{result.id}]" in lab.log


@pytest.mark.truth("CLY606")
def test_countdown_beyond_the_expiry_of_the_task(lab):
    """CLY606: `expires` of the task holds for each call, and counts from the send."""
    lab.skip_waits = False
    runs = []

    @lab.app.task(name="fetch", expires=0.01)
    def fetch():
        runs.append(1)

    result = fetch.apply_async(countdown=0.05)
    lab.work()
    wait_for(result.ready, "the end of the countdown")
    assert result.state == states.REVOKED
    assert runs == []


@pytest.mark.truth("CLY607")
@pytest.mark.parametrize("option", ["eta", "expires"])
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_naive_time_is_read_as_utc(lab, add, option, zone):
    """CLY607: the worker reads a naive time as UTC, whatever the app's time zone is."""
    lab.skip_waits = False
    lab.app.conf.timezone = zone
    add.apply_async((1, 2), **{option: datetime(2999, 1, 1, 12, 0)})
    read = getattr(lab.receive(), option)
    assert read == datetime(2999, 1, 1, 12, 0, tzinfo=timezone.utc)


# CLY608, CLY609, CLY610, CLY611: canvas


@pytest.mark.truth("CLY608")
@pytest.mark.parametrize(
    ("canvas", "error", "message"),
    [
        (lambda add: group(add(1, 2))(), TypeError, "'int' object is not iterable"),
        (lambda add: group(add(1, 2), add(3, 4))(), AttributeError, "'int' object has no attribute"),
        (lambda add: group(add.delay(1, 2))(), TypeError, "'AsyncResult' object is not iterable"),
        (lambda add: chain(add(1, 2), add.s(3))(), TypeError, "unsupported operand type"),
        (
            lambda add: add.s(1, 2) | add(3, 4),
            TypeError,
            r"unsupported operand type\(s\) for \|: 'Signature' and 'int'",
        ),
        (lambda add: group(add)(), TypeError, "'add' object is not iterable"),
        (lambda add: add.s(1, 2) | add, TypeError, r"unsupported operand type\(s\) for \|: 'Signature' and"),
        (lambda add: chain(add.s(1, 2), add)(), TypeError, "chain' and 'PromiseProxy'"),
    ],
    ids=["group", "two", "delay", "chain", "pipe", "bare", "bare pipe", "bare chain"],
)
def test_called_task_in_canvas(add, canvas, error, message):
    """CLY608: a task that is called, sent or bare where a signature belongs breaks the canvas."""
    with pytest.raises(error, match=message):
        canvas(add)


@pytest.mark.truth("CLY608")
def test_called_task_in_a_chord_is_accepted(lab, add, total):
    """CLY608: a chord accepts it: the number becomes a task's name, and the body never runs."""
    result = chord([add(1, 2)], total.s())()
    lab.work()
    assert "Received unregistered task of type 3." in lab.log
    assert not result.successful()


@pytest.mark.truth("CLY609")
def test_signature_alone_sends_nothing(lab, add, total):
    """CLY609: a signature, a group, a chain, a chord, or a method that is not called, sends nothing."""
    add.s(1, 2)
    add.si(1, 2)
    add.signature((1, 2))
    group(add.s(1, 2))
    chain(add.s(1, 2), add.s(3))
    chord([add.s(1, 2)], total.s())
    add.delay  # noqa: B018
    add.apply_async  # noqa: B018
    lab.work()
    assert lab.published == []


@pytest.mark.truth("CLY610")
def test_link_to_a_name_fails_in_the_worker(lab):
    """CLY610: a text for `link` is accepted, and the task, which has run, becomes a FAILURE."""
    runs = []

    @lab.app.task(name="fetch")
    def fetch():
        runs.append(1)

    result = fetch.apply_async(link="total")
    lab.work()
    assert runs == [1]
    assert result.state == states.FAILURE
    assert isinstance(result.result, AttributeError)
    assert str(result.result).startswith("'str' object has no attribute '_app'")


@pytest.mark.truth("CLY610")
def test_link_error_to_a_name_works(lab):
    """CLY610: for `link_error` a text is the name of a task, which is sent the id of the one that failed."""
    runs = []

    @lab.app.task(name="note")
    def note(task_id):
        runs.append(task_id)

    @lab.app.task(name="fetch")
    def fetch():
        raise ValueError

    result = fetch.apply_async(link_error="note")
    lab.work()
    assert runs == [result.id]


@pytest.mark.truth("CLY610")
@pytest.mark.parametrize("option", ["link", "link_error"])
@pytest.mark.parametrize("kind", ["task", "function"])
def test_link_to_a_task_or_function_fails_at_the_call(add, total, option, kind):
    """CLY610: a bare task or a function can't be sent."""
    type_name = "total" if kind == "task" else "function"
    with pytest.raises(EncodeError, match=f"Object of type {type_name} is not JSON serializable"):
        add.apply_async((1, 2), **{option: total if kind == "task" else lambda: None})


@pytest.mark.truth("CLY610")
def test_method_link_fails_at_the_call(add, total):
    """CLY610: `.link()` takes a bare task or a text as well, and the call of the signature or its run fails."""
    signature = add.s(1, 2)
    signature.link(total)
    with pytest.raises(EncodeError, match="Object of type total is not JSON serializable"):
        signature.delay()


@pytest.mark.truth("CLY610")
@pytest.mark.parametrize("kind", ["str", "total"])
def test_chord_body_that_is_no_signature(add, total, kind):
    """CLY610: nor is a text or a bare task a chord's body."""
    with pytest.raises(AttributeError, match=f"'{kind}' object has no attribute 'clone'"):
        chord([add.s(1, 2)], "total" if kind == "str" else total)()


@pytest.mark.truth("CLY611")
@pytest.mark.parametrize("how", ["chain", "pipe", "link"])
def test_result_that_the_next_task_has_no_room_for(lab, add, how):
    """CLY611: the previous result is prepended; the task before, which has run, is marked as failed."""
    runs = []

    @lab.app.task(name="done")
    def done():
        runs.append(1)

    if how == "link":
        first = add.apply_async((1, 2), link=done.s())
    else:
        result = chain(add.s(1, 2), done.s())() if how == "chain" else (add.s(1, 2) | done.s())()
        first = result.parent
    lab.work()
    assert runs == []
    assert first.state == states.FAILURE
    assert "done() takes 0 positional arguments but 1 was given" in str(first.result)


@pytest.mark.truth("CLY611")
def test_immutable_signature_takes_no_result(lab, add):
    """CLY611: `.si()` is the cure."""
    runs = []

    @lab.app.task(name="done")
    def done():
        runs.append(1)

    chain(add.s(1, 2), done.si())()
    lab.work()
    assert runs == [1]


@pytest.mark.truth("CLY611")
def test_chord_body_without_room(lab, add):
    """CLY611: so is the list of a chord's results, and its body fails."""
    runs = []

    @lab.app.task(name="done")
    def done():
        runs.append(1)

    result = chord([add.s(1, 2), add.s(3, 4)], done.s())()
    lab.work()
    assert runs == []
    assert result.state == states.FAILURE
    assert "Callback error: TypeError('done() takes 0 positional arguments but 1 was given')" in str(result.result)


# CLY612-CLY614, CLY616: results and arguments


@pytest.mark.truth("CLY612")
def test_ignored_result_is_none_at_once(lab):
    """CLY612: `.get()` on the call of a task that ignores its result is None, before the task has run."""

    @lab.app.task(name="fetch", ignore_result=True)
    def fetch():
        return "fetched"

    result = fetch.delay()
    assert result.get(timeout=1) is None
    assert result.result is None
    lab.work()
    assert result.get(timeout=1) is None
    assert (result.ready(), result.successful(), result.failed()) == (False, False, False)


@pytest.mark.truth("CLY612")
def test_call_may_ask_for_the_result(lab):
    """CLY612: `ignore_result=False` of the call brings the result back; before 5.6.3 it is waited for in vain."""

    @lab.app.task(name="fetch", ignore_result=True)
    def fetch():
        return "fetched"

    result = fetch.apply_async(ignore_result=False)
    lab.work()
    if celery_version() >= (5, 6, 3):
        assert result.get(timeout=1) == "fetched"
    else:
        with pytest.raises(ResultTimeout):
            result.get(timeout=0.1)


@pytest.mark.truth("CLY612")
def test_call_may_ignore_its_result(lab):
    """CLY612: `ignore_result=True` of the call, of its signature or of `send_task` does what that of the task does."""

    @lab.app.task(name="fetch")
    def fetch():
        return "fetched"

    sent = [
        fetch.apply_async(ignore_result=True),
        fetch.s().set(ignore_result=True).delay(),
        lab.app.send_task("fetch", ignore_result=True),
    ]
    lab.work()
    assert [result.get(timeout=1) for result in sent] == [None, None, None]


@pytest.mark.truth("CLY612")
def test_eager_result_is_not_ignored(lab):
    """CLY612: where tasks run eagerly the value comes back all the same."""
    lab.app.conf.task_always_eager = True

    @lab.app.task(name="fetch", ignore_result=True)
    def fetch():
        return "fetched"

    assert fetch.delay().get(timeout=1) == "fetched"


@pytest.mark.truth("CLY612")
def test_ignored_result_by_its_id_never_comes(lab):
    """CLY612: by its id the same result is waited for in vain."""

    @lab.app.task(name="fetch", ignore_result=True)
    def fetch():
        return "fetched"

    result = fetch.delay()
    lab.work()
    with pytest.raises(ResultTimeout):
        lab.app.AsyncResult(result.id).get(timeout=0.1)


class Status(Enum):
    NEW = "new"


class Thing:
    """What JSON doesn't know."""


@pytest.mark.truth("CLY613", "CLY614")
@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        ({1, 2}, "set"),
        (lambda: 1, "function"),
        ((n for n in (1, 2)), "generator"),
        (range(3), "range"),
        (timedelta(1), "timedelta"),
        (ValueError("no"), "ValueError"),
        (frozenset((1, 2)), "frozenset"),
        (map(str, (1, 2)), "map"),
        (enumerate((1, 2)), "enumerate"),
        ([{"codes": {1, 2}}], "set"),
        (Thing(), "Thing"),
        (Status.NEW, "Status"),
        (PurePosixPath("media"), "PurePosixPath"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_argument_that_json_does_not_know(lab, value, type_name):
    """CLY613, CLY614: an argument that JSON doesn't know fails at the call."""

    @lab.app.task(name="fetch")
    def fetch(value):
        pass

    with pytest.raises(EncodeError, match=f"Object of type {type_name} is not JSON serializable"):
        fetch.delay(value)


@pytest.mark.truth("CLY613")
def test_mapping_with_tuple_keys(lab):
    """CLY613: nor does it know keys that are tuples."""

    @lab.app.task(name="fetch")
    def fetch(value):
        pass

    with pytest.raises(EncodeError, match="keys must be str, int, float, bool or None, not tuple"):
        fetch.delay({(1, 2): 3})


@pytest.mark.truth("CLY613")
def test_open_file(lab, add):
    """CLY613: nor an open file."""
    with (
        (lab.tmp_path / "orders.csv").open("w") as file,
        pytest.raises(EncodeError, match="TextIOWrapper is not JSON serializable"),
    ):
        add.delay(file, 1)


@pytest.mark.truth("CLY616")
@pytest.mark.parametrize("method", ["delay", "apply_async", "s", "si"])
def test_plain_function_is_no_task(method):
    """CLY616: a function without a task decorator has none of a task's methods."""

    def fetch():
        pass

    with pytest.raises(AttributeError, match=f"'function' object has no attribute '{method}'"):
        getattr(fetch, method)()


@pytest.mark.truth("CLY616")
def test_delay_of_a_task_class(app):
    """CLY616: `.delay` on a `Task` class lacks the instance."""

    class Fetch(Task):
        name = "fetch"

        def run(self):
            pass

    app.register_task(Fetch())
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'self'"):
        Fetch.delay()


# CLY613: dataclasses and models


@dataclasses.dataclass
class Order:
    """A dataclass."""

    number: int


@dataclasses.dataclass
class Encoded:
    """A dataclass that encodes itself."""

    number: int

    def __json__(self):
        return self.number


@pytest.mark.truth("CLY613")
@pytest.mark.parametrize("argument", [Order(1), [Order(1)], {"order": Order(1)}], ids=str)
def test_dataclass_is_not_encoded(add, argument):
    """CLY613: JSON knows no dataclasses."""
    with pytest.raises(EncodeError, match="Object of type Order is not JSON serializable"):
        add.delay(argument, 1)


@pytest.mark.truth("CLY613")
def test_class_may_encode_itself(lab, add):
    """CLY613: kombu calls `__json__`."""
    add.delay(Encoded(1), 2)
    assert len(lab.published) == 1


@pytest.mark.truth("CLY613")
@pytest.mark.parametrize("takes", [False, True])
@pytest.mark.parametrize("where", ["alone", "in a list", "in a dict"])
def test_model_is_taken_alone_since_5_7(lab, takes, where):
    """CLY613: a task with `pydantic=True` takes a model since 5.7, but not in a list or a dict."""
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Form", number=(int, 1))

    def fetch(form):
        """Never runs here."""

    fetch.__annotations__["form"] = model
    options = {"pydantic": takes} if celery_version() >= (5, 5) else {}
    task = lab.app.task(fetch, name="fetch", **options)
    argument = {"alone": model(), "in a list": [model()], "in a dict": {"form": model()}}[where]
    if takes and where == "alone" and celery_version() >= (5, 7):
        task.delay(argument)
        assert len(lab.published) == 1
    else:
        with pytest.raises(EncodeError, match="Object of type Form is not JSON serializable"):
            task.delay(argument)


@pytest.mark.truth("CLY613")
def test_set_is_not_encoded_for_a_task_that_takes_models(lab):
    """CLY613: `pydantic=True` changes nothing for anything but models."""
    pytest.importorskip("pydantic")

    @lab.app.task(name="fetch", **({"pydantic": True} if celery_version() >= (5, 5) else {}))
    def fetch(codes: set):
        """Never runs here."""

    with pytest.raises(EncodeError, match="Object of type set is not JSON serializable"):
        fetch.delay({1})
