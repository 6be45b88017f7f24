"""The nodes at a place in a text: a file may have thousands of places, so each is found without visiting the others."""

from __future__ import annotations

import ast
import bisect
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.workspace.source import Source

#: Fields whose nodes are in order, and from how many nodes on only some of them are visited.
_IN_ORDER: Final = frozenset(
    (
        *("args", "body", "cases", "comparators", "decorator_list", "defaults", "elts", "finalbody", "generators"),
        *("handlers", "items", "keys", "keywords", "orelse", "patterns", "targets", "values"),
    )
)
_FEW: Final = 8


def around(text: Source, start: int, end: int) -> Iterator[ast.AST]:
    """Yield the innermost statement around a place and the nodes within it around that place, outermost first."""
    statement = text.statement(start, end)
    if statement is None:
        return
    yield statement
    nodes = list(_inside(text, statement, start, end))
    while nodes:
        node = nodes.pop()
        if not hasattr(node, "end_lineno"):
            nodes.extend(_inside(text, node, start, end))
        elif text.start(node) <= start and end <= text.end(node):
            yield node
            nodes = list(_inside(text, node, start, end))


def touched(text: Source, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of the nodes that a region touches; of those around all of it, only the ones in its statement."""
    nodes: list[ast.AST] = [text.statement(start, end) or text.tree]
    while nodes:
        node = nodes.pop()
        if hasattr(node, "end_lineno"):
            place = text.start(node), text.end(node)
            if place[1] <= start or place[0] >= end:
                continue
            yield place
        nodes.extend(_inside(text, node, start, end))


def items_at(text: Source, node: ast.Dict, start: int, end: int) -> Iterator[tuple[ast.expr | None, ast.expr]]:
    """Yield the items of a dictionary that may overlap a region, with None as the key of `**`."""
    keys, values = node.keys, node.values
    index = bisect.bisect_left(values, start, key=text.end)
    while index < len(values) and text.start(keys[index] or values[index]) <= end:
        yield keys[index], values[index]
        index += 1


def _inside(text: Source, node: ast.AST, start: int, end: int) -> Iterator[ast.AST]:
    """Yield the child nodes that may overlap a region."""
    if isinstance(node, ast.Dict):
        yield from (one for item in items_at(text, node, start, end) for one in item if one is not None)
        return

    def first(one: ast.AST) -> int:
        one = _ends(one)[0]
        return min(text.start(part) for part in (one, *getattr(one, "decorator_list", ())[:1]))

    def last(one: ast.AST) -> int:
        return text.end(_ends(one)[1])

    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            many = value
            if len(value) > _FEW and name in _IN_ORDER and not isinstance(node, ast.JoinedStr):
                many = value[bisect.bisect_left(value, start, key=last) : bisect.bisect_right(value, end, key=first)]
            yield from (one for one in many if isinstance(one, ast.AST))


def _ends(node: Any) -> tuple[Any, Any]:
    """Return the first and the last node of something that may have no place of its own."""
    if isinstance(node, ast.match_case):
        return node.pattern, node.body[-1]
    if isinstance(node, ast.comprehension):
        return node.target, (node.ifs or [node.iter])[-1]
    if isinstance(node, ast.withitem):
        return node.context_expr, node.optional_vars or node.context_expr
    return node, node
