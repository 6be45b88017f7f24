"""401-405: sending by name, within a project whose apps don't import each other's tasks."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

import pytest
from celery import Task, current_app, signature, states
from celery.exceptions import NotRegistered

from .lab import celery_version


@pytest.mark.truth("CLY401", "CLY402")
def test_a_name_is_enough_to_send(lab):
    """CLY401, CLY402: `send_task` reaches the worker without an import of the task's module on the sender's side."""
    package = f"content_{uuid4().hex}"
    result = lab.app.send_task("content_generate_og_images", [1], {"size": 2})
    assert f"{package}.tasks" not in sys.modules
    assert "content_generate_og_images" not in lab.app.tasks

    lab.restart()  # the worker's process, which has the module
    lab.module(
        "from celery import shared_task\n\n\n"
        '@shared_task(name="content_generate_og_images")\ndef generate(page, size):\n    return page, size\n',
        f"{package}.tasks",
    )
    lab.work()
    assert result.state == states.SUCCESS
    assert result.result == [1, 2]


@pytest.mark.truth("CLY401", "CLY402")
def test_message_is_the_same_by_name_and_by_import(lab):
    """CLY401, CLY402: a call by name puts the same message on the wire as `delay` of the imported task."""

    @lab.app.task(name="generate")
    def generate(page, size):
        pass

    generate.delay(1, size=2)
    current_app.send_task("generate", args=(1,), kwargs={"size": 2})
    imported, named = lab.published
    for attribute in "name", "args", "kwargs", "queue":
        assert getattr(imported, attribute) == getattr(named, attribute)


_ASKS = """
import sys
sys.path.insert(0, sys.argv[1])
from celery import current_app
if sys.argv[2:]:
    import project
