"""926, 930-937: what house policy says of calls, limits, results and of what a project sets for all tasks."""

from __future__ import annotations

import pytest
from celery import Celery
from kombu import Queue
from kombu.common import Broadcast
from kombu.transport.memory import Channel


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
