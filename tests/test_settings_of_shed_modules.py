"""Settings in a dict display are found whether or not the module's tree is still in memory."""

from __future__ import annotations

from flake8_celery_tasks.celery_model import settings
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.resolution import project
from tests.helpers import write


def test_settings_in_a_dict_of_a_module_without_tree(tmp_path):
    write(tmp_path, {"shop/config.py": 'DICT = {"task_acks_late": True}\n', "shop/tasks.py": ""})
    known = project.Project(str(tmp_path), Options())
    module = known.module(str(tmp_path / "shop" / "config.py"))
    module.shed()
    assert known.setting("task_acks_late") == [True]
    assert settings.acks_late(known) is True
