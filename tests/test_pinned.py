"""The Celery version of a project, as its lock or requirements pin it."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.options import NEWEST, Options
from flake8_celery_tasks.project import Project

LOCK = '[[package]]\nname = "celery-types"\nversion = "0.22"\n\n[[package]]\nname = "celery"\nversion = "{}"\n'
PIPFILE = (
    '{{"default": {{"celery": {{"hashes": ["sha256:1"], "version": "=={}"}}, "kombu": {{"version": "==5.3.4"}}}}}}'
)


def version(folder, files, **options):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Project(str(folder), Options.of(options)).version


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("poetry.lock", LOCK.format("5.3.6"), (5, 3)),
        ("uv.lock", LOCK.format("5.4.0rc1"), (5, 4)),
        ("pdm.lock", LOCK.format("5.5.0").replace("\n", "\r\n"), (5, 5)),
        ("Pipfile.lock", PIPFILE.format("5.2.7"), (5, 2)),
        ("requirements.txt", "django\ncelery==5.4.0\n", (5, 4)),
        ("requirements.txt", "Celery [redis, sqs] == 5.4.0 ; python_version > '3'\n", (5, 4)),
        ("requirements.txt", "celery===5.4.0 \\\n    --hash=sha256:1\n", (5, 4)),
        ("requirements.txt", "celery==5.3.*\n", (5, 3)),
        ("requirements.txt", "celery~=5.3.1\n", (5, 3)),
        ("requirements.txt", "celery==3.1.24\n", (5, 2)),
        ("requirements.txt", "celery==9.1\n", NEWEST),
        ("requirements.in", "celery==5.4.0\n", (5, 4)),
        ("requirements/base.txt", "celery==5.4.0\n", (5, 4)),
        ("setup.cfg", "[options]\ninstall_requires =\n    celery[redis]==5.4.0\n", (5, 4)),
        ("pyproject.toml", "[project]\ndependencies = ['django', 'celery[redis]==5.4.0']\n", (5, 4)),
        ("pyproject.toml", '[tool.poetry.dependencies]\ncelery = "5.4.0"\n', (5, 4)),
        ("pyproject.toml", '[tool.poetry.dependencies]\ncelery = { extras = ["sqs"], version = "~5.4" }\n', (5, 4)),
        ("Pipfile", '[packages]\ncelery = "==5.4.0"\n', (5, 4)),
        # What leaves the version open, and what is no requirement of Celery.
        ("requirements.txt", "celery\ncelery>=5.2\ncelery~=5.2\ncelery<5.4\ncelery==5.*\n", NEWEST),
        ("requirements.txt", "django-celery==5.2.0\ncelery-once==5.2.0\n# celery==5.2.0\n", NEWEST),
        ("pyproject.toml", '[tool.poetry.dependencies]\ncelery = "^5.2.0"\n', NEWEST),
        ("requirements/other.txt", "celery==5.2.0\n", NEWEST),
        ("sub/requirements.txt", "celery==5.2.0\n", NEWEST),
    ],
)
def test_what_a_file_pins(tmp_path, name, text, wanted):
    assert version(tmp_path, {name: text}) == wanted


def test_several_files(tmp_path):
    both = {"requirements.txt": "celery==5.4.0\n", "requirements.in": "celery==5.4.9\n"}
    assert version(tmp_path, both) == (5, 4)
    assert version(tmp_path, {"requirements.in": "celery==5.3.9\n"}) == NEWEST
    assert version(tmp_path, {"pyproject.toml": '"celery==5.2.1"'}) == (5, 2)
    assert version(tmp_path, {"uv.lock": LOCK.format("5.6.2")}) == (5, 6)
    assert version(tmp_path, {}, celery_target_version="5.5") == (5, 5)
