"""The tokens of a logical line, with what a formatter needs to know to break it."""

from __future__ import annotations

import io
import keyword
import tokenize
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Priorities for breaking a line: the higher, the sooner.
COMPREHENSION: Final = 20
COMMA: Final = 18
TERNARY: Final = 16
LOGIC: Final = 14
STRINGS: Final = 12
COMPARISON: Final = 10
_OPERATORS: Final = {
    sign: priority
    for priority, signs in ((9, "|"), (8, "^"), (7, "&"), (6, "<< >>"), (5, "+ -"), (4, "* / // % @"), (2, "**"))
    for sign in signs.split()
}
DOT: Final = 1

_COMPARISONS: Final = frozenset({"<", ">", "==", "<=", ">=", "!=", "is"})
_ASSIGNMENTS: Final = frozenset({"=", "+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//="})
_PARTNERS: Final = {"(": ")", "[": "]", "{": "}"}
_CLOSING: Final = frozenset(_PARTNERS.values())
_VALUES: Final = frozenset({"True", "False", "None", "..."})
_BEFORE: Final = frozenset({",", ")", "]", "}", ":", ".", ";"})

_STARTS: Final = frozenset(
    kind for name in ("FSTRING_START", "TSTRING_START") if (kind := getattr(tokenize, name, None)) is not None
)
_ENDS: Final = frozenset(
    kind for name in ("FSTRING_END", "TSTRING_END") if (kind := getattr(tokenize, name, None)) is not None
)
_LAYOUT: Final = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})


class Unknown(Exception):  # noqa: N818 - no error: the line is left as it is written
    """A line is written in a way that this module doesn't support."""


@dataclass(eq=False, slots=True)
class Leaf:
    """A token. `gap` is the space before it on a line, `priority` is how readily the line breaks before it.

    An `optional` parenthesis may or may not be written: if it is not, it has no text.
    """

    text: str
    gap: str = ""
    is_string: bool = False
    depth: int = 0
    priority: int = 0
    opens: bool = False
    closes: bool = False
    partner: Leaf | None = None
    #: Whether a bracket creates a value, and doesn't belong to a call, a subscript or a definition.
    makes: bool = False
    optional: bool = False
    #: A comment after the last token.
    comment: str = ""

    def written(self) -> Leaf:
        """Return an optional parenthesis in its written form."""
        text = self.text or ("(" if self.opens else ")")
        return replace(self, text=text)


def leaves_of(text: str) -> list[Leaf]:
    """Return the tokens of a statement, decorator, head of a block or expression. Raises Unknown."""
    found = list(_tokens(text))
    _pair(found)
    _rank(found)
    return _with_optional(found)


def _tokens(text: str) -> Iterator[Leaf]:
    """Yield the tokens as written; a token on a new line gets the gap that it would have on the same line."""
    lines = io.StringIO(f"({text})").readlines()
    before: Leaf | None = None
    row, column = 1, 1
    try:
        tokens = list(_joined(lines))[1:]
    except (tokenize.TokenError, SyntaxError) as error:
        raise Unknown(str(error)) from None
    for kind, token, start, end in tokens[:-1]:
        if kind in (tokenize.COMMENT, tokenize.ERRORTOKEN) or "\n" in token:
            raise Unknown("a comment, a text of several lines, or no token")
        if start[0] == row:
            gap = lines[row - 1][column : start[1]]
        else:
            if "\\" in lines[row - 1][column:]:
                raise Unknown("a line that goes on behind a backslash")
            gap = _gap(before, token)
        row, column = end
        before = Leaf(token, gap, kind == tokenize.STRING)
        yield before


def _joined(lines: list[str]) -> Iterator[tuple[int, str, tuple[int, int], tuple[int, int]]]:
    """Yield the tokens of some lines. An f-string is one token, as before Python 3.12."""
    depth = 0
    first = (0, 0)
    for kind, token, start, end, _ in tokenize.generate_tokens(iter(lines).__next__):
        if kind in _STARTS:
            first = first if depth else start
            depth += 1
        elif kind in _ENDS:
            depth -= 1
            if not depth:
                yield tokenize.STRING, _between(lines, first, end), first, end
        elif not depth and kind not in _LAYOUT:
            yield kind, token, start, end


