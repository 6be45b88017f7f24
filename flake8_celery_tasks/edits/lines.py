"""Breaks a logical line that is too long, as black and ruff do.

A line is first tried in one piece. If it doesn't fit, or a magic trailing comma requires it, it is split at its last
brackets, and the content of brackets at its delimiters; the results are split again, as long as that helps.
"""

from __future__ import annotations

import contextlib
import unicodedata
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.edits.leaves import COMMA, DOT, TERNARY, Leaf, Unknown, leaves_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.core.text import Style

_PRAGMAS: Final = ("# noqa", "# type:", "# pyright:", "# pylint:", "# flake8:", "# ruff:", "# nosec")


class _Unbroken(Exception):  # noqa: N818 - no error: another way is tried
    """A way to split a line fails."""


@dataclass(frozen=True, eq=False)
class _Line:
    """Some tokens on one line. The content of brackets is `inside`; in a head or a tail, the brackets may not match."""

    leaves: tuple[Leaf, ...]
    level: int = 0
    inside: bool = False
    is_tail: bool = False
    #: Whether it must be split at its delimiters, however short it is.
    explodes: bool = False

    @cached_property
    def places(self) -> dict[int, int]:
        return {id(leaf): number for number, leaf in enumerate(self.leaves)}

    @cached_property
    def text(self) -> str:
        return "".join(leaf.gap * bool(number) + leaf.text for number, leaf in enumerate(self.leaves))

    @cached_property
    def lengths(self) -> list[int]:
        return [width_of(leaf.gap * bool(number) + leaf.text) for number, leaf in enumerate(self.leaves)]

    @cached_property
    def priorities(self) -> list[int]:
        """How readily the line breaks before each of its tokens outside of brackets."""
        top = min(leaf.depth for leaf in self.leaves)
        return [leaf.priority * (leaf.depth == top and number > 0) for number, leaf in enumerate(self.leaves)]

    @property
    def is_import(self) -> bool:
        return not self.inside and self.leaves[0].text == "from"

    @property
    def is_definition(self) -> bool:
        words = [leaf.text for leaf in self.leaves[:2]]
        return not self.inside and (words[:1] == ["def"] or words == ["async", "def"])

    def opening(self, closing: Leaf) -> int | None:
        """Return the index of the opening bracket for a closing one in the line."""
        return self.places.get(id(closing.partner)) if closing.closes else None

    def ends_in_comma(self, number: int) -> bool:
        """Return whether a bracket closes after a comma that is not needed for a tuple or a subscript."""
        closing = self.leaves[number]
        start = self.opening(closing)
        if start is None or not number or self.leaves[number - 1].text != ",":
            return False
        inner = closing.depth + 1
        single = not any(leaf.text == "," and leaf.depth == inner for leaf in self.leaves[start : number - 1])
        if not single or closing.text == "}" or self.is_import:
            return True
        return closing.makes if closing.text == "]" else not closing.makes

    @cached_property
    def is_magic(self) -> bool:
        """Whether a magic trailing comma puts each item of some brackets on its own line."""
        return not self.is_tail and any(map(self.ends_in_comma, range(len(self.leaves))))


class _Split(NamedTuple):
    head: _Line
    body: _Line
    tail: _Line
    opening: Leaf
    closing: Leaf


def laid(text: str, style: Style, indent: str, *, comment: str = "", is_item: bool = False) -> str:
    r"""Return a statement, a block's head, a decorator or an item of a display, broken into lines.

    `indent` is the whitespace at the start of its line, `comment` is what follows on its last line, including the space
    before it. An item is on a line of its own, followed by a comma that is not part of `text`. Lines end in "\n"; the
    first has no indent. Raises Unknown if the text is written in a way that is not supported.

    >>> from flake8_celery_tasks.core.text import Style
    >>> print(laid("send(name, args=[user])", Style(width=19), ""))
    send(
        name,
        args=[user],
    )
    >>> print(laid("send(name, args=[1])", Style(width=19), ""))
    send(
        name, args=[1]
    )
    """
    leaves = leaves_of(text)
    if not leaves:
        raise Unknown("nothing is there")
    if is_item:
        leaves.append(Leaf(",", depth=min(leaf.depth for leaf in leaves)))
    pragmas = _PRAGMAS if style.pragmas else "# type: ignore"
    if not comment.lstrip().startswith(pragmas):
        # For a single token in optional parentheses, the priority is the token's.
        is_single = leaves[-1].optional and not leaves[-1].text and leaves[-3:-2] == [leaves[-1].partner]
        leaves[-2 if is_single else -1].comment = comment
    line = _Line(tuple(leaves), inside=is_item)
    if not style.magic:
        needless = {number - 1 for number in range(len(leaves)) if line.ends_in_comma(number)}
        line = replace(line, leaves=tuple(leaf for number, leaf in enumerate(leaves) if number not in needless))
    lines = _Breaking(style, indent).broken(line, force=False)
    step = step_of(indent)
    written = "\n".join(f"{indent}{step * line.level}{line.text}" for line in lines)[len(indent) :]
    return written[:-1] if is_item else written


