"""211-222: what retries a task, how often and when, and what only looks as if it did."""

from __future__ import annotations

import pytest
from celery import Task, states
from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry

from .lab import FENCE, celery_version, lose_process


class Failing:
    """A task body that counts its runs and always raises."""

    def __init__(self, error=ValueError):
        self.error = error
        self.runs = 0

    def __call__(self):
        self.runs += 1
        raise self.error("boom")


def failing(lab, error=ValueError, **options):
    """Send a task that raises `error` each time, let the worker do all there is to do, and count the runs."""
    body = Failing(error)

    @lab.app.task(name="fetch", **options)
    def fetch():
        body()

    result = fetch.delay()
    lab.work()
    return body.runs, result


def bound(lab, function, **options):
    """Send a bound task with this body and let the worker do all there is to do."""
    task = lab.app.task(function, bind=True, name="fetch", **options)
    result = task.delay()
    lab.work()
    return result


# CLY211: options that nothing reads


@pytest.mark.truth("CLY211")
@pytest.mark.parametrize(
    "options",
    [
        {"retry_backoff": True},
        {"retry_backoff": 5, "retry_backoff_max": 60, "retry_jitter": False},
        {"retry_kwargs": {"max_retries": 5, "countdown": 1}},
        {"dont_autoretry_for": (KeyError,)},
        {"max_retries": 5},
        {"default_retry_delay": 10},
        {"max_retries": 5, "default_retry_delay": 10, "retry_backoff": True},
    ],
    ids=lambda options: "+".join(options),
)
def test_retry_options_alone_retry_nothing(lab, options):
    """CLY211: without `autoretry_for` or a retry call the task fails at its first exception."""
    runs, result = failing(lab, **options)
    assert runs == 1
    assert len(lab.published) == 1
    assert result.state == states.FAILURE
    assert isinstance(result.result, ValueError)


@pytest.mark.truth("CLY211")
def test_autoretry_for_retries(lab):
    """CLY211: `autoretry_for` is what makes the same options work."""
    runs, result = failing(lab, autoretry_for=(ValueError,), max_retries=5, retry_backoff=True, retry_jitter=False)
    assert runs == 6
    assert lab.waits == [1, 2, 4, 8, 16]
    assert result.state == states.FAILURE


@pytest.mark.truth("CLY211")
def test_retry_by_hand_ignores_the_backoff(lab):
    """CLY211: `self.retry()` never reads `retry_backoff`: each wait is 180 s."""

    def fetch(self):
        raise self.retry()

    bound(lab, fetch, retry_backoff=True, retry_jitter=False, retry_backoff_max=60)
    assert lab.waits == [180, 180, 180]


@pytest.mark.truth("CLY211")
def test_retry_by_hand_ignores_retry_kwargs(lab):
    """CLY211: nor does it read `retry_kwargs`."""

    def fetch(self):
        raise self.retry()

    bound(lab, fetch, retry_kwargs={"max_retries": 1, "countdown": 5})
    assert lab.waits == [180, 180, 180]


@pytest.mark.truth("CLY211")
def test_retry_by_hand_reads_max_retries_and_default_retry_delay(lab):
    """CLY211: `max_retries` and `default_retry_delay` are read by every retry call."""

    def fetch(self):
        raise self.retry()

    bound(lab, fetch, max_retries=2, default_retry_delay=10)
    assert lab.waits == [10, 10]


@pytest.mark.truth("CLY211")
def test_autoretry_for_of_a_base_class_counts(lab):
    """CLY211: `autoretry_for` may come from the base."""

    class Base(Task):
        autoretry_for = (ValueError,)

    runs, _ = failing(lab, base=Base, max_retries=1)
    assert runs == 2


@pytest.mark.truth("CLY211")
@pytest.mark.parametrize("source", ["option", "setting"])
def test_retry_on_worker_lost_reads_max_retries(lab, source):
    """CLY211: from 5.7 `retry_on_worker_lost` reads `max_retries` and `default_retry_delay`; before it does nothing."""
    options = {"retry_on_worker_lost": True} if source == "option" else {}
    if source == "setting":
        lab.app.conf.task_retry_on_worker_lost = True

    @lab.app.task(name="fetch", max_retries=2, default_retry_delay=10, **options)
    def fetch():
        pass

    fetch.delay()
    for _ in range(len("012")):
        if lab.queue_length():
            lose_process(lab.receive())
    assert lab.queue_length() == 0
    assert lab.waits == ([10, 10] if celery_version() >= (5, 7) else [])


