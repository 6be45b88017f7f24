"""201-203: what `bind=True` does to a task's parameters, and what it is not needed for."""

from __future__ import annotations

import functools

import pytest
from celery import Task, states

from .lab import celery_version


@pytest.mark.truth("CLY201")
def test_autoretry_needs_no_bind(lab):
    """CLY201: automatic retries work without `bind=True`."""
    runs = []

    @lab.app.task(name="fetch", autoretry_for=(ConnectionError,))
    def fetch(url):
        runs.append(url)
        raise ConnectionError(url)

    result = fetch.delay("a")
    lab.work()
    assert runs == ["a"] * 4  # the first run and max_retries=3
    assert result.state == states.FAILURE


@pytest.mark.truth("CLY201")
def test_dropping_an_unused_bind_changes_nothing_for_the_caller(lab):
    """CLY201: bound or not, the message and the result are the same when the body makes no use of the task."""

    def bound(self, url, depth=1):
        return url, depth

    def unbound(url, depth=1):
        return url, depth

    results = []
    for function, bind in (bound, True), (unbound, False):
        task = lab.restart().task(function, bind=bind, name="fetch")
        results.append(task.delay("a", depth=2))
        lab.work()
        lab.stop()
    before, after = lab.published
    assert (before.name, before.args, before.kwargs) == (after.name, after.args, after.kwargs)
    assert [result.result for result in results] == [["a", 2], ["a", 2]]


@pytest.mark.truth("CLY201")
def test_the_request_is_reached_by_the_name_of_the_task_too(lab):
    """CLY201: an unbound task can read its request and retry by its own name."""
    runs = []

    @lab.app.task(name="fetch")
    def fetch():
        runs.append(fetch.request.retries)
        raise fetch.retry(max_retries=1)

    fetch.delay()
    lab.work()
    assert runs == [0, 1]


@pytest.mark.truth("CLY202")
def test_bound_task_without_parameter_cannot_be_called(lab):
    """CLY202: a bound task without a positional parameter fails at every call."""

    @lab.app.task(bind=True, name="fetch")
    def fetch():
        pass

    with pytest.raises(TypeError, match=r"fetch\(\) takes 0 positional arguments but 1 was given"):
        fetch.delay()


@pytest.mark.truth("CLY202")
def test_bound_task_with_keyword_parameters_only_cannot_be_called(lab):
    """CLY202: a parameter that takes keywords only is no place for the task."""

    @lab.app.task(bind=True, name="fetch")
    def fetch(*, url):
        pass

    with pytest.raises(TypeError, match="takes 0 positional arguments but 1 positional argument"):
        fetch.delay(url="a")


@pytest.mark.truth("CLY202")
def test_bound_task_without_parameter_fails_in_the_worker_when_sent_by_name(lab):
    """CLY202: sent by name, the same task fails in the worker."""

    @lab.app.task(bind=True, name="fetch")
    def fetch():
        pass

    result = lab.app.send_task("fetch")
    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert "takes 0 positional arguments but 1 was given" in str(result.result)


@pytest.mark.truth("CLY202")
def test_bound_task_takes_one_argument_less_than_it_says(lab):
    """CLY202: without `self` the first parameter is the task's, so the caller's argument is one too many."""

    @lab.app.task(bind=True, autoretry_for=(Exception,), name="fetch")
    def fetch(url):
        pass

    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        fetch.delay("a")


@pytest.mark.truth("CLY202")
def test_bound_task_called_without_its_argument_runs_on_the_task(lab):
    """CLY202: called without the argument it runs, with the task object in its place."""
    runs = []

    @lab.app.task(bind=True, name="fetch")
    def fetch(url):
        runs.append(url)

    result = fetch.delay()
    lab.work()
    assert result.state == states.SUCCESS
    (url,) = runs
    assert isinstance(url, Task)


@pytest.mark.truth("CLY202")
def test_bound_task_puts_the_argument_into_the_second_parameter(lab):
    """CLY202: with a spare default the caller's first argument goes to the second parameter, silently."""
    runs = []

    @lab.app.task(bind=True, name="fetch")
    def fetch(url, depth=1):
        runs.append((url, depth))

    result = fetch.delay("a")
    lab.work()
    assert result.state == states.SUCCESS
    ((url, depth),) = runs
    assert isinstance(url, Task)
    assert depth == "a"


