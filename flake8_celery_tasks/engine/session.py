"""The projects of this process: where they come from, how long they live, when their caches are written."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from flake8_celery_tasks.core.options import Options


_projects: dict[tuple[str, Options, tuple[str, ...]], Project] = {}


def project_of(path: str, options: Options, excluded: tuple[str, ...] = ()) -> Project:
    """Return the project that a file belongs to: one for each root and process."""
    folder = os.path.dirname(path)
    root = options.celery_project_root or folders.find_root(folder)
    if root is None:
        # No mark anywhere: the working folder, or what holds the file's top package.
        root = os.getcwd()
        if not (folder + os.sep).startswith(root.rstrip(os.sep) + os.sep):
            root = folder
            while folders.is_regular(root) and os.path.dirname(root) != root:
                root = os.path.dirname(root)
    key = (root, options, excluded)
    if key not in _projects:
        _projects[key] = Project(root, options, excluded)
    return _projects[key]


_saved_by: int | None = None


def save_at_exit() -> None:
    """Arrange for what is learnt from now on to be kept, too, when this process ends; it may be one of a pool."""
    global _saved_by
    if _saved_by != os.getpid():
        _saved_by = os.getpid()
        from multiprocessing.util import Finalize

        Finalize(None, save, exitpriority=0)


def save() -> None:
    """Keep what was found in all projects, and what is known of those whose index was needed."""
    for known in _projects.values():
        if known.is_searched:
            known.save()
        known.save_results()


def forget() -> None:
    """Drop all projects: for tests, and where files have been changed."""
    _projects.clear()
    folders.forget()


def start_over() -> None:
    """Drop all projects, and their memory, before a further run in this process."""
    is_frozen = any("tasks" in vars(known) for known in _projects.values())
    forget()
    if is_frozen:  # else each run would add an index to what is never collected
        gc.unfreeze()
        gc.collect()
