"""A run of `contract`: the record of a project's tasks, and the differences from an earlier one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.command import check, notices, services
from flake8_celery_tasks.contract import record, revision
from flake8_celery_tasks.contract.agreement import Agreement
from flake8_celery_tasks.contract.present import Present
from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.violation import INTERNAL
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.survey.inventory import SENDING
from flake8_celery_tasks.flake8_host import checker
from flake8_celery_tasks.flake8_host.reporting import Checked, Row
from flake8_celery_tasks.workspace.marks import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from flake8_celery_tasks.command.services import Homes
    from flake8_celery_tasks.contract.record import Record
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.engine.findings import Outcome
    from flake8_celery_tasks.fixer.rounds import Order
    from flake8_celery_tasks.flake8_host.configuration import Configuration
    from flake8_celery_tasks.resolution.project import Project

#: The rules that check against a record. The opt-in ones among them run only if enabled, as always.
GONE: Final = "CLY411"
OPTIONS_CHANGED: Final = "CLY923"
EARLY: Final = "CLY924"
RULES: Final = frozenset({GONE, "CLY412", "CLY413", OPTIONS_CHANGED, EARLY})

#: The codes that count for the exit code.
COUNTED: Final = RULES | {INTERNAL}


class Before(NamedTuple):
    """The earlier state: the record, the file and line to report for each task, and the files that contained them.

    `failures` says in which files the linter itself failed.
    """

    record: Record
    places: Mapping[str, tuple[str, int]]
    files: Mapping[str, str]
    failures: Sequence[str] = ()


def folder_of(path: str) -> str:
    """Return the folder around which projects are searched for."""
    path = os.path.abspath(path)
    return path if os.path.isdir(path) else os.path.dirname(path)


def present(path: str, homes: Homes) -> Present:
    """Return the tasks of the project around a path, and of those inside it."""
    folder = folder_of(path)
    return Present(session.projects_around(folder, *homes.options_of(folder), homes.options_of))


def write(found: Present, path: str) -> int:
    """Write the record of some tasks; return how many there are. Raises UsageError."""
    try:
        regular.write(path, record.as_text(found.record))
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from None
    return len(found.record.tasks)


# The earlier state.


def of_file(path: str) -> Before:
    """Return the record in a file, with each task placed at its line there. Raises UsageError."""
    found = record.load(path)
    lines = record.lines_of(path)
    places = {name: (path, lines.get(name, 1)) for name in found.tasks}
    return Before(found, places, {})


def of_revision(path: str, name: str, homes: Homes) -> Before:
    """Return the tasks of a git revision, each at its place in that revision. Raises UsageError."""
    folder = folder_of(path)
    root = session.project_of(os.path.join(folder, "any.py"), *homes.options_of(folder)).layout.root
    with revision.laid_out(root, name) as target:

        def options_of(moved_root: str) -> tuple[Options, tuple[str, ...]]:
            """Return the current options, adapted to the tree of the revision."""
            options, excluded = homes.options_of(
                os.path.normpath(os.path.join(root, os.path.relpath(moved_root, target)))
            )
            moved = options._replace(
                celery_no_cache=True,
                celery_known_tasks=(),
                celery_project_root=target if options.celery_project_root else "",
            )
            return moved, revision.moved(excluded, root, target)

        inside = os.path.normpath(os.path.join(target, os.path.relpath(folder, root)))
        projects = session.projects_around(inside, *options_of(inside), options_of)
        try:
            found = Present(projects)
            kept = found.record
        finally:
            session.drop(projects)
        places = {}
        for task, entries in found.by_name.items():
            old = os.path.join(root, os.path.relpath(entries[0].path, target))
            places[task] = (old, entries[0].definition.symbol.line)
        failures = [f"{said} (in {name})" for said in notices.failures_in(projects, target, target)]
    return Before(kept, places, {task: old for task, (old, _) in places.items()}, failures)


# The differences.


def against(
    homes: Homes, found: Present, path: str, before: Before, order_of: Callable[[Configuration], Order | None]
) -> Outcome:
    """Return what breaks for those who rely on the earlier state; `order_of` returns the fixes to look for."""
    agreed = Agreement(before.record, found, before.files)
    for project in found.projects:
        project.agreement = _always(agreed)
    shown = _shown(path)
    by_home = services.grouped(homes, folder_of(path), _concerned(agreed, homes))
    found_in = []
    for number, (configuration, paths) in enumerate(by_home):
        only = configuration._replace(run=configuration.run.by_record(agreed.record, RULES))
        names = [shown(name) for name in paths]
        checked = [one for one in (checker.check(name, only) for name in names) if one.rows]
        if number == 0:
            checked += _without_file(agreed, before, shown)
        found_in.append(check.decided(configuration, checked, names, order_of(configuration)))
    return services.joined(found_in)


def _always(agreed: Agreement) -> Callable[[Project], Agreement]:
    """Return a function that returns this contract for a project, with its own tasks when a file is rewritten."""

    def agreement(project: Project) -> Agreement:
        projects = agreed.present.projects
        return agreed if project in projects else agreed.on(session.in_place(project, projects))

    return agreement


def _concerned(agreed: Agreement, homes: Homes) -> list[str]:
    """Return the files that may have findings, and those that can't be parsed."""
    found = {gone.path for gone in agreed.gone if gone.path}
    for kept in agreed.kept:
        if kept.breaks or OPTIONS_CHANGED.startswith(homes.of(os.path.dirname(kept.entry.path)).run.opted):
            found.add(kept.entry.path)
    for project in agreed.present.projects:
        if EARLY.startswith(homes.of(project.layout.root).run.opted):
            found.update(project.files.holding(*SENDING))
        found.update(path for path in project.files.holding(*MARKS) if project.attempt(path) is None)
        found.update(project.failures)
    return sorted(found)


def _without_file(agreed: Agreement, before: Before, shown: Callable[[str], str]) -> Iterator[Checked]:
    """Yield the names that are gone with their modules, at their places in the record or in the earlier files."""
    from flake8_celery_tasks.rules.boundaries.recorded_task_gone import RecordedTaskGone

    rows: dict[str, list[Row]] = {}
    for gone in agreed.gone:
        if not gone.path:
            path, line = before.places[gone.name]
            text = RecordedTaskGone.text_of(gone.name)
            rows.setdefault(path, []).append(Row(GONE, line, 0, text, ""))
    for path, found in rows.items():
        yield Checked(shown(path) if path in before.files.values() else path, found, {})


def _shown(path: str) -> Callable[[str], str]:
    """Return a function that writes paths as flake8 does: under a given path, otherwise relative to where it runs."""
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    start = os.path.join(os.path.abspath(folder), "")

    def shown(name: str) -> str:
        if name.startswith(start):
            return os.path.join(folder, name[len(start) :])
        return os.path.relpath(name)

    return shown
