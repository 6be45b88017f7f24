"""Folders: the root of a project, and what they hold."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flake8_celery_tasks.workspace import folders
from tests.helpers import touch


@pytest.mark.parametrize("mark", sorted(folders.ROOT_MARKS))
def test_root_is_the_nearest_folder_with_a_mark(tmp_path, mark):
    touch(tmp_path, "pyproject.toml", f"inner/{mark}", "inner/shop/deep/x.py")
    assert folders.find_root(str(tmp_path / "inner/shop/deep")) == str(tmp_path / "inner")
    assert folders.find_root(str(tmp_path / "other")) == str(tmp_path)


def test_without_a_mark_there_is_no_root(monkeypatch):
    monkeypatch.setattr(folders, "ROOT_MARKS", frozenset())
    assert folders.find_root(str(Path.cwd())) is None


def test_an_entry_that_can_not_be_asked_is_left_out(monkeypatch):
    class Entry:
        name = "x.py"

        def is_dir(self):
            raise OSError

    class Listing(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(os, "scandir", lambda _: Listing([Entry()]))
    assert folders.entries("/somewhere") == {}
