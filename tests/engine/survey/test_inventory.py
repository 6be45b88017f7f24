"""The inventory of a project's tasks."""

from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.catalog.methods import INVOKING
from flake8_celery_tasks.command.listing.arguments import COLUMNS
from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine import session
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")

APP = 'from celery import Celery\n\napp = Celery("shop")\n'


@pytest.fixture
def listed(tmp_path, monkeypatch, capfd):
    """Write a project and return its tasks by name, as JSON has them."""

    def run(files, *arguments, path="."):
        session.forget()
        write(tmp_path, files)
        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        code = main(["tasks", "--format=json", *arguments, path])
        found, said = capfd.readouterr()
        assert code == ("what it defines is unknown" in said)
        return {one["name"]: one for one in json.loads(found)}

    return run


@pytest.fixture
def task(listed):
    """Return what is said of the task `t`, made with some keywords."""

    def run(keywords, body="pass", head="", **files):
        given = ", ".join(filter(None, ("name='t'", keywords)))
        text = f"from celery import shared_task\n{head}\n\n@shared_task({given})\ndef t(*args):\n    {body}\n"
        return listed({"shop/tasks.py": text, **{f"{name}.py": content for name, content in files.items()}})["t"]

    return run


def test_all_of_it(listed):
    found = listed(
        {
            "shop/tasks.py": (
                "from celery import shared_task\n\n\n"
                '@shared_task(name="send", acks_late=True, ignore_result=True, track_started=True, time_limit=60,\n'
                '    queue="mail", '
                "autoretry_for=(OSError, ValueError), max_retries=5, retry_backoff=True)\n"
                "def send(pk): ...\n\n\n"
                "@shared_task\ndef tidy(): ...\n"
            ),
            "shop/views.py": "from shop.tasks import send, tidy\n\n\ndef view():\n    send.delay(1)\n    send.si(2)\n",
        }
    )
    words = {name: {key: one[key] for key in COLUMNS} for name, one in found.items()}
    assert words == {
        "send": {
            "name": "send",
            "path": "shop/tasks.py",
            "line": 6,
            "app": "shop",
            "runs": "at least once",
            "retries": "up to 5 on OSError or ValueError, backoff",
            "result": "ignored",
            "status": "not tracked",
            "start": "not tracked, ignored",
            "time_limit": "60 s hard",
            "queue": "mail",
            "sent_from": ["shop/views.py:5", "shop/views.py:6"],
        },
        "shop.tasks.tidy": {
            "name": "shop.tasks.tidy",
            "path": "shop/tasks.py",
            "line": 10,
            "app": "shop",
            "runs": "at most once (default)",
            "retries": "never",
            "result": "stored (default), backend ?",
            "status": "tracked (default), backend ?",
            "start": "not tracked (default)",
            "time_limit": "none",
            "queue": "",
            "sent_from": [],
        },
    }


# The five questions.


@pytest.mark.parametrize(
    ("keywords", "settings", "said"),
    [
        ("acks_late=True", "", "at least once"),
        ("acks_late=False", "", "at most once"),
        ("", "", "at most once (default)"),
        ("acks_late=None", "", "at most once (default)"),
        ("", "CELERY_TASK_ACKS_LATE = True", "at least once (project)"),
        ("", "CELERY_TASK_ACKS_LATE = True\nif x: CELERY_TASK_ACKS_LATE = False", "?"),
        ("acks_late=f()", "", "?"),
        ("**f()", "", "?"),
    ],
)
def test_how_often_it_may_run(task, keywords, settings, said):
    assert task(keywords, conf=settings)["runs"] == said


