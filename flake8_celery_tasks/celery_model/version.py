"""The version of Celery that a project runs on, where its lock or its requirements say that in plain words."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.options import NEWEST
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.resolution.project import Project


#: Files that name the one version that is installed. The first of them that does decides.
_LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_LOCKED: Final = re.compile(  # begins with what is searched for fast: locks are long
    rb""""celery"(?:\r?\nversion = "(\d+)\.(\d+)|:\s*\{[^{}]*"version":\s*"==(\d+)\.(\d+))"""
)

#: Files that name what is wanted; so does any `requirements*.txt`, and all text in a folder `requirements`.
_WANTS: Final = ("Pipfile", "pyproject.toml", "setup.cfg")
_REQUIREMENTS: Final = "requirements"
_TEXTS: Final = (".in", ".txt")
_PINNED: Final = re.compile(
    rb"""(?:^[ \t]*|["'])celery["']?\s*(?:\[[\w\s,-]*\])?\s*
    (?:===?\s*(\d+)\.(\d+)(?![\d*])
    |~=\s*(\d+)\.(\d+)\.\d
    |=\s*(?:\{[^}\n]*\bversion\s*=\s*)?["'](?:==|~)?(\d+)\.(\d+)(?![\d*]))""",
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)


def version_of(project: Project) -> tuple[int, int]:
    """Return the version that a project pins in its root; the newest known where none is pinned, or several are."""
    root = project.layout.root
    for name in _LOCKS:
        found = _versions(_LOCKED, project, os.path.join(root, name))
        if found:
            break
    else:
        found = {version for path in _wanting(root) for version in _versions(_PINNED, project, path)}
    return min(*found, NEWEST) if len(found) == 1 else NEWEST


def may_pin(folder: str, name: str) -> bool:
    """Return whether a file in a folder is one that may name a version."""
    is_text = name.endswith(_TEXTS) and (name.startswith(_REQUIREMENTS) or os.path.basename(folder) == _REQUIREMENTS)
    return is_text or name in _LOCKS or name in _WANTS


def _wanting(root: str) -> Iterator[str]:
    """Yield the files that name what a project wants."""
    for folder in (root, os.path.join(root, _REQUIREMENTS)):
        for name in folders.entries(folder):
            if name not in _LOCKS and may_pin(folder, name):
                yield os.path.join(folder, name)


def _versions(pattern: re.Pattern[bytes], project: Project, path: str) -> set[tuple[int, int]]:
    """Return the versions that a file names."""
    numbers = [
        [int(number) for number in match.groups() if number] for match in pattern.finditer(project.read(path) or b"")
    ]
    return {(major, minor) for major, minor in numbers}
