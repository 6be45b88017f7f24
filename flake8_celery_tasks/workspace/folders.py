"""Folders: their entries, and which of them is the root of a project."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.workspace.cache import stamp

#: Entries that mark the root of a project.
ROOT_MARKS: Final = frozenset({".git", ".flake8", "manage.py", "pyproject.toml", "setup.cfg", "tox.ini"})

#: Entries that matter in folders apart from Python files.
MARKS: Final = ROOT_MARKS | {"pyvenv.cfg"}

#: Files that make a package an app, in Django's sense or in Celery's.
APP_FILES: Final = frozenset({"apps.py", "models.py", "tasks.py"})
APP_FOLDERS: Final = frozenset({"migrations", "models", "tasks"})

#: Folders that contain no source of the project.
SKIPPED: Final = frozenset(
    {"__pycache__", "__pypackages__", "build", "dist", "env", "node_modules", "site-packages", "venv", "virtualenv"}
)

#: How deep inside a repository its projects are searched for, and how many of them.
_LEVELS: Final = 3
_MANY: Final = 50

#: How far below its root a project may have folders that it puts on Python's path.
_DEEP: Final = 2

FILE: Final = "file"
FOLDER: Final = "folder"

#: The settings module that a `manage.py` names, up to its first dot.
_SETTINGS: Final = lazy_pattern(rb"""DJANGO_SETTINGS_MODULE['"][^'"]*['"](\w+)""")

#: A longer script is not a `manage.py`.
_LONGEST: Final = 100_000

_folders: dict[str, dict[str, str]] = {}
_links: set[str] = set()
_closed: set[str] = set()
_roots: dict[str, str | None] = {}
_starts: dict[str, bool] = {}
_scripts: dict[str, list[int] | None] = {}
_importable: dict[str, set[str]] = {}


def forget() -> None:
    """Drop what is known about folders: for tests, and after files have been changed."""
    _folders.clear()
    _links.clear()
    _closed.clear()
    _roots.clear()
    _starts.clear()
    _scripts.clear()
    _importable.clear()


def here() -> str:
    """Return the working directory, the root of the file system if others have removed it."""
    try:
        return os.getcwd()
    except OSError:
        return os.sep


def entries(folder: str) -> dict[str, str]:
    """Return the files and folders in a folder; one that can't be listed counts as empty and is recorded as closed."""
    known = _folders.get(folder)
    if known is None:
        known = {}
        try:
            with os.scandir(folder) as found:
                for entry in found:
                    try:
                        if entry.is_dir():
                            known[entry.name] = FOLDER
                            if entry.is_symlink():
                                _links.add(entry.path)
                        elif entry.is_file():
                            known[entry.name] = FILE
                    except OSError:  # a broken link or a cycle of links
                        continue
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError:
            _closed.add(folder)
        _folders[folder] = known
    return known


def is_link(path: str) -> bool:
    """Return whether a folder that is in the `entries` of another one is a symbolic link."""
    return path in _links


def is_closed(folder: str) -> bool:
    """Return whether a folder exists but can't be listed, so that its content is unknown."""
    return not entries(folder) and folder in _closed


def listed() -> list[str]:
    """Return the folders that have been listed so far."""
    return list(_folders)


def closed() -> set[str]:
    """Return the folders that could not be listed so far."""
    return set(_closed)


def scripts() -> dict[str, list[int] | None]:
    """Return each `manage.py` read so far, with its stamp from before."""
    return dict(_scripts)


def is_root(folder: str) -> bool:
    """Return whether a folder looks like the root of a project; a `manage.py` in a package is an ordinary module."""
    marks = ROOT_MARKS.intersection(entries(folder))
    return bool(marks) and not (marks == {"manage.py"} and is_regular(folder))


def find_root(folder: str) -> str | None:
    """Return the nearest folder upwards that looks like the root of a project, None if there is none."""
    root: str | None = folder
    passed: list[str] = []
    while root is not None and root not in _roots and not is_root(root):
        passed.append(root)
        parent = os.path.dirname(root)
        root = None if parent == root else parent
    if root is not None:
        passed.append(root)
        root = _roots.get(root, root)
    _roots.update(dict.fromkeys(passed, root))
    return root


def roots_below(top: str) -> list[str]:
    """Return the roots of projects in a folder and a few levels below it, if they may contain source."""
    found: list[str] = []
    pending = [(top, 0)]
    while pending and len(found) < _MANY:
        folder, depth = pending.pop(0)
        if is_root(folder):
            found.append(folder)
        if depth < _LEVELS:
            inside = sorted(name for name, kind in entries(folder).items() if kind == FOLDER)
            names = [name for name in inside if not name.startswith(".") and name not in SKIPPED]
            paths = [os.path.join(folder, name) for name in names]
            pending += [(path, depth + 1) for path in paths if not is_link(path) and not is_regular(path)]
    return found


def is_regular(folder: str) -> bool:
    """Return whether a folder is a package with `__init__.py`."""
    return entries(folder).get("__init__.py") == FILE


def is_start(folder: str) -> bool:
    """Return whether the modules in a folder are imported without its name, even if it is a package.

    They are if its `manage.py` names settings next to it: Python searches a script's own folder first.
    """
    known = _starts.get(folder)
    if known is None:
        known = False
        if entries(folder).get("manage.py") == FILE:
            path = os.path.join(folder, "manage.py")
            _scripts[path] = stamp(path)
            with contextlib.suppress(OSError):
                named = _SETTINGS.search(regular.read(path, _LONGEST))
                known = named is not None and descend(folder, [named[1].decode()]) is not None
        _starts[folder] = known
    return known


def modules_in(folder: str) -> set[str]:
    """Return the names in a folder that may be imported from it."""
    return {
        name.removesuffix(".py") for name, kind in entries(folder).items() if kind == FOLDER or name.endswith(".py")
    }


def importable(root: str) -> set[str]:
    """Return the names that may be imported from a folder, or from folders up to two levels below it."""
    known = _importable.get(root)
    if known is None:
        known = set()
        pending = [(root, 0)]
        for folder, depth in pending:
            known |= modules_in(folder)
            for name, kind in entries(folder).items() if depth < _DEEP else ():
                if kind == FOLDER and not name.startswith(".") and name not in SKIPPED:
                    pending.append((os.path.join(folder, name), depth + 1))
        _importable[root] = known
    return known


def descend(folder: str, parts: list[str]) -> str | None:
    """Return the file or folder that the parts of a dotted name lead to inside a folder, None if there is none."""
    for index, part in enumerate(parts):
        inside = entries(folder)
        if inside.get(part) == FOLDER:
            folder = os.path.join(folder, part)
            if is_regular(folder) or inside.get(f"{part}.py") != FILE:
                continue
            folder = os.path.dirname(folder)
        if inside.get(f"{part}.py") == FILE and index == len(parts) - 1:
            return os.path.join(folder, f"{part}.py")
        return None
    return os.path.join(folder, "__init__.py") if is_regular(folder) else folder


def is_app(folder: str) -> bool:
    """Return whether a folder contains a file that makes a package an app."""
    inside = entries(folder)
    return any(inside.get(name) == FILE for name in APP_FILES) or any(
        inside.get(name) == FOLDER for name in APP_FOLDERS
    )


def same_drive(path: str, root: str) -> bool:
    """Return whether a relative path between two places exists (on Windows, not between drives)."""
    return os.path.splitdrive(path)[0] == os.path.splitdrive(root)[0]
