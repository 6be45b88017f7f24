"""501-518: what a task's definition may say, and what it says without anybody reading it."""

from __future__ import annotations

import functools
import gc
import importlib
from datetime import date, datetime, timedelta

import pytest
from celery import Celery, Task, _state, signals, states
from celery.exceptions import Ignore
from kombu.exceptions import SerializerNotInstalled

from .lab import BUILT_IN_FINALIZERS, celery_version


def nothing():
    """A task's body."""


# CLY501, CLY504, CLY505: options


@pytest.mark.truth("CLY501")
@pytest.mark.parametrize(
    ("misspelt", "option", "value"),
    [
        ("max_retry", "max_retries", 9),
        ("ack_late", "acks_late", True),
        ("ignore_results", "ignore_result", True),
        ("timelimit", "time_limit", 9),
        ("task_track_started", "track_started", True),
        ("CELERY_ACKS_LATE", "acks_late", True),
    ],
)
def test_unknown_option_is_stored_and_never_read(app, misspelt, option, value):
    """CLY501: any keyword becomes an attribute of the task, and the option it was meant for keeps its default."""
    plain = app.task(nothing, name="plain")
    task = app.task(nothing, name="fetch", **{misspelt: value})
    right = app.task(nothing, name="right", **{option: value})
    assert getattr(task, misspelt) == value
    assert getattr(task, option) == getattr(plain, option) != value
    assert getattr(right, option) == value


@pytest.mark.truth("CLY501")
@pytest.mark.parametrize("option", [{"retry_backof": True}, {"interval_start": 1, "interval_max": 5}], ids=str)
def test_misspelt_retry_option_does_not_retry_later(lab, option):
    """CLY501: neither a misspelt backoff nor the publisher's retry policy moves the task's own retries."""

    @lab.app.task(name="fetch", autoretry_for=(ValueError,), **option)
    def fetch():
        raise ValueError

    fetch.delay()
    lab.work()
    assert lab.waits == [180, 180, 180]


@pytest.mark.truth("CLY504")
@pytest.mark.parametrize("option", [{"countdown": 60}, {"eta": datetime(2999, 1, 1)}], ids=["countdown", "eta"])
def test_time_of_a_call_on_the_definition_is_not_read(lab, option):
    """CLY504: `countdown` and `eta` in the decorator delay nothing."""
    lab.app.task(nothing, name="fetch", **option).delay()
    (message,) = lab.published
    assert message.headers["eta"] is None
    assert message.wait is None


@pytest.mark.truth("CLY504")
def test_other_call_options_on_the_definition_are_not_read(lab):
    """CLY504: nor are links, headers, an id or a name to show."""
    runs = []

    @lab.app.task(name="after")
    def after(*args):
        runs.append(args)

    @lab.app.task(
        name="fetch", link=after.s(), link_error=after.s(), headers={"tenant": "a"}, task_id="one", shadow="shown"
    )
    def fetch():
        pass

    result = fetch.delay()
    lab.work()
    assert runs == []
    assert result.id != "one"
    headers = lab.published[0].headers
    assert "tenant" not in headers
    assert headers["shadow"] is None


@pytest.mark.truth("CLY505")
def test_retry_option_replaces_the_method(lab):
    """CLY505: `retry=True` replaces `Task.retry`, so every retry, the automatic ones included, is a TypeError."""

    @lab.app.task(name="fetch", retry=True, autoretry_for=(ValueError,))
    def fetch():
        raise ValueError

    result = fetch.delay()
    lab.work()
    assert lab.waits == []
    assert isinstance(result.result, TypeError)
    assert str(result.result) == "'bool' object is not callable"


@pytest.mark.truth("CLY505")
@pytest.mark.parametrize("option", ["delay", "apply_async"])
def test_option_replaces_the_way_to_call(app, option):
    """CLY505: `delay=` or `apply_async=` replaces the method, so the task can't be sent."""
    task = app.task(nothing, name="fetch", **{option: 5})
    with pytest.raises(TypeError, match="'int' object is not callable"):
        task.delay()


