"""The baseline: known findings that are not reported.

A finding is identified by its rule, its file, the enclosing definition and its text, so that it stays known when code
moves; equal ones are counted. Paths are relative to the folder of the baseline file.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.workspace.source import end_of, first_of, start_of, statements_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from flake8_celery_tasks.core.violation import Violation


VERSION: Final = 1

#: Line numbers in a text: they refer to another definition, which moves too.
_LINES: Final = re.compile(r"(?<=\.py):\d+|(?<=\bline )\d+")


class BaselineError(ValueError):
    """A baseline that can't be read. `str()` names the file and the reason."""


class Identity(NamedTuple):
    """What identifies a finding in its file, independently of its position."""

    code: str
    scope: str
    text: str


class Entry(NamedTuple):
    """A kind of finding in a file, and how often it occurs there."""

    path: str
    identity: Identity
    times: int

    def __str__(self) -> str:
        where = f" in {self.identity.scope}" if self.identity.scope else ""
        times = f" ({self.times} times)" if self.times > 1 else ""
        return f"{self.path}: {self.identity.code}{where}{times}: {self.identity.text}"


def identity(code: str, scope: str, text: str) -> Identity:
    """Return the identity of a finding.

    >>> identity("CLY102", "index", "Task name 'a' is also used at shop/tasks.py:12: give one another name")
    Identity(code='CLY102', scope='index', text="Task name 'a' is also used at shop/tasks.py: give one another name")
    """
    return Identity(code, scope, _LINES.sub("", text))


def scopes(tree: ast.Module, lines: Collection[int]) -> dict[int, str]:
    """Return the qualified name of the definition around each of some lines; a decorator belongs to its definition.

    Lines outside of any definition are left out.
    """
    found: dict[int, str] = {}
    ordered = sorted(lines)
    pending: list[tuple[ast.stmt, str]] = [(child, "") for child in tree.body]
    while pending:
        node, name = pending.pop()
        first = start_of(first_of(node))[0]
        inner = ordered[bisect_left(ordered, first) : bisect_right(ordered, end_of(node)[0])]
        if inner:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{name}.{node.name}" if name else node.name
                found.update(dict.fromkeys(inner, name))  # nested definitions come later and override this one
            pending.extend((child, name) for child in statements_in(node))
    return found


class Baseline:
    """The known findings, and those of them that were not found."""

    def __init__(self, path: str, known: dict[str, Counter[Identity]]) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self.known = known
        self._missing: dict[str, Counter[Identity]] = {}

    def relative(self, path: str) -> str:
        """Return the path of a file as the baseline writes it."""
        return relative(path, self.folder)

    def new(self, path: str, tree: ast.Module, found: Sequence[Violation]) -> list[Violation]:
        """Return the new findings of a file, in source order."""
        around = scopes(tree, {violation.line for violation in found})
        identities = [identity(item.code, around.get(item.line, ""), item.text) for item in found]
        return [item for item, is_new in zip(found, self.are_new(path, identities), strict=True) if is_new]

    def are_new(self, path: str, found: Iterable[Identity]) -> list[bool]:
        """Return for each finding of a file, in source order, whether it is new."""
        left = Counter(self.known.get(self.relative(path), ()))
        new: list[bool] = []
        for one in found:
            new.append(left[one] <= 0)
            left[one] -= 1
        return new

    def note(self, path: str, found: Iterable[Identity]) -> None:
        """Record what was found in a file; `outdated` yields its other listed findings."""
        name = self.relative(path)
        self._missing[name] = Counter(self.known.get(name, ())) - Counter(found)

    def outdated(self, paths: Iterable[str], codes: Collection[str]) -> Iterator[Entry]:
        """Yield the listed findings that no longer occur: of some rules, in files that were checked or deleted."""
        looked_at = {self.relative(path) for path in paths}
        for path, known in sorted(self.known.items()):
            if path in looked_at or not os.path.lexists(os.path.join(self.folder, path)):
                for one, count in sorted(self._missing.get(path, known).items()):
                    if one.code in codes:
                        yield Entry(path, one, count)

    def prune(self, entries: Iterable[Entry]) -> None:
        """Drop some entries from the file. Raises OSError."""
        for path, one, count in entries:
            self.known[path][one] -= count
        write(self.path, self.known)


def relative(path: str, folder: str) -> str:
    """Return a path relative to a folder, with slashes."""
    path = os.path.abspath(path)
    with contextlib.suppress(ValueError):  # on another drive
        path = os.path.relpath(path, folder)
    return path.replace(os.sep, "/")


def load(path: str) -> Baseline:
    """Read a baseline. Raises BaselineError."""
    known: dict[str, Counter[Identity]] = {}
    try:
        content = json.loads(regular.read(path))
        if content["version"] != VERSION:
            raise BaselineError(f"{path} has version {content['version']!r}, this release reads {VERSION}")
        for entry in content["findings"]:
            one = Identity(str(entry["code"]), str(entry["in"]), str(entry["text"]))
            known.setdefault(str(entry["path"]), Counter())[one] += int(entry.get("count", 1))
    except BaselineError:
        raise
    except OSError as error:
        raise BaselineError(f"can't read {path}: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise BaselineError(f"{path} is not a baseline") from None
    return Baseline(path, known)


def write(path: str, known: dict[str, Counter[Identity]]) -> int:
    """Write a baseline, following links inside its folder; return the number of findings in it. Raises OSError."""
    entries = []
    total = 0
    for name, found in sorted(known.items()):
        for (code, scope, text), count in sorted(found.items()):
            if count > 0:
                entry: dict[str, object] = {"path": name, "code": code, "in": scope, "text": text}
                entries.append(entry if count == 1 else {**entry, "count": count})
                total += count
    content = json.dumps({"version": VERSION, "findings": entries}, indent=2) + "\n"
    regular.write(path, content)
    return total
