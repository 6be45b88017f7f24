"""What the index of a project's tasks takes for granted: which names there are, and whose they are."""

from __future__ import annotations

import sys
import warnings
from uuid import uuid4

import pytest
from celery import Celery, Task, current_app, shared_task, signature, states
from celery.exceptions import NotRegistered

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.truth("CLY102", "CLY403")
def test_decorator_applied_by_a_statement_makes_a_task(app):
    """A call of the decorator registers the function, under its own name or the one given."""

    def send_mail():
        pass

    def send_letter():
        pass

    shared_task(name="mail")(send_mail)
    app.task(send_letter)
    app.finalize()
    assert {"mail", f"{__name__}.send_letter"} <= set(app.tasks)


@pytest.mark.truth("CLY102")
@pytest.mark.parametrize("shared", [True, False])
def test_an_app_has_the_tasks_of_the_others_in_its_process(app, shared):
    """What `app.task` makes is every app's, as what `shared_task` makes is, unless it says `shared=False`."""
    other = Celery("other", broker="memory://", set_as_current=False)

    @app.task(name="mine", shared=shared)
    def mine():
        pass

    @shared_task(name="theirs")
    def theirs():
        pass

    assert "mine" in app.tasks
    assert "theirs" in app.tasks
    assert ("mine" in other.tasks) == shared
    assert "theirs" in other.tasks
    other.close()


@pytest.mark.truth("CLY102")
def test_shared_task_collides_with_a_task_of_the_app(app):
    """`shared_task` and `app.task` of one name are one task."""
    runs = []
    app.task(lambda_named(runs, "app"), name="mail")
    shared_task(lambda_named(runs, "shared"), name="mail")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.finalize()
    assert [name for name in app.tasks if name == "mail"] == ["mail"]


def lambda_named(runs, what):
    """A function that notes that it ran."""

    def run():
        runs.append(what)

    return run


@pytest.mark.truth("CLY102")
def test_a_class_inherits_the_name_of_its_base(app):
    """A registered class without a name of its own has that of its base: the two are one task."""

    class Base(Task):
        name = "mail"

        def run(self):
            return "base"

    class Sub(Base):
        def run(self):
            return "sub"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.register_task(Base())
        app.register_task(Sub())
    assert app.tasks["mail"]() == "sub"


@pytest.mark.truth("CLY403")
def test_a_class_may_inherit_run(app):
    """A class with a name and an inherited `run` is a task."""

    class Base(Task):
        def run(self):
            return type(self).__name__

    class Sub(Base):
        name = "sub"

    app.register_task(Sub())
    assert app.tasks["sub"]() == "Sub"


@pytest.mark.truth("CLY403")
def test_a_class_may_take_its_name_in_its_header(app):
    """A class with an inherited `run` is a task once it is registered, by the name that its base puts on it."""

    class Base(app.Task):
        def __init_subclass__(cls, name=None):
            cls.name = name

        def run(self):
            return type(self).__name__

    class Sub(Base, name="sub"):
        pass

    app.register_task(Sub())
    assert app.tasks["sub"]() == "Sub"


@pytest.mark.truth("CLY101", "CLY211", "CLY601")
def test_the_task_of_an_app_is_a_subclass_of_celerys_or_of_its_own(app):
    """`app.Task` inherits from `celery.Task`, or from what the app was given as `task_cls`."""

    class Lasting(Task):
        max_retries = 9

    class Send(app.Task):
        def run(self):
            pass

    lasting = Celery("lasting", task_cls=Lasting, set_as_current=False)
    assert app.Task.__mro__[1:] == Task.__mro__
    assert lasting.Task.__mro__[1:] == Lasting.__mro__
    assert lasting.Task.max_retries == 9
    assert app.register_task(Send()).name == f"{__name__}.Send"
    assert current_app.Task.__mro__[1:] == Task.__mro__


