"""The projects of this process: how they are opened, how long they live, when their caches are written."""

from __future__ import annotations

import contextlib
import gc
import os
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.core import errors
from flake8_celery_tasks.engine.findings_cache import FindingsCache
from flake8_celery_tasks.engine.run import at_beginning
from flake8_celery_tasks.resolution.project import Project, files_of
from flake8_celery_tasks.workspace import folders, gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Unknown, Value
    from flake8_celery_tasks.contract.agreement import Agreement
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.resolution.resolver import Target


_projects: dict[tuple[str, Options, tuple[str, ...]], Project] = {}
_findings: dict[tuple[str, Options, tuple[str, ...], tuple[str, ...]], FindingsCache] = {}
_agreements: dict[tuple[Options, tuple[str, ...]], Agreement] = {}
_saved_by: int | None = None
_saving: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
_is_frozen = False
#: The roots of projects that will be saved later, because something more urgent comes first.
_saved_later: set[str] = set()


def open_project(
    root: str, options: Options, excluded: Sequence[str] = (), when_indexed: Callable[[Project], None] | None = None
) -> Project:
    """Return a new project for a root folder, which is not kept."""
    files = files_of(root, options, excluded)
    return Project(files, options, excluded, bases_of_app=_bases_of, own_marks=_own_marks, when_indexed=when_indexed)


# What follows is imported once a file is looked at: nothing of it is needed for files whose findings are kept.


def _bases_of(project: Project, base: Value, module: Module) -> list[Target | Unknown] | None:
    from flake8_celery_tasks.celery_model.apps import bases_of

    return bases_of(project, base, module)


def _own_marks(project: Project) -> tuple[bytes, ...]:
    from flake8_celery_tasks.celery_model.decorators import own_marks

    return own_marks(project)


def project_of(path: str, options: Options, excluded: tuple[str, ...] = ()) -> Project:
    """Return the project that a file belongs to: one for each root and process."""
    root = _root_of(path, options)
    key = (root, options, excluded)
    if key not in _projects:
        _projects[key] = open_project(root, options, excluded, _indexed)
        if options.celery_contract:
            _projects[key].agreement = _agreement
    return _projects[key]


def expect(paths: Iterable[str], options: Options, excluded: tuple[str, ...] = ()) -> None:
    """Announce the files that this process will check, so that none of them is parsed twice."""
    by_project: dict[Project, list[str]] = {}
    for path in paths:
        by_project.setdefault(project_of(path, options, excluded), []).append(path)
    for project, some in by_project.items():
        project.expect(some)


def projects_around(
    folder: str,
    options: Options,
    excluded: tuple[str, ...] = (),
    options_of: Callable[[str], tuple[Options, tuple[str, ...]]] | None = None,
) -> list[Project]:
    """Return the project around a folder, and those inside it.

    `options_of` returns a project's options and excluded patterns by its root, if these are not the same for all.
    """
    found: dict[Project, None] = {}
    pending = [folder]
    while pending:
        path = os.path.join(pending.pop(0), "any.py")
        project = project_of(path, options, excluded)
        if options_of is not None:
            project = project_of(path, *options_of(project.layout.root))
        if project not in found:
            found[project] = None
            pending += [root for root in project.layout.inner_roots() if root.startswith(os.path.join(folder, ""))]
    return list(found)


def drop(projects: Iterable[Project]) -> None:
    """Drop some projects, such as those of a folder that is about to be deleted."""
    gone = set(projects)
    for key, project in list(_projects.items()):
        if project in gone:
            del _projects[key]


def _is_one_of_several(project: Project) -> bool:
    """Return whether a record covers other projects too, so that findings don't depend on this one only."""
    path = project.options.celery_contract
    return bool(path) and projects_around(os.path.dirname(path), project.options, project.excluded) != [project]


def _agreement(project: Project) -> Agreement | None:
    """Return the contract whose record the options name, None if the record is about other projects.

    A project in which a file has different text gets its own contract; the others share one.
    """
    from flake8_celery_tasks.contract import record
    from flake8_celery_tasks.contract.agreement import Agreement
    from flake8_celery_tasks.contract.present import Present

    path, key = project.options.celery_contract, (project.options, project.excluded)
    known = projects_around(os.path.dirname(path), *key)
    if all(other.layout.root != project.layout.root for other in known):
        return None
    if project not in known:
        agreed = _agreements.get(key)
        kept = record.load(path) if agreed is None else agreed.record
        return Agreement(kept, Present(in_place(project, known)))
    if key not in _agreements:
        _agreements[key] = Agreement(record.load(path), Present(known))
    return _agreements[key]


def in_place(project: Project, projects: Iterable[Project]) -> list[Project]:
    """Return some projects, with one of them replacing the one that has the same root."""
    return [project if other.layout.root == project.layout.root else other for other in projects]


def _root_of(path: str, options: Options) -> str:
    folder = os.path.dirname(path)
    root = options.celery_project_root or folders.find_root(folder)
    if root is None:
        # No root marker anywhere: use the working directory, or the folder of the file's top package.
        root = folders.here()
        if os.path.dirname(root) == root or not (folder + os.sep).startswith(root.rstrip(os.sep) + os.sep):
            root = folder
            while folders.is_regular(root) and os.path.dirname(root) != root:
                root = os.path.dirname(root)
    return root


def findings_of(project: Project, opted: tuple[str, ...]) -> FindingsCache | None:
    """Return the findings cache for a project with some opt-in rules; None if nothing is cached."""
    if project.options.celery_no_cache or _is_one_of_several(project):
        return None
    key = (project.layout.root, project.options, project.excluded, opted)
    if key not in _findings:
        _findings[key] = FindingsCache(project, opted)
    return _findings[key]


def _indexed(project: Project) -> None:
    global _is_frozen
    gc.freeze()  # the garbage collector need not visit the objects of the index again
    _is_frozen = True
    if project.layout.root not in _saved_later:
        with contextlib.suppress(*errors.CAUGHT):  # the question that the index answers matters more
            project.save()
    save_at_exit()


def save_later(project: Project) -> None:
    """Record that a project will be saved later, because something more urgent comes first."""
    _saved_later.add(project.layout.root)


def save_at_exit() -> None:
    """Arrange for everything learnt from now on to be saved when this process ends; it may belong to a pool."""
    global _saved_by
    if _saved_by != os.getpid():
        _saved_by = os.getpid()
        from multiprocessing.util import Finalize

        Finalize(None, save, exitpriority=0)


def save_with(lock: contextlib.AbstractContextManager[Any]) -> None:
    """Hold a lock while this process saves."""
    global _saving
    _saving = lock


def save() -> None:
    """Save the findings of all projects, and what is known about those whose index was needed."""
    # An error costs the next run time, but must not end this one.
    with contextlib.suppress(*errors.CAUGHT), _saving:
        searched = [project for project in _projects.values() if project.files.disk.is_searched]
        for project in searched:
            project.save()
        for found in _findings.values():
            found.save()
        if any(not project.options.celery_no_cache for project in searched):
            from flake8_celery_tasks.engine import loader

            loader.keep()


def forget() -> None:
    """Drop all projects: for tests, and after files have been changed."""
    _projects.clear()
    _findings.clear()
    _agreements.clear()
    _saved_later.clear()
    gate.own.clear()
    folders.forget()


def start_over() -> None:
    """Drop all projects, and free their memory, before a further run in this process."""
    global _is_frozen
    forget()
    if _is_frozen:  # otherwise each run would add an index to what is never collected
        _is_frozen = False
        gc.unfreeze()
        gc.collect()


at_beginning(start_over)