print(current_app.main, current_app.conf.broker_url)
"""


@pytest.mark.truth("CLY401", "CLY402")
def test_current_app_is_the_one_that_was_made_before(tmp_path):
    """CLY401, CLY402: in a process that has made no app, `current_app` knows nothing of the project's broker."""
    text = 'from celery import Celery\n\napp = Celery("shop", broker="redis://shop/1")\n'
    (tmp_path / "project.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-B", "-c", _ASKS, str(tmp_path)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CELERY")}
    without, made = (
        subprocess.run([*command, *more], capture_output=True, check=True, env=environment, text=True).stdout.split()
        for more in ([], ["project"])
    )
    assert without == ["default", "None"]
    assert made == ["shop", "redis://shop/1"]


_IN_A_THREAD = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from project import app
from celery import current_app, shared_task

@shared_task(name="add")
def add(): ...

def show():
    print(current_app.main, current_app.conf.broker_url, add.app.main, app.main)

exec(sys.argv[2])
thread = threading.Thread(target=show)
thread.start()
thread.join()
"""


def _in_a_thread(tmp_path, before):
    text = 'from celery import Celery\n\napp = Celery("shop", broker="redis://shop/1")\n'
    (tmp_path / "project.py").write_text(text, encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("CELERY", "DJANGO"))}
    command = [sys.executable, "-B", "-c", _IN_A_THREAD, str(tmp_path), before]
    return subprocess.run(command, capture_output=True, check=True, env=environment, text=True).stdout.split()


@pytest.mark.skipif(celery_version() < (5, 4), reason="not looked at")
@pytest.mark.truth("CLY401", "CLY402", "CLY907")
def test_current_app_of_another_thread(tmp_path):
    """CLY401, CLY402, CLY907: outside the thread that made the app, `current_app` and shared tasks have Celery's own.

    It has no broker, which means `amqp://guest@localhost`. The project's app is what it is there, too.
    """
    assert _in_a_thread(tmp_path, "") == ["default", "None", "default", "shop"]


@pytest.mark.skipif(celery_version() < (5, 4), reason="not looked at")
@pytest.mark.truth("CLY401", "CLY402", "CLY907")
def test_current_app_of_another_thread_where_the_app_is_the_default(tmp_path):
    """CLY401, CLY402, CLY907: `app.set_default()` makes the app the current one of every thread, and so does Django."""
    expected = ["shop", "redis://shop/1", "shop", "shop"]
    assert _in_a_thread(tmp_path, "app.set_default()") == expected
    (tmp_path / "settings.py").write_text("SECRET_KEY = 'x'\n", encoding="utf-8")
    django = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'settings'; import celery; "
    assert _in_a_thread(tmp_path, django + "app = celery.Celery('shop', broker='redis://shop/1')") == expected


@pytest.mark.truth("CLY401", "CLY402")
def test_sending_by_name_is_never_eager(lab):
    """CLY401, CLY402: `send_task` ignores `task_always_eager`."""
    runs = []

    @lab.app.task(name="generate")
    def generate(page):
        runs.append(page)

    lab.app.conf.task_always_eager = True
    generate.delay(1)
    assert runs == [1]
    lab.app.send_task("generate", args=[2])
    assert runs == [1]
    assert [message.args for message in lab.published] == [[2]]


@pytest.mark.truth("CLY401", "CLY402", "CLY603")
@pytest.mark.parametrize(
    "given", [{1}, {"a": 1}, range(1), "a", map(str, [1])], ids=["set", "dict", "range", "str", "map"]
)
def test_arguments_have_to_be_a_list_or_a_tuple(lab, given):
    """CLY401, CLY402, CLY603: what `delay(*given)` takes is no `args`: only `args=[*given]` is the same."""

    @lab.app.task(name="generate")
    def generate(*pages):
        pass

    for send in generate.apply_async, lambda args: lab.app.send_task("generate", args=args):
        with pytest.raises(TypeError):
            send(args=given)
    generate.apply_async(args=[*given])
    assert len(lab.published[-1].args) == len([*given]) or isinstance(given, map)


@pytest.mark.truth("CLY401", "CLY402")
def test_a_task_class_may_send_in_its_own_way(lab):
    """CLY401, CLY402: sending by name goes past the methods of a task's class."""
    locked = []

    class Once(Task):
        def apply_async(self, *args, **kwargs):
            locked.append(self.name)
            return super().apply_async(*args, **kwargs)

    @lab.app.task(name="generate", base=Once)
    def generate():
        pass

    generate.delay()
    assert locked == ["generate"]
    lab.app.send_task("generate")
    assert locked == ["generate"]


@pytest.mark.truth("CLY401", "CLY402")
def test_signature_of_a_name_takes_part_in_a_chain(lab):
    """CLY401, CLY402: `signature("name")` stands for a task that this process doesn't know."""
    result = (signature("generate", [1]) | signature("publish")).apply_async()

    lab.restart()

    @lab.app.task(name="generate")
    def generate(page):
        return f"image {page}"

    @lab.app.task(name="publish")
    def publish(image):
        return f"published {image}"

    lab.work()
    assert result.result == "published image 1"


@pytest.mark.truth("CLY403")
@pytest.mark.parametrize("send", ["send_task", "signature"])
def test_unknown_name_is_discarded(lab, send):
    """CLY403: the sender sees nothing of a misspelt name; the worker logs it and discards the message."""
    if send == "send_task":
        result = lab.app.send_task("generate_imagse", [1])
    else:
        result = signature("generate_imagse", [1]).delay()

    @lab.app.task(name="generate_images")
    def generate_images(page):
        pass

    lab.work()
    assert lab.queue_length() == 0
    assert result.state == states.FAILURE
    assert isinstance(result.result, NotRegistered)
    assert str(result.result) == "'generate_imagse'"
    assert "Received unregistered task of type 'generate_imagse'." in lab.log


@pytest.mark.truth("CLY403")
def test_unknown_name_in_the_registry(app):
    """CLY403: `app.tasks[...]` is loud."""
    with pytest.raises(NotRegistered, match="generate_imagse"):
        app.tasks["generate_imagse"]


@pytest.mark.truth("CLY404")
@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ([1, 2], {}, "takes 1 positional argument but 2 were given"),
        ([], {"pages": 1}, "got an unexpected keyword argument 'pages'"),
        ([], {}, "missing 1 required positional argument: 'page'"),
    ],
    ids=["too many", "unknown", "missing"],
)
@pytest.mark.parametrize("typing", [True, False], ids=["typing", "no typing"])
def test_arguments_of_a_call_by_name_are_checked_by_nobody(lab, args, kwargs, message, typing):
    """CLY404: `send_task` takes any arguments, and the task fails in the worker, with `typing=False` too."""

    @lab.app.task(name="generate", typing=typing)
    def generate(page):
        pass

    result = lab.app.send_task("generate", args, kwargs)
    lab.work()
    assert result.state == states.FAILURE
    assert isinstance(result.result, TypeError)
    assert message in str(result.result)


