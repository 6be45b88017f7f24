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
