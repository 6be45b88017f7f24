"""1xx: what a task is called, and what becomes of a message whose name nobody knows."""

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
import warnings
from types import FunctionType
from uuid import uuid4

import pytest
from celery import Task, shared_task, states
from celery.exceptions import NotRegistered
from django.db import transaction

from flake8_celery_tasks.engine import session
from flake8_celery_tasks.fixer import rounds
from tests.fixing import fix

from .lab import celery_version

SAFE = rounds.Order()

BUILT_IN = {
    "celery.accumulate",
    "celery.backend_cleanup",
    "celery.chain",
    "celery.chord",
    "celery.chord_unlock",
    "celery.chunks",
    "celery.group",
    "celery.map",
    "celery.starmap",
}


def own(app):
    """The names of the tasks that the test has defined."""
    return {name for name in app.tasks if name not in BUILT_IN}


@pytest.mark.truth("CLY101")
@pytest.mark.parametrize("decorator", ["@shared_task", "@shared_task(name=None)", '@shared_task(name="")'])
def test_automatic_name_is_module_and_function(lab, decorator):
    """CLY101: without a name, or with an empty one, a task is called `module.function`."""
    package = f"shop_{uuid4().hex}"
    tasks = lab.module(
        f"from celery import shared_task\n\n\n{decorator}\ndef send_mail():\n    pass\n", f"{package}.tasks"
    )
    assert tasks.send_mail.name == f"{package}.tasks.send_mail"


@pytest.mark.truth("CLY101")
def test_automatic_name_ignores_the_enclosing_class_and_function(lab):
    """CLY101: the automatic name holds `__name__`, never the qualified name."""

    class Mailer:
        @shared_task
        def send():
            pass

    assert Mailer.send.name == f"{__name__}.send"


@pytest.mark.truth("CLY101")
def test_automatic_name_of_a_task_class(app):
    """CLY101: a registered class without a name is called `module.Class`."""

    class SendMail(Task):
        def run(self):
            pass

    assert app.register_task(SendMail()).name == f"{__name__}.SendMail"


@pytest.mark.truth("CLY101")
def test_automatic_name_below_a_script_in_a_package(tmp_path):
    """CLY101: a script runs with its own folder on the path, so the name of that folder is not part of the name."""
    shop = tmp_path / "site" / "shop"
    shop.mkdir(parents=True)
    for folder in (shop.parent, shop):
        (folder / "__init__.py").touch()
    (shop / "tasks.py").write_text("from celery import shared_task\n\n\n@shared_task\ndef send():\n    pass\n")
    script = shop.parent / "manage.py"
    script.write_text("from shop.tasks import send\n\nprint(send.name)\n")
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert run.stdout == "shop.tasks.send\n"


@pytest.mark.truth("CLY101", "CLY401")
def test_message_in_flight_is_discarded_after_a_rename(lab):
    """CLY101: after the function is renamed the worker discards what was sent under the automatic name."""
    runs = []

    @lab.app.task
    def send_mail():
        runs.append("old")

    result = send_mail.delay()
    old_name = f"{__name__}.send_mail"
    assert lab.published[-1].name == old_name

    lab.restart()

    @lab.app.task
    def deliver_mail():
        runs.append("new")

    lab.work()
    assert runs == []
    assert lab.queue_length() == 0
    assert result.state == states.FAILURE
    assert isinstance(result.result, NotRegistered)
    (line,) = lab.messages("ERROR")
    assert line.startswith(f"Received unregistered task of type '{old_name}'.\n")
    assert "The message has been ignored and discarded." in line


@pytest.mark.truth("CLY101", "CLY401")
def test_message_in_flight_is_discarded_after_a_move(lab):
    """CLY101: the same when the function keeps its own name and its module gets another."""
    source = "from celery import shared_task\n\n\n@shared_task\ndef send_mail():\n    return 'sent'\n"
    package = f"shop_{uuid4().hex}"
    result = lab.module(source, f"{package}.tasks").send_mail.delay()

    lab.restart()
    moved = lab.module(source, f"{package}.mail.tasks").send_mail
    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, NotRegistered)

    assert moved.name == f"{package}.mail.tasks.send_mail"
    again = moved.delay()
    lab.work()
    assert again.result == "sent"