@pytest.mark.parametrize(
    ("keywords", "body", "said"),
    [
        ("", "pass", "never"),
        ("max_retries=5", "pass", "never"),
        ("bind=True", "t.retry()", "up to 3, by hand"),
        ("max_retries=0", "t.retry()", "never"),
        ("max_retries=None", "t.retry()", "without limit, by hand"),
        ("max_retries=f()", "t.retry()", "up to ?, by hand"),
        ("autoretry_for=(OSError,)", "pass", "up to 3 on OSError, every 180 s"),
        ("autoretry_for=(OSError,), default_retry_delay=5", "pass", "up to 3 on OSError, every 5 s"),
        ("autoretry_for=(OSError,), default_retry_delay=f()", "pass", "up to 3 on OSError"),
        ("autoretry_for=(OSError,), retry_kwargs={'max_retries': 7}", "pass", "up to 7 on OSError, every 180 s"),
        ("autoretry_for=(OSError,), retry_backoff=f()", "pass", "up to 3 on OSError"),
        ("autoretry_for=(OSError,), retry_backoff=2", "pass", "up to 3 on OSError, backoff"),
        ("autoretry_for=(OSError,), retry_backoff=False", "pass", "up to 3 on OSError, every 180 s"),
        ("autoretry_for=(f(),)", "pass", "up to 3 on ?, every 180 s"),
        ("autoretry_for=ERRORS", "pass", "up to 3 on ?, every 180 s"),
        ("autoretry_for=f()", "pass", "up to 3 on ?, every 180 s"),
        ("**f()", "pass", "?"),
        ("autoretry_for=()", "pass", "never"),
    ],
)
def test_how_it_is_retried(task, keywords, body, said):
    assert task(keywords, body, head="from other import ERRORS")["retries"] == said


STORED = ("stored", "tracked", "tracked")
OPEN = ("stored, backend ?", "tracked, backend ?", "tracked, backend ?")
NOWHERE = ("no backend", "no backend", "no backend")


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ("ignore_result=False, track_started=True", STORED),
        ("ignore_result=False, track_started=False", ("stored", "tracked", "not tracked")),
        ("", ("stored (default)", "tracked (default)", "not tracked (default)")),
        ("ignore_result=True, track_started=True", ("ignored", "not tracked", "not tracked, ignored")),
        ("ignore_result=f(), track_started=True", ("?", "?", "?")),
        ("ignore_result=f()", ("?", "?", "not tracked (default)")),
        ("ignore_result=False, track_started=f()", ("stored", "tracked", "?")),
    ],
)
def test_what_is_kept(task, keywords, said):
    found = task(keywords, celery=f"{APP}\napp.conf.result_backend = 'redis://'\n")
    assert (found["result"], found["status"], found["start"]) == said


def test_what_the_project_keeps(task):
    conf = "CELERY_RESULT_BACKEND = 'redis://'\nCELERY_TASK_IGNORE_RESULT = True\nCELERY_TASK_TRACK_STARTED = True\n"
    found = task("", conf=conf)
    assert found["start"] == "not tracked, ignored (project)"
    assert task("ignore_result=False", conf=conf)["start"] == "tracked (project)"


