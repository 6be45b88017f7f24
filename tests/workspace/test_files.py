"""The files of a project, on disk and in an editor."""

from __future__ import annotations

from flake8_celery_tasks.workspace.files import Held, marks_held
from flake8_celery_tasks.workspace.marks import BINDINGS, DEFINITIONS, USES
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


def test_many_marks_are_searched_for_by_their_words():
    text = b"import shop\n\n@shop.job7\ndef f(): ...\n\n@task\ndef g(): ...\n"
    bits = {USES + b"job%d" % number: 1 << number for number in range(40)}
    others = {DEFINITIONS: 1 << 50, b"sho": 1 << 51, b"gone": 1 << 52, BINDINGS + b"obs": 1 << 53}
    assert marks_held(text, {**bits, **others}) == 1 << 7 | 1 << 50 | 1 << 51
    assert marks_held(text, {USES + b"job7": 1, **others}) == 1 | 1 << 50 | 1 << 51