@pytest.mark.truth("CLY505")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the result's own end fails as well
def test_backend_option_replaces_the_back_end(lab):
    """CLY505: a name for `backend=` is not turned into a backend."""
    task = lab.app.task(nothing, name="fetch", backend="redis://localhost")
    with pytest.raises(AttributeError, match="'str' object has no attribute"):
        task.delay().get(timeout=1)


# CLY502: values


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ("10/d", KeyError, "'d'"),
        ("10/min", KeyError, "'min'"),
        ("10/S", KeyError, "'S'"),
        ("10 / m", KeyError, "' m'"),
        ("abc", ValueError, "could not convert string to float: 'abc'"),
        ("10m", ValueError, "could not convert string to float: '10m'"),
    ],
)
def test_bad_rate_limit_stops_the_worker(lab, value, error, message):
    """CLY502: a rate limit that does not parse keeps the whole worker from starting."""
    lab.app.task(nothing, name="fetch", rate_limit=value)
    with pytest.raises(error, match=message):
        lab.work()


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("value", ["1000/m", "500.5/s", "9000/h", 500, "700", "", None])
def test_good_rate_limit(lab, value):
    """CLY502: `/s`, `/m`, `/h`, a number or nothing are fine."""
    result = lab.app.task(nothing, name="fetch", rate_limit=value).delay()
    lab.work()
    assert result.state == states.SUCCESS


@pytest.mark.truth("CLY502")
def test_max_retries_as_text(lab):
    """CLY502: `max_retries="3"` fails at the first retry, and hides the real error."""

    @lab.app.task(name="fetch", autoretry_for=(ValueError,), max_retries="3")
    def fetch():
        raise ValueError("the real error")

    result = fetch.delay()
    lab.work()
    assert lab.waits == []
    assert isinstance(result.result, TypeError)
    assert str(result.result) == "'>' not supported between instances of 'int' and 'str'"


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("value", [timedelta(seconds=5), "5"], ids=["timedelta", "text"])
@pytest.mark.parametrize("place", ["option", "call"])
def test_retry_delay_that_is_no_number(lab, value, place):
    """CLY502: a delay that is no number of seconds keeps the retry from being sent."""
    runs = []

    @lab.app.task(bind=True, name="fetch", **({"default_retry_delay": value} if place == "option" else {}))
    def fetch(self):
        runs.append(1)
        raise self.retry(**({"countdown": value} if place == "call" else {}))

    result = fetch.delay()
    lab.work()
    assert runs == [1]
    assert lab.waits == []
    (line,) = [line for line in lab.messages("WARNING") if line.startswith("Task fetch")]
    assert "reject requeue=False: '<' not supported between instances of" in line
    assert result.state == (states.FAILURE if celery_version() >= (5, 7) else states.PENDING)


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("value", ["JSON", "jsn", "application/json"])
def test_unknown_serializer(app, value):
    """CLY502: an unknown serializer fails at every send."""
    with pytest.raises(SerializerNotInstalled):
        app.task(nothing, name="fetch", serializer=value).delay()


@pytest.mark.truth("CLY502")
def test_unknown_compression(app):
    """CLY502: and so does an unknown compression."""
    with pytest.raises(KeyError, match="zip"):
        app.task(nothing, name="fetch", compression="zip").delay()


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("option", ["acks_late", "ignore_result", "track_started"])
def test_false_as_text_is_true(app, option):
    """CLY502: the text "False" is true."""
    assert bool(getattr(app.task(nothing, name="fetch", **{option: "False"}), option)) is True


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"countdown": timedelta(seconds=5)}, TypeError),
        ({"countdown": "5"}, TypeError),
        ({"eta": 10}, AttributeError),
        ({"eta": timedelta(seconds=5)}, AttributeError),
        ({"expires": timedelta(seconds=5)}, (TypeError, AttributeError)),
        ({"expires": date(2999, 1, 1)}, (TypeError, AttributeError)),
        ({"expires": "60"}, ValueError if celery_version() >= (5, 3) else TypeError),
    ],
    ids=str,
)
def test_times_of_a_wrong_type_in_a_call(lab, options, error):
    """CLY502: times of a wrong type fail at the call."""
    with pytest.raises(error):
        lab.app.task(nothing, name="fetch").apply_async(**options)