DJANGO = "app.config_from_object('django.conf:settings', namespace='CELERY')\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        # What names one.
        ({"a": "CELERY_RESULT_BACKEND = 'redis://'"}, STORED),
        ({"a": "timezone = 'UTC'\nresult_backend = 'rpc://'", "b": f"{APP}app.config_from_object('a')"}, STORED),
        ({"a": "(", "b": f"{APP}app.config_from_object('a')"}, OPEN),
        ({"a": f"{APP}app.conf.update(result_backend='db+sqlite:///x')"}, STORED),
        ({"a": "from celery import Celery\napp = Celery('shop', backend='rpc://')"}, STORED),
        ({"a": "from celery import Celery\nx = make(backend='rpc://')"}, OPEN),
        ({"a": "import os\nCELERY_RESULT_BACKEND = os.getenv('X', 'redis://')"}, STORED),
        ({"a": "import os\nCELERY_RESULT_BACKEND = os.environ.get('X', default='redis://')"}, STORED),
        ({"a": "CELERY_RESULT_BACKEND = f'redis://{host}'"}, STORED),
        ({"a": "CELERY_RESULT_BACKEND = 'redis://'", "b": "CELERY_RESULT_BACKEND = None"}, STORED),
        ({"a": "CELERY_RESULT_BACKEND = 'redis://'", "b": "CELERY_RESULT_BACKEND = env('X')"}, STORED),
        # What is not known.
        ({}, OPEN),
        ({"a": "import os\nCELERY_RESULT_BACKEND = os.getenv('X')"}, OPEN),
        ({"a": f"{APP}app.conf.result_backend = settings.BACKEND"}, OPEN),
        ({"a": "from celery import Celery\napp = Celery(("}, OPEN),
        ({"a": f"{APP}app.conf.update(more)"}, OPEN),
        ({"a": f"{APP}app.conf.update(**more)"}, OPEN),
        ({"a": f"{APP}app.conf.update({{'timezone': 'UTC', **more}})"}, OPEN),
        ({"a": "from celery import Celery\napp = Celery('shop', **more)"}, OPEN),
        ({"a": "from celery import Celery\napp = Celery('shop', changes=more)"}, OPEN),
        ({"a": f"{APP}app.config_from_object(more)"}, OPEN),
        ({"a": f"{APP}app.config_from_envvar('X')"}, OPEN),
        ({"a": f"{APP}app.config_from_object('b')", "b": "from elsewhere import *"}, OPEN),
        ({"a": f"{APP}{DJANGO}"}, OPEN),
        ({"a": f"{APP}{DJANGO}", "shop/tests/settings": "INSTALLED_APPS = []"}, OPEN),
        ({"a": "from celery import current_app\ncurrent_app.conf.timezone = 'UTC'"}, OPEN),
        # None.
        ({"a": APP}, NOWHERE),
        ({"a": f"{APP}app.conf.result_backend = None"}, NOWHERE),
        ({"a": f"{APP}app.conf.result_backend = 'disabled://'"}, NOWHERE),
        ({"a": f"{APP}app.conf.update({{'timezone': 'UTC'}}, enable_utc=True)\nother.update(more)"}, NOWHERE),
        ({"a": f"{APP}app.config_from_object('b')", "b": "from c import *", "c": "timezone = 'UTC'"}, NOWHERE),
        ({"a": f"{APP}{DJANGO}", "shop/settings": "INSTALLED_APPS = []"}, NOWHERE),
        ({"a": APP, "shop/tests/celery": "app.conf.result_backend = 'redis://'"}, NOWHERE),
    ],
)
def test_back_ends(task, files, said):
    found = task("ignore_result=False, track_started=True", **files)
    assert (found["result"], found["status"], found["start"]) == said


@pytest.mark.parametrize(
    ("keywords", "settings", "said"),
    [
        ("time_limit=60, soft_time_limit=30.5", "", "30.5 s soft, 60 s hard"),
        ("", "CELERY_TASK_TIME_LIMIT = 600", "600 s hard (project)"),
        ("soft_time_limit=f()", "", "? soft"),
        ("time_limit=None", "", "none"),
    ],
)
def test_time_limits(task, keywords, settings, said):
    assert task(keywords, conf=settings)["time_limit"] == said


@pytest.mark.parametrize(
    ("keywords", "routes", "said"),
    [
        ("queue='a'", "{'t': 'b'}", "a"),
        ("queue=f()", "{}", "?"),
        ("queue=None", "{}", ""),
        ("", "{'t': 'b'}", "b"),
        ("", "{'t': {'queue': 'b'}, '*': 'c'}", "b"),
        ("", "{'*': {'queue': 'c'}, 1: 'd'}", "c"),
        ("", "{'other.*': 'c'}", ""),
        ("", "{'t': {'priority': 1}}", ""),
        ("", "{'t': f()}", "?"),
        ("", "{'x': 'b', **f()}", "?"),
        ("", "[('t', 'b')]", "?"),
        ("", "[[('t', 'b')]]", "b"),
        ("", "[{'s': 'a'}, {'t': 'b'}]", "b"),
        ("", "[{'t': 'b'}, f]", "?"),
    ],
)
def test_queues(task, keywords, routes, said):
    assert task(keywords, conf=f"CELERY_TASK_ROUTES = {routes}\n")["queue"] == said


