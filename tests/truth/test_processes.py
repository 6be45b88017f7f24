"""What needs real worker processes and a broker that outlives them."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from celery import states

from .lab import celery_version, wait_for
from .pages import unsaid
from .prefork import Farm, missing, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery.result import AsyncResult

    from .prefork import Worker

pytestmark = [pytest.mark.redis, pytest.mark.skipif(bool(missing()), reason=missing())]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="module")
def farm(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A queue for the worker that the tests share."""
    with closing(Farm(server, 0, tmp_path_factory.mktemp("farm"))) as shared:
        yield shared


@pytest.fixture(scope="module")
def worker(farm: Farm) -> Iterator[Worker]:
    """A worker that the tests share."""
    with farm.worker() as running:
        yield running


@pytest.fixture(scope="module")
def killed(farm: Farm, worker: Worker) -> dict[str, AsyncResult]:
    """The results of tasks whose process ends; sent at once, since the pool looks for dead children every 5 s."""
    return {name: farm.send(name) for name in ("early", "late", "rejected", "leave", "lost")}


@pytest.mark.truth("CLY301")
@pytest.mark.parametrize(("name", "runs"), [("early", 1), ("late", 1), ("rejected", 2)])
def test_killed_process_loses_its_task(farm, worker, killed, name, runs):
    """CLY301: neither option alone brings the task of a killed process back; both together do."""
    result = killed[name]
    wait_for(result.ready, name)
    wait_for(lambda: farm.leftovers() == (0, 0), "the acknowledgement")
    assert farm.runs(name) == runs
    if runs == 1:
        assert result.state == states.FAILURE
        assert "Worker exited prematurely: signal 9 (SIGKILL)" in str(result.result)
        wait_for(lambda: not unsaid("CLY301", worker.log), "what the page quotes")
        wait_for(lambda: not unsaid("CLY911", worker.log), "what the page quotes")
    else:
        assert result.state == states.SUCCESS


@pytest.mark.truth("CLY515")
def test_exit_kills_the_process(farm, worker, killed):
    """CLY515: `sys.exit()` ends the pool's process, and `autoretry_for` does not see it."""
    for result in killed.values():
        if result is not killed["leave"]:
            wait_for(result.ready, "the pool to look for dead processes")
    if (5, 3) <= celery_version() < (5, 7):
        assert killed["leave"].state == states.PENDING
    else:
        wait_for(killed["leave"].ready, "the result")
        assert killed["leave"].state == states.FAILURE
        assert "Worker exited prematurely: exitcode 1" in str(killed["leave"].result)
        wait_for(lambda: not unsaid("CLY515", worker.log), "what the page quotes")
    assert farm.runs("leave") == 1


@pytest.mark.truth("CLY214")
def test_autoretry_after_a_killed_process(farm, worker, killed):
    """CLY214: `autoretry_for` sees neither a killed process nor the hard limit."""
    results = {"lost": killed["lost"], "slow": farm.send("slow", time_limit=1)}
    for name, result in results.items():
        wait_for(result.ready, name)
        assert result.state == states.FAILURE
    wait_for(lambda: farm.leftovers() == (0, 0), "the acknowledgements")
    assert [type(result.result).__name__ for result in results.values()] == ["WorkerLostError", "TimeLimitExceeded"]
    assert [farm.runs(name) for name in results] == [1, 1]


@pytest.mark.truth("CLY302")
def test_requeue_without_acks_late(farm, worker):
    """CLY302: the worker says that it has put the message back, and the broker holds nothing."""
    result = farm.send("requeue")
    wait_for(lambda: "reject requeue=True" in worker.log, "the rejection")
    assert farm.send("add", [1, 2]).get(timeout=20) == 3  # behind the message, had it been put back
    wait_for(lambda: farm.leftovers() == (0, 0), "the acknowledgement")
    assert farm.runs("requeue") == 1
    assert result.state == states.PENDING


@pytest.mark.truth("CLY503")
@pytest.mark.parametrize("soft", [1, 3], ids=["below", "above"])
def test_soft_limit_above_the_hard_one(farm, worker, soft):
    """CLY503: the hard limit waits for a soft one above it, and leaves no time to clean up then."""
    before = farm.runs("rest told"), farm.runs("rest cleaned up")
    hard = 2.5 if soft == 1 else 1
    sent = time.monotonic()
    result = farm.send("rest", soft_time_limit=soft, time_limit=hard)
    wait_for(result.ready, "the limits")
    took = time.monotonic() - sent
    cleaned = farm.runs("rest cleaned up") - before[1]
    if soft == 1:
        assert took >= 2
        assert (farm.runs("rest told") - before[0], cleaned) == (1, 1)
    else:
        assert took >= soft
        assert cleaned == 0
        wait_for(lambda: f"Hard time limit ({hard}s) exceeded for rest[{result.id}]" in worker.log, "the log line")


@pytest.mark.truth("CLY514")
def test_waiting_for_a_result_in_a_task(farm, worker):
    """CLY514: `.get()` in a task is a RuntimeError."""
    result = farm.send("wait")
    with pytest.raises(RuntimeError, match=r"Never call result.get\(\) within a task!"):
        result.get(timeout=20)
    wait_for(lambda: not unsaid("CLY514", worker.log), "what the page quotes")


@pytest.mark.truth("CLY303")
def test_killed_worker_repeats_a_late_acknowledged_call(server, tmp_path):
    """CLY303: killed after the call and before the end, a late acknowledged task makes the call again."""
    with closing(Farm(server, 1, tmp_path)) as farm:
        with farm.worker(visibility_timeout=1) as first:
            farm.send("charge-early")
            late = farm.send("shop_charge")
            wait_for(lambda: farm.runs("charge-early") and farm.runs("shop_charge"), "both calls")
            wait_for(lambda: farm.leftovers() == (0, 1), "the early acknowledgement")
            first.kill()
        time.sleep(1)  # until the broker takes what the dead worker held for undelivered
        with farm.worker(visibility_timeout=1) as second:
            late.get(timeout=20)
            assert farm.send("add", [1, 2]).get(timeout=20) == 3
            assert not unsaid("CLY303", first.log + second.log)
        assert farm.runs("charge-early") == 1
        assert farm.runs("shop_charge") == 2


@pytest.mark.truth("CLY615")
def test_countdown_beyond_the_visibility_timeout_is_delivered_twice(server, tmp_path):
    """CLY615: a message that waits for its time longer than the visibility timeout goes to a second worker too."""
    with closing(Farm(server, 2, tmp_path)) as farm, farm.worker(visibility_timeout=1) as first:
        due = time.monotonic() + 6
        farm.send("shop_remind", countdown=6)
        wait_for(lambda: "shop_remind" in first.log, "the message")
        time.sleep(1.2)
        with farm.worker(visibility_timeout=1) as second:
            wait_for(lambda: "shop_remind" in second.log, "the second delivery")
            assert time.monotonic() < due, "too slow to tell"
            wait_for(lambda: farm.runs("shop_remind") == 2, "both runs")
            assert not unsaid("CLY615", first.log + second.log)
