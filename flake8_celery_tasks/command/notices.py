"""Messages in addition to a command's output: about files that can't be parsed, and about what a fix can't know."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.text import toml
from flake8_celery_tasks.resolution.modules import parse
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.files import MAX_BYTES
from flake8_celery_tasks.workspace.marks import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.fixer.files import Result
    from flake8_celery_tasks.resolution.project import Project


#: Poetry's own version constraints.
_CARET: Final = re.compile(r"^\s*[\^~]\s*(\d+(?:\.\d+)*)")


def unparsed_among(names: Iterable[str]) -> list[str]:
    """Return those files that can be read but not parsed."""
    found = []
    for name in names:
        try:
            text = regular.read(name)
        except (OSError, ValueError):
            continue
        if parse(text) is None:
            found.append(name)
    return found


def unparsed_in(projects: Iterable[Project], below: str) -> list[str]:
    """Return the projects' files that may define tasks but can't be parsed, limited to a folder."""
    return [
        os.path.relpath(path)
        for project, path, text in _texts(projects, below)
        if text is not None and project.attempt(path) is None and parse(text) is None
    ]


def unread_in(projects: Iterable[Project], below: str) -> list[str]:
    """Return the files of projects that can't be read, as far as they are below a folder."""
    return [
        os.path.relpath(path)
        for project, path, text in _texts(projects, below)
        if text is None and not project.files.disk.is_large(path)
    ]


def large_in(projects: Iterable[Project], below: str) -> list[str]:
    """Return the files of projects that are too large to be read, as far as they are below a folder."""
    return [os.path.relpath(path) for project, path, _ in _texts(projects, below) if project.files.disk.is_large(path)]


def unknown_in(projects: Sequence[Project], below: str) -> list[str]:
    """Return messages about the files of projects below a folder of which it is unknown what they define."""
    asked = ((unparsed_in, unparsed), (unread_in, unread), (large_in, large))
    return [said(paths) for find, said in asked if (paths := find(projects, below))]


def failures_in(projects: Iterable[Project], below: str, start: str | None = None) -> list[str]:
    """Return a message for each file of projects below a folder that the linter itself failed on.

    Paths are relative to `start`, or to the working directory.
    """
    inside = os.path.join(os.path.abspath(below), "")
    return [
        f"{os.path.relpath(path, start)}: {said}"
        for project in projects
        for path, said in sorted(project.failures.items())
        if os.path.join(path, "").startswith(inside)
    ]


def _texts(projects: Iterable[Project], below: str) -> Iterator[tuple[Project, str, bytes | None]]:
    """Yield the files of projects that may define tasks, as far as they are below a folder, with what is in them."""
    inside = os.path.join(os.path.abspath(below), "")
    for project in projects:
        for path in project.files.holding(*MARKS):
            if os.path.join(path, "").startswith(inside):
                yield project, path, project.files.read(path)


def unparsed(paths: Sequence[str]) -> str:
    """Return a message about files that could not be parsed: how many, by which Python, and the first of them."""
    python = ".".join(map(str, sys.version_info[:2]))
    wanted = _wanted(os.path.abspath(paths[0]))
    asked = f"; the project requires Python {wanted}" if wanted else ""
    return f"Python {python} can't parse {_first_of(paths)}: {_unknown(paths)}{asked}"


def unread(paths: Sequence[str]) -> str:
    """Return a message about files that could not be read."""
    return f"can't read {_first_of(paths)}: {_unknown(paths)}"


def large(paths: Sequence[str]) -> str:
    """Return a message about files that are too large to be read."""
    return f"files over {MAX_BYTES // 1_000_000} MB are not read: {_first_of(paths)}: {_unknown(paths)}"


def _unknown(paths: Sequence[str]) -> str:
    return "what they define is unknown" if len(paths) > 1 else "what it defines is unknown"


def _first_of(paths: Sequence[str]) -> str:
    return f"{len(paths)} files, the first is {paths[0]}" if len(paths) > 1 else paths[0]


def _wanted(path: str) -> str:
    """Return the version of Python that a file's project asks for, if the running one is another."""
    root = folders.find_root(os.path.dirname(path))
    declared = "" if root is None else _declared(os.path.join(root, "pyproject.toml"))
    if not declared:
        return ""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        specifiers = SpecifierSet(_CARET.sub(r">=\1", declared))
    except InvalidSpecifier:
        return ""
    running = ".".join(map(str, sys.version_info[:3]))
    return "" if specifiers.contains(running, prereleases=True) else declared


def _declared(path: str) -> str:
    """Return the version of Python that a `pyproject.toml` names, an empty string if it names none."""
    try:
        found = toml(regular.read(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    for keys in (("project", "requires-python"), ("tool", "poetry", "dependencies", "python")):
        value: Any = found
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str):
            return value
    return ""


def eager(changed: Iterable[Result], run: Run) -> Iterator[str]:
    """Yield places that make tasks run eagerly in a project that now sends some by name: `send_task` never does."""
    from flake8_celery_tasks.engine import session

    by_name = [result for result in changed if {"CLY401", "CLY402"} & {one.code for one in result.violations}]
    known = dict.fromkeys(session.project_of(os.path.abspath(one.path), run.options, run.excluded) for one in by_name)
    for project in known:
        path = next(project.files.holding(b"TASK_ALWAYS_EAGER", b"task_always_eager"), None)
        if path is not None:
            where = os.path.relpath(path)
            yield f"{where} sets task_always_eager, which send_task ignores: tests send real messages"