def width_of(text: str) -> int:
    """Return how many columns a text takes."""
    text = text.expandtabs(4)
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(map(bool, map(unicodedata.combining, text)))


def step_of(indent: str) -> str:
    """Return the whitespace for one more level of indentation."""
    return "\t" if indent.startswith("\t") else "    "


@dataclass(frozen=True)
class _Breaking:
    style: Style
    indent: str

    def margin(self, line: _Line) -> int:
        return width_of(self.indent + step_of(self.indent) * line.level)

    def fits(self, line: _Line, spare: int = 0) -> bool:
        length = (
            self.margin(line) + sum(line.lengths) + sum(width_of(leaf.comment) for leaf in line.leaves if leaf.comment)
        )
        return length + spare <= self.style.width

    def broken(self, line: _Line, *, force: bool) -> list[_Line]:
        """Return the lines that one is broken into; `force` writes all optional parentheses."""
        if not line.explodes and not (self.style.magic and line.is_magic) and self.fits(line):
            return [line]
        if any(priority == TERNARY for priority in line.priorities):
            raise Unknown("a condition in an expression")
        if not line.inside and _is_annotated(line):
            raise Unknown("an annotation")
        ways: list[Callable[[_Line, bool], Iterator[_Line]]] = [self._at_last_brackets]
        if line.is_definition:
            ways = [self._at_first_brackets]
        elif line.inside:
            ways.insert(0, self._at_delimiters)
        for way in ways:
            with contextlib.suppress(_Unbroken):
                return self._split(line, way, force=force)
        return [line]

    def _split(self, line: _Line, way: Callable[[_Line, bool], Iterator[_Line]], *, force: bool) -> list[_Line]:
        parts = list(way(line, force))
        found = [one for part in parts for one in self.broken(part, force=force)]
        optional = [leaf for leaf in line.leaves if leaf.optional and leaf.opens]
        used = {id(leaf.partner) for part in parts for leaf in part.leaves if leaf.optional and leaf.text}
        if force or not optional or used.intersection(id(leaf.partner) for leaf in optional) or self.fits(found[0]):
            return found
        other = self._split(line, way, force=True)
        return other if all(map(self.fits, other)) else found

    # At delimiters.

    def _at_delimiters(self, line: _Line, _force: bool) -> Iterator[_Line]:
        """Yield the items in brackets, each on a line of its own."""
        highest = max(line.priorities)
        if not highest or (highest == DOT and line.priorities.count(DOT) == 1):
            raise _Unbroken
        starts = [0, *(number for number, priority in enumerate(line.priorities) if priority == highest)]
        for start, end in zip(starts, [*starts[1:], len(line.leaves)], strict=True):
            leaves = line.leaves[start:end]
            if highest == COMMA and end == len(line.leaves) and leaves[-1].text != ",":
                leaves = (*leaves, Leaf(",", depth=leaves[0].depth))
            yield _Line(leaves, line.level, inside=True)

    # At brackets.

    def _at_first_brackets(self, line: _Line, _force: bool) -> Iterator[_Line]:
        """Yield the head of a definition, its parameters, and the rest."""
        for start, leaf in enumerate(line.leaves):
            if leaf.text == "(" and not leaf.depth and id(leaf.partner) in line.places:
                return iter(self._parts(line, start, line.places[id(leaf.partner)])[:3])
        raise _Unbroken

    def _parts(self, line: _Line, start: int, end: int) -> _Split:
        """Return the parts of a line that is split at two of its brackets."""
        opening, closing = line.leaves[start], line.leaves[end]
        inner = line.leaves[start + 1 : end]
        if not inner:
            raise _Unbroken
        has_comma = any(leaf.text == "," and leaf.depth == inner[0].depth for leaf in inner)
        if line.is_import or (line.is_definition and not has_comma):
            inner = inner if inner[-1].text == "," else (*inner, Leaf(",", depth=inner[0].depth))
        head = _Line((*line.leaves[:start], opening.written() if opening.optional else opening), line.level)
        tail = _Line(
            (closing.written() if closing.optional else closing, *line.leaves[end + 1 :]), line.level, is_tail=True
        )
        body = _Line(inner, line.level + 1, inside=True)
        if max(body.priorities) == COMMA:
            body = replace(body, explodes=opening.makes or (self.style.magic and inner[-1].text == ","))
        return _Split(head, body, tail, opening, closing)

    def _at_last_brackets(self, line: _Line, force: bool) -> Iterator[_Line]:
        """Yield the parts before, in and after some brackets: the last ones for which the head fits."""
        first: list[_Line] = []
        for passed in self._passed(line):
            parts = self._at(line, passed, force=force)
            if self.fits(parts[0]):
                return iter(parts)
            first = first if first or passed else parts
        return iter(first or self._at(line, frozenset(), force=force))

    def _passed(self, line: _Line) -> Iterator[frozenset[int]]:
        """Yield the brackets at the end of a line to pass over: more each time, as long as they fit on one line."""
        passed: set[int] = set()
        inner: set[int] = set()
        if not (self.style.magic and line.is_magic):
            yield frozenset()
        length = self.margin(line)
        around = last = None
        for number in reversed(range(len(line.leaves))):  # pragma: no branch - the line is too long, or has a comma
            leaf = line.leaves[number]
            length += line.lengths[number] + width_of(leaf.comment)
            if length > self.style.width or leaf.comment:
                return
            if leaf is around:
                around = None
            if around is not None or not leaf.closes:
                if leaf.closes:
                    if line.ends_in_comma(number):
                        return
                    inner.add(id(leaf))
                continue
            if number and line.leaves[number - 1].opens:  # don't split at empty brackets
                inner.add(id(leaf))
                continue
            if last is not None:
                passed |= {id(last)} | inner
                inner.clear()
                yield frozenset(passed)
            if line.ends_in_comma(number):
                return
            if leaf.text:
                around, last = leaf.partner, leaf

    def _at(self, line: _Line, passed: frozenset[int], *, force: bool) -> list[_Line]:
        split = self._last(line, passed)
        return list(self._without_optional(line, split, passed, force=force)[:3])

    def _last(self, line: _Line, passed: frozenset[int]) -> _Split:
        """Return the parts of a line that is split at the last brackets that are not empty or passed over."""
        number = len(line.leaves) - 1
        while number > 0:
            leaf = line.leaves[number]
            if leaf.closes and id(leaf) not in passed:
                start = line.opening(leaf)
                if start is None:
                    break
                if start + 1 < number:
                    return self._parts(line, start, number)
                number = start
            number -= 1
        raise _Unbroken

    def _without_optional(self, line: _Line, split: _Split, passed: frozenset[int], *, force: bool) -> _Split:
        """Return a split at brackets that are written, if it is as good as one at optional parentheses."""
        is_optional = split.opening.optional and not split.opening.text
        if force or not is_optional or line.is_import or not self._may_omit(split):
            return split
        passed = passed | {id(split.closing)}
        try:
            other = self._last(line, passed)
            if self._is_better(other, split):
                return self._without_optional(line, other, passed, force=force)
        except _Unbroken:
            if not _can_be_split(split.body) and not self.fits(split.body):
                raise
        return split

    def _may_omit(self, split: _Split) -> bool:
        """Return whether a split reads well without parentheses around its body."""
        body = split.body
        highest = max(body.priorities)
        if not highest:
            return True
        if body.priorities.count(highest) > 1:
            return False
        if highest == DOT:
            return True
        if body.leaves[0].opens and not body.leaves[1].closes and self._starts_well(body):
            return True
        last = body.leaves[-1]
        is_bracket = last.closes and (last.text != "]" or last.makes)
        return is_bracket and not body.leaves[-2].opens and self._ends_well(body, last)

    def _starts_well(self, body: _Line) -> bool:
        """Return whether the text after a line's first bracket fits, up to the next bracket."""
        length, counts = self.margin(body), False
        for leaf, size in zip(body.leaves, body.lengths, strict=True):
            counts = counts or leaf.partner is body.leaves[0]
            if counts:
                length += size
                if length > self.style.width:
                    return False
                counts = not leaf.opens
        return True

    def _ends_well(self, body: _Line, last: Leaf) -> bool:
        """Return whether the text before a line's last bracket fits, or contains brackets itself."""
        start = body.places[id(last.partner)]
        fits = self.margin(body) + sum(body.lengths[: start + 1]) <= self.style.width
        return fits or any(leaf.opens for leaf in body.leaves[:start])

    def _is_better(self, other: _Split, split: _Split) -> bool:
        """Return whether a split without the parentheses after a `=` is better than one with them."""
        head = split.head.leaves
        if len(head) < 2 or head[-2].text != "=" or not any(leaf.opens or leaf.closes for leaf in head[:-1]):
            return True
        if not self.fits(split.head, 1) or split.head.is_magic:
            return True
        mine, others = (Counter(leaf.text for leaf in part.leaves)["="] for part in (split.head, other.head))
        if mine > 1 and mine > others:
            return False
        for leaf in reversed(other.head.leaves):
            if leaf.closes:
                return True
            if leaf.text == "=":
                return self.fits(other.head)
        return False


def _is_annotated(line: _Line) -> bool:
    """Return whether a line is an assignment to a name with an annotation: its value gets parentheses."""
    outer = [leaf.text for leaf in line.leaves if leaf.depth == line.leaves[0].depth and leaf.text in (":", "=")]
    return outer[:2] == [":", "="]


def _can_be_split(line: _Line) -> bool:
    """Return False if there is certainly no way to split a line, such as a method call on a string."""
    leaves = line.leaves
    return len(leaves) > 1 and not (leaves[0].is_string and leaves[1].text == ".")
