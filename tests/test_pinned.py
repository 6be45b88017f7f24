"""The version of Celery that a project pins, where no option names one."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.core.options import NEWEST, Options
from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace import folders
from tests import helpers

LOCK = 'name = "amqp"\nversion = "5.3.1"\n\n[[package]]\nname = "celery"\nversion = "5.4.0"\n'


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({}, None),
        ({"uv.lock": LOCK}, (5, 4)),
        ({"poetry.lock": LOCK.replace("\n", "\r\n")}, (5, 4)),
        ({"uv.lock": LOCK + LOCK.replace("5.4", "5.5")}, None),
        ({"uv.lock": LOCK, "requirements.txt": "celery==5.2.7"}, (5, 4)),
        ({"uv.lock": 'name = "amqp"\nversion = "5.3.1"\n', "requirements.txt": "celery==5.2.7"}, (5, 2)),
        ({"Pipfile.lock": '{"celery": {\n"hashes": ["sha256:1"],\n"version": "==5.3.6"}}'}, (5, 3)),
        ({"requirements.txt": "amqp==5.1\ncelery[redis]==5.2.7  # old\n"}, (5, 2)),
        ({"requirements.txt": "celery [redis, sqs] == 5.3.7"}, (5, 3)),
        ({"requirements.txt": "celery==5.10.7"}, None),
        ({"requirements.txt": "Celery==3.1.24 --hash=sha256:1"}, (3, 1)),
        ({"requirements.txt": "celery==5.4.*"}, (5, 4)),
        ({"requirements.txt": "celery==9.1"}, None),
        ({"requirements.txt": "celery===5.4.0"}, (5, 4)),
        ({"requirements.in": "celery==5.4.0"}, (5, 4)),
        ({"requirements.txt": "celery==5.*"}, None),
        ({"requirements.txt": "celery~=5.4.1"}, (5, 4)),
        ({"requirements.txt": "celery~=5.4"}, None),
        ({"requirements.txt": "celery>=5.4,<6"}, None),
        ({"requirements.txt": "celery-types==5.4\ndjango-celery==5.4\n# celery==5.4"}, None),
        ({"requirements-dev.txt": "celery==5.4.0", "requirements.txt": "celery==5.4.1"}, (5, 4)),
        ({"requirements-dev.txt": "celery==5.4.0", "requirements.txt": "celery==5.5.1"}, None),
        ({"requirements/base.txt": "celery==5.4.0", "requirements/notes.md": "celery==5.5.0"}, (5, 4)),
        ({"docs/requirements.txt": "celery==5.4.0", "notes.txt": "celery==5.4.0"}, None),
        ({"pyproject.toml": '[project]\ndependencies = [\n    "celery[redis]==5.6.2",\n]\n'}, (5, 6)),
        ({"pyproject.toml": '[tool.poetry.dependencies]\ncelery = "5.3.1"\n'}, (5, 3)),
        ({"pyproject.toml": 'celery = {extras = ["redis"], version = "==5.3.1"}\n'}, (5, 3)),
        ({"pyproject.toml": 'celery = {version = "5.3.1"}\n'}, (5, 3)),
        ({"pyproject.toml": "dependencies = ['django', 'celery[redis]==5.4.0']\n"}, (5, 4)),
        ({"pyproject.toml": 'celery = { extras = ["sqs"], version = "~5.4" }\n'}, (5, 4)),
        ({"pyproject.toml": 'celery = "^5.3"\n'}, None),
        ({"pyproject.toml": 'celery = "*"\n'}, None),
        ({"setup.cfg": "install_requires =\n    celery==5.3.1\n"}, (5, 3)),
        ({"Pipfile": 'celery = "==5.3.1"\n'}, (5, 3)),
    ],
)
def test_version(files, version, tmp_path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, newline="")
    folders.forget()
    assert Project(str(tmp_path), Options()).version == (version or NEWEST)


def test_a_folder_or_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "uv.lock").mkdir()
    folders.forget()
    assert Project(str(tmp_path), Options()).version == NEWEST
    assert Project(str(tmp_path / "nowhere"), Options()).version == NEWEST


DJANGO = {
    "shop/celery.py": 'from celery import Celery\napp = Celery("shop")\n'
    'app.config_from_object("django.conf:settings", namespace="CELERY")\n',
    "shop/settings.py": 'INSTALLED_APPS = ["shop"]\nCELERY_ACKS_LATE = True\n',
}


def test_rules_judge_by_it(tmp_path):
    assert helpers.codes(tmp_path, DJANGO) == []
    assert helpers.codes(tmp_path, {**DJANGO, "requirements.txt": "celery==5.4.0"}) == ["CLY812"]
    assert helpers.codes(tmp_path, DJANGO, celery_target_version="5.7") == []


def test_an_import_of_what_the_pinned_celery_has(tmp_path):
    files = {"shop/tasks.py": "from celery.task import task\n"}
    assert helpers.codes(tmp_path, files) == ["CLY517"]
    assert helpers.codes(tmp_path, {**files, "requirements.txt": "celery==4.4.7"}) == []