@pytest.mark.truth("CLY101")
def test_explicit_name_survives_a_rename(lab):
    """CLY101: with a name of its own the task is found wherever its function went."""
    runs = []

    @lab.app.task(name="send_mail")
    def send_mail():
        runs.append("old")

    result = send_mail.delay()
    lab.restart()

    @lab.app.task(name="send_mail")
    def deliver_mail():
        runs.append("new")

    lab.work()
    assert runs == ["new"]
    assert result.state == states.SUCCESS


@pytest.mark.truth("CLY101")
def test_fix_writes_down_the_name_that_was_sent_before(lab):
    """CLY101: the automatic name written out changes nothing on the wire."""

    def send_mail():
        pass

    automatic = lab.app.task(send_mail)
    automatic.delay()
    explicit = lab.restart().task(send_mail, name=f"{__name__}.send_mail")
    explicit.delay()
    before, after = lab.published
    assert before.name == after.name == after.headers["task"] == f"{__name__}.send_mail"


@pytest.mark.truth("CLY101")
def test_script_names_its_tasks_after_the_app(tmp_path):
    """CLY101: in a module that is run as a script the automatic name has the app's name where it has the module's."""
    text = (
        "from celery import Celery\n\napp = Celery('shop')\n\n\n@app.task\ndef add():\n    pass\n\n\nprint(add.name)\n"
    )
    (tmp_path / "jobs.py").write_text(text)
    for arguments, name in (["jobs.py"], "shop.add"), (["-c", "import jobs"], "jobs.add"):
        done = subprocess.run([sys.executable, "-B", *arguments], cwd=tmp_path, capture_output=True, check=True)
        assert done.stdout.decode().strip() == name


def two_of_one_name(lab, decorate):
    """Define two tasks with one name; return both and the list that their runs go to."""
    runs = []

    def first():
        runs.append("first")

    def second():
        runs.append("second")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        tasks = decorate(first), decorate(second)
        lab.app.finalize()
    return tasks, runs, [warning for warning in caught if issubclass(warning.category, UserWarning)]


@pytest.mark.truth("CLY102")
@pytest.mark.parametrize("shared", [False, True], ids=["app.task", "shared_task"])
def test_one_name_is_one_task(lab, shared):
    """CLY102: of two tasks with one name both variables run one function, and the other never runs."""
    task = shared_task if shared else lab.app.task
    (first, second), runs, caught = two_of_one_name(lab, task(name="send_mail"))
    first.delay()
    second.delay()
    lab.work()
    assert runs in (["first", "first"], ["second", "second"])
    if celery_version() >= (5, 7):
        (warning,) = caught
        assert type(warning.message).__name__ == "DuplicateTaskNameWarning"
        assert "'send_mail'" in str(warning.message)
    else:
        assert caught == []


@pytest.mark.truth("CLY102")
def test_which_of_two_runs_is_arbitrary(lab):
    """CLY102: who wins is the order of a set of closures, so it changes from pair to pair."""
    winners = set()
    padding = []
    for number in range(300):
        app = lab.restart()
        for name in ("first", "second"):
            app.task(returning(name), name="send_mail")
            padding.append([None] * (number % 13))  # other code moves the addresses
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            winners.add(app.tasks["send_mail"].run())
        if len(winners) == 2:
            break
    assert winners == {"first", "second"}


def returning(value):
    """A function that returns `value`."""

    def function():
        return value

    return function


@pytest.mark.truth("CLY102")
def test_first_definition_wins_in_a_finalised_app(lab):
    """CLY102: once the app is finalised the second definition is dropped, and its variable is the first task."""
    lab.app.finalize()
    (first, second), runs, _ = two_of_one_name(lab, lab.app.task(name="send_mail"))
    second()
    assert first == second
    assert runs == ["first"]


@pytest.mark.truth("CLY102")
def test_last_registered_class_wins(app):
    """CLY102: of two task classes with one name the last one registered wins."""

    class First(Task):
        name = "send_mail"

        def run(self):
            return "first"

    class Second(First):
        def run(self):
            return "second"

    app.register_task(First())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app.register_task(Second())
    assert app.tasks["send_mail"].run() == "second"