def _between(lines: list[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    if start[0] == end[0]:
        return lines[start[0] - 1][start[1] : end[1]]
    return "".join((lines[start[0] - 1][start[1] :], *lines[start[0] : end[0] - 1], lines[end[0] - 1][: end[1]]))


def _gap(before: Leaf | None, token: str) -> str:
    """Return the gap between two tokens that were on different lines, when put on one."""
    if before is None or before.text in _PARTNERS or token in _BEFORE or before.text == ".":
        return ""
    return " "


def _pair(leaves: list[Leaf]) -> None:
    """Match the brackets, and determine how deeply each token is nested in them."""
    around: list[Leaf] = []
    before: Leaf | None = None
    is_definition = any(leaf.text in ("def", "class") for leaf in leaves[:2])
    for leaf in leaves:
        leaf.depth = len(around)
        if leaf.text in _PARTNERS:
            leaf.opens = True
            leaf.makes = not (before is not None and _is_operand(before)) and not (is_definition and not around)
            around.append(leaf)
        elif leaf.text in _CLOSING:
            opening = around.pop() if around else None
            if opening is None or _PARTNERS[opening.text] != leaf.text:
                raise Unknown("brackets that do not match")
            leaf.closes, leaf.makes, leaf.depth = True, opening.makes, opening.depth
            leaf.partner, opening.partner = opening, leaf
        before = leaf


def _is_operand(leaf: Leaf) -> bool:
    """Return whether a token ends a value, so that an operator or a call may follow."""
    if leaf.closes or leaf.is_string or leaf.text in _VALUES:
        return True
    return (leaf.text[:1].isalnum() or leaf.text[:1] == "_") and not keyword.iskeyword(leaf.text)


def _rank(leaves: list[Leaf]) -> None:
    """Set how readily the line breaks before each token; a break after a comma counts for the token that follows it."""
    deeper: list[tuple[str, int]] = []  # the tokens that end a lambda's parameters or a loop's target
    loops: set[int] = set()  # the brackets that contain a comprehension
    brackets: list[int] = [-1]
    before: Leaf | None = None
    for number, leaf in enumerate(leaves):
        if leaf.closes:
            loops.discard(brackets.pop())
        if deeper and deeper[-1] == (leaf.text, leaf.depth):
            is_target = deeper.pop()[0] == "in"
        else:
            is_target = False
            leaf.priority = _priority(leaf, before, is_loop=brackets[-1] in loops)
        leaf.depth += len(deeper)
        if leaf.text == "lambda" and not leaf.is_string:
            deeper.append((":", leaf.depth - len(deeper)))
        elif leaf.text == "for":
            deeper.append(("in", leaf.depth - len(deeper)))
        elif is_target:
            loops.add(brackets[-1])
        if leaf.opens:
            brackets.append(number)
        before = leaf


def _priority(leaf: Leaf, before: Leaf | None, *, is_loop: bool) -> int:
    text = leaf.text
    if before is None or leaf.closes:
        return 0
    if before.text == ",":
        return COMMA
    if leaf.is_string:
        return STRINGS if before.is_string else 0
    if text in _OPERATORS:
        return _OPERATORS[text] if _is_operand(before) else 0
    if text == ".":
        return DOT if before.closes else 0
    if text in _COMPARISONS or (text == "in" and before.text != "not"):
        return COMPARISON
    if text in ("for", "async"):
        return COMPREHENSION if before.text != "async" else 0
    if text == "if":
        return COMPREHENSION if is_loop else TERNARY
    if text == "not":  # `not in`; a plain `not` never follows a value
        return COMPARISON if before.text != "is" and _is_operand(before) else 0
    return {"else": TERNARY, "and": LOGIC, "or": LOGIC}.get(text, 0)


# Optional parentheses.


def _with_optional(leaves: list[Leaf]) -> list[Leaf]:
    """Return a line with the parentheses that a formatter may add or remove."""
    spans = sorted(_spans(leaves))
    found: list[Leaf] = []
    offset = 0
    for start, end in spans:
        found += leaves[offset:start]
        part = leaves[start:end]
        offset = end
        if _is_in_parentheses(part):
            if _may_go(part[1:-1]):
                for leaf in (part[0], part[-1]):
                    leaf.text, leaf.optional = "", True
                part[1].gap = ""
            found += part
            continue
        opening = Leaf("", part[0].gap, depth=part[0].depth, opens=True, makes=True, optional=True)
        closing = Leaf("", depth=part[0].depth, closes=True, makes=True, optional=True, partner=opening)
        opening.partner = closing
        part[0].gap = ""
        for leaf in part:
            leaf.depth += 1
        part[0].priority = 0
        found += (opening, *part, closing)
    return found + leaves[offset:]


def _is_in_parentheses(part: list[Leaf]) -> bool:
    return part[0].text == "(" and part[0].partner is part[-1]


def _may_go(inside: list[Leaf]) -> bool:
    """Return whether parentheses around some tokens are redundant."""
    if not inside or inside[-1].text == ",":
        return False
    top = min(leaf.depth for leaf in inside)
    return not any(
        leaf.depth == top and (leaf.priority >= COMMA or leaf.text in (":=", "yield", ",")) for leaf in inside
    )


def _spans(leaves: list[Leaf]) -> Iterator[tuple[int, int]]:
    """Yield the spans of values that may be in parentheses."""
    first = next((leaf.text for leaf in leaves), "")
    top = [number for number, leaf in enumerate(leaves) if leaf.depth == 0]
    if first == "from":
        names = next((number + 1 for number in top if leaves[number].text == "import"), len(leaves))
        yield from _span(leaves, names, len(leaves))
    elif first in ("return", "del"):
        yield from _span(leaves, 1, len(leaves))
    elif first in ("if", "elif", "while"):
        yield from _span(leaves, 1, len(leaves) - 1)
    elif first == "assert":
        comma = next((number for number in top if leaves[number].text == ","), len(leaves))
        yield from _span(leaves, 1, comma)
        yield from _span(leaves, comma + 1, len(leaves))
    elif first == "for":
        middle = next((number for number in top if number and leaves[number].text == "in"), len(leaves))
        yield from _span(leaves, 1, middle)
        yield from _span(leaves, middle + 1, len(leaves) - 1)
    elif not keyword.iskeyword(first) and first != "@":
        signs = [number for number in top if leaves[number].text in _ASSIGNMENTS]
        if signs and any(leaves[number].text == "," for number in top if number < signs[0]):
            yield from _span(leaves, 0, signs[0])
        for sign, end in pairwise([*signs, len(leaves)]):
            yield from _span(leaves, sign + 1, end)


def _span(leaves: list[Leaf], start: int, end: int) -> Iterator[tuple[int, int]]:
    if start >= end:
        return
    part = leaves[start:end]
    if part[0].text == "*" and len(part) == 1:  # of `from shop import *`
        return
    if part[-1].text == "," and part[0].depth == part[-1].depth and leaves[0].text != "from":
        raise Unknown("a tuple without parentheses that ends in a comma")
    yield start, end
