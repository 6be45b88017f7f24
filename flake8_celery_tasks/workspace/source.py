"""One file's text: lines and columns as flake8 and editors count them, offsets, tokens, and how it is written."""

from __future__ import annotations

import ast
import bisect
import io
import re
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.core.text import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.core.text import Style


class Position(NamedTuple):
    """A place in a text: line from 1, column from 0 in characters."""

    line: int
    column: int


class Token(NamedTuple):
    """A token or comment by its offsets."""

    start: int
    end: int
    text: str


_NO_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_NAME = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")


class Source:
    """The text of a file by lines, line ends kept, and how its project breaks them. All offsets are in characters."""

    def __init__(self, lines: Sequence[str], style: Style = DEFAULT) -> None:
        self.lines = lines
        self.style = style

    @classmethod
    def of(cls, text: str, style: Style = DEFAULT) -> Source:
        """Return the source that a text is."""
        return cls(lines_of(text), style)

    @cached_property
    def text(self) -> str:
        """All of it."""
        return "".join(self.lines)

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line starts, and the end."""
        return [0, *accumulate(map(len, self.lines))]

    def may_hold(self, part: str) -> bool:
        """Return whether the text holds a part, or is not known."""
        return not self.lines or part in self.text

    def is_text_of(self, content: bytes | None) -> bool:
        """Return whether a file in UTF-8 with this content has this text; its line ends may differ."""
        if content is None:
            return False
        text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        return _unix(self.text) == _unix(text)

    def position(self, node: ast.AST) -> Position:
        """Return where a node starts. The parser counts bytes of UTF-8, flake8 and people count characters."""
        line, column = start_of(node)
        return Position(line, self._characters(line, column))

    def _characters(self, line: int, column: int) -> int:
        """Return a column in characters, for one in bytes of UTF-8."""
        if column and line <= len(self.lines):
            text = self.lines[line - 1]
            if not text.isascii():
                known = self._wide.get(line)
                if known is None:
                    known = self._wide[line] = _wide(text)
                starts, further = known
                return column - further[bisect.bisect_left(starts, column)]
        return column

    @cached_property
    def _wide(self) -> dict[int, tuple[list[int], list[int]]]:
        """What `_wide` returns of the lines that were asked for: a line may be all of the file."""
        return {}

    def name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Position:
        """Return where the name of a definition is."""
        start = self.position(node)
        if start.line <= len(self.lines):
            found = _NAME.match(self.lines[start.line - 1], start.column)
            if found:
                return Position(start.line, found.start(1))
        return start

    # Nodes.

    @cached_property
    def tree(self) -> ast.Module:
        """What the parser makes of the text."""
        return ast.parse(self.text)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place as the parser gives it: line from 1, column in bytes of UTF-8."""
        return self.line_offset(line) + self._characters(line, column)

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
        return self.offset(*start_of(node))

    def end(self, node: ast.AST) -> int:
        """Return where a node ends."""
        return self.offset(*end_of(node))

    def segment(self, node: ast.AST) -> str:
        """Return the text of a node."""
        return self.text[self.start(node) : self.end(node)]

    def opening(self, call: ast.Call) -> int:
        """Return where the parenthesis of a call opens."""
        offset = self.end(call.func)
        while self.following(offset).text == ")":  # of the function: (a or b)(c)
            offset = self.following(offset).end
        return self.following(offset).start

    def outside(self, first: int, last: int, start: int, end: int) -> tuple[int, int]:
        """Return a span with the parentheses around it, as far as they are between two offsets."""
        while True:
            before, after = self.previous(first), self.following(last)
            if before.text != "(" or after.text != ")" or before.start < start or after.end > end:
                return first, last
            first, last = before.start, after.end

    def ordered(self, call: ast.Call) -> list[ast.expr | ast.keyword]:
        """Return the arguments of a call as they are in it."""
        return sorted((*call.args, *call.keywords), key=self.start)

    # Lines.

    def line_at(self, offset: int) -> int:
        """Return the index of the line that an offset is in."""
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
        import tokenize  # only fixes ask for tokens

        layout = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
        strings = {tokenize.STRING, getattr(tokenize, "FSTRING_START", tokenize.STRING)}
        tokens: list[Token] = []
        comments: list[Token] = []
        quotes: list[str] = []
        lines = iter(self.lines)
        try:
            found = list(tokenize.generate_tokens(lambda: next(lines, "")))
        except (tokenize.TokenError, SyntaxError) as error:
            raise Unfixable(str(error)) from None
        for kind, text, start, end, _ in found:
            if kind in layout:
                continue
            token = Token(self._starts[start[0] - 1] + start[1], self._starts[end[0] - 1] + end[1], text)
            if kind == tokenize.COMMENT:
                comments.append(token)
            else:
                tokens.append(token)
                if kind in strings:
                    quotes.append(text.lstrip("bBfFrRuUtT")[:3])
        plain = [quote[0] for quote in quotes if quote not in ('"""', "'''")]
        return tokens, comments, "'" if plain.count("'") > plain.count('"') else '"'

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens that are no comments and have text."""
        return self._all_tokens[0]

    @property
    def comments(self) -> Sequence[Token]:
        """The comments."""
        return self._all_tokens[1]

    def between(self, start: int, end: int) -> Sequence[Token]:
        """Return the tokens between two offsets."""
        return self.tokens[bisect.bisect_left(self.tokens, (start,)) : bisect.bisect_left(self.tokens, (end,))]

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
        first, last = (bisect.bisect_left(self.comments, (offset,)) for offset in (start, end))
        return [comment.text for comment in self.comments[first:last]]

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


def start_of(node: ast.AST) -> tuple[int, int]:
    """Return where a node of a text starts, as the parser says: line from 1, column in bytes of UTF-8."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def end_of(node: ast.AST) -> tuple[int, int]:
    """Return where a node of a text ends, in the same way."""
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _wide(text: str) -> tuple[list[int], list[int]]:
    """Return where characters begin that take several bytes, and how many more than one those before take together."""
    starts: list[int] = []
    further = [0]
    for found in _NO_ASCII.finditer(text):
        size = len(found[0].encode("utf-8", "surrogatepass"))
        starts.append(found.start() + further[-1])
        further.append(further[-1] + size - 1)
    return starts, further


def _unix(text: str) -> str:
    """Return a text with the line ends that Python's reader makes of all others."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def lines_of(text: str) -> list[str]:
    r"""Return the lines of a text with their ends, as Python counts them: `\x0c` or `\x85` end none.

    >>> lines_of("a\x0cb\r\nc")
    ['a\x0cb\r\n', 'c']
    """
    return io.StringIO(text, newline="").readlines()
