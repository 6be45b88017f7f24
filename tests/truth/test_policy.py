"""926, 930-937: what house policy says of calls, limits, results and of what a project sets for all tasks."""

from __future__ import annotations

import os
import socket
import threading
import time
import warnings
from contextlib import contextmanager
from datetime import timedelta

import pytest
from billiard.pool import Pool
from celery import Celery
from celery.beat import Scheduler
from celery.worker import WorkController
from kombu import Queue
from kombu.common import Broadcast
from kombu.transport.memory import Channel

from .lab import celery_version


@pytest.mark.truth("CLY926")
def test_called_task_runs_here(lab):
    """CLY926: a call of a task is a call of its function, bound or not; so is `run`, and nothing is sent."""
    runs = []

    @lab.app.task(name="send")
    def send(pk):
        runs.append(pk)

    @lab.app.task(name="send_bound", bind=True)
    def send_bound(self, pk):
        runs.append((self.name, pk))

    send(1)
    send.run(2)
    send_bound(3)
    send_bound.run(4)
    assert runs == [1, 2, ("send_bound", 3), ("send_bound", 4)]
    assert lab.published == []


@pytest.mark.truth("CLY927")
def test_task_without_a_route_goes_to_the_default_queue(lab):
    """CLY927: what no route takes goes to the default queue; `*` makes a pattern, and a list of pairs is a map."""
    lab.app.conf.task_routes = ([("shop.mail.*", {"queue": "mail"})], {"shop.bill": "billing"})
    for name in ("shop.mail.one", "shop.bill", "shop.archive"):
        lab.app.send_task(name)
    assert [message.queue for message in lab.published] == ["mail", "billing", lab.queue_name]


@pytest.mark.truth("CLY928")
def test_worker_takes_from_declared_queues(lab):
    """CLY928: what goes to a queue that is not declared is sent, and a worker without `-Q` does not take it."""
    other = f"{lab.queue_name}-other"
    lab.app.conf.task_queues = [Queue(lab.queue_name)]
    runs = []

    @lab.app.task(name="bill")
    def bill(number):
        runs.append(number)

    bill.apply_async((1,), queue=lab.queue_name)
    lab.work()
    bill.apply_async((2,), queue=other)
    lab.work()
    assert runs == [1]
    assert [message.queue for message in lab.published] == [lab.queue_name, other]
    assert Channel.queues.pop(other).qsize() == 1


@pytest.mark.truth("CLY928")
def test_names_of_declared_queues(lab):
    """CLY928: a queue is known by its name and its alias, and in a dict by its key."""
    lab.app.conf.task_queues = [Queue("slow", alias="late"), Broadcast("all")]
    assert lab.app.amqp.queues["late"].name == "slow"
    assert lab.app.amqp.queues["all"].alias == "all"
    other = Celery("other", set_as_current=False, task_queues={"slow": {"exchange": "slow"}})
    assert other.amqp.queues["slow"].exchange.name == "slow"


@pytest.mark.truth("CLY936")
@pytest.mark.parametrize(("own", "called"), [(0, None), (None, 0), (0, 0)], ids=str)
def test_zero_limit_is_none_of_its_own(lab, own, called):
    """CLY936: the pool is given 0 for the limit of the task or the call, and takes its own, that of the project."""

    @lab.app.task(name="wait", time_limit=own)
    def wait():
        """Never runs here."""

    wait.apply_async(time_limit=called)
    request = lab.receive()
    pool = RecordingPool()
    request.execute_using_pool(pool)
    assert pool.timeout in (0, None)


@pytest.mark.truth("CLY936")
def test_pool_takes_its_own_limit_for_zero():
    """CLY936: for 0 the pool takes the limit that it was made with, `task_time_limit`."""
    with closing_pool(timeout=1) as processes:
        result = processes.apply_async(time.sleep, (30,), timeout=0)
        result.wait(20)
        assert "TimeLimitExceeded(1,)" in str(result._value)


@pytest.mark.truth("CLY936")
def test_zero_limit_of_a_call_leaves_that_of_the_task(lab):
    """CLY936: with 0 in the call, the limit of the task counts."""

    @lab.app.task(name="wait", time_limit=7)
    def wait():
        """Never runs here."""

    wait.apply_async(time_limit=0)
    pool = RecordingPool()
    lab.receive().execute_using_pool(pool)
    assert pool.timeout == 7


