"""Applies edits to a text, and verifies that nothing else has changed."""

from __future__ import annotations

import ast
import bisect
import difflib
import itertools
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.changes import is_cut
from flake8_celery_tasks.edits.edit import Edit
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def moved(offset: int, steps: Iterable[Edits]) -> int:
    """Return the position of an offset after some steps of edits."""
    for edits in steps:
        offset = edits.shifted(offset)
    return offset


class Harmful(Unfixable):
    """Edits that would change something else. `edits` are those to blame."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        super().__init__("something else would change")
        self.edits = frozenset(edits)


class Edits:
    """Edits of one text in order. None overlaps another, so their ends are in order, too."""

    def __init__(self, edits: Iterable[Edit]) -> None:
        self.edits = sorted(edits)
        self._starts = [edit.start for edit in self.edits]
        self._ends = [edit.end for edit in self.edits]
        lengths = (len(edit.text) - (edit.end - edit.start) for edit in self.edits)
        self._moves = [0, *itertools.accumulate(lengths)]
        self._points = set(self._starts)

    def touching(self, start: int, end: int) -> range:
        """Return which edits change anything between two offsets."""
        return range(bisect.bisect_right(self._ends, start), bisect.bisect_left(self._starts, end))

    def nearest(self, start: int, end: int) -> int:
        """Return which edit is nearest to a span."""
        after = bisect.bisect_right(self._starts, end)
        around = range(max(after - 1, 0), min(after + 1, len(self.edits)))
        return min(around, key=lambda index: max(start - self._ends[index], self._starts[index] - end))

    def starts_at(self, offset: int) -> bool:
        """Return whether an edit starts at an offset."""
        return offset in self._points

    def shifted(self, offset: int, *, end: bool = False) -> int:
        """Return the position of an offset after the edits. Text inserted at the `end` of something comes after it."""
        index = bisect.bisect_right(self._ends, offset)
        while end and index and self._starts[index - 1] == offset:
            index -= 1
        return offset + self._moves[index]


def edited(text: Source, tree: ast.Module, edits: Edits) -> tuple[Source, ast.Module]:
    """Return a text with edits applied, and its tree. Raises Harmful if the meaning of other code would change."""
    parts: list[str] = []
    inverse: list[Edit] = []
    offset = length = 0
    for edit in edits.edits:
        kept = text.text[offset : edit.start]
        parts += (kept, edit.text)
        length += len(kept)
        inverse.append(Edit(length, length + len(edit.text), ""))
        length += len(edit.text)
        offset = edit.end
    after = Source.of("".join((*parts, text.text[offset:])), text.style)
    parsed = after.tree
    written = Edits(inverse)
    harmful: set[int] = set()
    before = dict(_untouched(text, tree, edits, harmful))
    behind = set(dict(_untouched(after, parsed, written, harmful)).items())
    shifted = {
        ((kind, edits.shifted(start), edits.shifted(end, end=True)), use) for (kind, start, end), use in before.items()
    }
    if not harmful:
        harmful.update(written.nearest(start, end) for (_, start, end), _ in shifted ^ behind)
    if harmful:
        raise Harmful(edits.edits[index] for index in harmful)
    return after, parsed


def _untouched(
    text: Source, tree: ast.Module, edits: Edits, cutting: set[int]
) -> Iterator[tuple[tuple[type[ast.AST], int, int], type]]:
    """Yield the largest nodes that no edit touches: kind and span, and whether a name is read, bound or deleted.

    Their text is the same before and after the edits, and so is the result of parsing it as that kind of node.
    `cutting` receives the numbers of the edits that cut through a node.
    """
    pending: list[ast.AST] = [*tree.body]
    while pending:
        node = pending.pop()
        if not hasattr(node, "end_lineno"):
            pending.extend(ast.iter_child_nodes(node))
            continue
        start, end = text.start(node), text.end(node)
        numbers = edits.touching(start, end)
        touching = edits.edits[numbers.start : numbers.stop]
        children = list(ast.iter_child_nodes(node))
        # A node that ends where an edit starts may continue in the edit's text.
        if not touching and not (children and edits.starts_at(end)):
            yield (type(node), start, end), type(getattr(node, "ctx", None))
        elif not any(edit.start <= start and end <= edit.end for edit in touching):
            if is_cut(start, end, [edit[:2] for edit in touching]):
                cutting.update(numbers)
            else:
                pending.extend(children)


def changes(before: Source, after: Source) -> list[Edit]:
    """Return the line edits that turn one text into another."""
    old, new = before.lines, after.lines
    shorter = min(len(old), len(new))
    # difflib alone compares each line with all identical ones.
    same = next((i for i in range(shorter) if old[i] != new[i]), shorter)
    behind = next((i for i in range(shorter - same) if old[-1 - i] != new[-1 - i]), shorter - same)
    offsets = [before.line_offset(line) for line in range(same + 1, len(old) - behind + 2)]
    matcher = difflib.SequenceMatcher(
        None, old[same : len(old) - behind], new[same : len(new) - behind], autojunk=False
    )
    return [
        Edit(offsets[first], offsets[last], "".join(new[same + start : same + end]))
        for tag, first, last, start, end in matcher.get_opcodes()
        if tag != "equal"
    ]
