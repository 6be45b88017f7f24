"""Repositories of git to read revisions from."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

if shutil.which("git") is None:  # pragma: no cover
    collect_ignore = ["test_git.py", "test_revision.py"]


class Git:
    """A repository in a folder, whose user has no configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str | bytes, given: bytes = b"") -> str:
        done = subprocess.run(["git", *arguments], cwd=self.folder, input=given, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return os.fsdecode(done.stdout).strip()

    def write(self, files: dict[str, str | bytes]) -> None:
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def commit(self, files: dict[str, str | bytes]) -> str:
        """Write some files and commit everything; return the commit."""
        self.write(files)
        self("add", "-A")
        self("commit", "-q", "--allow-empty", "-m", "change")
        return self("rev-parse", "HEAD")


@pytest.fixture(autouse=True)
def _plain_git(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    user = "[user]\nname = x\nemail = x@example.org\n[init]\ndefaultBranch = main\n"
    (home / ".gitconfig").write_text(user + '[protocol "file"]\nallow = always\n')


@pytest.fixture
def git(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    made = Git(folder)
    made("init", "-q")
    return made
