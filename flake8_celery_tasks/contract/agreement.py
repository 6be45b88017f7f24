"""Compares the record of what others rely on with the current tasks."""

from __future__ import annotations

import os
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.contract import compare
from flake8_celery_tasks.contract.present import Present, signature_of
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flake8_celery_tasks.contract.compare import Break
    from flake8_celery_tasks.contract.present import Entry
    from flake8_celery_tasks.contract.record import Record, RecordedTask
    from flake8_celery_tasks.resolution.project import Project


class Gone(NamedTuple):
    """A recorded name that no task has any more.

    `entry` is the task under its new name, if known; `path` is the file to report it in, empty if there is none.
    """

    name: str
    recorded: RecordedTask
    entry: Entry | None
    path: str


class Kept(NamedTuple):
    """A recorded name that exactly one task has, and how older calls break on it."""

    name: str
    recorded: RecordedTask
    entry: Entry
    breaks: Sequence[Break]


class Agreement:
    """The differences between a record and the tasks of some projects.

    `places` are the files that contained the recorded tasks, if known.
    """

    def __init__(self, record: Record, present: Present, places: Mapping[str, str] | None = None) -> None:
        self.record = record
        self.present = present
        self._places = places or {}
        self._uncertain = frozenset(record.uncertain)

    def on(self, projects: Sequence[Project]) -> Agreement:
        """Return the same contract, compared with the tasks of other projects."""
        return Agreement(self.record, Present(projects), self._places)

    # Names that are gone.

    @cached_property
    def gone(self) -> list[Gone]:
        """The names that no task has any more, and that none could have."""
        missing = [name for name in sorted(self.record.tasks) if name not in self.present.by_name]
        missing = [name for name in missing if not self._is_hidden(name)]
        moved = {name: self._moved_to(name) for name in missing}
        # If two tasks are gone, at most one of them became a third.
        heirs = Counter(entry.name for entry in moved.values() if entry is not None)
        found = []
        for name in missing:
            entry = self._renamed(name) or moved[name]
            if entry is not None and entry is moved[name] and heirs[entry.name] > 1:
                entry = None
            path = self._held_in(name) if entry is None else entry.path
            found.append(Gone(name, self.record.tasks[name], entry, path or ""))
        return found

    def _renamed(self, name: str) -> Entry | None:
        """Return the current task of the same definition."""
        return next(iter(self._by_place.get(self.record.tasks[name].place, ())), None)

    def _moved_to(self, name: str) -> Entry | None:
        """Return the only new task whose function has the same name."""
        function = self.record.tasks[name].function
        found = self._new_by_function.get(function, [])
        return found[0] if len(found) == 1 else None

    @cached_property
    def _by_place(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entries in self.present.by_name.values():
            for entry in entries:
                if not entry.is_alias:
                    found.setdefault(entry.place, []).append(entry)
        return found

    @cached_property
    def _new_by_function(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entries in self._by_place.values():
            for entry in entries:
                if entry.name not in self.record.tasks:
                    found.setdefault(entry.function, []).append(entry)
        return found

    def _held_in(self, name: str) -> str | None:
        """Return the file of the module that contained a task, or of the package that it became, if it exists."""
        module = self.record.tasks[name].module
        found = (project.layout.find(module, project.layout.root) for project in self.present.projects)
        paths = (self._places.get(name), *found)
        return next((path for path in paths if path is not None and path in self._files), None)

    # What can hide a name.

    def _is_hidden(self, name: str) -> bool:
        """Return whether a task could have a name after all: one with an uncertain name, or one that can't be read."""
        if self.present.may_have(name, self._uncertain) or self._may_be_unread(name):
            return True
        held_in = self._held_in(name) or ""
        for project in self.present.projects:
            # What the module became is also unknown if it can't be parsed.
            if held_in.startswith(os.path.join(project.layout.root, "")) and project.module(held_in) is None:
                return True
            if any(not _is_test(project, path) for path in tasks_of(project).given(name)):
                return True
        return False

    @cached_property
    def _files(self) -> frozenset[str]:
        return frozenset(path for project in self.present.projects for path in project.layout.files())

    def _may_be_unread(self, name: str) -> bool:
        """Return whether a file outside tests that can't be parsed could give a name to a task."""
        return any(tasks_of(project).may_be_unread(name, in_tests=False) for project in self.present.projects)

    # Names that still exist.

    @cached_property
    def kept(self) -> list[Kept]:
        """The names that exactly one task has, by name."""
        return [
            Kept(name, recorded, entries[0], self._breaks(name, recorded, entries[0]))
            for name, recorded in sorted(self.record.tasks.items())
            if len(entries := self.present.by_name.get(name, [])) == 1
        ]

    def _breaks(self, name: str, recorded: RecordedTask, entry: Entry) -> Sequence[Break]:
        if recorded.signature is None:
            return ()
        try:
            now = signature_of(Defined(entry.project, entry.definition))
            found = compare.breaks(recorded.signature, now) if now is not None else ()
        except errors.CAUGHT as error:
            entry.project.failures[entry.path] = errors.internal(error)
            return ()
        return () if found and self._may_be_unread(name) else found

    # Queries by file.

    def gone_in(self, path: str) -> list[Gone]:
        """Return the names that are gone and are to be reported in a file."""
        return self._gone_by_path.get(path, [])

    def kept_in(self, path: str) -> list[Kept]:
        """Return the names whose tasks a file defines."""
        return self._kept_by_path.get(path, [])

    @cached_property
    def _gone_by_path(self) -> dict[str, list[Gone]]:
        found: dict[str, list[Gone]] = {}
        for gone in self.gone:
            found.setdefault(gone.path, []).append(gone)
        return found

    @cached_property
    def _kept_by_path(self) -> dict[str, list[Kept]]:
        found: dict[str, list[Kept]] = {}
        for kept in self.kept:
            found.setdefault(kept.entry.path, []).append(kept)
        return found


def _is_test(project: Project, path: str) -> bool:
    return project.layout.is_test(project.layout.place(path))


@query()
def agreement_of(project: Project) -> Agreement | None:
    """Return the contract that a project is checked against, None if no record is configured."""
    agreed: Agreement | None = None if project.agreement is None else project.agreement(project)
    return agreed
