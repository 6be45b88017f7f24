"""The files of a project, on disk and in an editor."""

from __future__ import annotations

from flake8_celery_tasks.workspace.files import Held
from tests.helpers import project_at


def test_texts_that_replace_files(tmp_path):
    disk = project_at(tmp_path, {"shop/tasks.py": "a = 1\n", "shop/views.py": "b = 1\n"}).files.disk
    tasks, views = str(tmp_path / "shop/tasks.py"), str(tmp_path / "shop/views.py")
    held = Held(disk, {tasks: b"a = 2\n"})
    assert (disk.held, held.held) == ({}, {tasks: b"a = 2\n"})
    assert (disk.read(tasks), held.read(tasks), held.read(views)) == (b"a = 1\n", b"a = 2\n", b"b = 1\n")
