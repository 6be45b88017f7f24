"""The table of methods against the installed Celery."""

import inspect

import pytest
from celery import Celery, Task
from celery.app.base import Celery as App
from celery.canvas import Signature, chain, chord, group

from flake8_celery_tasks.catalog import call_options, methods

from .installed import VERSION

OWNERS = {methods.TASK: (Task,), methods.SIGNATURE: (Signature, chain, group, chord), methods.APP: (App,)}


@pytest.fixture
def app():
    return Celery("catalogue", broker="memory://", backend="cache+memory://", set_as_current=False)


def owners(method):
    """Return the classes that have a method, Django's task for what waits for the commit."""
    for owner in method.owners:
        if method.on_commit:
            if VERSION >= (5, 4):
                from celery.contrib.django.task import DjangoTask

                yield DjangoTask
        else:
            yield from OWNERS[owner]


@pytest.mark.parametrize("method", methods.METHODS, ids=lambda method: method.name)
def test_methods_are_there(method):
    for owner in owners(method):
        assert callable(getattr(owner, method.name)), owner


def test_the_methods_of_a_task_are_all_in_the_table():
    """All that signs or sends: by the names that Celery's own code gives such methods."""
    assert {"s", "si", "signature", "subtask", "map", "starmap", "chunks", "delay", "apply_async", "apply"} <= set(
        methods.TASK_METHODS
    )
    for owner in (Task, Signature, App):
        for name in vars(owner):
            if name.startswith(("apply", "delay", "send_task", "signature", "subtask")) and name != "subtask_type":
                assert name in methods.BY_NAME or not callable(getattr(owner, name)), (owner, name)


@pytest.mark.parametrize("name", sorted(methods.PACKING | {"apply"}))
def test_where_args_stands(name):
    method = methods.BY_NAME[name]
    for owner in owners(method):
        parameters = [p for p in inspect.signature(getattr(owner, name)).parameters if p != "self"]
        if parameters[:1] == ["args"] and owner is not App and not method.on_commit:
            assert method.args == 0
        if owner is App and name == "send_task":
            assert parameters[method.args] == "args"


@pytest.mark.parametrize("name", sorted(methods.DIRECT))
def test_own_arguments_are_the_tasks(app, name):
    @app.task(name="add", typing=False)
    def add(*args, **kwargs):
        return args, kwargs

    if methods.BY_NAME[name].does == methods.SIGN:
        made = getattr(add, name)(1, countdown=2)
        assert (made.args, made.kwargs) == ((1,), {"countdown": 2})
        assert not made.options
    elif not methods.BY_NAME[name].on_commit:
        app.conf.task_always_eager = True
        assert getattr(add, name)(1, countdown=2).get() == ((1,), {"countdown": 2})


@pytest.mark.parametrize("name", ["signature", "subtask"])
def test_keywords_of_a_signature_are_options_of_the_call(app, name):
    @app.task(name="add")
    def add(x):
        return x

    made = getattr(add, name)((1,), countdown=10, retries=3, immutable=True)
    assert (made.args, made.options, made.immutable) == ((1,), {"countdown": 10, "retries": 3}, True)
    parameters = {p for p in inspect.signature(Signature.__init__).parameters if p not in ("self", "ex", "task")}
    assert parameters - {"args", "kwargs", "type"} == call_options.OWN_KEYWORDS["signature"]


@pytest.mark.parametrize("name", sorted(methods.CHAINS))
def test_what_gives_the_signature_back(app, name):
    @app.task(name="add")
    def add(x):
        return x

    made = add.s(1)
    given = (add.s(2),) if name == "on_error" else ()
    back = getattr(made, name)(*given)
    assert isinstance(back, Signature)
    assert (back is made) == (name != "clone")
    assert back.args == made.args


def test_every_kind_of_call_is_in_the_catalogue_of_options():
    assert set(methods.OPTION_KINDS.values()) <= set(call_options.OWN_KEYWORDS)
