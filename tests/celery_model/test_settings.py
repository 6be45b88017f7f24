"""What the project sets for all tasks."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.celery_model import settings
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from tests.helpers import project_at, write


def test_settings_in_a_dict_of_a_module_without_tree(tmp_path):
    write(tmp_path, {"shop/config.py": 'DICT = {"task_acks_late": True}\n', "shop/tasks.py": ""})
    known = session.open_project(str(tmp_path), Options())
    module = known.module(str(tmp_path / "shop" / "config.py"))
    module.shed()
    assert setting_values(known, "task_acks_late") == [True]
    assert settings.acks_late(known) is True


def test_settings_from_everywhere(tmp_path):
    known = project_at(
        tmp_path,
        {
            "one.py": "CELERY_TASK_ACKS_LATE = True\n",
            "two.py": "class Config:\n    task_acks_late = False\n\n\nfor task_acks_late in (): pass\n",
            "three.py": "app.conf.task_acks_late = 1\napp.conf['CELERY_ACKS_LATE'] = None\napp.conf[x] = 2\n",
            "four.py": "app.conf.update(task_acks_late=3)\nX = {'task_acks_late': 4, other: 5}\n",
            "five.py": "task_acks_late = (\n",
            "seven.py": "def task_acks_late(): ...\n",
            "tests/six.py": "task_acks_late = 'never'\n",
        },
    )
    found = setting_values(known, "task_acks_late")
    assert sorted(map(repr, found)) == sorted(["True", "False", "UNKNOWN", "1", "None", "3", "4", "UNKNOWN"])
    assert settings.acks_late(known) is True
    assert tasks_of(known).by_name == {}


@pytest.mark.parametrize(
    ("text", "late"), [("x = 1\n", False), ("task_acks_late = False\n", False), ("task_acks_late = env()\n", None)]
)
def test_late_acknowledgement_of_the_project(tmp_path, text, late):
    assert settings.acks_late(project_at(tmp_path, {"one.py": text})) is late


def test_late_acknowledgement_by_option(tmp_path):
    assert settings.acks_late(project_at(tmp_path, {"x.py": ""}, celery_acks_late="yes")) is True
