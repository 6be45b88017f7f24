"""The operations on nodes that fixes consist of, and the changes that they make."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.edit import Change, Edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode
    from flake8_celery_tasks.workspace.source import Source

#: Comments for tools about the statement on their line, which are pointless once it is gone.
_TO_TOOLS: Final = ("# noqa", "# type:", "# pyright:", "# pylint:", "# isort:", "# flake8:", "# ruff:", "# pragma")


def _of(text: Source, node: ast.AST, write: Callable[[str], str]) -> Change:
    return Change(text.start(node), text.end(node), write)


# Expressions.


@dataclass(frozen=True)
class Replace:
    """Replace a node by another text."""

    node: ast.AST
    text: str

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        yield _of(text, self.node, lambda _: self.text)


@dataclass(frozen=True)
class MakeTuple:
    """Turn an expression into a tuple: `x` and `(x)` become `(x,)`; a list changes its brackets."""

    node: ast.expr

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        start, end = text.start(self.node), text.end(self.node)
        before, after = text.previous(start), text.following(end)
        # A parenthesis after a name belongs to a call.
        if before.text == "(" and after.text == ")" and not _is_operand(text.previous(before.start).text):
            start, end = before.start, after.end
        yield Change(start, end, cst.as_tuple)


def _is_operand(token: str) -> bool:
    return token.isidentifier() or token in (")", "]")


@dataclass(frozen=True)
class RenameAttribute:
    """Replace an attribute, and optionally call the new one: `task.delay` becomes `task.s`, or `task.s()`."""

    node: ast.Attribute
    name: str
    is_called: bool = False

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield _of(text, self.node, lambda code: cst.renamed_attribute(code, self.name) + "()" * self.is_called)


@dataclass(frozen=True)
class TakeAttribute:
    """Add an attribute to an expression, and optionally call it: `task` becomes `task.delay`, or `task.s()`."""

    node: ast.expr
    name: str
    is_called: bool = False

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield _of(text, self.node, lambda code: cst.attribute(code, self.name) + "()" * self.is_called)


@dataclass(frozen=True)
class BindNames:
    """Make a lambda capture the current values of some names: `lambda user=user: ...`."""

    node: ast.Lambda
    names: tuple[str, ...]

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield _of(text, self.node, partial(cst.with_bound_names, names=self.names))


# Calls and decorators.


@dataclass(frozen=True)
class SetKeyword:
    """Add a keyword to a call, or change its value. A decorator without a call becomes one.

    A new one comes first, but after positional arguments and after those of the keywords in `after` that are present.
    """

    node: ast.expr
    name: str
    value: str
    after: tuple[str, ...] = ()

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield _of(text, self.node, partial(cst.with_keyword, name=self.name, value=self.value, after=self.after))


@dataclass(frozen=True)
class RenameKeyword:
    """Rename a keyword of a call."""

    call: ast.Call
    keyword: ast.keyword
    name: str

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        assert self.keyword.arg is not None
        yield _of(text, self.call, partial(cst.renamed_keyword, name=self.keyword.arg, new=self.name))


@dataclass(frozen=True)
class NameArgument:
    """Turn a positional argument of a call into a keyword."""

    call: ast.Call
    argument: ast.expr
    name: str

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        place = text.ordered(self.call).index(self.argument)
        yield _of(text, self.call, partial(cst.named_argument, index=place, name=self.name))


@dataclass(frozen=True)
class RemoveKeyword:
    """Remove a keyword from a decorator. One without other arguments loses its parentheses, too."""

    call: ast.Call
    keyword: ast.keyword

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        assert self.keyword.arg is not None
        yield _of(text, self.call, partial(cst.without_keyword, name=self.keyword.arg))


# Plain text.


@dataclass(frozen=True)
class Span:
    """Replace the text between two offsets."""

    start: int
    end: int
    text: str

    def changes(self, _text: Source) -> Iterator[Edit]:
        """Yield the edit."""
        yield Edit(self.start, self.end, self.text)


# Parameters.


@dataclass(frozen=True)
class AddParameter:
    """Add a first parameter to a function."""

    function: FunctionNode
    name: str

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield Change(*_parameters(text, self.function), partial(cst.with_parameter, name=self.name))


@dataclass(frozen=True)
class RemoveParameter:
    """Remove the first parameter of a function."""

    function: FunctionNode

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        yield Change(*_parameters(text, self.function), cst.without_parameter)


def _parameters(text: Source, function: FunctionNode) -> tuple[int, int]:
    """Return the span of a function's parameters, including their parentheses."""
    token = text.following(text.offset(function.lineno, function.col_offset))
    depth = 0
    while depth or token.text != "(":  # after the type parameters
        depth += (token.text == "[") - (token.text == "]")
        token = text.following(token.end)
    start, depth = token.start, 1
    while depth:
        token = text.following(token.end)
        depth += (token.text in "([{") - (token.text in ")]}")
    return start, token.end


