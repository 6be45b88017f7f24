"""A run of `tasks`."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.command import notices, services
from flake8_celery_tasks.command.output.writing import take
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.violation import INTERNAL
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.run import collector_off
from flake8_celery_tasks.engine.survey import inventory
from flake8_celery_tasks.flake8_host import configuration, files
from flake8_celery_tasks.flake8_host.parts import parts
from flake8_celery_tasks.report import tasks
from flake8_celery_tasks.report.listing import columns

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence

    from flake8_celery_tasks.engine.findings import Finding
    from flake8_celery_tasks.engine.survey.inventory import Entry, Inventory, Listed
    from flake8_celery_tasks.flake8_host.parts import Part
    from flake8_celery_tasks.report.listing.columns import Choice
    from flake8_celery_tasks.resolution.project import Project


#: The formats that are not lists of columns.
_PICTURES: Final = ("html", "mermaid", "dot")


class Answer(NamedTuple):
    """The result of a run: the output and its file, messages for standard error, what is listed, and if it failed."""

    text: str
    target: str | None
    said: Sequence[str]
    entries: Sequence[Entry]
    options: Namespace
    failed: bool


class Screen(NamedTuple):
    """The output of the table: whether in colour, its width (0 for any width), and the mark for an omission."""

    color: bool
    room: int
    mark: str


def screen(target: str | None, *, color: bool) -> Screen:
    """Return what the output is: a terminal has a width, a file or pipe has none."""
    room = 0 if target is not None or not sys.stdout.isatty() else shutil.get_terminal_size().columns
    mark = "\N{HORIZONTAL ELLIPSIS}"
    try:
        mark.encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        mark = "..."
    return Screen(color, room, mark)


def run(given: Namespace, screen_of: Callable[[Namespace, str | None], Screen]) -> Answer:
    """Return the output and the messages; `screen_of` returns what the output is. Raises UsageError."""
    path, form, target = (take(given, name) for name in ("path", "form", "output_file"))
    choice = _choice(given, form)
    if not os.path.exists(path):
        raise UsageError(f"no such file or directory: {path!r}")
    configured = configuration.configuration_for(given, [path])
    found = parts(configured, given, files.files(configured.options))
    below = os.path.join(os.path.abspath(path), "")
    inside = os.path.join(below, "any.py") if os.path.isdir(path) else os.path.abspath(path)
    known = _projects(found, inside)
    with collector_off():
        whole = inventory.inventory(known, below)
        listed = choice.applied(whole)
        outcome = services.joined(services.outcomes(found, services.no_fixes)) if form == "html" else None
        wanted = below if os.path.isdir(path) else path
        unknown = notices.unknown_in(known, wanted)
        failures = {name: said for project in known for name, said in project.failures.items()}
        if outcome is not None:
            failures |= {os.path.abspath(one.path): one.text for one in outcome.findings if one.code == INTERNAL}
        said = [*unknown, *(f"{name}: {text}" for name, text in failures.items())]
        if not listed.tasks:
            said.append(f"no tasks in {path} match the filters" if whole.tasks else f"no tasks in {path}")
        if outcome is not None:
            text = _html(listed, outcome.findings, known[0])
        else:
            text = _text(listed, form, choice, screen_of(configured.options, target))
    entries = [one.entry for one in listed.tasks]
    return Answer(text, target, said, entries, configured.options, bool(failures or unknown))


def _choice(given: Namespace, form: str) -> Choice:
    """Return which tasks were requested, and with which columns."""
    apps, queues, unanswered, sort, named = (
        take(given, name) for name in ("app", "queue", "unanswered", "sort", "columns")
    )
    if named is not None and form in _PICTURES:
        raise UsageError(f"argument --columns: does not apply to --format {form}")
    return columns.Choice(
        () if named is None else columns.columns_of(named),
        "" if sort is None else columns.sort_of(sort),
        tuple(apps),
        tuple(queues),
        unanswered,
    )


def _projects(found: Sequence[Part], inside: str) -> list[Project]:
    """Return the project of a path, and those of the files inside it, each with the options of its part."""
    homes = services.Homes(found)
    # A folder may contain more projects.
    names = [inside, *(os.path.abspath(name) for part in found for name in part.names)]
    known: dict[Project, None] = {}
    for folder in dict.fromkeys(map(os.path.dirname, names)):
        known[session.project_of(os.path.join(folder, "any.py"), *homes.options_of(folder))] = None
    return list(known)


def _text(listed: Inventory, form: str, choice: Choice, where: Screen) -> str:
    """Return some tasks in a format other than HTML."""
    if form in _PICTURES:
        from flake8_celery_tasks.report.listing import diagrams

        return diagrams.as_mermaid(listed) if form == "mermaid" else diagrams.as_dot(listed)
    if form == "json":
        from flake8_celery_tasks.report.listing import records

        return records.as_json(listed.tasks, choice.columns)
    entries = [one.entry for one in listed.tasks]
    if form == "table":
        shown = tasks.as_table(entries, choice.columns, color=where.color, room=where.room, mark=where.mark)
        return shown if entries else ""
    return tasks.FORMATS[form](entries, choice.columns)


# The HTML page.


def _html(listed: Inventory, found: Sequence[Finding], project: Project) -> str:
    from flake8_celery_tasks.report.listing import page

    root = project.layout.root
    return page.as_html(listed, _findings(listed.tasks, found, root), f"Tasks of {os.path.basename(root) or root}")


def _findings(
    listed: Sequence[Listed], found: Sequence[Finding], root: str
) -> Mapping[int, list[dict[str, str | int]]]:
    """Return the findings about tasks, by the tasks' numbers: in their definitions, or where they are sent."""
    by_file: dict[str, list[Finding]] = {}
    for finding in found:
        by_file.setdefault(os.path.abspath(finding.path), []).append(finding)
    about: dict[int, list[dict[str, str | int]]] = {}
    for index, one in enumerate(listed):
        for finding in _about(one, by_file, root):
            path = os.path.relpath(finding.path, root).replace(os.sep, "/")
            row: dict[str, str | int] = {
                "code": finding.code,
                "text": finding.text,
                "path": path,
                "line": finding.line,
            }
            about.setdefault(index, []).append(row)
    return about


def _about(one: Listed, by_file: Mapping[str, Sequence[Finding]], root: str) -> list[Finding]:
    found: dict[Finding, None] = {}
    if one.place is not None:
        path, qualname, _ = one.place
        scope = qualname.replace(".<locals>", "")
        for finding in by_file.get(path, ()):
            if finding.scope == scope or finding.scope.startswith(f"{scope}."):
                found[finding] = None
    for sender in one.senders:
        for finding in by_file.get(os.path.normpath(os.path.join(root, sender.path)), ()):
            if finding.line == sender.line:
                found[finding] = None
    return list(found)
