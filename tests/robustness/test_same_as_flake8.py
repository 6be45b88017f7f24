"""The command next to flake8, line by line, on real projects: what is in the repository, installed, or in `CORPUS`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import celery
import pytest

from tests.helpers import ROOT, without_summary
from tests.robustness.test_installed import PROJECTS

#: Celery has tasks of its own; those of the tests are full of mistakes.
SHIPPED = [ROOT / "docs/example", ROOT / "tests/truth", Path(celery.__file__).parent]


def run(program, folder, *arguments):
    """Return the exit code and the output of a program; a cache that both share would hide differences."""
    command = [sys.executable, "-m", *program, "--celery-no-cache=true", *arguments, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.returncode, done.stdout, without_summary(done.stderr.decode("utf-8", "replace")).encode()


def says_the_same(folder, *arguments):
    """Compare the command with flake8, where flake8 takes the project's configuration, else without it."""
    theirs = run(["flake8"], folder, *arguments)
    if theirs[2]:
        arguments = ("--isolated", *arguments)
        theirs = run(["flake8"], folder, *arguments)
    assert theirs[2] == b""
    ours = run(["flake8_celery_tasks", "check"], folder, *arguments)
    assert ours[1].splitlines() == theirs[1].splitlines()
    assert ours == theirs
    return len(theirs[1].splitlines())


def test_what_is_at_hand():
    found = [says_the_same(folder, "--isolated", "--select=CLY,CLY9") for folder in SHIPPED]
    assert found[0] > 7
    assert sum(found) > 50


@pytest.mark.skipif(not PROJECTS, reason="CORPUS is no folder with one folder for each project")
@pytest.mark.parametrize("folder", PROJECTS, ids=lambda folder: folder.name)
def test_a_real_project(folder):
    says_the_same(folder, "--select=CLY")
