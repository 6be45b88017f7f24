"""Conversion of positions: our offsets in characters, and lines and columns in the client's units."""

from __future__ import annotations

import bisect
from functools import cached_property
from itertools import accumulate
from typing import Final, NamedTuple

from flake8_celery_tasks.workspace.source import Source, lines_of

UTF8: Final = "utf-8"
UTF16: Final = "utf-16"
UTF32: Final = "utf-32"


class Span(NamedTuple):
    """A part of a file, by offsets in characters; the end is exclusive."""

    path: str
    start: int
    end: int


class Place(NamedTuple):
    """A line and a column, both from 0; the column is in the units of an encoding."""

    line: int
    column: int


class Text:
    """A text whose lines end at LF, CRLF and CR, and nowhere else."""

    def __init__(self, text: str, encoding: str = UTF16) -> None:
        self.text = text
        self.encoding = encoding

    @cached_property
    def source(self) -> Source:
        """The text as the linter's source."""
        return Source(self.lines)

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, with their ends. After the last line end comes one more line."""
        lines = lines_of(self.text)
        return lines if lines and not lines[-1].endswith(("\n", "\r")) else [*lines, ""]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(map(len, self.lines))]

    def offset(self, place: Place) -> int:
        """Return the offset of a place, clipped to the end of its line and to the end of the text."""
        if place.line >= len(self.lines):
            return len(self.text)
        line = self.lines[place.line].rstrip("\r\n")
        return self._starts[place.line] + min(self._characters(line, place.column), len(line))

    def _characters(self, line: str, column: int) -> int:
        if self.encoding == UTF32 or line.isascii():
            return column
        units = 0
        for index, character in enumerate(line):
            if units >= column:
                return index
            units += self._units(character)
        return len(line)

    def _units(self, text: str) -> int:
        if self.encoding == UTF32 or text.isascii():
            return len(text)
        if self.encoding == UTF8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + sum(character > "\uffff" for character in text)

    def place(self, offset: int) -> Place:
        """Return the line and column of an offset."""
        line = min(bisect.bisect_right(self._starts, offset), len(self.lines)) - 1
        start = self._starts[line]
        return Place(line, self._units(self.text[start:offset]))

    def edited(self, start: Place, end: Place, text: str) -> Text:
        """Return the text with a part replaced."""
        first, last = sorted((self.offset(start), self.offset(end)))
        return Text(self.text[:first] + text + self.text[last:], self.encoding)
