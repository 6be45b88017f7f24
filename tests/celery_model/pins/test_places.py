"""Where files stand that may name a version."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from flake8_celery_tasks.celery_model.pins.places import Places
from flake8_celery_tasks.workspace import folders


@pytest.fixture
def tree(tmp_path):
    """Make files and folders (which end with a slash)."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.mkdir(exist_ok=True) if name.endswith("/") else path.touch()
        folders.forget()

    return make


def places(tmp_path, root="."):
    """Return the places that hold something, as paths from `tmp_path`."""
    found = [
        [os.path.relpath(path, tmp_path).replace(os.sep, "/") for path in place]
        for place in Places(os.path.normpath(tmp_path / root))
    ]
    return [place for place in found if place]


def test_the_root_and_its_folders_of_requirements(tree, tmp_path):
    tree("requirements.txt", "notes.txt", "setup.cfg", "requirements/b.txt", "requirements/deep/a.in", "deps/x.txt")
    assert places(tmp_path) == [
        ["requirements.txt", "setup.cfg", "deps/x.txt", "requirements/b.txt", "requirements/deep/a.in"]
    ]


def test_other_folders(tree, tmp_path):
    tree(
        *(
            "requirements/a.txt",
            "backend/requirements.txt",
            "backend/requirements/b.txt",
            "backend/deep/requirements.txt",
        ),
        *(".hidden/requirements.txt", "venv/requirements.txt", "made/pyvenv.cfg", "made/requirements.txt"),
        *("other/setup.cfg", "other/requirements.txt", "build/requirements.txt", "poetry.lock"),
    )
    assert places(tmp_path) == [
        ["poetry.lock", "requirements/a.txt"],
        ["backend/requirements.txt", "backend/requirements/b.txt"],
        ["backend/deep/requirements.txt"],
        ["other/requirements.txt", "other/setup.cfg"],
    ]


@pytest.mark.parametrize("mark", [".git/", ".git", ".hg/", ".jj/", ".svn/"])
def test_up_to_the_root_of_the_repository(tree, tmp_path, mark):
    tree(
        f"a/{mark}",
        "requirements.txt",
        "a/uv.lock",
        "a/deps/d.txt",
        "a/beside/reqs.txt",
        "a/b/c/d/reqs.txt",
        "a/b/setup.py",
    )
    assert places(tmp_path, "a/b/c/d") == [
        ["a/b/c/d/reqs.txt"],
        ["a/b/setup.py"],
        ["a/uv.lock", "a/deps/d.txt"],
        ["a/beside/reqs.txt"],
    ]
    assert places(tmp_path, "a") == [["a/uv.lock", "a/deps/d.txt"], ["a/b/setup.py", "a/beside/reqs.txt"]]


def test_without_a_repository(tree, tmp_path):
    """Two folders up, and not what is beside: nobody knows where the project begins."""
    tree("reqs.txt", "a/reqs.txt", "a/b/reqs.txt", "a/beside/reqs.txt", "a/b/c/reqs.txt")
    assert places(tmp_path, "a/b/c") == [["a/b/c/reqs.txt"], ["a/b/reqs.txt"], ["a/reqs.txt"]]


def test_how_far_it_goes(tree, tmp_path):
    tree(".git/", "reqs.txt", "1/2/3/4/5/6/", "1/2/3/4/5/6/7/8/")
    assert places(tmp_path, "1/2/3/4/5/6") == [["reqs.txt"]]
    assert places(tmp_path, "1/2/3/4/5/6/7/8") == []


def test_not_in_the_home_folder(tree, tmp_path, monkeypatch):
    tree("reqs.txt", "shop/web/")
    monkeypatch.setattr(os.path, "expanduser", lambda path: str(tmp_path))
    assert places(tmp_path, "shop/web") == []
    tree(".git/")
    assert places(tmp_path, "shop/web") == []


def test_not_in_the_top_folder():
    top = Path(os.sep).resolve().anchor
    below = Places(f"{top}nowhere-at-all")
    assert [place for place in below if place] == []
    assert top not in below.folders
    assert next(iter(Places(top))) is not None


def test_what_was_looked_into(tree, tmp_path):
    tree("repository/.git/", "repository/deps/", "repository/other/", "repository/shop/requirements/")
    found = Places(str(tmp_path / "repository/shop"))
    next(iter(found))
    assert {os.path.relpath(folder, tmp_path / "repository") for folder in found.folders} == {
        "shop",
        "shop/requirements",
    }
    list(found)
    assert {os.path.relpath(folder, tmp_path / "repository") for folder in found.folders} >= {".", "deps", "other"}


def test_no_more_than_some_folders(tree, tmp_path):
    tree(*(f"{outer}/{inner}/" for outer in range(30) for inner in range(30)), "9/9/requirements.txt")
    found = Places(str(tmp_path))
    assert not any(found)
    assert len(found.folders) < 500


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_no_more_than_regular_files(tree, tmp_path):
    tree("a/", "uv.lock/")
    os.mkfifo(tmp_path / "requirements.txt")
    (tmp_path / "reqs.txt").symlink_to("reqs.txt")
    (tmp_path / "deps.txt").symlink_to("nowhere.txt")
    (tmp_path / "setup.cfg").symlink_to("/dev/zero")
    (tmp_path / "a/b").symlink_to("..")
    (tmp_path / "requirements").symlink_to(".")
    folders.forget()
    assert places(tmp_path) == []
