"""701-706: tasks and Django's transactions."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest
from celery import Celery, Task, group, states

from .lab import celery_version

pytest.importorskip("django")

from . import django_project  # noqa: F401 isort: skip
from django.db import connection, models, transaction
from django.db.models.signals import post_save


class Order(models.Model):
    """A row that a task is about."""

    class Meta:
        """Of no installed app."""

        app_label = "truth"


@pytest.fixture(scope="module", autouse=True)
def _table():
    """A table for the orders."""
    if connection.vendor != "sqlite":
        pytest.skip("the project under test has another database")
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    yield
    with connection.schema_editor() as editor:
        editor.delete_model(Order)
    connection.close()


@pytest.fixture
def bill(lab):
    """A task."""

    def bill(number):
        bill.runs.append(number)
        return number

    bill.runs = []
    task = lab.app.task(bill, name="bill")
    lab.app.finalize()
    task.runs = bill.runs
    return task


@pytest.mark.truth("CLY701")
def test_task_is_sent_before_the_commit(lab, bill):
    """CLY701: `delay` in `atomic` sends at once: the message is in the queue before the commit."""
    with transaction.atomic():
        bill.delay(1)
        assert lab.queue_length() == 1


@pytest.mark.truth("CLY701")
def test_rollback_does_not_unsend(lab, bill):
    """CLY701: after a rollback the row is gone and the task runs all the same."""
    with transaction.atomic():
        order = Order.objects.create()
        bill.delay(order.pk)
        transaction.set_rollback(True)
    assert not Order.objects.exists()
    lab.work()
    assert bill.runs == [order.pk]


@pytest.mark.truth("CLY701")
def test_on_commit_sends_after_the_commit(lab, bill):
    """CLY701: `on_commit` sends after the commit, and not after a rollback."""
    with transaction.atomic():
        transaction.on_commit(functools.partial(bill.delay, 1))
        assert lab.queue_length() == 0
    assert lab.queue_length() == 1
    with transaction.atomic():
        transaction.on_commit(functools.partial(bill.delay, 2))
        transaction.set_rollback(True)
    assert lab.queue_length() == 1


def delay_on_commit(lab):
    """A task that can be sent on commit, and what its call returned."""
    if celery_version() < (5, 4):
        pytest.skip("delay_on_commit came with Celery 5.4")
    from celery.contrib.django.task import DjangoTask

    @lab.app.task(name="bill", base=DjangoTask)
    def bill(number):
        pass

    return bill


@pytest.mark.truth("CLY701")
def test_delay_on_commit_sends_after_the_commit(lab):
    """CLY701: `delay_on_commit` does the same."""
    bill = delay_on_commit(lab)
    with transaction.atomic():
        bill.delay_on_commit(1)
        assert lab.queue_length() == 0
    assert lab.queue_length() == 1


@pytest.mark.truth("CLY701")
def test_a_task_class_of_the_app_has_no_delay_on_commit():
    """CLY701: a Django project's tasks have it, unless the app is given a task class: even by its name."""
    if celery_version() < (5, 4):
        pytest.skip("delay_on_commit came with Celery 5.4")
    source = (
        "import os, sys\n"
        "from celery import Celery, Task\n"
        "class Own(Task): pass\n"
        "def bill(): pass\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'django.conf.global_settings'\n"
        "for given in ({}, {'task_cls': Own}, {'task_cls': '__main__:Own'}, {'task_cls': '__main__.Own'}):\n"
        "    task = Celery(set_as_current=False, **given).task(bill, lazy=False)\n"
        "    print(isinstance(task, Own), hasattr(task, 'delay_on_commit'))\n"
    )
    run = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert run.stdout == "False True\n" + 3 * "True False\n"


@pytest.mark.truth("CLY701")
@pytest.mark.parametrize(
    ("task_cls", "has"),
    [
        (None, True),
        ("celery.contrib.django.task:DjangoTask", True),
        ("celery.app.task:Task", False),
        ("celery.app.task.Task", False),
        (Task, False),
    ],
)
def test_apps_with_a_class_of_their_own_lack_delay_on_commit(monkeypatch, task_cls, has):
    """CLY701: an app has tasks with `delay_on_commit` only where it is given no other class, by name or itself."""
    if celery_version() < (5, 4):
        pytest.skip("delay_on_commit came with Celery 5.4")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setattr("celery._state.default_app", object())
    app = Celery("shop", task_cls=task_cls, set_as_current=False)
    assert hasattr(app.Task, "delay_on_commit") is has


@pytest.mark.truth("CLY702")
def test_delay_called_in_on_commit(lab, bill):
    """CLY702: `on_commit(task.delay(x))` sends at once, and then refuses the result of it."""
    with pytest.raises(TypeError, match=r"on_commit\(\)'s callback must be a callable\."), transaction.atomic():
        transaction.on_commit(bill.delay(1))
    assert lab.queue_length() == 1


@pytest.mark.truth("CLY702")
def test_task_called_in_on_commit(lab, bill):
    """CLY702: `on_commit(task(x))` runs the task inside the transaction, and then refuses its value."""
    with pytest.raises(TypeError, match=r"on_commit\(\)'s callback must be a callable\."), transaction.atomic():
        transaction.on_commit(bill(1))
    assert bill.runs == [1]
    assert lab.published == []


@pytest.mark.truth("CLY703")
@pytest.mark.parametrize("kind", ["map", "starmap"])
def test_map_as_callback_runs_inline(lab, bill, kind):
    """CLY703: so is the signature that `map` or `starmap` makes."""
    with transaction.atomic():
        transaction.on_commit(bill.map([1, 2]) if kind == "map" else bill.starmap([(1,), (2,)]))
    assert bill.runs == [1, 2]
    assert lab.published == []


