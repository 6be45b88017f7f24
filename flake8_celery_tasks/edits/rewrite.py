"""Rewrites calls of tasks with other arguments."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.edit import Change, Old, Packed
from flake8_celery_tasks.edits.lines import step_of
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.edits.edit import Argument


def task_arguments(
    text: Source, call: ast.Call, positional: Sequence[ast.expr], keywords: Sequence[ast.keyword]
) -> list[Argument]:
    """Return `args=` and `kwargs=` for some arguments of a `delay` call."""
    refuse_mixed(text, positional, keywords)
    places = {id(node): place for place, node in enumerate(text.ordered(call))}
    found: list[Argument] = []
    if positional:
        found.append(Packed("args", tuple((places[id(node)], "") for node in positional)))
    if keywords:
        members = [(places[id(node)], text.quoted(node.arg) if node.arg else "") for node in keywords]
        found.append(Packed("kwargs", tuple(members), is_dict=True))
    return found


def refuse_mixed(text: Source, positional: Sequence[ast.expr], keywords: Sequence[ast.keyword]) -> None:
    """Raise Unfixable if a starred argument comes after a keyword."""
    if positional and keywords and text.start(positional[-1]) > text.start(keywords[0]):
        raise Unfixable("a starred argument after a keyword")


def kept(text: Source, call: ast.Call, nodes: Sequence[ast.expr | ast.keyword]) -> list[Argument]:
    """Return some arguments of a call unchanged."""
    places = {id(node): place for place, node in enumerate(text.ordered(call))}
    return [Old(place) for place in sorted(places[id(node)] for node in nodes)]


@dataclass(frozen=True)
class Rewrite:
    """Rewrite a call with other arguments: new ones, and ones that it already had, as described in `edits.edit`.

    A node that is not a call has none of the latter. `before` and `after` are written around the new call.
    """

    node: ast.expr
    func: str
    arguments: tuple[Argument, ...]
    before: str = ""
    after: str = ""

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        yield Change(text.start(self.node), text.end(self.node), partial(self._written, text=text))

    def _written(self, code: str, text: Source) -> str:
        from flake8_celery_tasks.edits import cst

        code = code if isinstance(self.node, ast.Call) else "f()"
        indent = text.indent(text.start(self.node))
        written = cst.rewritten(code, self.func, self.arguments, indent, text.style.width)
        if self.before and "\n" in written and not any("\n" in token.text for token in Source.of(written).tokens):
            deeper = "\n".join(f"{step_of(indent)}{line}" if line else "" for line in written.split("\n"))
            written = f"\n{indent}{deeper}\n{indent}"
        return f"{self.before}{written}{self.after}"
