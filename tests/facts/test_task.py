"""Tasks, as rules are given them."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.facts.facts import Facts
from tests.helpers import facts_of, opened, project_at


def test_spreads_that_nest_too_deep_are_not_read(tmp_path):
    lines = ["from celery import shared_task", "D0 = {'name': 'x'}", *(f"D{n} = {{**D{n - 1}}}" for n in range(1, 9))]
    text = "\n".join([*lines, "@shared_task(**D8)", "def a(): ...", ""])
    known = project_at(tmp_path, {"a.py": text})
    module = opened(known, tmp_path, "a.py", text)
    (task,) = Facts(known, module).tasks
    assert task.explicit_name is UNKNOWN


@pytest.mark.parametrize(
    ("base", "retries"),
    [
        ("", False),
        (", base=Plain", False),
        (", base=Unread", True),
        (", base=VendorTask", True),
        (", base=QueueOnce", False),
        (", base=HeimdallTask", True),
        (", base=By", True),
    ],
)
def test_a_base_may_retry(tmp_path, base, retries):
    text = (
        "from celery import Task, shared_task\nfrom celery_heimdall import HeimdallTask\n"
        "from celery_once import QueueOnce\n"
        "from vendor.tasks import VendorTask\n\n\nclass Plain(Task): ...\n\n\n"
        "class Unread(VendorTask): ...\n\n\nclass By(Task):\n    def f(self):\n        self.retry()\n\n\n"
        f"@shared_task(name='a'{base})\ndef a(): ...\n"
    )
    (task,) = facts_of(tmp_path, text).tasks
    assert task._base_retries is retries


def test_a_base_that_can_not_be_told(tmp_path):
    (task,) = facts_of(
        tmp_path, "from celery import shared_task\n\n\n@shared_task(name='a', base=make())\ndef a(): ...\n"
    ).tasks
    assert task._base_retries is True