# CLY212: no backoff


@pytest.mark.truth("CLY212")
@pytest.mark.parametrize(
    ("options", "wait"),
    [
        ({"retry_backoff_max": 60}, 180),
        ({"retry_jitter": True}, 180),
        ({"retry_backoff": False, "retry_backoff_max": 60}, 180),
        ({"retry_backoff": 0, "retry_jitter": True}, 180),
        ({"retry_backoff_max": 60, "default_retry_delay": 90}, 90),
        ({"retry_jitter": True, "retry_kwargs": {"countdown": 7}}, 7),
        ({"retry_jitter": True, "retry_kwargs": {"countdown": 7}, "default_retry_delay": 90}, 7),
    ],
    ids=str,
)
def test_backoff_options_need_a_backoff(lab, options, wait):
    """CLY212: without `retry_backoff` the cap and the jitter have no effect on the wait."""
    runs, _ = failing(lab, autoretry_for=(ValueError,), **options)
    assert runs == 4
    assert lab.waits == [wait] * 3


@pytest.mark.truth("CLY212")
def test_backoff_options_with_a_backoff(lab):
    """CLY212: with it they have."""
    failing(lab, autoretry_for=(ValueError,), retry_backoff=10, retry_backoff_max=15, retry_jitter=False)
    assert lab.waits == [10, 15, 15]


# CLY213: two answers to one question


@pytest.mark.truth("CLY213")
def test_backoff_wins_over_the_countdown_of_retry_kwargs(lab):
    """CLY213: `retry_backoff` overwrites the countdown in `retry_kwargs`."""
    failing(lab, autoretry_for=(ValueError,), retry_backoff=2, retry_jitter=False, retry_kwargs={"countdown": 60})
    assert lab.waits == [2, 4, 8]


@pytest.mark.truth("CLY213")
@pytest.mark.parametrize(("inner", "outer"), [(2, 5), (5, 2)])
def test_max_retries_of_retry_kwargs_wins(lab, inner, outer):
    """CLY213: `max_retries` in `retry_kwargs` wins over the one beside it."""
    runs, _ = failing(lab, autoretry_for=(ValueError,), max_retries=outer, retry_kwargs={"max_retries": inner})
    assert runs == inner + 1


@pytest.mark.truth("CLY213")
def test_backoff_wins_over_the_default_delay(lab):
    """CLY213: `default_retry_delay` is not read under `retry_backoff` either."""
    failing(lab, autoretry_for=(ValueError,), retry_backoff=1, retry_jitter=False, default_retry_delay=99)
    assert lab.waits == [1, 2, 4]


# CLY214: what is no tuple of exceptions


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize("option", ["autoretry_for", "dont_autoretry_for"])
def test_one_class_breaks_the_registration(app, option):
    """CLY214: a class that is not in a tuple is a TypeError, not where it is written but when the app is finalised."""
    if option == "dont_autoretry_for" and celery_version() < (5, 3):
        pytest.skip("dont_autoretry_for came with Celery 5.3")

    @app.task(name="fetch", **{"autoretry_for": (ValueError,), option: ValueError})
    def fetch():
        pass

    with pytest.raises(TypeError, match="'type' object is not iterable"):
        app.finalize()


