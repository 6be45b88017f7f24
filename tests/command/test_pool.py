"""Many files, in several processes."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import signal
import sys
from argparse import Namespace
from functools import partial

import pytest

from flake8_celery_tasks.command import pool
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.flake8_host import checker, reporting
from flake8_celery_tasks.flake8_host.configuration import Configuration, configuration_for
from tests.helpers import BAD, flake8, write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def many(tmp_path, monkeypatch):
    for number in range(30):
        write(tmp_path, {f"shop{number}/tasks.py": BAD.replace('"b"', f'"b{number}"')})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("method", ["fork", "spawn", None])
def test_processes_agree(many, check, monkeypatch, method):
    import multiprocessing

    if method not in (None, *multiprocessing.get_all_start_methods()):
        pytest.skip("not to be had on this platform")
    if method:
        monkeypatch.setattr(pool, "_context", lambda: multiprocessing.get_context(method))
    monkeypatch.setattr(pool, "LARGE", 24)
    monkeypatch.setattr(pool, "_COLLECTED", 10)
    started = []
    monkeypatch.setattr(pool, "_uninterrupted", lambda: started.append(method) or contextlib.nullcontext())
    lines = check("--select=CLY", "-j2", "--celery-test-paths=shop3/")
    assert started == [method]
    assert len(lines) == 89
    assert lines == check("--select=CLY", "-j1", "--celery-test-paths=shop3/")
    assert lines == flake8("--select=CLY", "--celery-test-paths=shop3/")


def test_a_process_that_was_not_forked_is_told_the_options(shop, monkeypatch):
    """What the other processes do, in this one."""
    given = Namespace(config=None, append_config=[], isolated=True, celery_apps="shop")
    configuration = configuration_for(given, [])
    assert configuration.run.options.celery_apps == ("shop",)
    assert pickle.loads(pickle.dumps(configuration.run)) == configuration.run
    monkeypatch.setattr(session, "_saving", contextlib.nullcontext())
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        pool._start(partial(checker.check, configuration=configuration), contextlib.nullcontext())
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    assert [row.code for row in pool._call("shop/tasks.py").rows] == ["CLY101", "CLY201", "CLY202"]


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), RuntimeError("no threads"), ImportError])
def test_without_other_processes_there_is_one(many, check, monkeypatch, error):
    """Such as where there are no semaphores: in some containers, and in AWS Lambda."""
    context = pool._context()
    first = check("--select=CLY", "-j2")

    def refuse(*_):
        raise error

    monkeypatch.setattr(pool, "LARGE", 2)
    monkeypatch.setattr(type(context), "Pool", refuse)
    assert check("--select=CLY", "-j2") == first


def test_forks_are_taken_where_they_work(monkeypatch):
    import multiprocessing

    monkeypatch.setattr(sys, "platform", "darwin")
    assert pool._context() is multiprocessing.get_context(None)


pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="signals can't be put off on Windows")
def test_interruption_waits_until_the_processes_are_made(shop, monkeypatch):
    """A pool that is made by half can hang when it ends."""
    made = []

    class Pool:
        def __init__(self, *_):
            signal.raise_signal(signal.SIGINT)  # for this thread: what runs the tests may have others
            made.append(self)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            made.append("ended")

    context = pool._context()
    monkeypatch.setattr(context, "Pool", Pool)
    monkeypatch.setattr(pool, "_context", lambda: context)
    monkeypatch.setattr(reporting, "jobs", lambda _: 2)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
    try:
        with pytest.raises(KeyboardInterrupt):
            list(pool.spread(len, ["shop/tasks.py", "shop/views.py"], Configuration(Namespace(), Run()), large=2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert made[1:] == ["ended"]


def test_interruption_that_can_not_be_put_off(monkeypatch):
    monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    with pool._uninterrupted():
        pass


@pytest.mark.parametrize("before", [None, "", "yes"])
def test_the_environment_is_as_it_was(monkeypatch, before):
    if before is None:
        monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONSAFEPATH", before)
    with pool._safe_path():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ.get("PYTHONSAFEPATH") == before


@pytest.mark.parametrize("is_windows", [True, False])
def test_how_processes_end(monkeypatch, is_windows):
    """They end at a signal, unless `nohup` ignores it."""
    monkeypatch.setattr(session, "_saving", contextlib.nullcontext())
    if is_windows:
        monkeypatch.delattr(signal, "pthread_sigmask", raising=False)
    numbers = [signal.SIGINT, *pool._ENDING]
    before = {number: signal.getsignal(number) for number in numbers}
    signal.signal(pool._ENDING[-1], signal.SIG_IGN)
    try:
        pool._start(len, contextlib.nullcontext())
        assert [signal.getsignal(number) for number in numbers[1:-1]] == [signal.SIG_DFL] * (len(numbers) - 2)
        assert signal.getsignal(numbers[-1]) is signal.SIG_IGN
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        gc.enable()
