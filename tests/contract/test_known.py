from __future__ import annotations

import json

import pytest

from flake8_celery_tasks.contract import known, record, signature
from flake8_celery_tasks.contract.record import Record, RecordedTask, RecordError
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.survey import inventory
from flake8_celery_tasks.report import tasks
from tests.helpers import check, findings, write

TASK = RecordedTask(signature.parse("(a)"), "billing.tasks", "pay", {}, "stored")
OTHER = TASK._replace(signature=signature.parse("(b)"))


@pytest.fixture
def load(tmp_path):
    def of(*contents: object) -> known.KnownTasks:
        paths = []
        for number, content in enumerate(contents):
            text = record.as_text(content) if isinstance(content, Record) else json.dumps(content)
            paths.append(tmp_path / f"{number}.json")
            paths[-1].write_text(text)
        return known.load(map(str, paths))

    return of


def test_records(load):
    found = load(Record({"pay": TASK}, ("a.b:f",)), Record({"refund": OTHER}, ("c:g",)))
    assert found.tasks == {"pay": TASK, "refund": OTHER}
    assert found.uncertain == ("a.b:f", "c:g")


def test_nothing_is_known_of_a_name_that_two_services_have(load):
    assert load(Record({"pay": TASK}), Record({"pay": OTHER})).tasks == {"pay": None}
    assert load(Record({"pay": TASK}), Record({"pay": OTHER}), Record({"pay": TASK})).tasks == {"pay": None}
    assert load(Record({"pay": TASK}), Record({"pay": TASK})).tasks == {"pay": TASK}


def test_what_workers_say(load):
    found = load({"celery@one": ["pay", "send [rate_limit=10/m]", "odd]"], "celery@two": ["pay", "x [exchange=[y]]"]})
    assert found == known.KnownTasks(dict.fromkeys(["pay", "send", "odd]", "x"]))


def test_a_record_says_more_than_a_worker(load):
    registered = {"celery@one": ["pay"]}
    assert load(registered, Record({"pay": TASK})).tasks == {"pay": TASK}
    assert load(Record({"pay": TASK}), registered).tasks == {"pay": TASK}


@pytest.mark.parametrize("content", [{}, [], {"celery@one": "pay"}, {"celery@one": [1]}, {"celery@one": {"error": ""}}])
def test_what_is_neither_is_no_record(load, content):
    with pytest.raises(RecordError, match=r"0\.json is not a record"):
        load(content)


@pytest.mark.parametrize(
    ("name", "may"),
    [("legacy.build", True), ("legacy", True), ("other.build", True), ("build", True), ("other.make", False)],
)
def test_a_task_of_uncertain_name_may_have_names_near_its_place(name, may):
    assert known.KnownTasks({}, ("legacy.tasks:Builder.build",)).may_have(name) is may
    assert not known.KnownTasks({"legacy.build": None}).may_have("legacy.other")


# What a project makes of them.

BILLING = Record(
    {
        "billing.pay": RecordedTask(
            signature.parse("(order_pk, amount=...)"),
            "billing.tasks",
            "pay",
            {"queue": "money", "expires": 60},
            "stored",
        ),
        "billing.open": RecordedTask(None, "billing.tasks", "open", {"queue": None}, "unknown"),
    },
    ("legacy.jobs:build",),
)

SHOP = """
from celery import Celery, shared_task

app = Celery("shop")


@shared_task(name="shop.ship", queue="parcels")
def ship(order_pk): ...


app.tasks["shop.old"] = ship
"""


def said(tmp_path, text: str, kept: Record = BILLING, **files: str) -> list[str]:
    """Return what is reported of a module that sends, as code and text."""
    (tmp_path / "billing.json").write_text(record.as_text(kept))
    every = {"shop/tasks.py": SHOP, "shop/views.py": "from celery import current_app as app\n\n" + text, **files}
    found = check(tmp_path, every, celery_known_tasks="billing.json", celery_no_cache=True)
    return [f"{one.code} {one.text}" for one in found["shop/views.py"]]