@pytest.mark.truth("CLY214")
def test_one_class_takes_other_tasks_with_it(app):
    """CLY214: after that failure the app counts as finalised, though tasks behind it were never registered."""

    @app.task(name="fetch", autoretry_for=Exception, shared=False)
    def fetch():
        pass

    @app.task(name="other", shared=False)
    def other():
        pass

    with pytest.raises(TypeError, match="'type' object is not iterable"):
        app.finalize()
    assert app.finalized
    app.finalize()
    assert "other" not in app.tasks


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize("option", ["autoretry_for", "dont_autoretry_for"])
@pytest.mark.parametrize(
    "value",
    [("ValueError",), "ValueError", (ValueError("boom"),), ((KeyError, ValueError),)],
    ids=["strings", "string", "instance", "nested tuple"],
)
def test_what_is_no_class_replaces_the_real_error(lab, option, value):
    """CLY214: strings and instances, and tuples in the tuple, end in a TypeError instead of a retry."""
    runs, result = failing(lab, **{"autoretry_for": (ValueError,), option: value})
    if option == "dont_autoretry_for" and celery_version() < (5, 3):
        assert runs == 4  # nothing reads it yet
        return
    assert runs == 1
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert "catching classes that do not inherit from BaseException is not allowed" in str(result.result)


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize("kind", [tuple, list, set])
def test_other_collections_are_fine(lab, kind):
    """CLY214: a list or a set of classes does what a tuple does."""
    runs, _ = failing(lab, autoretry_for=kind([ValueError]), max_retries=1)
    assert runs == 2


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize("value", [[ValueError], "ValueError", ("ValueError",)], ids=str)
def test_throws_that_is_no_tuple_replaces_the_real_error(lab, value):
    """CLY214: `throws` goes to `isinstance`: a list or a string in it hides the task's own error."""
    _, result = failing(lab, throws=value)
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert str(result.result).startswith("isinstance() arg 2 must be a type, a tuple of types")


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize("value", [ValueError, (ValueError,), ((KeyError, ValueError),)], ids=str)
def test_throws_takes_a_class_or_tuples(lab, value):
    """CLY214: one class, a tuple and a nested tuple are fine in `throws`: an expected error is logged as info."""
    _, result = failing(lab, throws=value)
    assert isinstance(result.result, ValueError)
    assert lab.messages("ERROR") == []


# CLY215: None


@pytest.mark.truth("CLY215")
def test_none_in_a_retry_call_is_the_default(lab):
    """CLY215: `self.retry(max_retries=None)` gives up after the task's own three retries."""
    runs = []

    def fetch(self):
        runs.append(1)
        raise self.retry(max_retries=None)

    result = bound(lab, fetch)
    assert len(runs) == 4
    assert isinstance(result.result, MaxRetriesExceededError)


@pytest.mark.truth("CLY215")
def test_none_in_retry_kwargs_is_the_default(lab):
    """CLY215: the same in `retry_kwargs`."""
    runs, result = failing(lab, autoretry_for=(ValueError,), retry_kwargs={"max_retries": None})
    assert runs == 4
    assert result.state == states.FAILURE


@pytest.mark.truth("CLY215")
def test_none_on_the_task_is_unlimited(lab):
    """CLY215: only the task's own `max_retries=None` goes on and on."""
    runs = []

    def fetch(self):
        runs.append(1)
        if len(runs) < 20:
            raise ValueError("boom")
        return "done"

    result = bound(lab, fetch, autoretry_for=(ValueError,), max_retries=None)
    assert len(runs) == 20
    assert result.result == "done"


# CLY216: the cap


@pytest.mark.truth("CLY216")
@pytest.mark.parametrize(
    ("options", "waits"),
    [
        ({"retry_backoff": 900}, [600, 600, 600]),
        ({"retry_backoff": 90, "retry_backoff_max": 60}, [60, 60, 60]),
        ({"retry_backoff": 600}, [600, 600, 600]),
        ({"retry_backoff": 300}, [300, 600, 600]),
    ],
    ids=str,
)
def test_backoff_above_the_cap(lab, options, waits):
    """CLY216: a backoff above `retry_backoff_max`, 600 s by default, waits the cap each time."""
    failing(lab, autoretry_for=(ValueError,), retry_jitter=False, **options)
    assert lab.waits == waits


# CLY217: a retry that the task swallows


def swallowing(action, handler):
    """A task body that does `action(self)` in a `try` whose handler catches `handler` and goes on."""
    runs = []

    def fetch(self):
        runs.append(self.request.retries)
        try:
            action(self)
        except handler:
            return "swallowed"

    return fetch, runs


def successes(lab):
    """How many runs the worker logged as succeeded."""
    return len([line for line in lab.messages("INFO") if "succeeded in" in line and FENCE not in line])


@pytest.mark.truth("CLY217")
@pytest.mark.parametrize("handler", [Exception, BaseException], ids=lambda handler: handler.__name__)
def test_swallowed_retry_is_success_and_still_runs(lab, handler):
    """CLY217: every run is a SUCCESS, the one that gave up too, and the retries were sent all the same."""
    fetch, runs = swallowing(lambda self: self.retry(max_retries=2), handler)
    result = bound(lab, fetch)
    assert lab.waits == [180, 180]
    assert runs == [0, 1, 2]
    assert result.state == states.SUCCESS
    assert successes(lab) == 3


