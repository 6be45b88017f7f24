"""926, 930-937: what house policy says of calls, limits, results and of what a project sets for all tasks."""

from __future__ import annotations

import pytest


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