@pytest.mark.truth("CLY201", "CLY211")
def test_a_class_may_be_assigned_to_an_app(app):
    """What is assigned to `app.Task` is the class of its tasks."""

    class Lasting(app.Task):
        autoretry_for = (OSError,)

    app.Task = Lasting

    @app.task
    def send():
        pass

    assert isinstance(send._get_current_object(), Lasting)


@pytest.mark.truth("CLY102")
def test_a_base_names_no_function(app):
    """The name of a `base=` is not that of the function."""

    class Base(Task):
        name = "base"

    @app.task(base=Base)
    def send_mail():
        pass

    app.finalize()
    assert send_mail.name == f"{__name__}.send_mail"


@pytest.mark.truth("CLY102")
def test_method_and_function_of_one_name_collide(app):
    """The automatic name has no class in it."""

    @app.task
    def send():
        return "function"

    class Mails:
        @staticmethod
        @app.task
        def send():
            return "method"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.finalize()
    assert send.name == Mails.send.name
    assert send() == Mails.send()


@pytest.mark.truth("CLY102", "CLY403")
def test_automatic_name_in_a_namespace_package_is_the_whole_path(lab):
    """A folder without `__init__.py` is a part of the name."""
    top = f"company_{uuid4().hex}"
    tasks = lab.module("from celery import shared_task\n\n\n@shared_task\ndef send(): pass\n", f"{top}.shop.tasks")
    assert tasks.send.name == f"{top}.shop.tasks.send"
    assert sys.modules[top].__file__ is None


@pytest.mark.truth("CLY403")
def test_name_of_module_and_function_is_unknown_beside_an_explicit_one(lab):
    """A task with an explicit name is not found by module and function."""
    package = f"shop_{uuid4().hex}"
    lab.module("from celery import shared_task\n\n\n@shared_task(name='mail')\ndef send(): pass\n", f"{package}.tasks")
    result = lab.app.send_task(f"{package}.tasks.send")
    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, NotRegistered)


@pytest.mark.truth("CLY403")
def test_a_package_that_imports_a_task_gives_it_no_name(lab):
    """The automatic name is of the module that defines the task, not of the package that re-exports it."""
    package = f"shop_{uuid4().hex}"
    lab.module("from celery import shared_task\n\n\n@shared_task\ndef send(): pass\n", f"{package}.orders")
    exported = lab.module(f"from {package}.orders import send\n", f"{package}.tasks")
    assert exported.send.name == f"{package}.orders.send"
    result = lab.app.send_task(f"{package}.tasks.send")
    lab.work()
    assert isinstance(result.result, NotRegistered)


@pytest.mark.truth("CLY404")
@pytest.mark.parametrize("kwargs", [{}, {"pages": 1}], ids=["missing", "unknown"])
def test_signature_of_a_name_checks_nothing_where_the_task_is_elsewhere(lab, kwargs):
    """A signature of a name that this process does not know is sent as it is, and fails in the worker."""
    result = signature("generate", kwargs=kwargs).delay()

    @lab.app.task(name="generate")
    def generate(page):
        pass

    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)


@pytest.mark.truth("CLY404")
def test_arguments_of_a_later_call_complete_a_signature(lab):
    """What `delay` of a signature is given comes first, so a signature of a name may lack arguments."""
    runs = []

    @lab.app.task(name="generate")
    def generate(page, size):
        runs.append((page, size))

    lab.app.finalize()
    signature("generate", (2,)).delay(1)
    signature("generate", kwargs={"size": 3}).apply_async((1,))
    lab.work()
    assert runs == [(1, 2), (1, 3)]


@pytest.mark.truth("CLY404")
def test_call_of_the_class_may_add_arguments(lab):
    """A task class with a `__call__` of its own may hand over other arguments than the message has."""
    runs = []

    class Adding(Task):
        def __call__(self, *args, **kwargs):
            return self.run(1, *args, **kwargs)

    @lab.app.task(name="generate", base=Adding)
    def generate(page):
        runs.append(page)

    lab.app.send_task("generate")
    lab.work()
    assert runs == [1]