@pytest.mark.truth("CLY217")
def test_swallowed_retry_hides_a_later_failure(lab):
    """CLY217: the backend keeps the first SUCCESS, so that the failure at the end is never seen."""
    fetch, runs = swallowing(lambda self: self.retry(max_retries=2), Retry)
    result = bound(lab, fetch)
    assert runs == [0, 1, 2]
    assert successes(lab) == 2
    assert len([line for line in lab.messages("ERROR") if "raised unexpected: MaxRetriesExceededError" in line]) == 1
    assert result.state == states.SUCCESS
    assert result.result == "swallowed"


@pytest.mark.truth("CLY217")
def test_retry_that_is_let_out_leaves_the_last_error_swallowed(lab):
    """CLY217: behind `except Retry: raise` the handler still swallows the error of the run that gave up."""
    runs = []

    def fetch(self):
        runs.append(self.request.retries)
        try:
            raise self.retry(max_retries=2)
        except Retry:
            raise
        except Exception as error:
            return type(error).__name__

    result = bound(lab, fetch)
    assert runs == [0, 1, 2]
    assert successes(lab) == 1
    assert result.state == states.SUCCESS
    assert result.result == "MaxRetriesExceededError"


@pytest.mark.truth("CLY217")
def test_swallowed_retry_with_a_bare_except(lab):
    """CLY217: a bare `except` swallows the same."""
    runs = []

    def fetch(self):
        runs.append(1)
        try:
            self.retry(max_retries=1)
        except:  # noqa: E722
            return

    result = bound(lab, fetch)
    assert len(runs) == 2
    assert result.state == states.SUCCESS


@pytest.mark.truth("CLY217")
def test_return_in_finally_swallows_the_retry(lab):
    """CLY217: so does `return` in a `finally`."""
    runs = []

    def fetch(self):
        runs.append(1)
        try:
            raise self.retry(max_retries=2)
        finally:
            return "swallowed"  # noqa: B012

    result = bound(lab, fetch)
    assert len(runs) == 3
    assert result.state == states.SUCCESS
    assert result.result == "swallowed"


@pytest.mark.truth("CLY217")
def test_swallowed_replace_runs_both(lab):
    """CLY217: the task that replaced itself is a SUCCESS of its own, and its replacement runs too."""
    runs = []

    @lab.app.task(name="other")
    def other():
        runs.append("other")
        return "other"

    def fetch(self):
        try:
            self.replace(other.s())
        except Exception:
            return "swallowed"

    result = bound(lab, fetch)
    assert runs == ["other"]
    assert successes(lab) == 2
    assert result.result == "swallowed"  # both write to one id, and the first SUCCESS stays


@pytest.mark.truth("CLY217")
@pytest.mark.parametrize("error", [Ignore, Reject])
def test_swallowed_ignore_and_reject_are_success(lab, error):
    """CLY217: `Ignore` and `Reject` in such a `try` are no more than a `return`."""

    def action(self):
        raise error("no")

    fetch, _ = swallowing(action, Exception)
    assert bound(lab, fetch).state == states.SUCCESS


@pytest.mark.truth("CLY217")
@pytest.mark.parametrize("error", [Ignore, Reject])
def test_ignore_and_reject_are_not_success(lab, error):
    """CLY217: outside of it they keep the state from being SUCCESS."""

    def fetch(self):
        raise error("no")

    result = bound(lab, fetch)
    if error is Reject and celery_version() >= (5, 7):
        assert result.state == states.FAILURE
    else:
        assert result.state == states.PENDING


@pytest.mark.truth("CLY217")
def test_earlier_handler_lets_the_retry_out(lab):
    """CLY217: with `except Retry: raise` before it the blanket handler does no harm."""
    runs = []

    def fetch(self):
        runs.append(1)
        try:
            self.retry(max_retries=2)
        except Retry:
            raise
        except Exception as error:
            return type(error).__name__

    result = bound(lab, fetch)
    assert len(runs) == 3
    assert result.result == "MaxRetriesExceededError"
    assert len([line for line in lab.messages("INFO") if "Retry in 180s" in line]) == 2


@pytest.mark.truth("CLY217")
def test_throw_false_is_a_success_on_purpose(lab):
    """CLY217: `throw=False` sends the retry and lets the run end as it likes."""
    runs = []

    def fetch(self):
        runs.append(1)
        if len(runs) < 3:
            self.retry(throw=False)

    bound(lab, fetch)
    assert len(runs) == 3
    assert successes(lab) == 3


# CLY218: the handler for the end of the retries