class RecordingPool:
    """A pool that runs nothing, and notes the limit that it is given."""

    timeout: object = "none was given"

    def apply_async(self, target, timeout, **options):
        self.timeout = timeout


@contextmanager
def closing_pool(**options):
    """A pool of processes, one if nothing else is asked for."""
    pool = Pool(**{"processes": 1, **options})
    try:
        yield pool
    finally:
        pool.terminate()
        pool.join()


@pytest.mark.truth("CLY930")
@pytest.mark.parametrize(
    ("expires", "cleans"), [(None, False), (0, False), (False, False), (timedelta(0), False), (60, True)], ids=str
)
def test_results_that_never_expire(lab, expires, cleans):
    """CLY930: None and zero give no time to live, and beat does not clean up."""
    lab.app.conf.update(result_expires=expires)
    assert bool(lab.app.backend.prepare_expires(None, int)) is cleans
    lab.monkeypatch.setattr(type(lab.app.backend), "supports_autoexpire", False)
    scheduler = Scheduler(app=lab.app, lazy=True)
    scheduler.install_default_entries({})  # as the scheduler that beat runs does
    assert ("celery.backend_cleanup" in scheduler.schedule) is cleans


@pytest.mark.truth("CLY931")
@pytest.mark.parametrize(("multiplier", "taken"), [(4, 4), (1, 1)])
def test_worker_takes_messages_in_advance(lab, multiplier, taken):
    """CLY931: for each process a worker takes as many messages as the multiplier says, and keeps them."""
    assert Celery("other", set_as_current=False).conf.worker_prefetch_multiplier == 4
    lab.app.conf.worker_prefetch_multiplier = multiplier
    worker = WorkController(app=lab.app, pool="solo", concurrency=1)
    consumer = worker.consumer
    assert consumer.initial_prefetch_count == taken


@pytest.mark.truth("CLY932")
def test_eager_tasks_run_where_they_are_sent(lab):
    """CLY932: nothing is sent, the caller waits, and an exception is kept in a result."""
    lab.app.conf.task_always_eager = True
    threads = []

    @lab.app.task(name="fail")
    def fail():
        threads.append(threading.current_thread())
        raise ValueError("lost")

    result = fail.apply_async(countdown=3600)
    assert threads == [threading.current_thread()]
    assert isinstance(result.result, ValueError)
    assert lab.queue_length() == 0


@pytest.mark.truth("CLY934")
@pytest.mark.parametrize(
    ("settings", "warns"),
    [
        ({}, (5, 3) <= celery_version() < (5, 5)),
        ({"broker_connection_retry": False}, celery_version() >= (5, 3)),
        ({"broker_connection_retry_on_startup": True}, False),
        ({"broker_connection_retry": False, "broker_connection_retry_on_startup": False}, False),
    ],
    ids=str,
)
def test_retry_at_the_start(lab, settings, warns):
    """CLY934: where nothing says it, Celery asks `broker_connection_retry`, and warns that this will end."""
    lab.app.conf.update({"broker_connection_retry_on_startup": None, **settings})
    worker = WorkController(app=lab.app, pool="solo", concurrency=1)
    consumer = worker.consumer
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        consumer.connect().close()
    assert any("will no longer determine" in str(warning.message) for warning in said) == warns


@pytest.mark.truth("CLY935")
def test_no_backend():
    """CLY935: without a backend there is nothing to ask."""
    app = Celery("shop", broker="memory://", set_as_current=False)
    with pytest.raises(NotImplementedError, match="No result backend is configured"):
        app.AsyncResult("1").get()
    assert Celery("shop", set_as_current=False).conf.result_backend is None


def opened(number):
    """Which file a descriptor stands for, and in which process."""
    time.sleep(0.1)
    return os.getpid(), os.fstat(number).st_ino


@pytest.mark.truth("CLY937")
def test_processes_share_what_was_open():
    """CLY937: a socket that was open before the pool was made is the same one in all its processes."""
    ours, theirs = socket.socketpair()
    with ours, theirs, closing_pool(processes=2) as processes:
        found = processes.map(opened, [ours.fileno()] * 8)
    assert len({pid for pid, _ in found} - {os.getpid()}) == 2
    assert len({inode for _, inode in found}) == 1
