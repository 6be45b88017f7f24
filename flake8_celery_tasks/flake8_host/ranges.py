"""The range of text that a finding is about: from its position to the end of the node that starts there."""

from __future__ import annotations

import ast
from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8.processor import FileProcessor

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.violation import BROKEN
from flake8_celery_tasks.resolution.modules import parse_text
from flake8_celery_tasks.workspace.source import Source, end_of, first_of, start_of

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.engine.findings import Finding


#: Nodes that contain others: they give no better range than their first part.
_LOOSE: Final = (ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple)


class _Name(ast.AST):
    """The name of a definition."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


def ranges(source: Source, found: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int]]:
    """Yield the start and end offsets of each finding, given as line (from 1), column (from 0) and code."""
    found = list(found)
    nodes: dict[int, list[ast.AST]] | None = None
    size = len(source.text)
    for line, column, code in found:
        start = min(source.line_offset(max(line, 1)) + max(column, 0), size)
        if code.startswith(BROKEN):
            end = max(_line_end(source, start), min(start + 1, size))
        else:
            if nodes is None:
                nodes = _by_start(source, {max(line, 1) for line, _, _ in found})
            end = _end(source, nodes.get(start, []), start)
        yield start, end


def _line_end(source: Source, offset: int) -> int:
    line = source.lines[source.line_at(offset)] if source.lines else ""
    return source.line_start(offset) + len(line.rstrip("\r\n"))


def _by_start(source: Source, lines: set[int]) -> dict[int, list[ast.AST]]:
    """Return the nodes that start at each offset in some lines, largest first."""
    tree = parse_text(source.text)
    found: dict[int, list[ast.AST]] = {}
    wanted = sorted(lines)
    pending: list[ast.AST] = [] if tree is None else [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.stmt) and not _reaches(node, wanted):
            continue
        pending += reversed(list(ast.iter_child_nodes(node)))
        if hasattr(node, "end_lineno"):
            start = start_of(node)
            if start[0] in lines:
                found.setdefault(source.offset(*start), []).append(node)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = source.name(node)
                if name.line in lines:
                    found.setdefault(source.line_offset(name.line) + name.column, []).append(_Name(node.name))
    return found


def _reaches(node: ast.stmt, lines: list[int]) -> bool:
    """Return whether a statement, with its decorators, is on one of some lines, given in order."""
    first, last = start_of(first_of(node))[0], end_of(node)[0]
    index = bisect_left(lines, first)
    return index < len(lines) and lines[index] <= last


def _end(source: Source, nodes: list[ast.AST], start: int) -> int:
    """Return the end of the node that a report at an offset is about."""
    for node in nodes:
        if isinstance(node, _Name):
            return start + len(node.name)
    for node in nodes:
        if isinstance(node, ast.keyword) or (isinstance(node, ast.expr) and not isinstance(node, _LOOSE)):
            return source.end(node)
    for node in nodes:
        if not isinstance(node, (ast.expr, ast.stmt, ast.excepthandler)):
            return source.end(node)
    ends: list[int] = [source.end(node) for node in nodes]
    line_end = _line_end(source, start)
    return min(max(ends), line_end) if ends else max(line_end, start)


def source_of(path: str, options: Namespace) -> Source | None:
    """Return the text of a file as it was checked, None if it is not available."""
    name = "-" if "-" in options.filenames and path == options.stdin_display_name else path
    if name != "-" and regular.is_waited_for(name):
        return None
    try:
        return Source(FileProcessor(name, options).lines)
    except (OSError, ValueError, LookupError):
        return None


class Place(NamedTuple):
    """The position of a finding: the text of its file, and its start and end offsets there."""

    source: Source
    start: int
    end: int


def places(findings: Iterable[Finding], options: Namespace) -> dict[Finding, Place]:
    """Return the positions of findings; those without an available text, and those about a whole file, are left out."""
    by_path: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.line > 0:
            by_path.setdefault(finding.path, []).append(finding)
    found: dict[Finding, Place] = {}
    for path, some in by_path.items():
        source = source_of(path, options)
        if source is not None:
            spans = ranges(source, [(one.line, one.column - 1, one.code) for one in some])
            found.update((one, Place(source, *span)) for one, span in zip(some, spans, strict=True))
    return found
