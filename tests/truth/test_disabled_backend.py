"""618: results and chords without a result backend."""

from __future__ import annotations

import pytest
from celery import Celery, chain, chord, group
from celery.result import AsyncResult


@pytest.fixture
def app():
    """An app without a result backend."""
    return Celery("shop", broker="memory://", set_as_current=False)


@pytest.fixture
def count(app):
    """A task of it."""

    @app.task(name="count")
    def count(*numbers):
        return len(numbers)

    app.finalize()
    return count


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize("name", ["get", "wait", "forget"])
def test_waiting_raises_not_implemented(count, name):
    """CLY618: what waits for a result raises NotImplementedError."""
    with pytest.raises(NotImplementedError, match=r"No result backend is configured|does not implement forget"):
        getattr(count.delay(1), name)()


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize("name", ["state", "status", "result", "info", "traceback", "date_done"])
def test_looking_raises_attribute_error(app, count, name):
    """CLY618: what looks at the state of a result raises AttributeError, whatever gave the result."""
    for result in count.delay(1), AsyncResult("1", app=app), app.AsyncResult("1"), count.AsyncResult("1"):
        with pytest.raises(AttributeError, match="'DisabledBackend' object has no attribute '_get_task_meta_for'"):
            getattr(result, name)


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize("name", ["ready", "successful", "failed", "maybe_throw"])
def test_asking_raises_attribute_error(count, name):
    """CLY618: so do the methods that look at it."""
    with pytest.raises(AttributeError, match="'DisabledBackend' object has no attribute '_get_task_meta_for'"):
        getattr(count.delay(1), name)()


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("get", NotImplementedError),
        ("join", NotImplementedError),
        ("join_native", NotImplementedError),
        ("forget", NotImplementedError),
        ("ready", AttributeError),
        ("successful", AttributeError),
        ("failed", AttributeError),
        ("waiting", AttributeError),
        ("completed_count", AttributeError),
        ("save", AttributeError),
    ],
)
def test_results_of_a_group(count, name, error):
    """CLY618: a group is sent, its results can't be read."""
    sent = group(count.s(1), count.s(2)).delay()
    with pytest.raises(error):
        getattr(sent, name)()


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize(
    "send",
    [
        lambda count: chord([count.s(1), count.s(2)])(count.s()),
        lambda count: chord([count.s(1)])(count.s()),
        lambda count: chord([count.s(1)], count.s()).delay(),
        lambda count: (group(count.s(1), count.s(2)) | count.s()).delay(),
        lambda count: (group(count.s(1)) | count.s()).delay(),
        lambda count: chain(group(count.s(1), count.s(2)), count.s()).delay(),
        lambda count: chain(count.s(1), group(count.s(), count.s()), count.s()).delay(),
        lambda count: (count.s(1) | group(count.s(), count.s()) | count.s()).delay(),
    ],
)
def test_chords_can_not_be_sent(count, send):
    """CLY618: a chord raises when it is sent, and so does a chain with a task after a group."""
    with pytest.raises(NotImplementedError, match="Starting chords requires a result backend to be configured"):
        send(count)


@pytest.mark.truth("CLY618")
@pytest.mark.parametrize(
    "send",
    [
        lambda count: group(count.s(1), count.s(2)).delay(),
        lambda count: chain(count.s(1), group(count.s(), count.s())).delay(),
        lambda count: chain(group(count.s(1)), count.s()).delay(),
        lambda count: chain(group([count.s(1)]), count.s()).delay(),
    ],
)
def test_other_canvases_are_sent(count, send):
    """CLY618: a group, alone or at the end, needs none; `chain()` unrolls a group of one task."""
    assert send(count).id


@pytest.mark.truth("CLY618")
def test_eager_and_ignored_results_need_none(app, count):
    """CLY618: what runs here, or is ignored, can be read."""
    assert count.apply((1,)).get() == 1
    count.ignore_result = True
    assert count.delay(1).get() is None
    app.conf.task_always_eager = True
    assert count.delay(1).state == "SUCCESS"