@pytest.mark.truth("CLY102")
def test_automatic_names_collide_in_one_module(lab):
    """CLY102: two functions of one name in one module are one task, without any `name=`."""
    tasks = lab.module(
        "from celery import shared_task\n\n\n"
        "@shared_task\ndef send():\n    return 'first'\n\n\nfirst = send\n\n\n"
        "@shared_task\ndef send():\n    return 'second'\n\n\nsecond = send\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lab.app.finalize()
    assert tasks.first() == tasks.second()
    assert own(lab.app) == {f"{tasks.__name__}.send"}


@pytest.mark.truth("CLY103")
@pytest.mark.parametrize("name", [123, b"123"], ids=["int", "bytes"])
def test_name_that_is_no_string_is_accepted(lab, name):
    """CLY103: a number or bytes are accepted as a name and stay what they are, so no text finds the task."""
    runs = []

    @lab.app.task(name=name)
    def send_mail():
        runs.append(1)

    send_mail.delay()
    by_name = lab.app.send_task("123")
    lab.work()
    assert [message.name for message in lab.published] == [name, "123"]
    assert runs == [1]
    assert by_name.state == states.FAILURE
    assert isinstance(by_name.result, NotRegistered)


@pytest.mark.truth("CLY103")
@pytest.mark.parametrize("name", [123, b"123"], ids=["int", "bytes"])
def test_name_that_is_no_string_breaks_routing(lab, name):
    """CLY103: under such a name every send fails as soon as the project routes by pattern."""
    lab.app.conf.task_routes = {"shop.*": {"queue": "shop"}}
    task = lab.app.task(returning(None), name=name)
    with pytest.raises(TypeError, match="bytes-like object"):
        task.delay()


@pytest.mark.truth("CLY103")
def test_list_as_name_fails_when_the_app_is_finalised(app):
    """CLY103: a list is no key of the registry."""
    app.task(returning(None), name=["send_mail"])
    with pytest.raises(TypeError, match="unhashable type: 'list'"):
        app.finalize()


@pytest.mark.truth("CLY103")
def test_the_built_in_names(app):
    """CLY103: an app is born with nine tasks."""
    app.finalize()
    assert {name for name in app.tasks if name.startswith("celery.")} == BUILT_IN


@pytest.mark.truth("CLY103")
@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_name_collides(lab, name):
    """CLY103: a task with a built-in name and the built-in one are one task: one of them is gone."""

    def mine():
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = lab.app.task(mine, name=name)
        lab.app.finalize()
    assert list(lab.app.tasks).count(name) == 1
    assert task == lab.app.tasks[name]
    winner = lab.app.tasks[name].run
    assert winner is mine or winner.__module__ == "celery.app.builtins"


@pytest.mark.truth("CLY103")
def test_built_in_task_stays_in_a_finalised_app(lab):
    """CLY103: in a finalised app the task with a built-in name never runs."""
    lab.app.finalize()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        task = lab.app.task(returning("mine"), name="celery.accumulate")
    assert task() == ()


def without_wraps(function):
    """A decorator that forgets `functools.wraps`."""

    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


def with_wraps(function):
    """A decorator as it should be."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.truth("CLY104")
def test_wrapper_without_wraps_names_the_task(lab):
    """CLY104: the task is named after the inner function of the decorator below."""

    @shared_task
    @without_wraps
    def send_mail():
        pass

    @shared_task
    @with_wraps
    def send_letter():
        pass

    assert send_mail.name == f"{__name__}.wrapper"
    assert send_letter.name == f"{__name__}.send_letter"


@pytest.mark.truth("CLY104")
def test_name_and_module_name_the_task(lab):
    """CLY104: what takes over `__name__` and `__module__` keeps the name; one of them alone changes the other part."""

    def wrapper(*args, **kwargs):
        return None

    def of(*names):
        made = FunctionType(wrapper.__code__, {"__name__": "shop.locks"}, "wrapper")
        for name in names:
            setattr(made, name, getattr(with_wraps, name))
        return shared_task(made)

    assert of("__name__", "__module__").name == f"{__name__}.with_wraps"
    assert of("__name__").name == "shop.locks.with_wraps"
    assert of("__module__").name == f"{__name__}.wrapper"
    assert shared_task(functools.update_wrapper(lambda: None, own)).name == f"{__name__}.own"


@pytest.mark.truth("CLY104")
def test_two_wrapped_tasks_collide(lab):
    """CLY104: two tasks under such a decorator are one, and one of the functions never runs."""
    runs = []

    @shared_task
    @without_wraps
    def send_mail():
        runs.append("mail")

    @shared_task
    @without_wraps
    def send_letter():
        runs.append("letter")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lab.app.finalize()
    assert own(lab.app) == {f"{__name__}.wrapper"}
    send_mail.delay()
    send_letter.delay()
    lab.work()
    assert runs in (["mail", "mail"], ["letter", "letter"])


@pytest.mark.truth("CLY104")
def test_explicit_names_keep_wrapped_tasks_apart(lab):
    """CLY104: with explicit names the same two tasks are two."""
    runs = []

    @shared_task(name="send_mail")
    @without_wraps
    def send_mail():
        runs.append("mail")

    @shared_task(name="send_letter")
    @without_wraps
    def send_letter():
        runs.append("letter")

    send_mail.delay()
    send_letter.delay()
    lab.work()
    assert runs == ["mail", "letter"]


@pytest.mark.filterwarnings("ignore")  # Celery 5.7 says that the second one is not registered
@pytest.mark.truth("CLY101")
def test_a_name_in_a_factory_would_make_one_task_of_several(lab):
    """CLY101: under `wraps` each function that a factory is given has a name of its own; one name makes one task."""
    runs = []

    def make_task(function, **options):
        @lab.app.task(**options)
        @functools.wraps(function)
        def inner():
            runs.append(function())

        return inner

    def one():
        return 1

    def two():
        return 2

    assert make_task(one).name.endswith(".one")
    make_task(two).delay()
    lab.work()
    assert runs == [2]
    lab.stop()
    lab.restart()
    runs.clear()
    assert make_task(one, name="shop.tasks.inner").name == "shop.tasks.inner"
    make_task(two, name="shop.tasks.inner").delay()
    lab.work()
    assert runs == [1]


@pytest.mark.truth("CLY101")
@pytest.mark.parametrize("attribute", ["__name__", "__module__"])
def test_automatic_name_follows_what_the_function_says_of_itself(lab, attribute):
    """CLY101: the automatic name is made of `__module__` and `__name__`, whoever has set them."""

    def add():
        pass

    setattr(add, attribute, "other")
    assert "other" in lab.app.task(add).name.split(".")


@pytest.mark.truth("CLY101")
@pytest.mark.parametrize(
    "decorate",
    [
        transaction.atomic,
        transaction.non_atomic_requests,
        contextlib.contextmanager,
    ],
)
def test_decorators_that_keep_the_name(lab, decorate):
    """CLY101: the automatic name stays below decorators that do as `wraps` does."""

    def add():
        yield

    assert lab.app.task(decorate(add)).name == f"{__name__}.add"


@pytest.mark.truth("CLY101")
def test_names_of_modules_in_a_folder_that_is_put_on_the_path(tmp_path):
    """CLY101: a module in a folder on Python's path has no name of that folder; the fix writes the name that it has."""
    task = "from celery import shared_task\n\n\n@shared_task\ndef add():\n    pass\n"
    files = {
        "pyproject.toml": "",
        "packages/shop/__init__.py": "",
        "packages/shop/tasks.py": task,
        "settings.py": "import os\nimport sys\n\nBASE_DIR = os.path.dirname(os.path.abspath(__file__))\n"
        "sys.path.append(os.path.join(BASE_DIR, 'packages'))\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    code = "import settings, shop.tasks; print(shop.tasks.add.name)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    session.forget()
    fix(tmp_path / "packages" / "shop" / "tasks.py", SAFE)
    assert f'@shared_task(name="{done.stdout.strip()}")' in (tmp_path / "packages/shop/tasks.py").read_text()
    assert done.stdout.strip() == "shop.tasks.add"


@pytest.mark.truth("CLY101")
def test_a_folder_without_init_is_a_part_of_the_automatic_name(lab):
    """CLY101: inside a package, what imports the module by its full name gives the task that name."""
    top = f"shop_{uuid4().hex}"
    folder = lab.tmp_path / top / "b" / "tasks"
    folder.mkdir(parents=True)
    (folder.parent.parent / "__init__.py").touch()
    (folder.parent / "__init__.py").touch()
    tasks = lab.module("from celery import shared_task\n\n\n@shared_task\ndef t():\n    pass\n", f"{top}.b.tasks.x")
    assert not (folder / "__init__.py").exists()
    assert tasks.t.name == f"{top}.b.tasks.x.t"
