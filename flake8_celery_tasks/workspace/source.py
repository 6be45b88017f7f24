"""One file's text: lines, columns as flake8 and editors count them, and where a definition's name stands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ast
    from collections.abc import Sequence


class Position(NamedTuple):
    """A place in a text: line from 1, column from 0 in characters."""

    line: int
    column: int


_NAME = re.compile(r"(?:async\s+def|def|class)\s+(\w+)")


class Source:
    """The text of a file by lines, line ends kept."""

    __slots__ = ("_text", "lines")

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = lines
        self._text: str | None = None

    @property
    def text(self) -> str:
        """All of it."""
        if self._text is None:
            self._text = "".join(self.lines)
        return self._text

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
        line: int = node.lineno  # type: ignore[attr-defined]
        column: int = node.col_offset  # type: ignore[attr-defined]
        if column and line <= len(self.lines):
            text = self.lines[line - 1]
            if not text.isascii():
                column = len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace"))
        return Position(line, column)

    def name(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Position:
        """Return where the name of a definition stands."""
        start = self.position(node)
        if start.line <= len(self.lines):
            found = _NAME.match(self.lines[start.line - 1], start.column)
            if found:
                return Position(start.line, found.start(1))
        return start


def _unix(text: str) -> str:
    """Return a text with the line ends that Python's reader makes of all others."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
