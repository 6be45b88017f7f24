"""What a record says of a project's tasks."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.contract import record
from flake8_celery_tasks.contract.present import Present
from flake8_celery_tasks.contract.record import Record
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from tests.helpers import write

APP = "from celery import Celery\n\napp = Celery('shop')\n"


@pytest.fixture
def recorded(tmp_path):
    def of(files: dict[str, str], **options) -> Record:
        session.forget()
        write(tmp_path, files)
        projects = session.projects_around(str(tmp_path), Options.of({"celery_no_cache": True, **options}))
        return Present(projects).record

    yield of
    session.forget()


def lines(found: Record) -> list[str]:
    """Return a line for each task: name, signature, options, result."""
    content = []
    for name, task in sorted(found.tasks.items()):
        text = record.as_text(Record({name: task}))
        signature, options, result = (
            next(line.strip().partition(": ")[2].rstrip(",") for line in text.splitlines() if f'"{key}"' in line)
            for key in ("signature", "options", "result")
        )
        content.append(f"{name} {task.place} {signature} {options} {result}")
    return content


def test_names_places_signatures_options_and_results(recorded):
    found = recorded(
        {
            "shop/celery.py": APP,
            "shop/tasks.py": """
import datetime

from celery import shared_task

from shop.celery import app

QUEUE = "mail"


@shared_task
def plain(order_pk, copy=False, *rest, urgent, late=None, **more): ...


@app.task(name="pay", bind=True, queue=QUEUE, expires=datetime.timedelta(hours=1), ignore_result=True)
def pay_order(self, order_pk, /, amount): ...


@app.task(name="x", serializer=app.conf.x, priority=3, expires=1.5, compression="zlib", queue=None)
def odd(): ...
""",
        }
    )
    assert lines(found) == [
        'pay shop.tasks:pay_order "(order_pk, /, amount)" {"queue": "mail", "expires": 3600} "ignored"',
        'shop.tasks.plain shop.tasks:plain "(order_pk, copy=..., *rest, urgent, late=..., **more)" {} "stored"',
        'x shop.tasks:odd "()" {"priority": 3, "expires": 1.5, "serializer": null, "compression": "zlib"} "stored"',
    ]


def test_an_option_that_is_no_json_is_not_known(recorded):
    found = recorded(
        {
            "a.py": """
import datetime

from celery import shared_task
from kombu import Queue


@shared_task(name="a", queue=Queue("x"), expires=datetime.datetime(2030, 1, 1), priority=True, routing_key=3)
def a(): ...


@shared_task(name="b", expires=float("inf"), priority=10**400)
def b(): ...
"""
        }
    )
    options = {"queue": None, "expires": None, "priority": None, "routing_key": None}
    assert found.tasks["a"].options == options
    assert found.tasks["b"].options == {"expires": None, "priority": None}


def test_options_of_a_base_class_and_of_a_task_class(recorded):
    found = recorded(
        {
            "shop/tasks.py": """
from celery import Task, shared_task
from elsewhere import Base


class Slow(Task):
    queue = "slow"
    ignore_result = True


@shared_task(base=Slow)
def one(a): ...


@shared_task(base=Base, serializer="json")
def two(a): ...
"""
        }
    )
    assert lines(found) == [
        'shop.tasks.one shop.tasks:one "(a)" {"queue": "slow"} "ignored"',
        'shop.tasks.two shop.tasks:two null {"serializer": "json"} "unknown"',
    ]


@pytest.mark.parametrize(
    ("setting", "result"),
    [
        ("app.conf.task_ignore_result = True", "ignored"),
        ("app.conf.task_ignore_result = False", "stored"),
        ("app.conf.task_ignore_result = None", "stored"),
        ("app.conf.task_ignore_result = settings.X", "unknown"),
        ("app.conf.task_ignore_result = True\napp.conf.task_ignore_result = False", "unknown"),
    ],
)
def test_the_project_says_what_becomes_of_results(recorded, setting, result):
    found = recorded({"shop/celery.py": f"{APP}{setting}\n\n\n@app.task\ndef one(): ...\n"})
    assert found.tasks["shop.celery.one"].result == result


def test_classes_of_tasks(recorded):
    found = recorded(
        {
            "shop/celery.py": APP,
            "shop/tasks.py": """
from celery import Task

from shop.celery import app


class Pay(Task):
    name = "pay"
    queue = "mail"

    def run(self, order_pk, amount=0): ...


