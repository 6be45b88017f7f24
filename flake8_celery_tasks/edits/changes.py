"""Turns changes of nodes into edits of the text: composed, broken into lines, and as small as possible."""

from __future__ import annotations

import ast
import contextlib
import re
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.edit import Change, Edit
from flake8_celery_tasks.edits.leaves import Unknown
from flake8_celery_tasks.edits.lines import laid, width_of
from flake8_celery_tasks.edits.places import around, items_at, touched
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.edits.edit import Operation

_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BLOCKS: Final = tuple(
    getattr(ast, name)
    for name in ("If", "While", "For", "AsyncFor", "With", "AsyncWith", "Match", "Try", "TryStar")
    if hasattr(ast, name)
)

#: What wraps a statement, a decorator, a block's head, an item of a call or of a dictionary into a module.
_AROUND: Final = (
    *(("", ""), ("", "\ndef f(): pass"), ("", " pass"), ("if 0: pass\n", " pass"), ("", "\n case _: pass")),
    *(("f(", "\n)"), ("{", "\n}")),
)
_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")

#: The start of a call of something with a name.
_CALL: Final = re.compile(r"(?!(?:await|lambda|not|yield)\b)[^\W\d][\w.]*\(")


#: A longer line is not broken into lines, only changed.
_LONG: Final = 1000


class _Unit(NamedTuple):
    """Text that is broken into lines as a whole: a statement, a block's head, a decorator, an item on its own line.

    `comment` follows on its last line. If a change is in none of these, its unit is `plain`.
    """

    start: int
    end: int
    indent: str = ""
    comment: str = ""
    is_item: bool = False
    plain: bool = False


def edits_of(operations: Iterable[Operation], text: Source) -> tuple[Edit, ...]:
    """Return the edits that some operations amount to, in text order. Raises Unfixable."""
    found: list[Edit] = []
    changes: list[Change] = []
    for operation in operations:
        for change in operation.changes(text):
            if isinstance(change, Change):
                changes.append(change)
            else:
                found.append(change)
    for unit, inside in _units(text, changes):
        found += _difference(text, unit, _written(text, unit, inside))
    found = sorted(set(found))
    for before, after in pairwise(found):
        if before.end > after.start:
            raise Unfixable("two operations on one place")
    return tuple(found)


# Units.


def _units(text: Source, changes: Iterable[Change]) -> Iterator[tuple[_Unit, list[Change]]]:
    """Yield the units to be broken into lines, with the changes in each; no change is in two units."""
    found: dict[_Unit, list[Change]] = {}
    for change in sorted(changes, key=lambda change: (change.start, -change.end)):
        if found and change.end <= (last := next(reversed(found))).end:
            found[last].append(change)
        else:
            found.setdefault(_unit(text, change.start, change.end), []).append(change)
    yield from found.items()


def _unit(text: Source, start: int, end: int) -> _Unit:
    path = list(around(text, start, end))
    if not path:
        return _Unit(start, end, plain=True)
    found = _line(text, *_statement(text, path[0], start, end))
    for node, child in pairwise(path):
        for first, behind in _member(text, node, child, start, end):
            item = _item(text, *text.outside(first, behind, text.start(node), text.end(node)))
            found = item if item is not None else found
    if found is None or found.start > start or end > found.end or _is_long_line(text, found):
        return _Unit(start, end, plain=True)
    return found


def _is_long_line(text: Source, unit: _Unit) -> bool:
    """Return whether a unit is a line that nobody has broken: comparing all of it for each change would take long."""
    return unit.end - unit.start > _LONG and "\n" not in text.text[unit.start : unit.end]


def _statement(text: Source, node: Any, start: int, end: int) -> tuple[int, int]:
    """Return the span of a statement, or of the part of it around a place that has its own line."""
    for decorator in getattr(node, "decorator_list", ()):
        if text.start(decorator) <= start and end <= text.end(decorator):
            return text.previous(text.start(decorator)).start, text.end(decorator)
    if not isinstance(node, (*_DEFINITIONS, *_BLOCKS)):
        return text.start(node), text.end(node)
    block: Any = node
    first = text.offset(block.lineno, block.col_offset)
    body = block.cases[0].pattern if isinstance(node, ast.Match) else block.body[0]
    colon = text.previous(text.start(body))
    while colon.text != ":":
        colon = text.previous(colon.start)
    return first, colon.end


