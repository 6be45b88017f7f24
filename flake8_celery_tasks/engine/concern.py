"""The second gate: whether a file uses the project's own task decorators, and its own classes of tasks and apps."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.workspace import folders, gate, imports, prescan

if TYPE_CHECKING:
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.resolution.project import Project

_TASK: Final = ".Task"

#: Top-level packages that are never a project's own, but are used by most.
_FOREIGN: Final = frozenset({"click", "django", "numpy", "pytest", "rest_framework", "six", "sqlalchemy"})


def passes(run: Run, filename: str, text: str, project: Project | None = None) -> bool:
    """Return whether a file is worth traversing, by its text or by the decorators that it uses.

    `project` is the file's project, if it is not the one on disk.
    """
    return run.passes(filename, text) or uses_own(run, filename, text, project)


def uses_own(run: Run, filename: str, text: str, project: Project | None = None) -> bool:
    """Return whether a text that does not pass the gate may use a task decorator, or a class, of its project's own."""
    if project is None and _lacks_own(run, filename, text):
        return False
    found = gate.applied(text)
    return bool(found) and _uses_own_decorator(run, filename, text, found, project)


def _lacks_own(run: Run, filename: str, text: str) -> bool:
    """Return whether a text has none of the names of its project's own decorators and classes, as far as known yet.

    This is many times as fast as a look at what it uses.
    """
    folder = os.path.dirname(filename)
    own = gate.own.get(folder)
    if own is None:
        own = gate.own.get(_root(os.path.abspath(folder), run.options))
        if own is None:
            return False
        gate.own[folder] = own
    return not gate.passes(text, own)


def _uses_own_decorator(run: Run, filename: str, text: str, found: set[str], project: Project | None = None) -> bool:
    """Return whether a text that does not pass the gate may use a task decorator of the project's own.

    `found` holds the decorators that it uses, as returned by `gate.applied`. In case of doubt it may.
    """
    path = os.path.abspath(filename)
    content = encoded(text)
    try:
        if not _uses_own(path, content, found, run.options):
            return False
        names = _noted(run, filename) if project is None else _marking(_searched(project))
        written = [encoded(name) for name in names]
    except errors.CAUGHT:
        return True
    # The class that an app gives its tasks is one of the app's attributes.
    return any(prescan.uses(content, name) for name in written) or (_TASK in text and prescan.uses(content, b"Task"))


def prepare(run: Run, filename: str) -> None:
    """Find the names of a file's project now, because they will be needed: this makes `uses_own` faster."""
    with contextlib.suppress(*errors.CAUGHT):
        _noted(run, filename)


def _noted(run: Run, filename: str) -> list[str]:
    """Return the names of the project's own decorators and classes that are no marks; note them for all its files."""
    path = os.path.abspath(filename)
    names = _marking(_names(path, run))
    gate.own[os.path.dirname(filename)] = gate.own[_root(os.path.dirname(path), run.options)] = (*names, _TASK)
    return names


@lru_cache(16)  # the names of all own decorators of a project, for each of its files
def _marking(names: frozenset[str]) -> list[str]:
    return [name for name in names if not gate.passes(name)]


def _names(path: str, run: Run) -> frozenset[str]:
    """Return the names of the task decorators of the project that a file belongs to."""
    project = session.project_of(path, run.options, run.excluded)
    kept = session.findings_of(project, run.opted)
    if kept is None:
        return _searched(project)
    session.save_at_exit()
    return kept.own_names()


def _searched(project: Project) -> frozenset[str]:
    from flake8_celery_tasks.celery_model.decorators import own_names  # not for projects that are known

    return own_names(project)


def _uses_own(path: str, content: bytes, found: set[str], options: Options) -> bool:
    """Return whether a decorator that a text uses may come from another module of the project."""
    unbound = set(found)
    tops: dict[str, set[str]] = {}  # the names imported from each package
    for top, names in imports.bound(content):
        unbound -= names
        tops.setdefault(top, set()).update(names)
    for top, names in tops.items():
        # A decorator that is not imported is made here from something imported.
        if (unbound or "*" in names or not names.isdisjoint(found)) and (not top or _is_own(path, top, options)):
            return True
    return False


def _root(folder: str, options: Options) -> str:
    return options.celery_project_root or folders.find_root(folder) or folder


def _is_own(path: str, top: str, options: Options) -> bool:
    """Return whether a top-level package may belong to the same project as a file."""
    if top in sys.stdlib_module_names or top in _FOREIGN:
        return False
    folder = os.path.dirname(path)
    root = _root(folder, options)
    if top in folders.importable(root):
        return True
    while folder.startswith(root) and folder != root:
        if top in folders.modules_in(folder):
            return True
        folder = os.path.dirname(folder)
    return False
