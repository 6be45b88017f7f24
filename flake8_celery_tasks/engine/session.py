"""The projects of this process: where they come from, how long they live, when their caches are written."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flake8_celery_tasks.contract.agreement import Agreement
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
        if options.celery_contract:
            _projects[key].agreement = _agreement
    return _projects[key]


def projects_around(folder: str, options: Options, excluded: tuple[str, ...] = ()) -> list[Project]:
    """Return the project around a folder, and those below it."""
    found: dict[Project, None] = {}
    pending = [folder]
    while pending:
        project = project_of(os.path.join(pending.pop(0), "any.py"), options, excluded)
        if project not in found:
            found[project] = None
            pending += [root for root in project.layout.inner_roots() if root.startswith(os.path.join(folder, ""))]
    return list(found)


def drop(projects: Iterable[Project]) -> None:
    """Drop some projects: those of a folder that is soon gone."""
    gone = set(projects)
    for key, project in list(_projects.items()):
        if project in gone:
            del _projects[key]


def is_one_of_several(project: Project) -> bool:
    """Return whether a record is about other projects too, so that what is found does not follow from this one."""
    path = project.options.celery_contract
    return bool(path) and projects_around(os.path.dirname(path), project.options, project.excluded) != [project]


_agreements: dict[tuple[Options, tuple[str, ...]], Agreement] = {}


def _agreement(project: Project) -> Agreement | None:
    """Return the contract that the options name a record of, None where the record is about other projects.

    A project in which a file holds another text has its own; the others share one.
    """
    from flake8_celery_tasks.contract import record
    from flake8_celery_tasks.contract.agreement import Agreement
    from flake8_celery_tasks.contract.present import Present

    key = (project.options, project.excluded)
    path = project.options.celery_contract
    known = projects_around(os.path.dirname(path), *key)
    if all(other.layout.root != project.layout.root for other in known):
        return None
    if project in known and key in _agreements:
        return _agreements[key]
    projects = [project if other.layout.root == project.layout.root else other for other in known]
    found = Agreement(record.load(path), Present(projects))
    if project in known:
        _agreements[key] = found
    return found


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
    _agreements.clear()
    folders.forget()


def start_over() -> None:
    """Drop all projects, and their memory, before a further run in this process."""
    is_frozen = any("tasks" in vars(known) for known in _projects.values())
    forget()
    if is_frozen:  # else each run would add an index to what is never collected
        gc.unfreeze()
        gc.collect()