@pytest.mark.truth("CLY703", "CLY609")
@pytest.mark.parametrize("kind", ["method", "partial", "lambda"])
def test_callback_that_makes_a_signature_sends_nothing(lab, bill, kind):
    """CLY703, CLY609: a callback that only makes a signature neither runs nor sends the task."""
    callback = {"method": bill.s, "partial": functools.partial(bill.s, 1), "lambda": lambda: bill.s(1)}[kind]
    with transaction.atomic():
        transaction.on_commit(callback)
    assert bill.runs == []
    assert lab.published == []


@pytest.mark.truth("CLY703")
def test_canvas_as_callback_is_sent(lab, bill):
    """CLY703: a group or chain may be handed over: to call it is to send it."""
    with transaction.atomic():
        transaction.on_commit(group(bill.s(1), bill.s(2)))
        transaction.on_commit(bill.s(3) | bill.si(4))
        transaction.on_commit(bill.s(5).delay)
    assert bill.runs == []
    assert [message.args for message in lab.published] == [(1,), (2,), (3,), (5,)]


@pytest.mark.truth("CLY703")
@pytest.mark.parametrize("kind", ["signature", "task", "partial"])
def test_task_as_callback_runs_inline(lab, bill, kind):
    """CLY703: a signature, a task or a partial of it is run in the process that commits; nothing is sent."""
    callback = {"signature": bill.s(1), "task": bill, "partial": functools.partial(bill, 1)}[kind]
    if kind == "task":
        with pytest.raises(TypeError, match="missing 1 required positional argument"), transaction.atomic():
            transaction.on_commit(callback)  # without its argument, but called
    else:
        with transaction.atomic():
            transaction.on_commit(callback)
        assert bill.runs == [1]
    assert lab.published == []


@pytest.mark.truth("CLY704")
def test_lambda_in_a_loop_sees_the_last_value(lab, bill):
    """CLY704: every lambda of the loop sends the last value; a partial keeps its own."""
    with transaction.atomic():
        for number in range(3):
            transaction.on_commit(lambda: bill.delay(number))  # noqa: B023
        for number in range(3):
            transaction.on_commit(functools.partial(bill.delay, number))
    assert [message.args for message in lab.published] == [(2,), (2,), (2,), (0,), (1,), (2,)]


@pytest.mark.truth("CLY704")
def test_a_partial_reads_the_key_before_it_is_there(lab, bill):
    """CLY704: a lambda with a default keeps the object, and so the key that it gets later; a partial the key of now."""
    with transaction.atomic():
        for order in [Order(), Order()]:
            transaction.on_commit(functools.partial(bill.delay, order.pk))
            transaction.on_commit(lambda order=order: bill.delay(order.pk))
            order.save()
    sent = [message.args for message in lab.published]
    assert sent[::2] == [(None,), (None,)]
    assert None not in [key for (key,) in sent[1::2]]
    assert sent[1] != sent[3]


@pytest.mark.truth("CLY704")
def test_what_is_deleted_has_no_key_at_the_commit(lab, bill):
    """CLY704: Django takes the key away from what it deletes, so the object is not what a callback may keep."""
    orders = [Order.objects.create()]
    with transaction.atomic():
        for order in orders:
            key = order.pk
            transaction.on_commit(lambda order=order: bill.delay(order.pk))
            transaction.on_commit(lambda key=key: bill.delay(key))
            order.delete()
    assert [message.args for message in lab.published] == [(None,), (key,)]


@pytest.mark.truth("CLY704")
def test_lambda_in_a_loop_of_transactions_is_fine(lab, bill):
    """CLY704: with a transaction for each round every lambda runs within its own."""
    for number in range(3):
        with transaction.atomic():
            transaction.on_commit(lambda: bill.delay(number))  # noqa: B023
    assert [message.args for message in lab.published] == [(0,), (1,), (2,)]


@pytest.mark.truth("CLY704")
def test_savepoint_in_the_loop_does_not_help(lab, bill):
    """CLY704: callbacks of an inner block wait for the outermost one, so they see the last value too."""
    with transaction.atomic():
        for number in range(3):
            with transaction.atomic():
                transaction.on_commit(lambda: bill.delay(number))  # noqa: B023
    assert [message.args for message in lab.published] == [(2,), (2,), (2,)]


@pytest.mark.truth("CLY705")
@pytest.mark.parametrize("on_commit", [False, True], ids=["at once", "on commit"])
def test_receiver_sends_before_the_commit(lab, bill, on_commit):
    """CLY705: `post_save` fires inside the transaction, so the worker looks for a row that is not there."""
    looked = []

    @lab.app.task(name="look")
    def look(key):
        looked.append(key)

    def saved(instance, **info):
        send = functools.partial(look.delay, instance.pk)
        if on_commit:
            transaction.on_commit(send)
        else:
            send()

    post_save.connect(saved, sender=Order)
    try:
        with transaction.atomic():
            key = Order.objects.create().pk
            transaction.set_rollback(True)
    finally:
        post_save.disconnect(saved, sender=Order)
    lab.work()
    assert looked == ([] if on_commit else [key])
    assert not Order.objects.filter(pk=key).exists()


@pytest.mark.truth("CLY706")
def test_delay_on_commit_returns_none(lab):
    """CLY706: there is no result yet, within a transaction and outside of one."""
    bill = delay_on_commit(lab)
    with transaction.atomic():
        assert bill.delay_on_commit(1) is None
        assert bill.apply_async_on_commit((1,)) is None
    assert bill.delay_on_commit(1) is None
    assert len(lab.published) == 3
    assert bill.delay(1).state == states.PENDING
