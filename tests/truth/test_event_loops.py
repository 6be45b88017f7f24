"""524: asynchronous clients of a module, and tasks that run coroutines in loops of their own."""

from __future__ import annotations

import re
import socketserver
import threading
from contextlib import contextmanager

import pytest

asyncio_redis = pytest.importorskip("redis.asyncio")

#: How a command begins in the protocol of Redis.
COMMAND = re.compile(rb"^\*\d+\r$", re.MULTILINE)


class Handler(socketserver.BaseRequestHandler):
    """Answers each command of Redis with OK."""

    def handle(self):
        try:
            while data := self.request.recv(4096):
                self.request.sendall(b"+OK\r\n" * len(COMMAND.findall(data)))
        except ConnectionError:
            pass


@contextmanager
def serving():
    """The port of a server that speaks like Redis."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture
def port():
    """The port of such a server."""
    with serving() as number:
        yield number


def tasks_with(lab, body, how, port):
    """A module whose task runs the coroutine with this body."""
    return lab.module(
        f"""
import asyncio
from celery import shared_task
from redis.asyncio import Redis
cache = Redis(port={port}, protocol=2)
loop = asyncio.new_event_loop()
async def use():
    {body}
@shared_task(name="use", ignore_result=False)
def run():
    return {how}
"""
    )


ONCE = "return await cache.execute_command('PING')"


def outcomes(lab, tasks, times=4):
    """The states of so many runs, one after the other."""
    results = []
    for _ in range(times):
        results.append(tasks.run.delay())
        lab.work()
    return [result.state for result in results], [result.result for result in results]


@pytest.mark.truth("CLY524")
@pytest.mark.parametrize("how", ["asyncio.run(use())", "__import__('asgiref.sync').sync.async_to_sync(use)()"])
def test_second_run_finds_a_connection_of_the_closed_loop(lab, port, how):
    """CLY524: a connection that was left in the client belongs to a loop that is closed."""
    if "asgiref" in how:
        pytest.importorskip("asgiref")
    states, values = outcomes(lab, tasks_with(lab, ONCE, how, port))
    assert states == ["SUCCESS", "FAILURE", "SUCCESS", "FAILURE"]
    assert "Event loop is closed" in str(values[1])


@pytest.mark.truth("CLY524")
@pytest.mark.parametrize(
    ("body", "how"),
    [
        (
            "async with Redis(port=cache.connection_pool.connection_kwargs['port'], protocol=2) as own:\n"
            "        return await own.execute_command('PING')",
            "asyncio.run(use())",
        ),
        (
            "try:\n        " + ONCE + "\n    finally:\n        await cache.connection_pool.disconnect()",
            "asyncio.run(use())",
        ),
        (ONCE, "loop.run_until_complete(use())"),
    ],
    ids=["own", "closed", "one loop"],
)
def test_client_of_the_loop_closed_client_and_kept_loop(lab, port, body, how):
    """CLY524: nothing is left where the client is made, or closed, in the coroutine; nor where the loop is kept."""
    assert outcomes(lab, tasks_with(lab, body, how, port))[0] == ["SUCCESS"] * 4
