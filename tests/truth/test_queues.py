"""818: queues that are not declared, where Celery may create none."""

from __future__ import annotations

import pytest
from celery import Celery
from celery.beat import Scheduler, SchedulingError
from celery.exceptions import QueueNotFound
from kombu import Queue

from .lab import celery_version


@pytest.fixture
def bill(lab):
    """A task of an app that creates no queues."""
    lab.app.conf.task_queues = [Queue(lab.queue_name), Queue("slow")]
    lab.app.conf.task_create_missing_queues = False

    @lab.app.task(name="bill", bind=True, max_retries=1)
    def bill(self, retry=False):
        if retry:
            raise self.retry(queue="mail", throw=False)

    return bill


@pytest.mark.truth("CLY818")
def test_queue_that_is_not_declared_is_refused(lab, bill):
    """CLY818: whatever names the queue, the call raises."""
    calls = [
        lambda: bill.apply_async(queue="mail"),
        lambda: bill.s().set(queue="mail").delay(),
        lambda: bill.signature(queue="mail").delay(),
        lambda: lab.app.send_task("bill", queue="mail"),
    ]
    for call in calls:
        with pytest.raises(QueueNotFound, match="Queue 'mail' missing from task_queues"):
            call()
    bill.apply_async(queue="slow")
    bill.delay()
    assert len(lab.published) == 2


@pytest.mark.truth("CLY818")
def test_only_the_default_queue_is_there_without_any(lab):
    """CLY818: where no queues are declared, Celery declares the default one and refuses all others."""
    lab.app.conf.update(task_create_missing_queues=False, task_queues=None)

    @lab.app.task(name="close")
    def close():
        return "closed"

    close.delay()
    with pytest.raises(QueueNotFound, match="Queue 'mail' missing from task_queues"):
        close.apply_async(queue="mail")


@pytest.mark.truth("CLY818")
@pytest.mark.parametrize("route", [{"queue": "mail"}, "mail", {"queue": "mail", "priority": 3}])
@pytest.mark.parametrize("is_list", [False, True])
def test_route_to_a_queue_that_is_not_declared_is_refused(lab, bill, route, is_list):
    """CLY818: so does the route of a task, each time."""
    lab.app.conf.task_routes = [{"bill": route}] if is_list else {"bill": route}
    with pytest.raises(QueueNotFound, match="Queue 'mail' missing from task_queues"):
        bill.delay()


@pytest.mark.truth("CLY818")
@pytest.mark.parametrize("how", ["option", "default"])
def test_queue_of_a_task_and_default_queue(lab, bill, how):
    """CLY818: so does the queue that a task is given, and the default one."""
    if how == "option":
        bill.queue = "mail"
    else:
        lab.app.conf.task_default_queue = "mail"
    with pytest.raises(QueueNotFound, match="Queue 'mail' missing from task_queues"):
        bill.delay()


@pytest.mark.truth("CLY818")
def test_beat_can_not_send(lab, bill):
    """CLY818: beat fails to send an entry with such an option."""
    lab.app.conf.beat_schedule = {"bill": {"task": "bill", "schedule": 60, "options": {"queue": "mail"}}}
    scheduler = Scheduler(lab.app)
    with pytest.raises(SchedulingError, match="Queue 'mail' missing from task_queues"):
        scheduler.apply_async(scheduler.schedule["bill"])


@pytest.mark.truth("CLY818")
def test_retry_into_such_a_queue_fails(lab, bill):
    """CLY818: a retry that names one rejects the task with the error, which older versions only log."""
    result = bill.delay(retry=True)
    lab.work()
    assert result.state != "SUCCESS"
    assert "Queue 'mail' missing from task_queues" in lab.log


@pytest.mark.truth("CLY818")
def test_queues_of_an_app_may_be_created(lab, bill):
    """CLY818: by default Celery creates what is missing."""
    lab.app.conf.task_create_missing_queues = True
    bill.apply_async(queue="mail")
    assert lab.published[-1].queue == "mail"


@pytest.mark.truth("CLY818")
def test_default_queue_must_be_declared_too(lab, bill):
    """CLY818: a call without a queue raises where the default one is not declared; up to 5.6 every call does."""
    lab.app.conf.task_queues = [Queue("slow")]
    lab.app.conf.task_default_queue = "celery"
    with pytest.raises(QueueNotFound, match="Queue 'celery' missing from task_queues"):
        bill.delay()
    if celery_version() < (5, 7):
        with pytest.raises(KeyError, match="celery"):
            bill.apply_async(queue="slow")
    else:
        bill.apply_async(queue="slow")
    assert Celery("shop", set_as_current=False).conf.task_default_queue == "celery"
