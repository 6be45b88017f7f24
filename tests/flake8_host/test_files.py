"""The files that are checked."""

from __future__ import annotations

from argparse import Namespace

import pytest

from flake8_celery_tasks.flake8_host.files import files
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
