"""What a run has looked at: tasks, and decorators that look like Celery's."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.engine.seen import Seen, Total, seen_in, total
from tests.helpers import opened, project_at

HEAD = "from celery import Task, shared_task\nfrom acme import app, job\nimport acme.jobs as jobs\n\n\n"


def seen(folder, text, name="shop/tasks.py", **options):
    known = project_at(folder, {name: HEAD + text}, **options)
    return seen_in(known, opened(known, folder, name, HEAD + text))


@pytest.mark.parametrize(
    ("text", "tasks"),
    [
        ("", 0),
        ("@shared_task\ndef a(): ...\n", 1),
        ("@shared_task\ndef a(): ...\n\n@shared_task(bind=True, acks_late=True)\ndef b(self): ...\n", 2),
        ("class A(Task):\n    name = 'a'\n    def run(self): ...\n", 1),
        ("def a(): ...\n\nb = shared_task(a)\n", 1),
        ("def a(): ...\n\na.delay()\n", 0),
    ],
)
def test_tasks(tmp_path, text, tasks):
    assert seen(tmp_path, text) == Seen(tasks)


@pytest.mark.parametrize(
    ("decorator", "name"),
    [
        ("job(acks_late=True)", "acme.job"),
        ("jobs.job(autoretry_for=(OSError,))", "acme.jobs.job"),
        ("app.task(bind=True)", "acme.app.task"),
        ("job", ""),
        ("job()", ""),
        ("job(name='x', queue='y', max_retries=3, time_limit=1)", ""),
        ("job(bind=False)", ""),
        ("job(bind=engine)", ""),
        ("job(**options)", ""),
        ("app.on_after_configure.connect", ""),
    ],
)
def test_decorators_that_are_not_recognised(tmp_path, decorator, name):
    found = seen(tmp_path, f"@{decorator}\ndef a(): ...\n")
    assert found == (Seen(0, 1, 6, name) if name else Seen())


@pytest.mark.parametrize(
    "text",
    ["@make()(ignore_result=True)\ndef a(): ...\n", "def b(app):\n    @app.task(bind=True)\n    def a(self): ...\n"],
)
def test_decorators_without_a_name(tmp_path, text):
    assert seen(tmp_path, text) == Seen(0, 1, 6 + text.startswith("def"), "")


def test_the_option_that_is_advised_helps(tmp_path):
    text = "@app.task(bind=True)\ndef a(self): ...\n"
    assert seen(tmp_path, text, celery_task_decorators="acme.app.task") == Seen(1)


def test_tests_are_left_out(tmp_path):
    text = "@shared_task\ndef a(): ...\n\n@job(acks_late=True)\ndef b(): ...\n"
    assert seen(tmp_path, text, "shop/tests/test_tasks.py") == Seen()


def test_total():
    assert total([]) == Total()
    found = [("b.py", Seen(2, 1, 9, "x.y")), ("a.py", Seen(1, 2, 3, "x.z")), ("c.py", Seen())]
    assert total(found) == Total(3, 2, 3, "a.py:3", "x.z")