@pytest.mark.truth("CLY502")
def test_eta_in_words_is_discarded(lab):
    """CLY502: a text for `eta` is sent; the worker can't read it and discards the message."""
    lab.skip_waits = False
    result = lab.app.task(nothing, name="fetch").apply_async(eta="tomorrow")
    lab.work()
    assert lab.queue_length() == 0
    assert result.state == states.PENDING
    assert "invalid ETA value 'tomorrow'" in lab.log


@pytest.mark.truth("CLY502")
def test_date_is_no_expiry_but_an_eta(lab):
    """CLY502: an `eta` may be a date, or ISO text of one."""
    lab.skip_waits = False
    task = lab.app.task(nothing, name="fetch")
    for eta in (date(2999, 1, 1), "2999-01-01", "2999-01-01T10:00:00"):
        task.apply_async(eta=eta)
    assert len(lab.published) == 3


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("value", ["fast", timedelta(seconds=5), [5]], ids=str)
@pytest.mark.parametrize("option", ["retry_backoff", "retry_backoff_max"])
def test_backoff_that_is_no_number(app, option, value):
    """CLY502: a backoff that is no number can't be registered."""
    with pytest.raises((TypeError, ValueError)):
        app.task(nothing, name="fetch", **{"autoretry_for": (ValueError,), "retry_backoff": 1, option: value}).delay()


@pytest.mark.truth("CLY502")
def test_numbers_as_text_that_work(lab):
    """CLY502: a backoff may be a number written as text."""

    @lab.app.task(
        name="fetch", autoretry_for=(ValueError,), retry_backoff="2", retry_backoff_max="600", retry_jitter=False
    )
    def fetch():
        raise ValueError

    fetch.delay()
    lab.work()
    assert lab.waits == [2, 4, 8]


@pytest.mark.truth("CLY502")
@pytest.mark.parametrize("value", [-1, -1.5, 0])
def test_negative_number_of_retries_is_none(lab, value):
    """CLY502: a negative `max_retries` works: there are no retries."""

    @lab.app.task(name="fetch", autoretry_for=(ValueError,), max_retries=value)
    def fetch():
        raise ValueError("the real error")

    result = fetch.delay()
    lab.work()
    assert lab.waits == []
    assert repr(result.result) == "ValueError('the real error')"


# CLY503: limits


@pytest.mark.truth("CLY503")
def test_soft_limit_above_the_hard_one_on_the_task(lab):
    """CLY503: from 5.5 every `delay` refuses it; before, both limits are sent."""
    task = lab.app.task(nothing, name="fetch", time_limit=5, soft_time_limit=10)
    if celery_version() >= (5, 5):
        with pytest.raises(ValueError, match="soft_time_limit must be less than or equal to time_limit"):
            task.delay()
    else:
        task.delay()
        assert lab.published[0].headers["timelimit"] == [5, 10]


@pytest.mark.truth("CLY503")
def test_soft_limit_above_the_hard_one_in_a_call(lab):
    """CLY503: in a call it is accepted by every version."""
    lab.app.task(nothing, name="fetch").apply_async(time_limit=5, soft_time_limit=10)
    assert lab.published[0].headers["timelimit"] == [5, 10]


@pytest.mark.truth("CLY503")
def test_equal_limits_are_accepted(lab):
    """CLY503: equal limits are no error."""
    lab.app.task(nothing, name="fetch", time_limit=5, soft_time_limit=5).delay()
    assert len(lab.published) == 1


# CLY511-CLY513: the function


@pytest.mark.truth("CLY511")
@pytest.mark.parametrize("kind", ["coroutine", "generator"])
@pytest.mark.parametrize("ignore", [False, True], ids=["result", "no result"])
def test_coroutine_and_generator_never_run(lab, kind, ignore):
    """CLY511: the body never runs; without a result to store the task even counts as succeeded."""
    runs = []

    async def coroutine():
        runs.append(1)

    def generator():
        runs.append(1)
        yield

    task = lab.app.task(coroutine if kind == "coroutine" else generator, name="fetch", ignore_result=ignore)
    result = task.delay()
    lab.work()
    assert runs == []
    if ignore:
        assert any(line.startswith("Task fetch") and "succeeded" in line for line in lab.messages("INFO"))
    else:
        assert result.state == states.FAILURE
        assert f"Object of type {kind} is not JSON serializable" in str(result.result)


