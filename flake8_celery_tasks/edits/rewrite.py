"""Calls of tasks, rewritten."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.edits.edit import Edit
from flake8_celery_tasks.edits.text import Unfixable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from flake8_celery_tasks.edits.text import Text


# Calls that are written anew.


class Listed(NamedTuple):
    """An argument that is a display: its members may stand one a line."""

    head: str
    items: tuple[str, ...]
    tail: str

    def __str__(self) -> str:
        return f"{self.head}{', '.join(self.items)}{self.tail}"


def task_arguments(
    text: Text,
    positional: Sequence[ast.expr],
    keywords: Sequence[ast.keyword],
    segment: Callable[[ast.expr], str],
) -> list[str | Listed]:
    """Return `args=` and `kwargs=` for what `delay` is given; `segment` gives the text of an argument."""
    refuse_mixed(text, positional, keywords)
    found: list[str | Listed] = []
    if positional:
        items = [segment(item) for item in positional]
        single = items[0][1:].strip() if len(items) == 1 and isinstance(positional[0], ast.Starred) else None
        found.append(f"args={single}" if single else Listed("args=[", tuple(items), "]"))
    if keywords:
        pairs = [
            f"{text.quoted(keyword.arg)}: {segment(keyword.value)}" if keyword.arg else f"**{segment(keyword.value)}"
            for keyword in keywords
        ]
        single = pairs[0][2:] if len(pairs) == 1 and keywords[0].arg is None else None
        found.append(f"kwargs={single}" if single else Listed("kwargs={", tuple(pairs), "}"))
    return found


def refuse_mixed(text: Text, positional: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> None:
    """Raise Unfixable where a starred argument comes after a keyword."""
    if positional and keywords and text.start(positional[-1]) > text.start(keywords[0]):
        raise Unfixable("a starred argument after a keyword")


@dataclass(frozen=True)
class Rewrite:
    """Write a call anew, with other arguments. `kept` are the parts of it that the new text carries over.

    The arguments stand one a line where they did before, or where the line would become too long.
    """

    node: ast.AST
    func: str
    arguments: tuple[str | Listed, ...]
    kept: tuple[ast.AST, ...]
    after: str = ""

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        yield Edit(text.start(self.node), text.end(self.node), self.written(text))

    def written(self, text: Text) -> str:
        """Return the new call."""
        start, end = text.start(self.node), text.end(self.node)
        offset = start
        for node in sorted(self.kept, key=text.start):
            if text.has_comment(offset, text.start(node)):
                raise Unfixable("a comment would be lost")
            offset = text.end(node)
        if text.has_comment(offset, end):
            raise Unfixable("a comment would be lost")
        line = f"{self.func}({', '.join(map(str, self.arguments))}){self.after}"
        opened = isinstance(self.node, ast.Call) and self._is_opened(text, self.node)
        rest = text.text[end : text.line_end(end)].rstrip()
        before = start - text.line_start(start)
        long = before + len(line.partition("\n")[0]) + (0 if "\n" in line else len(rest)) > text.width
        if not self.arguments or not (opened or (long and "\n" not in line)):
            return line
        indent = text.indent(start)
        step = "\t" if indent.startswith("\t") else "    "
        inner = indent + step
        comma = ","
        if isinstance(self.node, ast.Call) and opened:
            inner = text.indent(text.following(text.opening(self.node) + 1).start)
            comma = "," if text.previous(text.end(self.node) - 1).text == "," else ""
        shown = []
        for argument in self.arguments:
            one = str(argument)
            if isinstance(argument, Listed) and len(inner) + len(one) + 1 > text.width:
                deeper = text.newline + inner + step
                one = f"{argument.head}{deeper}{f',{deeper}'.join(argument.items)},{text.newline}{inner}{argument.tail}"
            shown.append(one)
        between = text.newline + inner
        return f"{self.func}({between}{f',{between}'.join(shown)}{comma}{text.newline}{indent}){self.after}"

    def _is_opened(self, text: Text, call: ast.Call) -> bool:
        opening = text.opening(call)
        return not text.text[opening + 1 : text.line_end(opening)].strip() and bool(call.args or call.keywords)