@pytest.mark.truth("CLY202")
def test_bound_task_without_self_cannot_retry_what_was_sent_by_name(lab):
    """CLY202: sent by name, the argument is one too many in the worker, and the retry of it cannot be sent."""
    runs = []

    @lab.app.task(bind=True, autoretry_for=(Exception,), name="fetch")
    def fetch(url):
        runs.append(url)

    result = lab.app.send_task("fetch", ["a"])
    lab.work()
    assert runs == []
    assert len(lab.published) == 1
    assert result.state == (states.FAILURE if celery_version() >= (5, 7) else states.PENDING)
    assert "takes 1 positional argument but 2 were given" in lab.log


@pytest.mark.truth("CLY202")
@pytest.mark.parametrize("kind", ["positional only", "variable"])
def test_other_positional_parameters_take_the_task(lab, kind):
    """CLY202: `self, /` and `*args` are room for the task."""

    def positional(this, /, url):
        return isinstance(this, Task), url

    def variable(*args):
        return isinstance(args[0], Task), args[1]

    task = lab.app.task(variable if kind == "variable" else positional, bind=True, name="fetch")
    result = task.delay("a")
    lab.work()
    assert result.result == [True, "a"]


@pytest.mark.truth("CLY203")
def test_self_without_bind_is_an_argument_that_is_missing(lab):
    """CLY203: without `bind=True` the parameter `self` is one that the caller has to fill."""

    @lab.app.task(name="fetch")
    def fetch(self, url):
        pass

    with pytest.raises(TypeError, match=r"fetch\(\) missing 1 required positional argument: 'url'"):
        fetch.delay("a")


@pytest.mark.truth("CLY203")
def test_self_without_bind_is_the_first_argument(lab):
    """CLY203: a caller who fills it gives the body an int for a task."""

    @lab.app.task(name="fetch")
    def fetch(self, url):
        return self.request.id

    result = fetch.delay(1, "a")
    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, AttributeError)
    assert str(result.result) == "'int' object has no attribute 'request'"


@pytest.mark.truth("CLY202")
@pytest.mark.parametrize("call", ["delay", "run", "__call__"])
def test_call_that_does_with_the_task_fails_with_self(lab, call):
    """CLY202: a call without the argument works as long as nothing needs it, and fails once there is `self`."""

    def fetch(url):
        pass

    def with_self(self, url):
        pass

    getattr(lab.app.task(fetch, bind=True, name="fetch"), call)()
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'url'"):
        getattr(lab.app.task(with_self, bind=True, name="with_self"), call)()


@pytest.mark.truth("CLY202")
def test_bare_function_of_a_bound_task_takes_what_it_says(lab):
    """CLY202: behind the task's back the function is called as it is written, and lacks an argument with `self`."""

    @lab.app.task(bind=True, name="fetch")
    def fetch():
        return 1

    assert fetch.run.__func__() == fetch.__wrapped__.__func__() == 1


@pytest.mark.truth("CLY203")
@pytest.mark.parametrize("call", ["delay", "run", "__call__"])
def test_call_that_fills_self_fails_with_bind(lab, call):
    """CLY203: a caller who hands something over for `self` hands over too much once the task is bound."""

    def fetch(self, url):
        pass

    getattr(lab.app.task(fetch, name="fetch"), call)(None, "a")
    with pytest.raises(TypeError, match="takes 2 positional arguments but 3 were given"):
        getattr(lab.app.task(fetch, bind=True, name="bound"), call)(None, "a")


@pytest.mark.truth("CLY203")
def test_fix_binds_the_task(lab):
    """CLY203: `bind=True` makes the same function work."""

    @lab.app.task(name="fetch", bind=True)
    def fetch(self, url):
        return self.request.id

    result = fetch.delay("a")
    lab.work()
    assert result.result == result.id


@pytest.mark.truth("CLY201", "CLY601")
def test_a_wrapper_may_take_arguments_out_and_use_the_task(lab):
    """CLY201, CLY601: `kwargs.pop` takes what the function does not; `args[0]` is the task, where it is bound."""
    runs = []

    def timed(func):
        @functools.wraps(func)
        def inner(*args, **kwargs):
            runs.append((args[0].name, kwargs.pop("timeout")))
            return func(*args, **kwargs)

        return inner

    @lab.app.task(name="fetch", bind=True)
    @timed
    def fetch(self, url):
        return url

    result = fetch.delay("a", timeout=3)
    lab.work()
    assert (result.result, runs) == ("a", [("fetch", 3)])