@pytest.mark.parametrize(
    "text",
    [
        "app.send_task('billing.pay', [1], queue='money', expires=60)",
        "app.send_task('shop.ship', [1])",
        "app.send_task('shop.old', [1])",
        "app.send_task('celery.ping')",
        "app.send_task('legacy.anything')",  # a task of uncertain name there
        "app.send_task('other.build')",
        "app.send_task(NAME)",
        "app.send_task('billing.open', [1, 2, 3])",
        "app.conf.task_routes = {'billing.pay': 'money', 'billing.*': 'money', 'elsewhere.x': 'x'}",
    ],
)
def test_what_is_known_is_right(tmp_path, text):
    assert said(tmp_path, text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "app.send_task('crm.call')",
            "CLY403 No task is named 'crm.call': the worker discards the message; "
            "no task of the project or of a known service has that name",
        ),
        (
            "app.send_task('billing.pey', [1])",
            "CLY403 No task is named 'billing.pey': the worker discards the message; did you mean 'billing.pay'?",
        ),
        (
            "app.send_task('shop.shipp', [1])",
            "CLY403 No task is named 'shop.shipp': the worker discards the message; did you mean 'shop.ship'?",
        ),
        (
            "app.conf.beat_schedule = {'x': {'task': 'crm.call', 'schedule': 60}}",
            "CLY403 No task is named 'crm.call': the worker discards the message; "
            "no task of the project or of a known service has that name",
        ),
        (
            "app.send_task('billing.pay', [], {'order': 1}, queue='money', expires=60)",
            "CLY404 Task 'billing.pay' has no parameter 'order': it fails in the worker with TypeError; drop it",
        ),
        (
            "app.conf.beat_schedule = {'x': {'task': 'billing.pay', 'schedule': 60}}",
            "CLY404 Task 'billing.pay' is not given 'order_pk': it fails in the worker with TypeError; pass it too",
        ),
        (
            "app.send_task('billing.pay', [1])",
            "CLY405 send_task() does not read the decorator of 'billing.pay': its queue and expires are lost; "
            "repeat them here",
        ),
        (
            "app.conf.task_routes = {'shop.shipp': 'parcels'}",
            "CLY805 No task matches the route 'shop.shipp': it has no effect; did you mean 'shop.ship'?",
        ),
    ],
)
def test_what_is_known_to_be_wrong(tmp_path, text, message):
    assert said(tmp_path, text) == [message]


@pytest.mark.parametrize(
    ("text", "files"),
    [
        (
            "app.send_task('crm.call')",
            {"shop/more.py": "from celery import shared_task\n\n@shared_task(name=X)\ndef f(): ...\n"},
        ),
        ("app.send_task('crm.call')", {"shop/more.py": "from shop.tasks import app\n\napp.tasks[X] = 1\n"}),
        ("app.send_task('crm.call')", {"shop/more.py": "from celery import shared_task\n\n@shared_task\ndef call(:\n"}),
    ],
)
def test_a_task_of_uncertain_name_here_could_have_it(tmp_path, text, files):
    assert said(tmp_path, text, **files) == []


def test_a_task_of_the_project_counts_before_that_of_another_service(tmp_path):
    kept = Record({"shop.ship": TASK._replace(signature=signature.parse("(a, b, c)"), options={"queue": "x"})})
    assert said(tmp_path, "app.send_task('shop.ship', [1])", kept) == []


def test_without_known_services_nothing_is_known(tmp_path):
    write(
        tmp_path,
        {"shop/tasks.py": SHOP, "shop/views.py": "from celery import current_app as app\napp.send_task('crm.call')\n"},
    )
    session.forget()
    assert known.known_tasks(session.project_of(str(tmp_path / "any.py"), Options())) is None
    assert findings(tmp_path, "shop/views.py") == []


def test_tasks_are_listed_as_those_of_another_service(tmp_path):
    (tmp_path / "billing.json").write_text(record.as_text(BILLING))
    (tmp_path / "registered.json").write_text('{"celery@one": ["crm.call", "celery.ping", "shop.ship"]}')
    write(
        tmp_path,
        {
            "shop/tasks.py": SHOP,
            "shop/views.py": "from celery import current_app\n\ncurrent_app.send_task('crm.call')\n",
        },
    )
    session.forget()
    files = tuple(str(tmp_path / name) for name in ("billing.json", "registered.json"))
    options = Options(celery_known_tasks=files, celery_no_cache=True)
    found = inventory.entries([session.project_of(str(tmp_path / "any.py"), options)])
    rows = [(entry.name, entry.path, entry.line, entry.result, entry.queue, entry.sent_from) for entry in found]
    assert rows == [
        ("billing.open", "other service", 0, "?", "?", ()),
        ("billing.pay", "other service", 0, "stored", "money", ()),
        ("crm.call", "other service", 0, "?", "?", ("shop/views.py:3",)),
        ("shop.ship", "shop/tasks.py", 8, "no backend", "parcels", ()),
    ]
    table = tasks.as_table(found)
    assert "billing.pay   other service  " in table
    assert "other service:0" not in table
