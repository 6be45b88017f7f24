"""301-305: when a message is acknowledged, and what that means for the task that it started."""

from __future__ import annotations

import pytest
from billiard.exceptions import TimeLimitExceeded
from celery import states
from celery.exceptions import Reject

from .lab import celery_version, end_in_child, lose_process, start_in_child, stop_child


def received(lab, **options):
    """Send a task with these options and take its message as a worker does."""

    @lab.app.task(name="charge", **options)
    def charge():
        pass

    charge.delay()
    return lab.receive()


def outcome(lab, request):
    """What became of the message."""
    if not request.message.acknowledged:
        return "unacknowledged"
    if request.message._state == "ACK":
        return "acknowledged"
    return "requeued" if lab.queue_length() else "discarded"


# CLY301: options about an acknowledgement that has already happened


@pytest.mark.truth("CLY301")
@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
def test_message_is_acknowledged_before_the_task_runs(lab, late):
    """CLY301: without `acks_late` the message is gone when the task starts."""
    request = received(lab, acks_late=late)
    start_in_child(request)
    assert outcome(lab, request) == ("unacknowledged" if late else "acknowledged")


@pytest.mark.truth("CLY301")
def test_message_is_acknowledged_while_the_body_runs(lab):
    """CLY301: the same, seen from inside the task."""
    seen = {}
    for late in False, True:

        @lab.app.task(bind=True, name=f"charge-{late}", acks_late=late)
        def charge(self, late):
            seen[late] = lab.in_hand(self.request.id).acknowledged

        charge.delay(late)
    lab.work()
    assert seen == {False: True, True: False}


@pytest.mark.truth("CLY301")
@pytest.mark.parametrize(
    ("late", "reject", "message"),
    [
        (False, False, "acknowledged"),
        (False, True, "acknowledged"),
        (True, False, "acknowledged"),
        (True, True, "requeued"),
    ],
)
def test_reject_on_worker_lost_needs_acks_late(lab, late, reject, message):
    """CLY301: when the process is killed only `acks_late` and `reject_on_worker_lost` together save the message."""
    request = received(lab, acks_late=late, reject_on_worker_lost=reject)
    lose_process(request)
    assert outcome(lab, request) == message
    result = lab.app.AsyncResult(request.id)
    if message == "requeued":
        assert result.state == states.PENDING
    else:
        assert result.state == states.FAILURE
        assert type(result.result).__name__ == "WorkerLostError"


@pytest.mark.truth("CLY301")
def test_project_wide_acks_late_makes_reject_on_worker_lost_work(lab):
    """CLY301: `task_acks_late = True` does it for all tasks."""
    lab.app.conf.task_acks_late = True
    request = received(lab, reject_on_worker_lost=True)
    lose_process(request)
    assert outcome(lab, request) == "requeued"


@pytest.mark.truth("CLY301")
@pytest.mark.parametrize("option", ["acks_on_failure_or_timeout", "acks_on_failure"])
@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
def test_acks_on_failure_needs_acks_late(lab, option, late):
    """CLY301: `acks_on_failure=False` changes nothing for a message acknowledged before; a late one it throws away."""
    request = received(lab, acks_late=late, **{option: False})
    start_in_child(request)
    end_in_child(request, ValueError("boom"))
    known = option == "acks_on_failure_or_timeout" or celery_version() >= (5, 7)
    assert outcome(lab, request) == ("discarded" if late and known else "acknowledged")


@pytest.mark.truth("CLY301")
@pytest.mark.parametrize("option", ["acks_on_failure_or_timeout", "acks_on_timeout"])
@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
def test_acks_on_timeout_needs_acks_late(lab, option, late):
    """CLY301: `acks_on_timeout=False` changes nothing for a message acknowledged before; a late one is put back."""
    request = received(lab, acks_late=late, time_limit=5, **{option: False})
    start_in_child(request)
    # The pool says so twice: when the time is up, and when it has killed the child.
    request.on_timeout(soft=False, timeout=5)
    stop_child(request, TimeLimitExceeded(5))
    known = option == "acks_on_failure_or_timeout" or celery_version() >= (5, 7)
    kept = "requeued" if celery_version() >= (5, 5) else "discarded"
    assert outcome(lab, request) == (kept if late and known else "acknowledged")


# CLY302: Reject


@pytest.mark.truth("CLY302")
def test_requeue_without_acks_late_loses_the_message(lab):
    """CLY302: without `acks_late` nothing is put back: one run, an empty queue, and PENDING for ever."""
    runs = []

    @lab.app.task(name="charge")
    def charge():
        runs.append(1)
        raise Reject("later", requeue=True)

    result = charge.delay()
    lab.work()
    assert runs == [1]
    assert lab.queue_length() == 0
    assert result.state == states.PENDING


