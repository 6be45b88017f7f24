"""What a module does with tasks by their names."""

from __future__ import annotations

from flake8_celery_tasks.facts import uses
from tests.helpers import opened, project_at


def test_only_retries_of_tasks_count(tmp_path):
    text = "from shop.other import thing\nfrom celery import current_task\n\nthing.retry()\ncurrent_task.retry()\n"
    known = project_at(tmp_path, {"shop/tasks.py": text, "shop/other.py": "thing = object()\n"})
    assert uses.retried_in(opened(known, tmp_path, "shop/tasks.py", text), known) == {None}
