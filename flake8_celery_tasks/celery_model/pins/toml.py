"""Parsers for `pyproject.toml`, `Pipfile`, and lock files in TOML and JSON."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.celery_model.pins.names import is_aside
from flake8_celery_tasks.celery_model.pins.requirement import (
    Include,
    Mention,
    is_celery,
    is_mentioned,
    marker_of,
    mentions,
)
from flake8_celery_tasks.core import text as texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.pins.requirement import Found

#: The line of a lock file that names a table's package.
_PACKAGE: Final = re.compile(r"""name[ \t]*=[ \t]*["']celery["'][ \t\r]*$""", re.MULTILINE)
_VERSION: Final = re.compile(r"^version[ \t]*=", re.MULTILINE)

#: How many tables of Celery a lock file may have: one for each fork of Python versions and platforms.
_MOST: Final = 50

#: How many lines that mention Celery are searched for a parsed one.
_LINES: Final = 1000

#: Only this many characters of a line are searched.
_LONG: Final = 200

#: A line that starts with Celery's name, or with a table of Celery's.
_OWN: Final = re.compile(r"\W*(?:[\w.-]+\.)?celery\b(?!-)", re.IGNORECASE)

#: The start of a table that is not part of the one before.
_TABLE: Final = "\n[["

#: Words in the names of tables that hold requirements, and tables that never hold the project's own.
_WANTING: Final = ("depend", "require", "extra", "packages", "sources")
_FOREIGN: Final = frozenset({"build-system"})

#: The keys of a requirement that is a table: its version, its repository's tag, its address.
_SPECS: Final = ("version", "tag", "rev", "ref", "branch", "url", "path", "file")


def project(text: str) -> Iterator[Found]:
    """Yield what a `pyproject.toml` says about Celery, and the requirements files that it names."""
    lines = _Lines(text)
    for key, value in _load(text).items():
        if key not in _FOREIGN:
            yield from _walk(value, (key,), lines)


def pipfile(text: str) -> Iterator[Found]:
    """Yield what a `Pipfile` or a `pixi.toml` says about Celery: each of their tables may hold requirements."""
    lines = _Lines(text)
    for key, value in _load(text).items():
        yield from _walk(value, ("packages", key), lines)


def toml_lock(text: str) -> Iterator[Found]:
    """Yield the versions of Celery in a lock file of Poetry, PDM, uv, or PEP 751.

    Lock files are long, so only Celery's tables are parsed.
    """
    for start, end in itertools.islice(_tables_of_celery(text), _MOST):
        said = _VERSION.search(text, start, end)
        line = text.count("\n", 0, start if said is None else said.start()) + 1
        for package in _tables(next(iter(_load(text[start:end].rstrip()).values()), None)):
            version = package.get("version")
            if isinstance(version, str):
                yield Mention(version, line, _marker(package), _is_aside(package), locked=True)


def _tables_of_celery(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each table of Celery in a lock file."""
    at = text.find("celery")
    while at >= 0:
        end = text.find("\n", at)
        if _PACKAGE.match(text, text.rfind("\n", 0, at) + 1):
            start = text.rfind(_TABLE, 0, at) + 1
            end = text.find(_TABLE, at)
            yield start, len(text) if end < 0 else end
        at = text.find("celery", end) if end >= 0 else -1


def json_lock(text: str) -> Iterator[Found]:
    """Yield the versions of Celery in a `Pipfile.lock`."""
    import json

    try:
        groups = json.loads(text)
    except (ValueError, RecursionError):
        return
    lines = _Lines(text)
    for group, packages in _items(groups):
        for name, package in _items(packages):
            if is_celery(name):
                for mention in _table(package, lines, group == "develop" or is_aside(group)):
                    yield mention._replace(locked=True)


def _load(text: str) -> dict[str, Any]:
    """Return the content of a TOML text, empty if it can't be parsed."""
    try:
        return texts.toml(text)
    except (ValueError, RecursionError):
        return {}


class _Lines:
    """The lines that mention Celery: the parsers don't say where they found a value."""

    def __init__(self, text: str) -> None:
        mentioning = ((number, line) for number, line in enumerate(text.splitlines(), 1) if is_mentioned(line))
        first = itertools.islice(mentioning, _LINES)
        self._lines = sorted(first, key=lambda numbered: _OWN.match(numbered[1][:_LONG]) is None)

    def number(self, part: str) -> int:
        """Return the number of the line that contains a text, or of the first that starts with the name."""
        found = [number for number, line in self._lines if part in line] or [number for number, _ in self._lines]
        return found[0] if found else 1


def _walk(value: object, path: tuple[str, ...], lines: _Lines) -> Iterator[Found]:
    """Yield what a value inside some keys says."""
    is_wanting = any(word in key for key in path for word in _WANTING)
    if isinstance(value, list) and is_wanting:
        for item in _texts(value):
            if is_mentioned(item):
                yield from mentions(item, lines.number(item), aside=is_aside(*path))
    for key, inner in _items(value):
        if is_wanting and is_celery(key) and (_tables(inner) or not _texts(inner)):
            yield from _table(inner, lines, is_aside(*path))
        elif key == "file" and "dynamic" in path:
            yield from map(Include, _texts(inner if isinstance(inner, list) else [inner]))
        else:
            yield from _walk(inner, (*path, key), lines)


def _table(value: object, lines: _Lines, aside: bool) -> Iterator[Mention]:
    """Yield what a requirement of Celery says: a string, a table, or a list of those."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str):
            yield Mention(item, lines.number(item), aside=aside)
        given = dict(_items(item))
        for key in _SPECS:
            spec = given.get(key)
            if isinstance(spec, str):
                yield Mention(spec if key == "version" else f"@/{spec}", lines.number(spec), _marker(given), aside)


def _marker(package: dict[str, Any]) -> str:
    """Return the environment marker of a requirement or of a locked package."""
    python = package.get("python")
    forks = _texts(package.get("resolution-markers"))
    given = [
        marker_of(python) if isinstance(python, str) else "",
        " or ".join(f"({fork})" for fork in forks),
        *(package.get(key) for key in ("marker", "markers")),
    ]
    return " and ".join(f"({marker})" for marker in given if marker and isinstance(marker, str))


def _is_aside(package: dict[str, Any]) -> bool:
    """Return whether a locked package is there for development only."""
    groups = _texts(package.get("groups")) or _texts([package.get("category")])
    return bool(groups) and all(is_aside(group) for group in groups)


def _items(value: object) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _tables(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
