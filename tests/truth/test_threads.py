"""522: the current app in other threads than the one that made it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, Timer

import pytest
from celery import Celery, _state, current_app, shared_task
from celery.result import AsyncResult


@pytest.fixture
def shop(lab, monkeypatch):
    """An app that is the current one in this thread, with a shared task and one of its own."""
    monkeypatch.setattr(_state, "default_app", None)
    app = Celery("shop", broker="memory://", backend="cache+memory://")

    def bill():
        pass

    app.shared, app.own = shared_task(bill, name="shared"), app.task(bill, name="own")
    return app


def seen(app):
    """What a thread sees: whose broker and backend a shared task, the current app and a bare result have."""
    return (
        app.shared.app is app,
        current_app.main,
        type(AsyncResult("1").backend).__name__,
        app.shared.app.connection_for_write().transport_cls,
    )


def of_itself(app):
    """What it sees of the app's own task, and of a result that is given the app."""
    return (
        app.own.app is app,
        type(AsyncResult("1", app=app).backend).__name__,
        type(app.own.AsyncResult("1").backend).__name__,
    )


def in_thread(look, app):
    found = []
    thread = Thread(target=lambda: found.append(look(app)))
    thread.start()
    thread.join()
    return found[0]


def in_timer(look, app):
    found = []
    timer = Timer(0, lambda: found.append(look(app)))
    timer.start()
    timer.join()
    return found[0]


def in_executor(look, app):
    with ThreadPoolExecutor() as executor:
        return executor.submit(look, app).result()


def in_to_thread(look, app):
    return asyncio.run(asyncio.to_thread(look, app))


def in_run_in_executor(look, app):
    async def run():
        return await asyncio.get_running_loop().run_in_executor(None, look, app)

    return asyncio.run(run())


THREADS = [in_thread, in_timer, in_executor, in_to_thread, in_run_in_executor]


@pytest.mark.truth("CLY522")
@pytest.mark.parametrize("elsewhere", THREADS)
def test_other_threads_have_another_app(shop, elsewhere):
    """CLY522: a new app of AMQP without a backend is the current one there; with `set_default` it is the app."""
    assert seen(shop) == (True, "shop", "CacheBackend", "memory")
    assert elsewhere(seen, shop) == (False, "default", "DisabledBackend", "amqp")
    shop.set_default()
    assert elsewhere(seen, shop) == (True, "shop", "CacheBackend", "memory")


@pytest.mark.truth("CLY522")
@pytest.mark.parametrize("elsewhere", THREADS)
def test_own_tasks_know_their_app(shop, elsewhere):
    """CLY522: a task of the app itself, and a result that is given the app, are the same in every thread."""
    assert of_itself(shop) == elsewhere(of_itself, shop) == (True, "CacheBackend", "CacheBackend")


@pytest.mark.truth("CLY522")
def test_coroutines_run_in_the_same_thread(shop):
    """CLY522: an event loop runs its coroutines in its own thread."""

    async def look():
        return seen(shop)

    assert asyncio.run(look()) == (True, "shop", "CacheBackend", "memory")


@pytest.mark.truth("CLY522")
def test_the_environment_is_that_of_the_default_app_too(shop, monkeypatch):
    """CLY522: both variables configure every app of the process, so a thread sends to the same place."""
    monkeypatch.setenv("CELERY_BROKER_URL", "memory://")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "cache+memory://")
    assert in_thread(seen, shop) == (False, "default", "CacheBackend", "memory")
