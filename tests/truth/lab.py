"""A Celery app of one's own, with a real worker, for one test."""

from __future__ import annotations

import importlib
import math
import queue
import re
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import celery
from billiard.einfo import ExceptionInfo
from billiard.exceptions import WorkerLostError
from celery import Celery, _state, signals
from celery.app import builtins
from celery.worker import WorkController
from celery.worker import state as worker_state
from celery.worker.request import Request
from kombu.transport.memory import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType

    import pytest

FENCE = "truth.fence"
BUILT_IN_FINALIZERS = frozenset(
    finalizer for finalizer in _state._on_app_finalizers if finalizer.__module__ == builtins.__name__
)
EXPECTED_WARNINGS = (
    "Exception raised outside body",
    r"\s*The '\w+' task attribute is deprecated",
    "coroutine .* was never awaited",
    "SelectableGroups dict interface is deprecated",  # Celery 5.2
)
PATIENCE = 20  # seconds until what should have happened counts as stuck


def celery_version() -> tuple[int, ...]:
    """The installed version's numbers: `celery_version() >= (5, 7)`, `celery_version() >= (5, 6, 3)`."""
    return tuple(int(part) for part in re.findall(r"\d+", celery.__version__)[:3])


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    """Wait until `condition()` is true, and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise TimeoutError(f"waited {PATIENCE} s for {what}")


@dataclass(frozen=True)
class Published:
    """A task message as it left for the broker."""

    name: Any
    args: Any
    kwargs: Any
    headers: dict[str, Any]
    properties: dict[str, Any]
    queue: str
    wait: float | None

    @property
    def countdown(self) -> int | None:
        """The whole seconds that the worker would have waited; None without an ETA."""
        return None if self.wait is None else math.ceil(self.wait)

    @property
    def retries(self) -> int:
        """Which retry this message is; 0 is the first send."""
        return self.headers["retries"]


class Lab:
    """One app on `memory://`, all it publishes, and a worker thread on demand."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        self.tmp_path = tmp_path
        self.monkeypatch = monkeypatch
        self.caplog = caplog
        self.queue_name = f"truth-{uuid4().hex}"
        self.published: list[Published] = []
        #: Retries and countdowns run at once, once their ETA has been noted.
        self.skip_waits = True
        self._received = 0
        self._fences: dict[str, threading.Event] = {}
        self._workers: list[threading.Thread] = []
        self.app = self.restart()

    # The app

    def restart(self) -> Celery:
        """A new app on the same queue that knows no task yet: what another process has, or the next release."""
        # Every task made by `shared_task`, and by `app.task` too, is a finaliser that later apps would run.
        self.monkeypatch.setattr(_state, "_on_app_finalizers", set(BUILT_IN_FINALIZERS))
        self.monkeypatch.setattr(_state, "_apps", type(_state._apps)())
        app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
        app.conf.update(
            task_default_queue=self.queue_name,
            broker_transport_options={"polling_interval": 0.001},
            broker_connection_retry_on_startup=True,
            worker_enable_remote_control=False,
        )
        self.app = app
        app.set_current()
        app.set_default()  # what the worker thread sees as the current app
        return app

    def module(self, source: str, name: str = "") -> ModuleType:
        """Import `source` as a module; a dotted name makes packages."""
        name = name or f"truth_{uuid4().hex}"
        path = self.tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
        self.monkeypatch.syspath_prepend(self.tmp_path)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    # The broker

    def note(self, sender: Any, body: Any, headers: dict[str, Any], properties: dict[str, Any], **info: Any) -> None:
        """The receiver of `before_task_publish`."""
        if sender == FENCE:
            return
        args, kwargs, _ = body
        eta = headers["eta"]
        wait = None
        if eta and self.skip_waits:
            wait = (datetime.fromisoformat(eta) - datetime.now(timezone.utc)).total_seconds()
        queue_name = info["routing_key"]
        self.published.append(Published(sender, args, kwargs, dict(headers), dict(properties), queue_name, wait))
        if self.skip_waits:
            headers["eta"] = None

    def count(self, sender: Any, request: Request, **info: Any) -> None:
        """The receiver of `task_received`."""
        self._received += request.type != FENCE

    @property
    def waits(self) -> list[int | None]:
        """The countdown of every retry, in order."""
        return [message.countdown for message in self.published if message.retries]

    def queue_length(self) -> int:
        """How many messages wait in the queue, those in a worker's hands not counted."""
        waiting = Channel.queues.get(self.queue_name)
        return waiting.qsize() if waiting else 0

    def receive(self) -> Request:
        """Take the next message as a worker does, for a test that plays the pool itself."""
        channel = self.app.connection_for_read().default_channel
        message = self.app.amqp.queues[self.queue_name](channel).get(accept=["json"])
        if message is None:
            raise queue.Empty(self.queue_name)
        return Request(message, app=self.app, on_ack=message.ack_log_error, on_reject=message.reject_log_error)

    # The worker

    def work(self) -> None:
        """Start a worker if none runs, and come back when it has nothing left to do."""
        if not self._workers:
            self._start()
        deadline = time.monotonic() + PATIENCE
        quiet = 0
        # Twice, since in the first quiet round a message that was put back may be on its way through the worker.
        while quiet < 2:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the worker is still busy after {PATIENCE} s: {self.log}")
            before = len(self.published), self._received
            self._fence().wait(PATIENCE)
            idle = before == (len(self.published), self._received) and not self.queue_length()
            quiet = quiet + 1 if idle else 0

    def _fence(self) -> threading.Event:
        """A message of its own: the pool runs one at a time, so all before it are done when it has run."""
        key = uuid4().hex
        self._fences[key] = threading.Event()
        self.app.send_task(FENCE, [key], ignore_result=True)
        return self._fences[key]

    def _start(self) -> None:
        fences = self._fences

        def fence(key: str) -> None:
            fences[key].set()

        self.app.task(fence, name=FENCE)
        self.app.finalize()
        ready = threading.Event()
        worker = WorkController(
            app=self.app,
            hostname=f"{self.queue_name}@truth",
            pool="solo",
            concurrency=1,
            ready_callback=lambda _consumer: ready.set(),
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        )
        thread = threading.Thread(target=worker.start, daemon=True)
        thread.start()
        if not ready.wait(PATIENCE):
            raise TimeoutError(f"the worker did not start: {self.log}")
        # As celery.contrib.testing does: the result can be read in the thread of the test.
        _state._set_task_join_will_block(False)
        self._workers.append(thread)

    def stop(self) -> None:
        """Stop the worker, if one runs."""
        while self._workers:
            thread = self._workers.pop()
            deadline = time.monotonic() + PATIENCE
            worker_state.should_terminate = 0
            try:
                while thread.is_alive() and time.monotonic() < deadline:
                    self._fence()  # wakes the thread from its wait for messages, which it may begin once more
                    thread.join(0.02)
            finally:
                worker_state.should_terminate = None
            if thread.is_alive():
                raise TimeoutError("the worker did not stop")

    @property
    def log(self) -> str:
        """What the worker has logged, tracebacks included."""
        return self.caplog.text

    def messages(self, level: str) -> list[str]:
        """The log lines of a level, without tracebacks."""
        return [record.getMessage() for record in self.caplog.records if record.levelname == level]

    def in_hand(self, task_id: str) -> Request:
        """The worker's request of a task that is running now."""
        return next(request for request in worker_state.active_requests if request.id == task_id)


