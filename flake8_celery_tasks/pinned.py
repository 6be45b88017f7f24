"""The version of Celery that a project runs on, where its lock or its requirements say that in plain words."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks import layout

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Files that name the one version that is installed. The first of them that does decides.
_LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_LOCKED: Final = re.compile(
    rb"""^name[ ]=[ ]"celery"\r?\nversion[ ]=[ ]"(\d+)\.(\d+)|"celery":\s*\{[^{}]*"version":\s*"==(\d+)\.(\d+)""",
    re.MULTILINE | re.VERBOSE,
)

#: Files that name what is wanted; so does any `requirements*.txt`, and all text in a folder `requirements`.
_WANTS: Final = ("Pipfile", "pyproject.toml", "setup.cfg")
_PINNED: Final = re.compile(
    rb"""^[ \t"']*celery\s*(?:\[[\w\s,-]*\])?\s*
    (?:===?\s*(\d+)\.(\d+)(?![\d*])
    |~=\s*(\d+)\.(\d+)\.\d
    |=\s*(?:\{[^}\n]*\bversion\s*=\s*)?["'](?:==)?(\d+)\.(\d+)(?![\d*]))""",
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)


def version_in(root: str) -> tuple[int, int] | None:
    """Return major and minor number of the Celery that is pinned in a folder; None where none is, or several are."""
    entries = layout.entries(root)
    for name in _LOCKS:
        found = _versions(_LOCKED, os.path.join(root, name)) if name in entries else set()
        if found:
            return found.pop() if len(found) == 1 else None
    found = {version for path in _wanting(root, entries) for version in _versions(_PINNED, path)}
    return found.pop() if len(found) == 1 else None


def _wanting(root: str, entries: dict[str, str]) -> Iterator[str]:
    """Yield the files that name what a project wants."""
    for name in entries:
        if name in _WANTS or (name.startswith("requirements") and name.endswith(".txt")):
            yield os.path.join(root, name)
    if entries.get("requirements") == layout.FOLDER:
        folder = os.path.join(root, "requirements")
        yield from (os.path.join(folder, name) for name in layout.entries(folder) if name.endswith(".txt"))


def _versions(pattern: re.Pattern[bytes], path: str) -> set[tuple[int, int]]:
    """Return the versions that a file names."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except OSError:
        return set()
    numbers = [[int(number) for number in match.groups() if number] for match in pattern.finditer(text)]
    return {(major, minor) for major, minor in numbers}
