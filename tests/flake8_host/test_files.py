"""The files that are checked."""

from __future__ import annotations

from argparse import Namespace

import pytest

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.flake8_host.files import files, passing
from tests.helpers import write

FILES = (".github/scripts/a.py", ".hidden.py", "shop/.semgrep/b.py", "shop/tasks.py", "shop/.venv/lib/c.py")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], [".hidden.py", "shop/tasks.py"]),
        (["."], [".hidden.py", "shop/tasks.py"]),
        (["shop"], ["shop/tasks.py"]),
        ([".github"], [".github/scripts/a.py"]),
        (["shop/.semgrep/b.py", "shop/"], ["shop/.semgrep/b.py", "shop/tasks.py"]),
        (["../project"], [".hidden.py", "shop/tasks.py"]),
    ],
)
def test_hidden_folders_are_checked_only_if_they_are_given(tmp_path, monkeypatch, given, expected):
    folder = tmp_path / ".kept" / "project"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write(folder, dict.fromkeys(FILES, ""))
    monkeypatch.chdir(folder)
    options = Namespace(
        filenames=given, stdin_display_name="stdin", filename=["*.py"], exclude=[], extend_exclude=["__init__.py"]
    )
    assert sorted(str((folder / name).resolve().relative_to(folder)) for name in files(options)) == expected


def test_a_file_that_can_not_be_read_is_checked_so_that_it_is_told_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"tasks.py": "import celery\n", "a.py": "", "gone.py": ""})
    names, usual = ["-", "a.py", "gone.py", "lost.py", "tasks.py"], regular.read
    assert passing(names, Run()) == ["-", "lost.py", "tasks.py"]
    reads = []

    def read(name):
        reads.append(name)
        if reads.count("gone.py") == 2:
            raise FileNotFoundError(name)
        return usual(name)

    monkeypatch.setattr(regular, "read", read)
    assert passing(names, Run()) == ["-", "gone.py", "lost.py", "tasks.py"]
