"""Python that others have written: the standard library, what is installed beside the tests, and real projects."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest

from flake8_celery_tasks.engine import session
from tests.robustness import harness
from tests.robustness.effort import LONG

ROOTS = sorted({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})

#: Without time, one file of so many is looked at: the same ones each time.
STEP = 1 if LONG else 40

CORPUS = os.environ.get("CORPUS", "")
PROJECTS = sorted(path for path in Path(CORPUS).iterdir() if path.is_dir()) if CORPUS else []


def files(root):
    """Return the files below a root, but for those of another one inside it."""
    others = tuple(f"{other}{os.sep}" for other in ROOTS if other != root and other.startswith(root))
    return [path for path in sorted(Path(root).rglob("*.py")) if path.is_file() and not str(path).startswith(others)]


def examine(paths):
    """Ask everything about some files; return how many could be read."""
    count = 0
    for path in paths:
        text = harness.read(path)
        if text is not None:
            count += 1
            try:
                harness.examine_text(path, text)
            except BaseException as error:
                raise AssertionError(f"at {path}") from error
    return count


@pytest.mark.parametrize("root", ROOTS)
def test_what_is_installed(root):
    session.forget()
    assert examine(files(root)[::STEP])


@pytest.mark.skipif(not PROJECTS, reason="CORPUS is no folder with one folder for each project")
@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_a_real_project(folder, monkeypatch):
    """Every file that may have to do with Celery, and the commands over all of them."""
    monkeypatch.chdir(folder)
    for arguments in (("check",), ("fix", "--diff", "--unsafe"), ("tasks", "--format=json")):
        code, _, err = harness.command(*arguments, "--isolated", "--celery-no-cache=true", ".")
        assert code in (0, 1), err
    session.forget()
    examine(path for path in sorted(folder.rglob("*.py")) if path.is_file() and (LONG or b"elery" in path.read_bytes()))
