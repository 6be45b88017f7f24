"""A redis server and real worker processes, for what only a killed process can show."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery

from .lab import PATIENCE, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).with_name("prefork_tasks.py")


def missing() -> str:
    """Why these tests can't run here; empty if they can."""
    if not shutil.which("redis-server"):
        return "no redis-server on this machine"
    try:
        import redis  # noqa: F401
    except ImportError:
        return "the package redis is not installed"
    return ""


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A redis server on a free port of this machine; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: answers(port) or server.poll() is not None, "redis-server")
            yield f"redis://127.0.0.1:{port}"
        finally:
            server.kill()


def answers(port: int) -> bool:
    """Whether something listens on this port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Farm:
    """The tasks of `prefork_tasks.py` seen from outside: send them, look at the queue, run a worker for them."""

    def __init__(self, server: str, database: int, folder: Path) -> None:
        import redis

        self.url = f"{server}/{database}"
        self.folder = folder
        self.client = redis.Redis.from_url(self.url, decode_responses=True)
        self.app = Celery("farm", broker=self.url, backend=self.url, set_as_current=False)
        self.send = self.app.send_task

    def close(self) -> None:
        """Let go of the server."""
        self.app.close()
        self.client.close()

    def runs(self, name: str) -> int:
        """How often the task of this name has begun to run."""
        return int(self.client.get(f"runs:{name}") or 0)

    def leftovers(self) -> tuple[int, int]:
        """How many messages wait, and how many are delivered and not acknowledged."""
        return self.client.llen("celery"), self.client.hlen("unacked")

    @contextmanager
    def worker(self, visibility_timeout: int = 3600) -> Iterator[Worker]:
        """A worker with a pool of processes, killed at the end."""
        log = self.folder / f"worker-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "celery", "--app", PROJECT.stem, "--workdir", str(PROJECT.parent), "worker"]
        command += ["--pool", "prefork", "--concurrency", "4", "--loglevel", "INFO"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        environment = {**os.environ, "TRUTH_REDIS": self.url, "TRUTH_VISIBILITY_TIMEOUT": str(visibility_timeout)}
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, stdout=output, stderr=output, cwd=self.folder, env=environment, start_new_session=True
            ) as process,
        ):
            worker = Worker(process, log)
            try:
                wait_for(lambda: "ready." in worker.log, "the worker")
                yield worker
            finally:
                worker.kill()


class Worker:
    """A worker process and its log."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path) -> None:
        self.process = process
        self.path = path

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.path.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """Kill it and its children, as the out-of-memory killer or a pulled plug does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)
