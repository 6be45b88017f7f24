"""What a project is taken for."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.engine.survey import surroundings
from tests.helpers import project_at

TASK = "from celery import shared_task\n\n\n@shared_task(name='{}')\ndef t(): ...\n"


def test_root_and_version(tmp_path):
    known = project_at(tmp_path, {"requirements.txt": "celery==5.3.1\n"})
    assert surroundings.root_of(known) == {"path": str(tmp_path), "because": "pyproject.toml"}
    assert surroundings.celery_of(known) == {
        "version": "5.3",
        "path": "requirements.txt",
        "line": 1,
        "text": "celery==5.3.1",
        "because": "file",
    }
    known = project_at(tmp_path, {}, celery_target_version="5.4", celery_project_root=str(tmp_path))
    assert surroundings.celery_of(known)["because"] == "celery-target-version"
    assert surroundings.root_of(known)["because"] == "celery-project-root"


def test_nothing_says_anything(tmp_path):
    known = project_at(tmp_path, {})
    (tmp_path / "pyproject.toml").unlink()
    assert surroundings.root_of(known)["because"] == "no parent folder has a project marker"
    assert "newest" in surroundings.celery_of(known)["because"]
    assert surroundings.apps_of(known) == surroundings.decorators_of(known) == surroundings.settings_of(known) == []


def test_apps_and_decorators(tmp_path):
    known = project_at(
        tmp_path,
        {
            "shop/celery.py": "from celery import Celery\n\napp = Celery('shop')\n",
            "shop/made.py": "from celery import Celery\n\ncelery = Celery('a')\nif celery:\n    celery = Celery('b')\n",
            "shop/tasks.py": TASK.format("a")
            + "\n\nfrom shop.celery import app\n\n\n@app.task(name='b')\ndef u(): ...\n\n\n@shared_task\ndef v(): ...\n"
            + "\n\n@object().x.task\ndef w(): ...\n\n\nfrom celery import current_app, Task\n\n\n"
            + "@current_app._get_current_object().task\ndef x(): ...\n\n\n"
            + "class C(Task):\n    name = 'c'\n\n    def run(self): ...\n\n\napp.register_task(C())\n",
            "shop/odd.py": "from celery import Celery\n\n\n@Celery('x').task(name=object().x)\ndef t(): ...\n",
        },
    )
    assert surroundings.apps_of(known)[0] == "shop.celery.app"
    found = [(one["name"], one["tasks"]) for one in surroundings.decorators_of(known)]
    assert found[0] == ("celery.shared_task", 2)
    assert ("shop.celery.app", 1) in found or ("shop.celery.app.task", 1) in found
    assert ("class", 1) in found
    assert ("app.task", 1) in found


@pytest.mark.parametrize(
    ("call", "files", "expected"),
    [
        ("'shop.config'", {"shop/config.py": "task_acks_late = True\n"}, ("shop/config.py", None, None)),
        ("object().x, namespace=object().x", {}, (None, None, "?")),
        (
            "'django.conf:settings', namespace='CELERY'",
            {
                "shop/settings.py": "INSTALLED_APPS = []\n",
                "tests/settings.py": "INSTALLED_APPS = []\n",
                "shop/other.py": "print('INSTALLED_APPS')\n",
            },
            ("shop/settings.py", "django.conf.settings", "CELERY"),
        ),
    ],
)
def test_settings(tmp_path, call, files, expected):
    app = f"from celery import Celery\n\napp = Celery('shop')\napp.config_from_object({call})\n"
    (found,) = surroundings.settings_of(project_at(tmp_path, {"shop/celery.py": app, **files}))
    assert (found["path"], found["object"], found["namespace"]) == expected


def test_a_module(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": TASK.format("a"), "loose/src/jobs.py": "X = 1\n"})
    found = surroundings.module_of(known, str(tmp_path / "shop/tasks.py"))
    assert found == {
        "path": "shop/tasks.py",
        "name": "shop.tasks",
        "certain": True,
        "why_not": None,
        "app": "shop",
        "is_test": False,
        "is_package": False,
    }
    found = surroundings.module_of(known, str(tmp_path / "loose/src/jobs.py"))
    assert (found["name"], found["certain"]) == ("loose.src.jobs", False)
    assert found["why_not"].startswith("loose/src has no __init__.py")
    assert surroundings.module_of(known, str(tmp_path / "notes"))["app"] is None
    known = project_at(tmp_path, {}, celery_apps="shop")
    assert surroundings.module_of(known, str(tmp_path / "shop/tasks.py"))["app"] == "shop"


def test_an_app_with_names_of_its_own(tmp_path):
    text = "from celery import Celery\n\n\nclass Own(Celery):\n    def gen_task_name(self, name, module): ...\n"
    known = project_at(tmp_path, {"shop/tasks.py": text})
    assert "gen_task_name" in surroundings.module_of(known, str(tmp_path / "shop/tasks.py"))["why_not"]


def test_tasks_in_tests_do_not_count(tmp_path):
    tests = {"tests/tasks.py": TASK.format("a"), "shop/tests/test_tasks.py": TASK.format("b")}
    known = project_at(tmp_path, {**tests, "shop/tasks.py": TASK.format("c")})
    assert [one["tasks"] for one in surroundings.decorators_of(known)] == [1]
    (tmp_path / "shop/tasks.py").unlink()
    known = project_at(tmp_path, tests)  # but they show how tasks are created
    assert [one["tasks"] for one in surroundings.decorators_of(known)] == [2]


def test_paths_as_they_are_shown(tmp_path):
    known = project_at(tmp_path, {})
    assert surroundings._seen(known, str(tmp_path / "shop/setup.cfg")) == "shop/setup.cfg"
    assert surroundings._seen(known, "--celery-version") == "--celery-version"