def _line(text: Source, start: int, end: int) -> _Unit | None:
    """Return a unit if nothing but a comment is next to it on its lines."""
    before, after = text.text[text.line_start(start) : start], text.text[end : text.line_end(end)].rstrip("\r\n")
    if before.strip() or (after.strip() and not after.lstrip().startswith("#")):
        return None
    return _Unit(start, end, before, after if after.strip() else "")


def _item(text: Source, start: int, end: int) -> _Unit | None:
    """Return an item as a unit if it has its own line and a comma."""
    comma = text.following(end)
    if comma.text != ",":
        return None
    found = _line(text, start, comma.end)
    return None if found is None else found._replace(end=end, is_item=True)


def _member(text: Source, node: ast.AST, child: ast.AST, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span of the item of a call or a display that a node around a place is or is part of."""
    if isinstance(node, ast.Dict):
        items = (item for item in items_at(text, node, start, end) if child in item)
        yield from ((text.start(key or value), text.end(value)) for key, value in items)
    elif isinstance(node, (ast.Call, ast.List, ast.Set, ast.Tuple)) and child is not getattr(node, "func", None):
        yield text.start(child), text.end(child)


# New texts.


def _written(text: Source, unit: _Unit, changes: Sequence[Change]) -> str:
    """Return the new text of a unit."""
    places: list[tuple[int, int]] = []
    written = _composed(text, unit.start, unit.end, changes, places)
    old = _plain(text.text[unit.start : unit.end])
    lost = Counter(_comments(old)) - Counter(_comments(written))
    if lost:
        raise Unfixable("a comment would be lost")
    if unit.plain:
        return written
    try:
        if laid(old, text.style, unit.indent, comment=unit.comment, is_item=unit.is_item) == old:
            return laid(written, text.style, unit.indent, comment=unit.comment, is_item=unit.is_item)
    except Unknown:
        pass
    for start, end in reversed(places):
        written = _shortened(text, unit, written, start, end)
    return written


def _composed(text: Source, start: int, end: int, changes: Sequence[Change], places: list[tuple[int, int]]) -> str:
    """Return a text with changes applied, inner ones first; `places` receives the spans that the outer ones wrote."""
    parts: list[str] = []
    offset = start
    index = 0
    while index < len(changes):
        change = changes[index]
        inner = index + 1
        while inner < len(changes) and changes[inner].start < change.end:
            inner += 1
        inside = changes[index + 1 : inner]
        same = [one for one in inside if one[:2] == change[:2]]
        if any(one.end > change.end for one in inside) or change.start < offset:
            raise Unfixable("two operations on one place")
        written = _composed(text, change.start, change.end, inside[len(same) :], [])
        for one in (change, *same):
            written = one.write(written)
        parts += (_plain(text.text[offset : change.start]), written)
        length = sum(map(len, parts))
        places.append((length - len(written), length))
        offset = change.end
        index = inner
    return "".join((*parts, _plain(text.text[offset:end])))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _comments(code: str) -> list[str]:
    if "#" not in code:
        return []
    return [comment.text for comment in Source.of(f"({code}\n)").comments]


def _shortened(text: Source, unit: _Unit, written: str, start: int, end: int) -> str:
    """Return a unit whose lines are not broken as black does, with a new call broken if its line is too long."""
    lead = written[:start].rpartition("\n")
    indent = unit.indent if not lead[1] else lead[2][: len(lead[2]) - len(lead[2].lstrip())]
    before = lead[2] if lead[1] else unit.indent + lead[2]
    code = written[start:end]
    behind = written[end:].partition("\n")
    rest = behind[0] if behind[1] else behind[0] + "," * unit.is_item + unit.comment
    if "\n" in code or not _CALL.match(code) or width_of(before + code + rest) <= text.style.width:
        return written
    filler = "_" * (width_of(before) - width_of(indent))
    try:
        broken = laid(filler + code, text.style, indent, comment=rest).removeprefix(filler)
    except Unknown:
        return written
    return written[:start] + broken + written[end:]


# Edits.


def is_cut(start: int, end: int, edits: Sequence[tuple[int, int]]) -> bool:
    """Return whether edits would cut part of a node that belongs together. One that starts and ends in edits may go."""
    if all(start <= first and last <= end for first, last in edits):
        return False
    starts = any(first <= start < last for first, last in edits)
    return not (starts and any(first < end <= last for first, last in edits))


class _Part(NamedTuple):
    """A rewritten part of a unit: its span in the file, and its span in the unit's new text."""

    old: int
    old_end: int
    new: int
    new_end: int


def _difference(text: Source, unit: _Unit, written: str) -> list[Edit]:
    """Return the edits that turn a unit's old text into the new one. None of them cuts through a node."""
    tokens = text.between(unit.start, unit.end)
    others = [one._replace(start=one.start - 1, end=one.end - 1) for one in Source.of(f"({written}\n)").tokens[1:-1]]
    same = _same([_plain(token.text) for token in tokens], [token.text for token in others])
    ends = [(tokens[one].start, tokens[one].end, others[other].start, others[other].end) for one, other in same]
    parts: list[_Part] = []
    offset, place = unit.start, 0
    for start, end, first, last in (*ends, (unit.end, unit.end, len(written), len(written))):
        if _plain(text.text[offset:start]) != written[place:first] or written[place:first].strip():
            parts.append(_Part(offset, start, place, first))
        offset, place = end, last
    edits = [
        Edit(part.old, part.old_end, written[part.new : part.new_end].replace("\n", text.newline))
        for part in _uncut(text, unit, written, parts)
    ]
    return [edit for edit in edits if text.text[edit.start : edit.end] != edit.text]


def _same(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the tokens that two texts share, by their positions: for brackets, both of a pair or neither."""
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    same = {block.a + number: block.b + number for block in blocks for number in range(block.size)}
    back = {other: one for one, other in same.items()}
    partners, others = _partners(old), _partners(new)
    for one, other in list(same.items()):
        if old[one] in _OPENING and one in partners and other in others:
            same.pop(back.pop(others[other], -1), None)
            back.pop(same.get(partners[one], -1), None)
            same[partners[one]], back[others[other]] = others[other], partners[one]
    found: list[tuple[int, int]] = []
    for one, other in sorted(same.items()):
        is_pair = one not in partners or same.get(partners[one], -1) == others.get(other)
        if is_pair and (not found or other > found[-1][1]):
            found.append((one, other))
    kept = dict(found)
    return [(one, other) for one, other in found if one not in partners or partners[one] in kept]


def _partners(tokens: Sequence[str]) -> dict[int, int]:
    """Return the positions of brackets, each with that of its partner."""
    found: dict[int, int] = {}
    around: list[int] = []
    for place, token in enumerate(tokens):
        if token in _OPENING:
            around.append(place)
        elif token in _CLOSING and around:
            found[place] = around.pop()
            found[found[place]] = place
    return found


def _uncut(text: Source, unit: _Unit, written: str, parts: list[_Part]) -> list[_Part]:
    """Return parts that cut through no node, in the old tree or the new: one that would grows over the whole node."""
    if not parts:
        return parts
    old = list(touched(text, parts[0].old, parts[-1].old_end))
    new = list(_new_nodes(written))
    before: list[_Part] = []
    while parts != before:
        before = parts
        for start, end in old:
            touching = [part for part in parts if part.old_end > start and part.old < end]
            if is_cut(start, end, [part[:2] for part in touching]):
                parts = _grown(unit, parts, min(start, touching[0].old), max(end, touching[-1].old_end), is_new=False)
        for start, end in new:
            touching = [part for part in parts if part.new_end > start and part.new < end]
            if is_cut(start, end, [part[2:] for part in touching]):
                parts = _grown(unit, parts, min(start, touching[0].new), max(end, touching[-1].new_end), is_new=True)
    return parts


def _grown(unit: _Unit, parts: list[_Part], start: int, end: int, *, is_new: bool) -> list[_Part]:
    """Return parts, one of which now covers a region of the old text or the new one."""
    side, other = (2, 0) if is_new else (0, 2)
    outside = [part for part in parts if part[side + 1] < start or part[side] > end]
    inside = [part for part in parts if part not in outside]
    start, end = min(start, inside[0][side]), max(end, inside[-1][side + 1])
    before = max((part for part in outside if part[side + 1] < start), default=_Part(unit.start, unit.start, 0, 0))
    first = before[other + 1] + start - before[side + 1]
    last = inside[-1][other + 1] + end - inside[-1][side + 1]
    whole = _Part(first, last, start, end) if is_new else _Part(start, end, first, last)
    return sorted([*outside, whole])


def _new_nodes(written: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the nodes in a unit's new text."""
    for before, after in _AROUND:
        with contextlib.suppress(SyntaxError):
            whole = Source.of(f"{before}{written}{after}")
            nodes = [node for node in ast.walk(whole.tree) if hasattr(node, "end_lineno")]
            places = [(whole.start(node) - len(before), whole.end(node) - len(before)) for node in nodes]
            yield from (place for place in places if place[0] >= 0 and place[1] <= len(written))
            return
    raise Unfixable("no Python code")
