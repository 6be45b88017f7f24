"""House policy about projects with files that can't be parsed."""

from __future__ import annotations

from tests.helpers import findings, write

JOBS = 'from celery import shared_task\n\n\n@shared_task(name="a")\ndef a():\n    print("a")\n'
APP = 'from celery import Celery\n\napp = Celery("project")\n'


def codes(folder, name):
    return [violation.code for violation in findings(folder, name, extend_select="CLY919")]


def test_discovery_that_does_not_parse(tmp_path):
    write(tmp_path, {"shop/jobs.py": JOBS, "project/celery.py": APP, "project/more.py": "app.autodiscover_tasks("})
    assert codes(tmp_path, "shop/jobs.py") == []


def test_app_that_does_not_parse(tmp_path):
    write(tmp_path, {"shop/jobs.py": JOBS, "project/celery.py": APP + "("})
    assert codes(tmp_path, "shop/jobs.py") == []


def test_import_in_a_file_that_does_not_parse(tmp_path):
    write(tmp_path, {"shop/jobs.py": JOBS, "project/celery.py": APP, "shop/views.py": "from .jobs import a\n("})
    assert codes(tmp_path, "shop/jobs.py") == []
    (tmp_path / "shop/views.py").write_text("print(1)\n", encoding="utf-8")
    from flake8_celery_tasks.engine import session

    session.forget()
    assert codes(tmp_path, "shop/jobs.py") == ["CLY919"]
