"""A file's text with offsets: where nodes and tokens stand in it, and how it is written. What fixes are made with."""

from __future__ import annotations

import ast
import bisect
import io
import tokenize
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.edits.lines import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.edits.lines import Style


_LAYOUT: Final = frozenset({tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})
_STRINGS: Final = frozenset({tokenize.STRING, getattr(tokenize, "FSTRING_START", tokenize.STRING)})


class Unfixable(Exception):  # noqa: N818 - no error: there is no fix
    """An operation can't be certain of what it would do."""


class UnknownSyntax(Unfixable):
    """Some code is in a syntax that libcst doesn't know."""


class Token(NamedTuple):
    """A token or comment by its offsets."""

    start: int
    end: int
    text: str


class Text:
    """The text of a file, and how its project breaks lines. All offsets are in characters."""

    def __init__(self, text: str, tree: ast.Module | None = None, style: Style = DEFAULT) -> None:
        self.text = text
        self.style = style
        self._tree = tree
        self.lines = lines_of(text)
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line))

    # Nodes.

    @cached_property
    def tree(self) -> ast.Module:
        """What the parser makes of the text."""
        return ast.parse(self.text) if self._tree is None else self._tree

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place as the parser gives it: line from 1, column in bytes of UTF-8."""
        content = self.lines[line - 1] if line <= len(self.lines) else ""
        if not content.isascii():
            column = len(content.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))
        return self.line_offset(line) + column

    def start(self, node: ast.AST) -> int:
        """Return where a node starts; a definition starts at its first decorator."""
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            start = self.start(decorators[0])
            if self.text[start - 1] == "@":  # nearly always, and then no tokens are needed
                return start - 1
            before = self.previous(start)
            while before.text != "@":
                before = self.previous(before.start)
            return before.start
        return self.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]

    def end(self, node: ast.AST) -> int:
        """Return where a node ends."""
        return self.offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]

    def segment(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def opening(self, call: ast.Call) -> int:
        """Return where the parenthesis of a call opens."""
        offset = self.end(call.func)
        while self.following(offset).text == ")":  # of the function: (a or b)(c)
            offset = self.following(offset).end
        return self.following(offset).start

    def outside(self, node: ast.AST, start: int, end: int) -> tuple[int, int]:
        """Return the span of a node with the parentheses around it, as far as they stand between two offsets."""
        return self.outside_of(self.start(node), self.end(node), start, end)

    def outside_of(self, first: int, last: int, start: int, end: int) -> tuple[int, int]:
        """Return a span with the parentheses around it, as far as they stand between two offsets."""
        while True:
            before, after = self.previous(first), self.following(last)
            if before.text != "(" or after.text != ")" or before.start < start or after.end > end:
                return first, last
            first, last = before.start, after.end

    def ordered(self, call: ast.Call) -> list[ast.expr | ast.keyword]:
        """Return the arguments of a call as they stand in it."""
        return sorted((*call.args, *call.keywords), key=self.start)

    # Lines.

    def line_at(self, offset: int) -> int:
        """Return the index of the line that an offset stands in."""
        return min(bisect.bisect_right(self._starts, offset) - 1, max(len(self.lines) - 1, 0))

    def line_offset(self, line: int) -> int:
        """Return where a line starts, counted from 1."""
        return self._starts[min(line, len(self._starts)) - 1]

    def place(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both from 1. Behind the last line end comes one more line."""
        line = bisect.bisect_right(self._starts, offset) - 1
        return line + 1, offset - self._starts[line] + 1

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset starts."""
        return self._starts[self.line_at(offset)]

    def line_end(self, offset: int) -> int:
        """Return where the next line starts."""
        return self._starts[self.line_at(offset) + 1] if self.lines else 0

    def indent(self, offset: int) -> str:
        """Return the white space that the line of an offset starts with."""
        line = self.lines[self.line_at(offset)]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def is_blank(self, index: int) -> bool:
        """Return whether there is a line of some index and it holds nothing."""
        return 0 <= index < len(self.lines) and not self.lines[index].strip()

    # Tokens.

    @cached_property
    def _all_tokens(self) -> tuple[list[Token], list[Token], str]:
        tokens: list[Token] = []
        comments: list[Token] = []
        quotes: list[str] = []
        lines = iter(self.lines)
        try:
            found = list(tokenize.generate_tokens(lambda: next(lines, "")))
        except (tokenize.TokenError, SyntaxError) as error:
            raise Unfixable(str(error)) from None
        for kind, text, start, end, _ in found:
            if kind in _LAYOUT:
                continue
            token = Token(self._starts[start[0] - 1] + start[1], self._starts[end[0] - 1] + end[1], text)
            if kind == tokenize.COMMENT:
                comments.append(token)
            else:
                tokens.append(token)
                if kind in _STRINGS:
                    quotes.append(text.lstrip("bBfFrRuUtT")[:3])
        plain = [quote[0] for quote in quotes if quote not in ('"""', "'''")]
        return tokens, comments, "'" if plain.count("'") > plain.count('"') else '"'

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens that are no comments and have text."""
        return self._all_tokens[0]

    @property
    def comments(self) -> list[str]:
        """The comments."""
        return [comment.text for comment in self._all_tokens[1]]

    def between(self, start: int, end: int) -> Sequence[Token]:
        """Return the tokens between two offsets."""
        tokens = self.tokens
        return tokens[bisect.bisect_left(tokens, (start,)) : bisect.bisect_left(tokens, (end,))]

    def following(self, offset: int) -> Token:
        """Return the first token from an offset on."""
        index = bisect.bisect_left(self.tokens, (offset,))
        return self.tokens[index] if index < len(self.tokens) else Token(len(self.text), len(self.text), "")

    def previous(self, offset: int) -> Token:
        """Return the last token that ends before an offset."""
        index = bisect.bisect_left(self.tokens, (offset,))
        return self.tokens[index - 1] if index else Token(0, 0, "")

    def comments_between(self, start: int, end: int) -> list[str]:
        """Return the comments between two offsets."""
        comments = self._all_tokens[1]
        return [
            one.text for one in comments[bisect.bisect_left(comments, (start,)) : bisect.bisect_left(comments, (end,))]
        ]

    # How it is written.

    def quoted(self, value: str) -> str:
        """Return a string as this file quotes: with its more frequent quotes, double ones where it has no habit."""
        quote = self._all_tokens[2]
        shown = repr(value)
        if quote == '"' and '"' not in value and shown[0] == "'":
            return f'"{shown[1:-1]}"'
        return shown

    @cached_property
    def newline(self) -> str:
        """The end of a line: that of the first one."""
        first = self.lines[0] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"


def lines_of(text: str) -> list[str]:
    r"""Return the lines of a text with their ends, as Python counts them: `\x0c` or `\x85` end none.

    >>> lines_of("a\x0cb\r\nc")
    ['a\x0cb\r\n', 'c']
    """
    return io.StringIO(text, newline="").readlines()
