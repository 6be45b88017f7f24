"""Which project a file is judged in."""

from __future__ import annotations

from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import folders
from tests.helpers import touch


def test_without_a_root_the_working_folder_or_the_top_package(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "ROOT_MARKS", frozenset())
    touch(tmp_path, "a/shop/__init__.py", "a/shop/tasks.py", "b/x.py")
    monkeypatch.chdir(tmp_path / "a")
    inside = session.project_of(str(tmp_path / "a/shop/tasks.py"), Options())
    assert inside.layout.root == str(tmp_path / "a")
    monkeypatch.chdir(tmp_path / "b")
    outside = session.project_of(str(tmp_path / "a/shop/tasks.py"), Options())
    assert outside.layout.root == str(tmp_path / "a")


def test_the_root_can_be_given(tmp_path):
    touch(tmp_path, "pyproject.toml", "inner/setup.cfg", "inner/x.py")
    known = session.project_of(str(tmp_path / "inner/x.py"), Options.of({"celery_project_root": str(tmp_path)}))
    assert known.layout.root == str(tmp_path)