def start_in_child(request: Request) -> None:
    """Tell a request what the prefork pool tells it when a child begins to run it."""
    request.on_accepted(pid=1, time_accepted=time.monotonic())


def end_in_child(request: Request, error: Exception) -> None:
    """Tell a request that its task raised `error`."""
    try:
        raise error
    except type(error):
        request.on_success((True, ExceptionInfo(), 0.1))


def stop_child(request: Request, error: Exception) -> None:
    """Tell a request that the pool has lost or ended the child which ran it."""
    try:
        raise error
    except type(error):
        request.on_failure(ExceptionInfo())


def lose_process(request: Request) -> None:
    """Tell a request that the child which runs it was killed."""
    start_in_child(request)
    stop_child(request, WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 0."))


@contextmanager
def laboratory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Lab]:
    """A `Lab` that leaves Celery's process-wide state as it was."""
    caplog.set_level("INFO", logger="celery")
    for message in EXPECTED_WARNINGS:
        warnings.filterwarnings("ignore", message)  # pytest forgets it after the test
    monkeypatch.setattr(_state, "default_app", _state.default_app)
    current = _state._tls.current_app
    joins = _state.task_join_will_block()
    lab = Lab(tmp_path, monkeypatch, caplog)
    signals.before_task_publish.connect(lab.note, weak=False)
    signals.task_received.connect(lab.count, weak=False)
    try:
        yield lab
    finally:
        try:
            lab.stop()
        finally:
            signals.before_task_publish.disconnect(lab.note)
            signals.task_received.disconnect(lab.count)
            lab.app.close()
            Channel.queues.pop(lab.queue_name, None)
            _state._set_current_app(current)
            _state._set_task_join_will_block(joins)