class Own(Task):
    name = "own"

    def apply_async(self, args=None, kwargs=None, **options): ...

    def run(self, order_pk): ...


class Forgotten(Task):
    name = "forgotten"

    def run(self): ...


class Late(Task):
    name = "late"

    def run(self, a): ...


app.register_task(Pay())
app.register_task(Own())
app.tasks.register(Late())
""",
        }
    )
    assert lines(found) == [
        'late shop.tasks:Late "(a)" {} "stored"',
        'own shop.tasks:Own null {} "stored"',
        'pay shop.tasks:Pay "(order_pk, amount=...)" {"queue": "mail"} "stored"',
    ]


def test_a_signature_that_can_not_be_known(recorded):
    found = recorded(
        {
            "shop/tasks.py": """
from celery import shared_task
from elsewhere import injects


@shared_task(name="shop.tasks.one")
@injects
def one(a): ...


@shared_task
def two(self, a): ...


if X:
    @shared_task
    def three(a): ...
else:
    @shared_task
    def three(a): ...
"""
        }
    )
    assert [task.signature for task in found.tasks.values()] == [None, None, None]


def test_of_two_tasks_with_one_name_the_first_counts(recorded):
    one = "from celery import shared_task\n\n\n@shared_task(name='x', queue='{}')\ndef f(a): ...\n"
    found = recorded({"b/tasks.py": one.format("b"), "a/tasks.py": one.format("a"), "tests/test_x.py": one.format("t")})
    assert lines(found) == ['x a.tasks:f null {"queue": "a"} "stored"']


def test_tests_and_migrations_are_left_out(recorded):
    task = "from celery import shared_task\n\n\n@shared_task(name=X)\ndef f(a): ...\n\n\n@shared_task\ndef g(): ...\n"
    found = recorded({"tests/x.py": task, "shop/migrations/x.py": task, "third_party/x.py": task, "test_x.py": task})
    assert found == Record({}, ())


def test_names_that_can_not_be_known(recorded):
    found = recorded(
        {
            "shop/celery.py": APP,
            "shop/tasks.py": """
from celery import shared_task
from elsewhere import NAME, OPTIONS, make

from shop.celery import app


def house(function):
    task = app.task(function)
    return make(task)


@shared_task(name=NAME)
def named(): ...


@shared_task(**OPTIONS)
def spread(): ...


@house
def housed(): ...


app.register_task(make())
""",
            "scripts/jobs/other.py": "from celery import shared_task\n\n\n@shared_task\ndef script(): ...\n",
        }
    )
    (found_in_scripts,) = [name for name in found.tasks if "script" in name] or [""]
    assert found_in_scripts == "scripts.jobs.other.script"
    assert found.uncertain == (
        "shop.tasks:housed",
        "shop.tasks:make",
        "shop.tasks:named",
        "shop.tasks:spread",
    )


def test_names_that_an_app_makes_itself_can_not_be_known(recorded):
    found = recorded(
        {
            "shop/celery.py": "from celery import Celery\n\n\nclass App(Celery):\n"
            "    def gen_task_name(self, name, module): ...\n\n\napp = App()\n",
            "shop/tasks.py": "from shop.celery import app\n\n\n@app.task\ndef one(): ...\n\n\n"
            "@app.task(name='two')\ndef two(): ...\n",
        }
    )
    assert list(found.tasks) == ["two"]
    assert found.uncertain == ("shop.tasks:one",)


def test_names_that_an_app_of_tests_makes_count_for_nothing(recorded):
    found = recorded(
        {
            "tests/test_app.py": "from celery import Celery\n\n\nclass App(Celery):\n"
            "    def gen_task_name(self, name, module): ...\n",
            "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef one(): ...\n",
        }
    )
    assert list(found.tasks) == ["shop.tasks.one"]


def test_a_folder_without_init_inside_a_package(tmp_path, recorded):
    task = "from celery import shared_task\n\n\n@shared_task\ndef one(): ...\n"
    (tmp_path / "shop" / "jobs").mkdir(parents=True)
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "jobs" / "mail.py").write_text(task)
    (tmp_path / "loose" / "jobs").mkdir(parents=True)
    (tmp_path / "loose" / "jobs" / "mail.py").write_text(task)
    (tmp_path / "shop" / "jobs" / "odd.py").write_text(
        "from celery import Task, shared_task\nfrom elsewhere import NAME\n\n\n@shared_task(name=NAME)\n"
        "def two(): ...\n\n\nclass Three(Task):\n    name = NAME\n\n    def run(self): ...\n"
    )
    (tmp_path / "outer" / "inner" / "package").mkdir(parents=True)
    (tmp_path / "outer" / "inner" / "__init__.py").touch()
    (tmp_path / "outer" / "inner" / "package" / "mail.py").write_text(task)
    found = recorded({})
    assert list(found.tasks) == ["shop.jobs.mail.one"]
    assert found.uncertain == ("loose.jobs.mail:one", "outer.inner.package.mail:one", "shop.jobs.odd:two")


ALIASES = """
from celery import Celery, shared_task