# Which tasks.


def test_tasks_of_every_form(listed):
    found = listed(
        {
            "shop/celery.py": APP,
            "shop/tasks.py": (
                "from celery import Task, shared_task\nfrom shop.celery import app\nfrom shop.house import house\n\n\n"
                'def plain(): ...\n\n\nmade = shared_task(name="made")(plain)\n\n\n'
                'class Registered(Task):\n    name = "registered"\n\n    def run(self): ...\n\n\n'
                'class Left(Task):\n    name = "left"\n\n    def run(self): ...\n\n\n'
                "app.register_task(Registered())\n\n\n"
                '@app.task(name=f"{x}")\ndef nameless(): ...\n\n\n'
                '@house("hidden")\ndef hidden(): ...\n\n\n'
                "for function in (plain,):\n    shared_task(function)\n"
            ),
            "shop/house.py": (
                "from celery import shared_task\n\n\ndef house(name):\n    def wrap(function):\n"
                "        return shared_task(name=name)(function)\n    return wrap\n"
            ),
            "shop/broken.py": "from celery import shared_task\n(\n",
            "shop/tests/test_tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef test(): ...\n",
        }
    )
    assert set(found) == {"made", "registered", None}
    assert found["made"]["line"] == 6
    assert found[None]["retries"] in ("?", "never")


def test_who_can_not_be_read_is_open(listed):
    found = listed(
        {
            "shop/tasks.py": "from shop.house import house_task\n\n\n@house_task\ndef hidden(): ...\n",
            "shop/house.py": (
                "from celery import shared_task\n\n\ndef house_task(function):\n    @shared_task\n"
                "    def inner(*args):\n        return function(*args)\n    return inner\n"
            ),
        }
    )
    one = found[None]
    assert {one[key] for key in ("runs", "retries", "result", "status", "start")} == {"?"}


def test_names_that_an_app_makes_are_open(listed):
    found = listed(
        {
            "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef add(): ...\n",
            "shop/celery.py": "from celery import Celery\n\n\nclass App(Celery):\n"
            "    def gen_task_name(self, name, module):\n        return name\n",
        }
    )
    assert set(found) == {None}


def test_apps(listed):
    text = "from celery import shared_task\n\n\n@shared_task(name='{}')\ndef f(): ...\n"
    files = {
        "tasks.py": text.format("top"),
        "shop/orders/tasks.py": text.format("orders"),
        "lib/jobs.py": text.format("lib"),
    }
    assert {name: one["app"] for name, one in listed(files).items()} == {
        "top": "tasks",
        "orders": "shop.orders",
        "lib": "lib",
    }
    found = listed(files, "--celery-apps=shop.orders")
    assert {name: one["app"] for name, one in found.items()} == {"top": "", "orders": "shop.orders", "lib": ""}


def test_only_one_folder(listed):
    text = (
        "from celery import shared_task\nfrom shop.tasks import a\n\n\n@shared_task(name='{}')\ndef {}(): a.delay()\n"
    )
    files = {"shop/tasks.py": text.format("a", "a"), "content/tasks.py": text.format("b", "b")}
    assert set(listed(files)) == {"a", "b"}
    found = listed(files, path="shop")
    assert set(found) == {"a"}
    assert found["a"]["sent_from"] == ["content/tasks.py:6", "shop/tasks.py:6"]
    assert set(listed(files, path="content/tasks.py")) == {"b"}
    assert set(listed(files, "--exclude=content")) == {"a"}


