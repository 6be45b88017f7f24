"""Several projects in one repository: what stands beside a project is read where it imports it."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import folders
from tests.helpers import findings, write

CORE = """
from celery import shared_task


@shared_task(name="core.bill")
def bill(number): ...
"""
VIEWS = "from core.tasks import bill\n\n\ndef view(order):\n    bill.delay()\n"


@pytest.fixture
def repository(tmp_path):
    (tmp_path / ".git").mkdir()
    for name in ("core", "api", "libs/other"):
        (tmp_path / name).mkdir(parents=True)
    write(tmp_path / "core", {"src/core/tasks.py": CORE, "src/core/__init__.py": "", "tests/test_core.py": ""})
    write(tmp_path / "api", {"api/views.py": VIEWS, "tests/test_api.py": ""})
    write(tmp_path / "libs/other", {"other/thing.py": "", "tests/__init__.py": ""})
    return tmp_path


def codes(folder, name="api/views.py"):
    session.forget()
    return [violation.code for violation in findings(folder, name)]


def test_a_task_of_another_project_is_known(repository):
    assert codes(repository / "api") == ["CLY601"]


def test_two_projects_with_a_package_of_that_name(repository):
    write(repository / "libs/other", {"core/tasks.py": CORE})
    assert codes(repository / "api") == []


def test_the_own_package_comes_first(repository):
    write(repository / "api", {"core/other.py": ""})
    assert "CLY601" not in codes(repository / "api")


def test_without_a_repository_nothing_is_beside(repository):
    (repository / ".git").rmdir()
    assert codes(repository / "api") == []


def test_a_repository_of_its_own(repository):
    (repository / "api/.git").mkdir()
    assert codes(repository / "api") == []


def test_what_is_no_module_there(repository):
    write(repository / "api", {"api/views.py": VIEWS.replace("core.tasks", "core.missing")})
    assert codes(repository / "api") == []


def test_places_of_modules_beside(repository):
    codes(repository / "api")
    project = session.project_of(str(repository / "api/api/views.py"), next(iter(session._projects))[1])
    place = project.layout.place(str(repository / "core/src/core/tasks.py"))
    assert (place.name, place.certain, place.relative) == ("core.tasks", True, "../core/src/core/tasks.py")
    assert project.layout.is_elsewhere(str(repository / "core/src/core/tasks.py"))
    assert not project.layout.is_elsewhere(str(repository / "api/api/views.py"))


def test_roots_below_a_folder(tmp_path):
    for name in ("a/b", "a/b/c/d/e", "node_modules/x", ".hidden/y", "package", "closed"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pyproject.toml").touch()
    (tmp_path / "package/inner").mkdir()
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "package/inner/setup.cfg").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    folders.forget()
    assert [path.removeprefix(f"{tmp_path}/") for path in folders.roots_below(str(tmp_path))] == ["closed", "a/b"]


@pytest.mark.parametrize(
    ("more", "advice"),
    [("", "write 'bill.delay_on_commit(...)'"), ("app.Task = Own\n", "pass partial(bill.delay, ...) to on_commit()")],
)
def test_the_class_that_an_app_beside_gives_its_tasks(repository, more, advice):
    celery = f"from celery import Celery, Task\n\n\nclass Own(Task): ...\n\n\napp = Celery('core')\n{more}"
    tasks = "from core.celery import app\n\n\n@app.task(name='api.bill')\ndef bill(number): ...\n"
    view = "def view(order):\n    with transaction.atomic():\n        order.save()\n        bill.delay(order.pk)\n"
    imports = "from django.db import transaction\nfrom api.tasks import bill\n\n\n"
    write(repository / "core", {"src/core/celery.py": celery})
    files = {"api/tasks.py": tasks, "api/views.py": imports + view, "requirements.txt": "celery==5.6"}
    write(repository / "api", files)
    session.forget()
    [found] = findings(repository / "api", "api/views.py")
    assert (found.code, found.text.partition("rollback; ")[2]) == ("CLY701", advice)