@pytest.mark.truth("CLY511")
def test_eager_coroutine_is_success(lab):
    """CLY511: in tests with `task_always_eager` it is a SUCCESS."""
    lab.app.conf.task_always_eager = True
    runs = []

    @lab.app.task(name="fetch")
    async def fetch():
        runs.append(1)

    assert fetch.delay().state == states.SUCCESS
    assert runs == []


@pytest.mark.truth("CLY512")
def test_task_on_a_method_gets_no_self(app):
    """CLY512: a task made of a method lacks its `self` at every call."""

    class Mailer:
        @app.task
        def send(self, to):
            pass

    with pytest.raises(TypeError, match=r"send\(\) missing 1 required positional argument: 'to'"):
        Mailer().send.delay("a")


@pytest.mark.truth("CLY512")
def test_bound_task_on_a_method_gets_the_task(lab):
    """CLY512: bound, its `self` is the task, which knows nothing of the class."""

    class Mailer:
        host = "localhost"

        @lab.app.task(bind=True, name="send")
        def send(self):
            return self.host

    result = Mailer().send.delay()
    lab.work()
    assert repr(result.result) == "AttributeError(\"'send' object has no attribute 'host'\")"


@pytest.mark.truth("CLY512")
def test_class_method_above_is_not(lab):
    """CLY512: under `@classmethod` the class is not passed either."""

    class Mailer:
        @classmethod
        @lab.app.task(name="send")
        def send(cls, to):
            pass

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'to'"):
        Mailer.send.delay("a")


@pytest.mark.truth("CLY512")
def test_static_method_above_is_fine(lab):
    """CLY512: under `@staticmethod` the task works."""

    class Mailer:
        @staticmethod
        @lab.app.task
        def send(to):
            return to

    result = Mailer.send.delay("a")
    lab.work()
    assert result.result == "a"


def counted(calls):
    """A decorator that records that its wrapper ran."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            calls.append(1)
            return function(*args, **kwargs)

        return wrapper

    return decorate


@pytest.mark.truth("CLY513")
def test_decorator_above_hides_the_task(lab):
    """CLY513: the name is a plain function, and the worker runs the task without the wrapper."""
    calls = []

    @counted(calls)
    @lab.app.task(name="fetch")
    def fetch():
        return "fetched"

    with pytest.raises(AttributeError, match="'function' object has no attribute 'delay'"):
        fetch.delay()
    result = lab.app.send_task("fetch")
    lab.work()
    assert result.result == "fetched"
    assert calls == []


@pytest.mark.truth("CLY513")
def test_decorator_below_runs_in_the_worker(lab):
    """CLY513: below the task's decorator the wrapper is what the worker runs."""
    calls = []

    @lab.app.task(name="fetch")
    @counted(calls)
    def fetch():
        return "fetched"

    fetch.delay()
    lab.work()
    assert calls == [1]


@pytest.mark.truth("CLY513")
@pytest.mark.parametrize("decorator", [functools.lru_cache, functools.cache])
def test_cache_above_hides_the_task(app, decorator):
    """CLY513: so does a cache."""
    with pytest.raises(AttributeError, match="has no attribute 'delay'"):
        decorator(app.task(nothing, name="fetch")).delay()


@pytest.mark.truth("CLY513")
@pytest.mark.parametrize("decorator", [functools.lru_cache, functools.lru_cache(maxsize=8), functools.cache])
def test_cache_below_fails_when_the_app_is_finalised(decorator, monkeypatch):
    """CLY513: a cache can't be moved below: with it there is no app any more."""
    # What fails here must not fail for the apps of other tests.
    monkeypatch.setattr(_state, "_on_app_finalizers", set(BUILT_IN_FINALIZERS))
    app = Celery("shop", broker="memory://", set_as_current=False)
    app.task(decorator(nothing), name="fetch")
    with pytest.raises(AttributeError, match="'method-wrapper' object has no attribute '__module__'"):
        app.finalize()