def test_projects_in_a_folder(listed):
    text = "from celery import shared_task\n\n\n@shared_task(name='{0}')\ndef {0}(): ...\n\n\n{0}.delay()\n"
    files = {
        "tools/tasks.py": text.format("tool"),
        "src/manage.py": "",
        "src/shop/tasks.py": text.format("sell"),
        "other/setup.cfg": "",
        "other/lib/tasks.py": text.format("lend"),
    }
    found = listed(files)
    assert {name: (one["path"], one["sent_from"]) for name, one in found.items()} == {
        "tool": ("tools/tasks.py", ["tools/tasks.py:8"]),
        "sell": ("src/shop/tasks.py", ["src/shop/tasks.py:8"]),
        "lend": ("other/lib/tasks.py", ["other/lib/tasks.py:8"]),
    }
    assert {name: one["path"] for name, one in listed(files, path="src/shop").items()} == {"sell": "shop/tasks.py"}
    assert set(listed(files, "--exclude=other")) == {"tool", "sell"}


def test_many_files(listed):
    """The trees of modules are dropped while others are read; what is looked at keeps its own."""
    same = "from celery import shared_task\n\n\ndef same(function):\n    return function\n"
    files = {f"shop/same{number}.py": same for number in range(40)}
    imports = "".join(f"from shop.same{number} import same as same{number}\n" for number in range(40))
    others = "".join(f"@same{number}\ndef f{number}(): ...\n" for number in range(40))
    task = "@shared_task(name='t')\ndef t(): ...\n"
    files["shop/tasks.py"] = f"from celery import shared_task\n{imports}{others}{task}t.delay()\n"
    assert listed(files)["t"]["sent_from"] == ["shop/tasks.py:124"]


# Who sends it.


def test_senders(listed):
    found = listed(
        {
            "shop/celery.py": (
                APP + "from celery.schedules import crontab\nfrom shop.tasks import add\n\n"
                "app.conf.beat_schedule = {\n    'x': {'task': 'add', 'schedule': 60},\n"
                "    'y': {'task': f()},\n}\n\n\n"
                "@app.on_after_configure.connect\ndef setup(sender, **kwargs):\n"
                "    sender.add_periodic_task(10, add.s(1))\n    sender.add_periodic_task(10, app.signature('add'))\n"
                "    sender.add_periodic_task(10, thing)\n"
            ),
            "shop/tasks.py": (
                "from celery import chain, shared_task\n\n\n"
                "@shared_task(name='add', bind=True)\ndef add(self, x):\n    self.apply_async((1,))\n"
            ),
            "shop/views.py": (
                "from celery import chain, current_app, signature\nfrom shop.tasks import add\n\n\n"
                "current_app.send_task('add')\ncurrent_app.send_task(name)\nsignature('add')\n"
                "chain(add.s(1), add.si(2).set(queue='x'))()\nadd.apply_async_on_commit()\nadd(1)\nother.delay()\n"
            ),
            "shop/broken.py": "add.delay(\n",
            "shop/tests.py": "from shop.tasks import add\nadd.delay()\n",
        }
    )
    assert found["add"]["sent_from"] == [
        "shop/celery.py:8 (beat)",
        "shop/celery.py:15",
        "shop/celery.py:15 (beat)",
        "shop/celery.py:16",
        "shop/celery.py:16 (beat)",
        "shop/tasks.py:6",
        "shop/views.py:5",
        "shop/views.py:7",
        "shop/views.py:8",
        "shop/views.py:9",
    ]


@pytest.mark.parametrize("method", sorted(INVOKING - {"set", "send_task", "signature", "subtask"}))
def test_a_sender_in_a_file_that_sends_nothing_else(listed, method):
    found = listed(
        {
            "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task(name='add')\ndef add(): ...\n",
            "shop/views.py": f"from shop.tasks import add\nadd.{method}()\n",
        }
    )
    assert found["add"]["sent_from"] == ["shop/views.py:2"]