# Statements.


@dataclass(frozen=True)
class MoveDecorator:
    """Move a decorator below another one of the same definition."""

    decorator: ast.expr
    below: ast.expr

    def changes(self, text: Source) -> Iterator[Edit]:
        """Yield the edits."""
        start = text.line_start(text.start(self.decorator))
        end = text.line_end(text.end(self.decorator))
        target = text.line_end(text.end(self.below))
        moved = text.text[start:end]
        # From the indentation on, so that the edit is inside the definition: it starts at its first decorator.
        indent = text.indent(start)
        if text.text.startswith(indent, end):
            start, end = start + len(indent), end + len(indent)
        yield Edit(start, end, "")
        yield Edit(target, target, moved)


@dataclass(frozen=True)
class AddName:
    """Add a name to a `from` import, at a position among its names."""

    statement: ast.ImportFrom
    name: str
    asname: str
    place: int

    def changes(self, text: Source) -> Iterator[Change]:
        """Yield the change."""
        from flake8_celery_tasks.edits import cst

        write = partial(cst.with_name, name=self.name, asname=self.asname, index=self.place)
        yield _of(text, self.statement, write)


@dataclass(frozen=True)
class RemoveImports:
    """Remove names from import statements, or a whole statement if no name is left."""

    bindings: tuple[Binding, ...]

    def changes(self, text: Source) -> Iterator[Change | Edit]:
        """Yield the changes."""
        from flake8_celery_tasks.edits import cst

        places: dict[Any, set[int]] = {}
        around: dict[Any, ast.AST] = {}
        for binding in self.bindings:
            statement: Any = binding.statement
            places.setdefault(statement, set()).add(statement.names.index(binding.node))
            around[statement] = binding.site.node
        whole = []
        for statement in sorted(places, key=text.start):
            if len(places[statement]) == len(statement.names):
                whole.append(statement)
            else:
                yield _of(text, statement, partial(cst.without_names, indexes=places[statement]))
        yield from _without_statements(text, whole, around)


def _without_statements(text: Source, statements: list[ast.stmt], around: dict[Any, ast.AST]) -> Iterator[Edit]:
    """Yield the edits that remove statements with their lines, and surplus blank lines."""
    runs: list[tuple[int, int, bool]] = []  # first and last line, and whether the head of a block is above
    for statement in statements:
        start, end = text.start(statement), text.end(statement)
        first, last = text.line_at(start), text.line_at(end)
        rest = text.text[end : text.line_end(end)].strip()
        is_first = not text.text[text.line_start(start) : start].strip()
        comments = text.comments_between(start, text.line_end(end))
        left = [comment for comment in comments if not comment.startswith(_TO_TOOLS)]
        if left and is_first and (not rest or rest.startswith("#")):
            written = f"{text.newline}{text.indent(start)}".join(left)
            yield Edit(start, end + len(text.text[end : text.line_end(end)].rstrip("\r\n")), written)
            continue
        if not is_first or (rest and not rest.startswith("#")):
            raise Unfixable("another statement is in the line")
        block = _block(statement, around[statement])
        is_module = isinstance(around[statement], ast.Module)
        if not block or (not is_module and all(inside in around for inside in block)):
            raise Unfixable("the block would be empty")
        if runs and all(text.is_blank(line) for line in range(runs[-1][1] + 1, first)):
            runs[-1] = (runs[-1][0], last, runs[-1][2])
        else:
            runs.append((first, last, not is_module and statement is block[0]))
    for first, last, is_below_head in runs:
        yield _without_lines(text, first, last, is_below_head=is_below_head)


def _block(statement: ast.stmt, around: ast.AST) -> list[ast.stmt]:
    """Return the block that a statement is in; an empty one if it is deeper."""
    blocks: Iterator[list[ast.stmt]] = (getattr(around, name, []) for name in ("body", "orelse", "finalbody"))
    return next((block for block in blocks if statement in block), [])


def _without_lines(text: Source, first: int, last: int, *, is_below_head: bool) -> Edit:
    """Return the edit that removes lines, and the blank ones above or below them."""
    above = below = 0
    while text.is_blank(first - 1 - above):
        above += 1
    while text.is_blank(last + 1 + below):
        below += 1
    if first == above or is_below_head:
        last += below  # nothing, or the head of the block, is above
    elif last + below == len(text.lines) - 1:
        first -= above
    elif below <= above:
        last += below
    else:
        first -= above
    return Edit(text.offset(first + 1, 0), text.line_end(text.offset(last + 1, 0)), "")
