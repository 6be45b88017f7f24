"""The fix that sends by name instead of importing."""

from __future__ import annotations

from flake8_celery_tasks.rules.boundaries import _send_by_name
from tests.helpers import opened, project_at

TEXT = "import os.path\nfrom shop.other import thing\nfrom celery import current_task\n"


def test_what_a_file_takes_is_found_once(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": TEXT, "shop/other.py": "thing = object()\n"})
    path = opened(known, tmp_path, "shop/tasks.py", TEXT).path
    taken = _send_by_name._taken(known, path)
    assert taken == {("os", ""), ("shop.other", "thing"), ("celery", "current_task")}
    assert _send_by_name._taken(known, path) is taken