@pytest.mark.truth("CLY302")
@pytest.mark.parametrize("source", ["option", "setting"])
def test_requeue_with_acks_late_runs_again(lab, source):
    """CLY302: with `acks_late`, the task's or the project's, it runs again."""
    runs = []
    options = {"acks_late": True} if source == "option" else {}
    lab.app.conf.task_acks_late = source == "setting"

    @lab.app.task(name="charge", **options)
    def charge():
        runs.append(1)
        if len(runs) < 3:
            raise Reject("later", requeue=True)

    result = charge.delay()
    lab.work()
    assert len(runs) == 3
    assert result.state == states.SUCCESS


# CLY303: at least once


@pytest.mark.truth("CLY303")
@pytest.mark.parametrize(("late", "runs"), [(False, 1), (True, 2)], ids=["early", "late"])
def test_late_acknowledged_side_effect_is_repeated(lab, late, runs):
    """CLY303: when the process dies after the call and before the end, a redelivered task makes the call again."""
    posted = []

    @lab.app.task(name="charge", acks_late=late, reject_on_worker_lost=True)
    def charge():
        posted.append("POST /charges")

    charge.delay()
    request = lab.receive()
    charge.run()  # in the child
    lose_process(request)
    lab.work()
    assert len(posted) == runs


@pytest.mark.truth("CLY303")
@pytest.mark.parametrize(("late", "runs"), [(False, 1), (True, 2)], ids=["early", "late"])
def test_side_effect_is_repeated_when_the_connection_is_lost(lab, late, runs):
    """CLY303: a broker that loses the worker delivers an unacknowledged message to the next one."""
    posted = []

    @lab.app.task(name="charge", acks_late=late)
    def charge():
        posted.append("POST /charges")

    charge.delay()
    request = lab.receive()
    start_in_child(request)
    charge.run()  # in the child
    request.message.channel.qos.restore_unacked()  # what a broker does when the connection is gone
    lab.work()
    assert len(posted) == runs


# CLY304: at most once


@pytest.mark.truth("CLY304")
def test_autoretry_runs_an_early_acknowledged_task_again(lab):
    """CLY304: a retry is a new message, so `acks_late=False` does not keep the body from running again."""
    posted = []

    @lab.app.task(name="charge", acks_late=False, autoretry_for=(ConnectionError,))
    def charge():
        posted.append("POST /charges")
        raise ConnectionError

    charge.delay()
    lab.work()
    assert len(posted) == 4
    assert [message.retries for message in lab.published] == [0, 1, 2, 3]


@pytest.mark.truth("CLY304")
def test_retry_call_runs_an_early_acknowledged_task_again(lab):
    """CLY304: a retry by hand is no different."""
    posted = []

    @lab.app.task(bind=True, name="charge", acks_late=False)
    def charge(self):
        posted.append("POST /charges")
        raise self.retry(max_retries=1)

    charge.delay()
    lab.work()
    assert len(posted) == 2


@pytest.mark.truth("CLY304")
def test_retry_on_worker_lost_runs_an_early_acknowledged_task_again(lab):
    """CLY304: from 5.7 `retry_on_worker_lost` sends the task again after its process was killed."""
    request = received(lab, acks_late=False, retry_on_worker_lost=True)
    lose_process(request)
    assert outcome(lab, request) == "acknowledged"
    assert lab.queue_length() == (1 if celery_version() >= (5, 7) else 0)


@pytest.mark.truth("CLY304")
def test_early_acknowledged_task_runs_once(lab):
    """CLY304: without a retry it runs once, whatever it raises."""
    posted = []

    @lab.app.task(name="charge", acks_late=False)
    def charge():
        posted.append("POST /charges")
        raise ConnectionError

    charge.delay()
    lab.work()
    assert len(posted) == 1


# CLY305: STARTED


@pytest.mark.truth("CLY305")
@pytest.mark.parametrize(
    ("options", "call", "state"),
    [
        ({"track_started": True}, {}, states.STARTED),
        ({}, {}, states.PENDING),
        ({"track_started": True, "ignore_result": True}, {}, states.PENDING),
        ({"track_started": True, "ignore_result": True}, {"ignore_result": False}, states.STARTED),
        ({"track_started": True}, {"ignore_result": True}, states.PENDING),
    ],
    ids=["tracked", "not tracked", "ignored", "ignored but for the call", "ignored by the call"],
)
def test_ignored_result_is_not_tracked(lab, options, call, state):
    """CLY305: with `ignore_result=True` the state stays PENDING while the task runs, `track_started` or not."""
    if call and celery_version() < (5, 6, 3):  # the worker goes by the task alone
        state = states.PENDING if "ignore_result" in options else states.STARTED
    seen = []

    @lab.app.task(bind=True, name="charge", **options)
    def charge(self):
        seen.append(lab.app.AsyncResult(self.request.id).state)

    charge.apply_async(**call)
    lab.work()
    assert seen == [state]
