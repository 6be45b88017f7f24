"""Mistakes that people repair: what retries twice, is never sent, or reports what is not so."""

from __future__ import annotations

import sys

import pytest
from celery import Task, chain, chord, group, states
from celery.exceptions import Ignore, MaxRetriesExceededError, Reject, Retry

from flake8_celery_tasks.catalog.methods import SIGNATURE_NAMES, TASK_NAMES
from flake8_celery_tasks.rules.definitions import misspelt_task_api

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


# CLY218: handlers that nothing reaches


@pytest.mark.truth("CLY218")
def test_autoretry_for_retries_outside_of_the_function(lab):
    """CLY218: what it raises in the end is the error, and no handler in the function sees it."""
    seen = []

    @lab.app.task(name="fetch", autoretry_for=(ValueError,), max_retries=2)
    def fetch():
        try:
            raise ValueError("no")
        except MaxRetriesExceededError:
            seen.append("given up")

    result = fetch.delay()
    lab.work()
    assert len(lab.published) == 3
    assert isinstance(result.result, ValueError)
    assert not seen


@pytest.mark.truth("CLY218")
def test_a_handler_does_not_catch_what_another_raises(lab):
    """CLY218: with a `try` around the retry it does."""
    seen = []

    def fetch(self, inner):
        try:
            raise ValueError("no")
        except ValueError:
            if not inner:
                self.retry(kwargs={"inner": inner})
            try:
                self.retry(kwargs={"inner": inner})
            except MaxRetriesExceededError:
                seen.append("inner")
        except MaxRetriesExceededError:
            seen.append("beside")

    task = lab.app.task(fetch, name="fetch", bind=True, max_retries=1)
    task.delay(inner=False)
    lab.work()
    assert not seen
    task.delay(inner=True)
    lab.work()
    assert seen == ["inner"]


# CLY219: what is no exception, as `exc=`


@pytest.mark.truth("CLY219")
@pytest.mark.parametrize(
    ("exc", "in_the_end"),
    [("no", "exceptions must derive from BaseException"), (ValueError, "Object of type type is not JSON serializable")],
)
def test_exc_has_to_be_an_exception(lab, exc, in_the_end):
    """CLY219: a text is noticed when no retry is left; a class at each retry, which is sent all the same."""

    def fetch(self):
        self.retry(exc=exc)

    assert runs_of(lab, fetch, max_retries=1) == 2
    assert in_the_end in lab.log


@pytest.mark.truth("CLY219")
def test_an_empty_exc_is_none(lab):
    """CLY219: MaxRetriesExceededError is raised in the end."""

    def fetch(self):
        self.retry(exc="")

    runs_of(lab, fetch, max_retries=0)
    assert "MaxRetriesExceededError" in lab.log


# CLY214: exceptions of a hook


@pytest.mark.truth("CLY214")
@pytest.mark.parametrize(("where", "runs"), [("before_start", 1), ("run", 3)])
def test_autoretry_for_does_not_see_what_a_hook_raises(lab, where, runs):
    """CLY214: `before_start` runs outside of what is retried."""

    class Checking(Task):
        def before_start(self, task_id, args, kwargs):
            if where == "before_start":
                raise KeyError("no")

    @lab.app.task(name="fetch", base=Checking, autoretry_for=(KeyError,), max_retries=2)
    def fetch():
        raise KeyError("no")

    result = fetch.delay()
    lab.work()
    assert len(lab.published) == runs
    assert result.state == states.FAILURE
