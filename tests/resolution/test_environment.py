"""Packages of a virtual environment: their sources are read where a name leads there."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from flake8_celery_tasks.core.options import OptionError, Options
from flake8_celery_tasks.engine import session
from tests.helpers import check, write

PACKAGES = {
    "corp/__init__.py": "",
    "corp/tasks.py": """
from celery import Task, shared_task
from requests import get


class CorpTask(Task):
    abstract = True
    max_retries = 3


class Waiting(Task):
    def apply_async(self, *args, **kwargs):
        return get(args)


@shared_task(name="corp.sweep")
def sweep(number): ...
""",
    "corp/jobs/__init__.py": "from .base import *\n",
    "corp/jobs/base.py": "from celery import shared_task\n\n\ndef job(**options):\n    return shared_task(**options)\n",
    "corp/net/__init__.py": "from .api import get\n",
    "corp/net/api.py": "def get(url): ...\n",
    "broken_celery.py": "def (",
    "celery/__init__.py": "class Task: ...\n",
    "sparse/celery_tasks/base.py": "from celery import Task\n\n\nclass Sparse(Task): ...\n",
}

SHOP = """
from celery import shared_task
from corp.jobs import job
from corp.tasks import CorpTask, Waiting, sweep
from django.db import transaction
from sparse.celery_tasks.base import Sparse


@shared_task(name="a", bind=True, base=CorpTask)
def a(self, number): ...


@shared_task(name="b", base=Waiting)
def b(number): ...


@job(name="c")
def c(number): ...


@shared_task(name="d", base=CorpTask)
def d(number): ...


@shared_task(name="e", bind=True, base=Sparse)
def e(self): ...


@transaction.atomic
def run(order):
    order.save()
    b.delay(1)
    d.delay(1)
    c.delay()
    sweep.delay()
"""


@pytest.fixture
def environment(tmp_path):
    venv = tmp_path / "venv"
    (venv / "lib/python3.11/site-packages").mkdir(parents=True)
    (tmp_path / "shop").mkdir()
    (venv / "pyvenv.cfg").touch()
    write(venv / "lib/python3.11/site-packages", PACKAGES)
    (venv / "lib/python3.11/site-packages/pyproject.toml").unlink()
    (venv / "lib/python3.11/site-packages/sparse/__init__.py").unlink()
    (venv / "lib/python3.11/site-packages/sparse/celery_tasks/__init__.py").unlink()
    return venv


def found(folder, files=None, **options):
    return [
        (violation.line, violation.code)
        for violations in check(folder, files or {"shop/tasks.py": SHOP}, **options).values()
        for violation in violations
    ]


def test_without_the_option_a_class_of_a_package_is_unknown(tmp_path, environment):
    assert found(tmp_path / "shop") == []


def test_with_the_option_it_is_read(tmp_path, environment):
    folder = tmp_path / "shop"
    assert found(folder, celery_environment=str(environment)) == [
        (25, "CLY201"),
        (33, "CLY701"),
        (34, "CLY601"),
        (34, "CLY701"),
        (35, "CLY601"),
        (35, "CLY701"),
    ]


def test_an_environment_in_the_project_is_no_part_of_it(tmp_path, environment):
    assert (25, "CLY201") in found(tmp_path, celery_environment=str(environment))
    project = session.project_of(str(tmp_path / "shop/tasks.py"), Options.of({"celery_environment": str(environment)}))
    assert not any("site-packages" in path for path in project.layout.files())


def test_what_has_nothing_to_do_with_celery_stays_known_by_its_name(tmp_path, environment):
    write(tmp_path / "shop", {"shop/a.py": "from corp.net import get\n", "shop/__init__.py": ""})
    session.forget()
    options = Options.of({"celery_environment": str(environment)})
    project = session.open_project(str(tmp_path / "shop"), options)
    module = project.module(str(tmp_path / "shop/shop/a.py"))
    assert project.resolve(":get", module).path == "corp.net.get"
    assert project.resolve("celery:Task", module).foreign
    assert project.resolve("nowhere:get", module).foreign
    assert project.resolve("broken_celery:get", module).symbol is None
    assert project.resolve("corp.tasks:CorpTask", module).module is not None
    assert project.resolve("corp.tasks:CorpTask", module) is project.resolve("corp.tasks:CorpTask", module)


def test_what_was_read_of_it_is_kept(tmp_path, environment, monkeypatch):
    folder = tmp_path / "shop"
    monkeypatch.setattr("flake8_celery_tasks.workspace.cache.RACY_NS", -(10**10))
    options = {"celery_environment": str(environment)}
    first = found(folder, **options)
    session.save()
    session.forget()
    project = session.project_of(str(folder / "shop/tasks.py"), Options.of(options))
    kept = [path for path in project.files.disk.cache.entries if "site-packages" in path]
    assert {Path(path).name for path in kept} >= {"tasks.py", "base.py"}
    assert found(folder, **options) == first


@pytest.mark.parametrize("given", ["", "  ", None])
def test_no_environment(given):
    assert Options.of({"celery_environment": given}).celery_environment == ()


@pytest.mark.parametrize("given", ["auto", "/somewhere/auto"])
def test_the_environment_that_flake8_runs_in(given):
    assert sysconfig.get_path("purelib") in Options.of({"celery_environment": given}).celery_environment


def test_an_environment_is_looked_for_upward(tmp_path, environment, monkeypatch):
    (tmp_path / "shop/deep").mkdir()
    monkeypatch.chdir(tmp_path / "shop/deep")
    expected = (str(environment / "lib/python3.11/site-packages"),)
    assert Options.of({"celery_environment": "venv"}).celery_environment == expected
    assert Options.of({"celery_environment": "../../venv"}).celery_environment == expected


def test_an_environment_of_windows(tmp_path):
    (tmp_path / "venv/Lib/site-packages").mkdir(parents=True)
    given = Options.of({"celery_environment": str(tmp_path / "venv")}).celery_environment
    assert given == (str(tmp_path / "venv/Lib/site-packages"),)
    assert Options.of({"celery_environment": given}).celery_environment == given


def test_a_folder_that_is_no_environment(tmp_path):
    with pytest.raises(OptionError, match="expected auto, or the folder of a virtual environment"):
        Options.of({"celery_environment": str(tmp_path)})