app = Celery("shop")


@shared_task(name="new")
def new(a): ...


app.tasks["old"] = new
app.tasks["older"] = app.tasks["old"]
app.tasks["unread"] = make()
things.tasks["not an app"] = 1
app.conf["x"] = 1
app.tasks["twice"] = new
app.tasks["twice"] = new
app.tasks.register(new)
things.tasks.register(other)
"""


def test_names_in_app_tasks(recorded):
    found = recorded({"shop/tasks.py": ALIASES, "tests/test_x.py": 'app.tasks["test"] = new\n'})
    assert lines(found) == [f'{name} shop.tasks:new "(a)" {{}} "stored"' for name in ("new", "old", "older", "twice")]


def present(tmp_path, files: dict[str, str]) -> Present:
    session.forget()
    write(tmp_path, files)
    return Present(session.projects_around(str(tmp_path), Options(celery_no_cache=True)))


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", ()),
        ("app.tasks[NAME] = new", ("anything",)),
        ("app.tasks.register(make())", ("anything",)),
        ("app.tasks.register(new, 1)", ()),
        ("app.tasks['x'] = app.tasks[NAME]", ("x",)),
        ("app.tasks['x'] = app.tasks['none']", ("x",)),
        ("app.register_task(make())", ("anything",)),
        ("app.register_task(make[0])", ("anything",)),
        ("app.tasks.register(make[0])", ("anything",)),
    ],
)
def test_names_that_a_task_may_have(tmp_path, line, names):
    found = present(tmp_path, {"shop/tasks.py": f"{ALIASES}\nfrom elsewhere import NAME, make\n\n{line}\n"})
    assert found.may_have("unread")
    assert found.may_have("x") == bool(names)
    assert found.may_have("shop.other") == ("anything" in names)


def test_what_had_no_certain_name_before_is_not_asked(tmp_path):
    found = present(
        tmp_path,
        {
            "shop/tasks.py": "from celery import Celery, shared_task\nfrom elsewhere import NAME, make\n\n"
            "app = Celery()\n\n\n@shared_task(name=NAME)\ndef build(): ...\n\n\napp.register_task(make())\n"
        },
    )
    assert found.may_have("x", frozenset({"shop.tasks:build"}))
    assert found.may_have("x", frozenset({"shop.tasks:make"}))
    assert not found.may_have("x", frozenset({"shop.tasks:build", "shop.tasks:make"}))


def test_a_module_that_can_not_be_parsed_gives_no_names(tmp_path):
    files = {"shop/tasks.py": ALIASES, "shop/other.py": 'app.tasks["x"] = (\n'}
    assert "x" not in present(tmp_path, files).by_name


def test_several_projects(tmp_path):
    def put(name: str) -> None:
        path = tmp_path / name / "jobs.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"from celery import shared_task\n\n\n@shared_task(name='{name}')\ndef f(a): ...\n")

    for root in ("services/one", "services/one/deeper", "services/.hidden", "node_modules/x"):
        put(root)
        (tmp_path / root / "setup.cfg").touch()
    put("services/one/src")
    found = present(tmp_path, {})
    assert {name: entries[0].place for name, entries in found.by_name.items()} == {
        "services/one": "jobs:f",
        "services/one/deeper": "jobs:f",
        "services/one/src": "jobs:f",
    }
    options = Options(celery_no_cache=True)
    named = Options(celery_no_cache=True, celery_project_root=str(tmp_path))
    assert len(session.projects_around(str(tmp_path), named)) == 1
    around = session.projects_around(str(tmp_path / "services" / "one" / "src"), options)
    assert [project.layout.root for project in around] == [str(tmp_path / "services" / "one")]