@pytest.mark.truth("CLY513")
def test_mark_for_requests_is_no_wrapper(app):
    """CLY513: `non_atomic_requests` puts an attribute on what it is given and returns it."""
    transaction = pytest.importorskip("django.db.transaction")
    assert transaction.non_atomic_requests(app.task(nothing, name="fetch")).delay


# CLY516: states by hand


@pytest.mark.truth("CLY516")
@pytest.mark.parametrize("state", [states.FAILURE, states.RETRY, states.REVOKED])
def test_failure_state_without_an_exception_is_unreadable(lab, state):
    """CLY516: a result in such a state without `exc_type` can't be read, in the task or afterwards."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(self):
        self.update_state(state=state, meta={"step": 1})
        return "done"

    result = fetch.delay()
    lab.work()
    for read in (lambda: result.state), (lambda: result.get(timeout=1)):
        with pytest.raises(ValueError, match=r"Exception information must include ?the exception type"):
            read()


@pytest.mark.truth("CLY516")
def test_an_exception_does_not_repair_the_state(lab):
    """CLY516: not even where the task then fails with an exception of its own."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(self):
        self.update_state(state=states.FAILURE, meta={"step": 1})
        raise KeyError("later")

    result = fetch.delay()
    lab.work()
    with pytest.raises(ValueError, match=r"Exception information must include ?the exception type"):
        result.get(timeout=1)


@pytest.mark.truth("CLY516")
def test_database_replaces_the_state(lab, tmp_path):
    """CLY516: a database replaces what is there, unless the task ends with `Ignore`, after which nothing is stored."""
    pytest.importorskip("sqlalchemy")
    lab.app.conf.result_backend = f"db+sqlite:///{tmp_path}/results.sqlite"
    lab.app._local.__dict__.pop("backend", None)

    @lab.app.task(bind=True, name="fetch")
    def fetch(self, end):
        self.update_state(state=states.FAILURE, meta={"step": 1})
        if end is not None:
            raise {"KeyError": KeyError, "Ignore": Ignore}[end]
        return "done"

    raised, returned, ignored = (fetch.delay(end) for end in ("KeyError", None, "Ignore"))
    lab.work()
    assert raised.state == states.FAILURE
    assert repr(raised.result) == "KeyError()"
    assert returned.state == states.SUCCESS
    with pytest.raises(ValueError, match=r"Exception information must include ?the exception type"):
        ignored.get(timeout=1)


@pytest.mark.truth("CLY516")
def test_failure_state_with_an_empty_meta_is_readable(lab):
    """CLY516: without any meta there is nothing to take for an exception."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(self):
        self.update_state(state=states.FAILURE, meta={})
        raise Ignore

    result = fetch.delay()
    lab.work()
    assert result.state == states.FAILURE
    assert result.result is None


@pytest.mark.truth("CLY516")
def test_failure_state_with_an_exception_is_readable(lab):
    """CLY516: with `exc_type` and `exc_message` it can."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(self):
        self.update_state(state=states.FAILURE, meta={"exc_type": "ValueError", "exc_message": "no"})
        raise Ignore

    result = fetch.delay()
    lab.work()
    assert result.state == states.FAILURE
    assert repr(result.result) == "ValueError('no')"


@pytest.mark.truth("CLY516")
def test_custom_state_needs_nothing(lab):
    """CLY516: a state of one's own takes any meta."""
    seen = []

    @lab.app.task(bind=True, name="fetch")
    def fetch(self):
        self.update_state(state="PROGRESS", meta={"step": 1})
        seen.append(lab.app.AsyncResult(self.request.id).result)

    fetch.delay()
    lab.work()
    assert seen == [{"step": 1}]


# CLY517: what is gone