@pytest.mark.truth("CLY404")
@pytest.mark.parametrize("onward", ["super", "run", "class"])
def test_call_that_hands_on_hides_no_misfit(lab, onward):
    """CLY404: a `__call__` that hands its arguments on to Celery's own, or to `run`, lets the TypeError through."""

    class InContext(Task):
        def __call__(self, *args, **kwargs):
            if onward == "run":
                return self.run(*args, **kwargs)
            return super().__call__(*args, **kwargs) if onward == "super" else Task.__call__(self, *args, **kwargs)

    @lab.app.task(name="generate", base=InContext)
    def generate(page):
        return page

    fits, fails = lab.app.send_task("generate", [1]), lab.app.send_task("generate", [1, 2])
    lab.work()
    assert fits.result == 1
    assert isinstance(fails.result, TypeError)


@pytest.mark.truth("CLY404")
def test_arguments_of_a_call_by_import_are_checked(lab):
    """CLY404: `delay` of the imported task refuses the same on the spot."""

    @lab.app.task(name="generate")
    def generate(page):
        pass

    with pytest.raises(TypeError, match=r"generate\(\) takes 1 positional argument but 2 were given"):
        generate.delay(1, 2)


OPTIONS = {"queue": "images", "priority": 3, "expires": 60, "serializer": "json"}


@pytest.mark.truth("CLY405")
def test_call_by_name_from_another_process_drops_options(lab):
    """CLY405: a process that doesn't have the task can't know its queue, priority and expiry."""
    lab.app.send_task("generate")
    (message,) = lab.published
    assert message.queue == lab.queue_name
    assert message.headers["expires"] is None
    assert message.properties.get("priority") is None


@pytest.mark.truth("CLY405")
def test_call_of_the_imported_task_keeps_options(lab):
    """CLY405: `delay` has them all."""
    lab.app.task(images, name="generate", **OPTIONS).delay()
    (message,) = lab.published
    assert message.queue == "images"
    assert message.headers["expires"] is not None
    assert message.properties["priority"] == 3


@pytest.mark.truth("CLY405")
def test_call_by_name_of_a_registered_task_drops_options_up_to_5_6(lab):
    """CLY405: up to 5.6 the options are lost even where the task is registered; from 5.7 they are kept there."""
    lab.app.task(images, name="generate", **OPTIONS)
    lab.app.finalize()
    lab.app.send_task("generate")
    (message,) = lab.published
    kept = celery_version() >= (5, 7)
    assert message.queue == ("images" if kept else lab.queue_name)
    assert (message.headers["expires"] is not None) == kept
    assert message.properties.get("priority") == (3 if kept else None)


@pytest.mark.truth("CLY405")
def test_call_by_name_before_the_app_is_finalised_drops_options(lab):
    """CLY405: a task that the lazy app has not evaluated yet counts as unknown, in every version."""
    lab.app.task(images, name="generate", **OPTIONS)
    lab.app.send_task("generate")
    (message,) = lab.published
    assert message.queue == lab.queue_name
    assert message.headers["expires"] is None


@pytest.mark.truth("CLY405")
def test_route_keeps_the_queue(lab):
    """CLY405: a route by name works for both."""
    lab.app.conf.task_routes = {"generate": {"queue": "images"}}
    lab.app.send_task("generate")
    (message,) = lab.published
    assert message.queue == "images"


@pytest.mark.truth("CLY405")
def test_worker_still_ignores_the_result(lab):
    """CLY405: `ignore_result` of the task is the worker's business, and is lost by 5.6.3 alone."""

    @lab.app.task(name="generate", ignore_result=True)
    def generate():
        return "image"

    result = lab.app.send_task("generate")
    lab.work()
    assert result.state == (states.SUCCESS if (5, 6, 3) <= celery_version() < (5, 7) else states.PENDING)


def images():
    """A task's body."""
