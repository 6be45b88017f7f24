"""Operations on nodes, which become edits."""

from __future__ import annotations

from flake8_celery_tasks.edits import operations
from tests.helpers import opened, project_at


def test_the_text_of_a_module(tmp_path):
    text = "import os.path\n"
    module = opened(project_at(tmp_path, {"shop/tasks.py": text}), tmp_path, "shop/tasks.py", text)
    assert operations.text_of(module).text == text
    assert operations.text_of(module) is operations.text_of(module)