@pytest.mark.truth("CLY218")
def test_exhausted_retry_with_exc_raises_exc(lab):
    """CLY218: with `exc=` the retries end in that exception, and the handler for MaxRetriesExceededError never runs."""
    gave_up = []

    def fetch(self):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as error:
            try:
                raise self.retry(exc=error, max_retries=1)
            except MaxRetriesExceededError:
                gave_up.append(1)

    result = bound(lab, fetch)
    assert lab.waits == [180]
    assert gave_up == []
    assert result.state == states.FAILURE
    assert isinstance(result.result, ZeroDivisionError)


@pytest.mark.truth("CLY218")
def test_exhausted_retry_without_exc_reaches_the_handler(lab):
    """CLY218: without `exc=` the handler runs."""
    gave_up = []

    def fetch(self):
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            try:
                raise self.retry(max_retries=1)
            except MaxRetriesExceededError:
                gave_up.append(1)

    result = bound(lab, fetch)
    assert lab.waits == [180]
    assert gave_up == [1]
    assert result.state == states.SUCCESS


# CLY219: what stands first in the parentheses of retry


@pytest.mark.truth("CLY219")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((ValueError("boom"),), "'ValueError' object is not iterable"),
        ((10,), "'int' object is not iterable"),
        ((ValueError("boom"), 10), "'ValueError' object is not iterable"),
    ],
    ids=["exc", "countdown", "exc and countdown"],
)
def test_positional_retry_is_a_type_error(lab, arguments, message):
    """CLY219: the first positional parameter of retry is `args`, so nothing is retried."""
    runs = []

    def fetch(self):
        runs.append(1)
        raise self.retry(*arguments)

    result = bound(lab, fetch)
    assert runs == [1]
    assert lab.waits == []
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert message in str(result.result)


@pytest.mark.truth("CLY219")
@pytest.mark.parametrize("kind", [tuple, list])
def test_positional_arguments_of_the_next_run(lab, kind):
    """CLY219: a tuple or a list there is the next run's arguments."""
    runs = []

    @lab.app.task(bind=True, name="fetch")
    def fetch(self, page):
        runs.append(page)
        if page < 3:
            raise self.retry(kind([page + 1]))

    fetch.delay(1)
    lab.work()
    assert runs == [1, 2, 3]


# CLY220: Retry by hand


@pytest.mark.truth("CLY220")
@pytest.mark.parametrize("raised", [Retry, Retry("later"), Retry(when=5)], ids=["class", "message", "when"])
def test_retry_raised_by_hand_sends_nothing(lab, raised):
    """CLY220: `raise Retry(...)` runs once, sends nothing and leaves the state RETRY for ever."""
    runs = []

    def fetch(self):
        runs.append(1)
        raise raised

    result = bound(lab, fetch)
    assert runs == [1]
    assert len(lab.published) == 1
    assert lab.queue_length() == 0
    assert result.state == states.RETRY
    assert not result.ready()


# CLY221: Reject


@pytest.mark.truth("CLY221")
@pytest.mark.parametrize("errors", [(Exception,), (Reject,)], ids=["Exception", "Reject"])
def test_reject_is_retried_under_autoretry(lab, errors):
    """CLY221: automatic retries catch `Reject` like any exception."""
    runs, _ = failing(lab, error=Reject, autoretry_for=errors, max_retries=2)
    assert runs == 3
    assert len(lab.waits) == 2


@pytest.mark.truth("CLY221")
def test_ignore_is_not_retried_under_autoretry(lab):
    """CLY221: `Ignore` is let through."""
    runs, _ = failing(lab, error=Ignore, autoretry_for=(Exception,))
    assert runs == 1


@pytest.mark.truth("CLY221")
def test_dont_autoretry_for_lets_reject_through(lab):
    """CLY221: `dont_autoretry_for` holds it back, from 5.3 on."""
    runs, _ = failing(lab, error=Reject, autoretry_for=(Exception,), dont_autoretry_for=(Reject,))
    assert runs == (1 if celery_version() >= (5, 3) else 4)


# CLY222: no parentheses


@pytest.mark.truth("CLY222")
def test_retry_without_a_call_is_a_type_error(lab):
    """CLY222: `raise self.retry` raises a method: a TypeError, and no retry."""

    def fetch(self):
        raise self.retry

    result = bound(lab, fetch)
    assert lab.waits == []
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert str(result.result) == "exceptions must derive from BaseException"
