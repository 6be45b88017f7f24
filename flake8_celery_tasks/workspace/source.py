"""One file's text: lines and columns as in flake8 and editors, offsets, tokens, and its style."""

from __future__ import annotations

import ast
import bisect
import io
import re
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.core.text import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.core.text import Style


class Position(NamedTuple):
    """A position in a text: lines start at 1, columns at 0 in characters."""

    line: int
    column: int


class Token(NamedTuple):
    """A token or comment, with its offsets."""

    start: int
    end: int
    text: str


_NON_ASCII: Final = lazy_pattern(r"[^\x00-\x7f]")
_NAME = lazy_pattern(r"(?:async\s+def|def|class)\s+(\w+)")


class Source:
    """The text of a file, as lines with their ends, and the project's line style. All offsets are in characters."""

    def __init__(self, lines: Sequence[str], style: Style = DEFAULT) -> None:
        self.lines = lines
        self.style = style

    @classmethod
    def of(cls, text: str, style: Style = DEFAULT) -> Source:
        """Return the source for a text."""
        return cls(lines_of(text), style)

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of each line, and of the end."""
        return [0, *accumulate(map(len, self.lines))]

    def may_hold(self, part: str) -> bool:
        """Return whether the text contains a part, or is not known."""
        return not self.lines or part in self.text

    def lines_with(self, names: Iterable[str]) -> list[int]:
        """Return the lines, from 1 on, that may contain one of some names; characters beyond ASCII may form one."""
        found = re.finditer("|".join((*map(re.escape, sorted(names)), _NON_ASCII.pattern)), self.text)
        return list(dict.fromkeys(self.line_at(match.start()) + 1 for match in found))

    def is_text_of(self, content: bytes | None) -> bool:
        """Return whether a UTF-8 file with this content has this text; line ends may differ."""
        if content is None:
            return False
        text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
        return _unix(self.text) == _unix(text)

    def position(self, node: ast.AST) -> Position:
        """Return where a node starts. The parser counts UTF-8 bytes; flake8 and people count characters."""
        line, column = start_of(node)
        return Position(line, self._characters(line, column))

    def _characters(self, line: int, column: int) -> int:
        """Return a column in characters for one in UTF-8 bytes."""
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
        """The results of `_wide` for the lines that were needed: a line may be as long as the file."""
        return {}

    def name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Position:
        """Return the position of a definition's name."""
        start = self.position(node)
        if start.line <= len(self.lines):
            found = _NAME.match(self.lines[start.line - 1], start.column)
            if found:
                return Position(start.line, found.start(1))
        return start

    # Nodes.

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the text."""
        return ast.parse(self.text)

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a parser position: lines start at 1, columns are in UTF-8 bytes."""
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
        """Return the offset of a call's opening parenthesis."""
        offset = self.end(call.func)
        while self.following(offset).text == ")":  # of the function: (a or b)(c)
            offset = self.following(offset).end
        return self.following(offset).start

    def outside(self, first: int, last: int, start: int, end: int) -> tuple[int, int]:
        """Return a span extended by the parentheses around it, as long as they are between two offsets."""
        while True:
            before, after = self.previous(first), self.following(last)
            if before.text != "(" or after.text != ")" or before.start < start or after.end > end:
                return first, last
            first, last = before.start, after.end

    def ordered(self, call: ast.Call) -> list[ast.expr | ast.keyword]:
        """Return the arguments of a call in source order."""
        return sorted((*call.args, *call.keywords), key=self.start)

    def statement(self, start: int, end: int) -> ast.stmt | None:
        """Return the innermost statement around a span, None if it is in none."""
        starts, statements, around = self._statements
        index = bisect.bisect_right(starts, start) - 1
        found = statements[index] if index >= 0 else None
        while found is not None and end > self.end(found):
            found = around[found]
        return found

    @cached_property
    def _statements(self) -> tuple[list[int], list[ast.stmt | None], dict[ast.stmt, ast.stmt | None]]:
        """Offsets in order, the innermost statement from each of them on, and the statement around each."""
        starts: list[int] = []
        statements: list[ast.stmt | None] = []
        around: dict[ast.stmt, ast.stmt | None] = {}
        pending: list[tuple[ast.stmt | None, Iterator[ast.stmt]]] = [(None, statements_in(self.tree))]
        while pending:
            outer, inside = pending[-1]
            inner = next(inside, None)
            if inner is not None:
                around[inner] = outer
                starts.append(self.start(inner))
                statements.append(inner)
                pending.append((inner, statements_in(inner)))
            else:
                pending.pop()
                if outer is not None:
                    starts.append(self.end(outer) + 1)
                    statements.append(around[outer])
        return starts, statements, around

    # Lines.

    def line_at(self, offset: int) -> int:
        """Return the index of the line that contains an offset."""
        return min(bisect.bisect_right(self._starts, offset) - 1, max(len(self.lines) - 1, 0))

    def line_offset(self, line: int) -> int:
        """Return where a line starts, counted from 1."""
        return self._starts[min(line, len(self._starts)) - 1]

    def place(self, offset: int) -> tuple[int, int]:
        """Return the line and column of an offset, both from 1. After the last line end comes one more line."""
        line = bisect.bisect_right(self._starts, offset) - 1
        return line + 1, offset - self._starts[line] + 1

    def line_start(self, offset: int) -> int:
        """Return where the line of an offset starts."""
        return self._starts[self.line_at(offset)]

    def line_end(self, offset: int) -> int:
        """Return where the next line starts."""
        return self._starts[self.line_at(offset) + 1] if self.lines else 0

    def indent(self, offset: int) -> str:
        """Return the whitespace at the start of an offset's line."""
        line = self.lines[self.line_at(offset)]
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def is_blank(self, index: int) -> bool:
        """Return whether the line with some index exists and is blank."""
        return 0 <= index < len(self.lines) and not self.lines[index].strip()

    # Tokens.

    @cached_property
    def _all_tokens(self) -> tuple[list[Token], list[Token], str]:
        import tokenize  # only fixes need tokens

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
        """The tokens that have text and are not comments."""
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

    # The style of the text.

    def quoted(self, value: str) -> str:
        """Return a string literal in the file's style: with the more frequent quotes, double ones in case of a tie."""
        quote = self._all_tokens[2]
        shown = repr(value)
        if quote == '"' and '"' not in value and shown[0] == "'":
            return f'"{shown[1:-1]}"'
        return shown

    @cached_property
    def newline(self) -> str:
        """The line end: that of the first line."""
        first = self.lines[0] if self.lines else ""
        return first[len(first.rstrip("\r\n")) :] or "\n"


def statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield the statements directly in a module, in a statement or in a part of one, in source order."""
    for name in ("body", "cases", "handlers", "orelse", "finalbody"):
        inside = getattr(node, name, ())
        for one in inside if isinstance(inside, list) else ():
            if isinstance(one, ast.stmt):
                yield one
            else:
                yield from statements_in(one)


def first_of(node: ast.AST) -> ast.AST:
    """Return the node that the text of a node starts with: of a definition, its first decorator."""
    first: ast.AST = (getattr(node, "decorator_list", None) or [node])[0]
    return first


def start_of(node: ast.AST) -> tuple[int, int]:
    """Return the parser's start position of a node: lines start at 1, columns are in UTF-8 bytes."""
    return node.lineno, node.col_offset  # type: ignore[attr-defined]


def end_of(node: ast.AST) -> tuple[int, int]:
    """Return the parser's end position of a node, in the same form."""
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]


def _wide(text: str) -> tuple[list[int], list[int]]:
    """Return the starts of multibyte characters, and for each the number of extra bytes up to there."""
    starts: list[int] = []
    further = [0]
    for found in _NON_ASCII.finditer(text):
        size = len(found[0].encode("utf-8", "surrogatepass"))
        starts.append(found.start() + further[-1])
        further.append(further[-1] + size - 1)
    return starts, further


def _unix(text: str) -> str:
    """Return a text with its line ends converted as by Python's reader."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def lines_of(text: str) -> list[str]:
    r"""Return the lines of a text with their ends, as Python counts them: `\x0c` and `\x85` don't end one.

    >>> lines_of("a\x0cb\r\nc")
    ['a\x0cb\r\n', 'c']
    """
    return io.StringIO(text, newline="").readlines()