@pytest.mark.truth("CLY517")
@pytest.mark.parametrize(
    "module",
    ["celery.task", "celery.decorators", "celery.five", "celery.contrib.methods", "celery.contrib.batches", "djcelery"],
)
def test_removed_modules(module):
    """CLY517: these modules are gone."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(module)


@pytest.mark.truth("CLY517")
@pytest.mark.parametrize("name", ["task", "periodic_task"])
def test_removed_names(name):
    """CLY517: and so are these names of the package."""
    with pytest.raises(ImportError):
        exec(f"from celery import {name}")


# CLY518: signals


@pytest.fixture(autouse=True)
def _forget_receivers(monkeypatch):
    """Leave the signals as they were."""
    for signal in signals.task_success, signals.task_received, signals.after_task_publish:
        monkeypatch.setattr(signal, "receivers", list(signal.receivers or []))


@pytest.mark.truth("CLY518")
def test_sender_of_a_worker_signal_is_the_task(lab):
    """CLY518: a name as `sender` of `task_success` never matches; the task does."""
    heard = []

    @lab.app.task(name="fetch")
    def fetch():
        pass

    def by_name(**info):
        heard.append("name")

    def by_task(**info):
        heard.append("task")

    lab.app.finalize()
    signals.task_success.connect(by_name, sender="fetch")
    signals.task_success.connect(by_task, sender=lab.app.tasks["fetch"])
    fetch.delay()
    lab.work()
    assert heard == ["task"]


@pytest.mark.truth("CLY518")
def test_sender_of_a_publish_signal_is_the_name(lab):
    """CLY518: the sender of `after_task_publish` is the name; the task never matches."""
    heard = []
    task = lab.app.task(nothing, name="fetch")

    def by_name(**info):
        heard.append("name")

    def by_task(**info):
        heard.append("task")

    lab.app.finalize()
    signals.after_task_publish.connect(by_name, sender="fetch")
    signals.after_task_publish.connect(by_task, sender=lab.app.tasks["fetch"])
    task.delay()
    assert heard == ["name"]


@pytest.mark.truth("CLY518")
def test_class_of_a_task_is_no_sender(lab):
    """CLY518: the class of a class-based task never matches, its instance does."""
    heard = []

    class Fetch(Task):
        name = "fetch"

        def run(self):
            pass

    fetch = lab.app.register_task(Fetch())
    by_class = functools.partial(lambda **info: heard.append("class"))
    by_task = functools.partial(lambda **info: heard.append("task"))
    signals.task_success.connect(by_class, sender=Fetch)
    signals.task_success.connect(by_task, sender=fetch)
    fetch.delay()
    lab.work()
    assert heard == ["task"]


@pytest.mark.truth("CLY518")
def test_sender_of_task_received_is_the_consumer(lab):
    """CLY518: neither the task nor its name is the sender of `task_received`."""
    senders = []

    def anyone(sender, request, **info):
        if request.name == "fetch":
            senders.append(type(sender).__name__)

    signals.task_received.connect(anyone)
    lab.app.task(nothing, name="fetch").delay()
    lab.work()
    assert senders == ["Consumer"]


@pytest.mark.truth("CLY518")
def test_lambda_is_collected(lab):
    """CLY518: a lambda that nobody else holds is gone at once."""
    heard = []
    signals.after_task_publish.connect(lambda **info: heard.append(1), sender="fetch")
    gc.collect()
    lab.app.task(nothing, name="fetch").delay()
    assert heard == []


@pytest.mark.truth("CLY518")
@pytest.mark.parametrize("weak", [True, False])
def test_receiver_in_a_factory_is_collected(weak):
    """CLY518: the signals of an app hold their receivers just as weakly."""
    heard = []

    def create_app():
        app = Celery("shop", set_as_current=False)

        @app.on_after_configure.connect(weak=weak)
        def setup(sender, **info):
            heard.append(1)

        return app

    app = create_app()
    gc.collect()
    assert app.conf.task_default_queue
    assert heard == ([] if weak else [1])


@pytest.mark.truth("CLY518")
@pytest.mark.parametrize("weak", [True, False])
def test_nested_receiver_is_collected(lab, weak):
    """CLY518: a function that nobody else holds is gone before the signal comes, unless `weak=False`."""
    heard = []

    def connect():
        def receiver(**info):
            heard.append(1)

        signals.after_task_publish.connect(receiver, sender="fetch", weak=weak)

    connect()
    gc.collect()
    lab.app.task(nothing, name="fetch").delay()
    assert heard == ([] if weak else [1])
