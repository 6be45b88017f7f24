"""The project that the worker processes of `prefork.py` run."""

from __future__ import annotations

import os
import signal
import sys
import time

import redis
from celery import Celery
from celery.exceptions import Reject, SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError

URL = os.environ["TRUTH_REDIS"]
app = Celery("prefork_tasks", broker=URL, backend=URL)
app.conf.update(
    broker_transport_options={"visibility_timeout": int(os.environ["TRUTH_VISIBILITY_TIMEOUT"])},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
)


def begin(name: str) -> int:
    """Count a run; the number of this one."""
    return redis.Redis.from_url(URL).incr(f"runs:{name}")


def die_at_first(name: str) -> None:
    """Be killed, but in the first run only."""
    if begin(name) == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="early", reject_on_worker_lost=True)
def early():
    """Acknowledged before it runs."""
    die_at_first("early")


@app.task(name="late", acks_late=True)
def late():
    """Acknowledged late, and yet lost with its process."""
    die_at_first("late")


@app.task(name="rejected", acks_late=True, reject_on_worker_lost=True)
def rejected():
    """The two options together."""
    die_at_first("rejected")


@app.task(name="requeue")
def requeue():
    """Asks for a second run that it can't get."""
    begin("requeue")
    raise Reject("later", requeue=True)


@app.task(name="charge-early", acks_late=False)
def charge_early():
    """Makes a call that must not happen twice, and is not done when the worker dies."""
    charge("charge-early")


@app.task(name="shop_charge", acks_late=True)
def charge_late():
    """The same, acknowledged late."""
    charge("shop_charge")


def charge(name: str) -> None:
    """Post the charge; the first time there is work left after it."""
    if begin(name) == 1:
        time.sleep(60)


@app.task(name="leave", autoretry_for=(Exception,))
def leave():
    """Ends its process."""
    begin("leave")
    sys.exit(1)


@app.task(name="lost", autoretry_for=(WorkerLostError,), default_retry_delay=0)
def lost():
    """Is killed, and names the error that the worker reports then."""
    die_at_first("lost")


@app.task(name="slow", autoretry_for=(TimeLimitExceeded,), default_retry_delay=0)
def slow():
    """Takes too long, and names the error that the worker reports then."""
    begin("slow")
    time.sleep(60)


@app.task(name="rest")
def rest():
    """Takes its time, and some more to clean up."""
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        begin("rest told")
        time.sleep(1)
        begin("rest cleaned up")


@app.task(name="shop_remind")
def remind():
    """A task that is to run later, once."""
    begin("shop_remind")


@app.task(name="add")
def add(x, y):
    """A task to wait for."""
    return x + y


@app.task(name="wait")
def wait():
    """Waits for a task in a task."""
    begin("wait")
    return add.delay(1, 2).get(timeout=5)
