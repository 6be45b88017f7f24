"""The files of a project, on disk and in an editor."""

from __future__ import annotations

from flake8_celery_tasks.workspace.files import Held
from tests.helpers import opened, project_at


def test_texts_that_replace_files(tmp_path):
    disk = project_at(tmp_path, {"shop/tasks.py": "a = 1\n", "shop/views.py": "b = 1\n"}).files.disk
    tasks, views = str(tmp_path / "shop/tasks.py"), str(tmp_path / "shop/views.py")
    held = Held(disk, {tasks: b"a = 2\n"})
    assert (disk.held, held.held) == ({}, {tasks: b"a = 2\n"})
    assert (disk.read(tasks), held.read(tasks), held.read(views)) == (b"a = 1\n", b"a = 2\n", b"b = 1\n")


def test_the_text_in_an_editor_is_the_current_one(tmp_path):
    known = project_at(tmp_path, {"shop/tasks.py": "a = 1\n", "shop/views.py": "b = 1\n"})
    opened(known, tmp_path, "shop/tasks.py", "a = 2\n")
    paths = [str(tmp_path / name) for name in ("shop/tasks.py", "shop/views.py", "shop/gone.py")]
    assert [known.files.current(path) for path in paths] == [b"a = 2\n", b"b = 1\n", None]
