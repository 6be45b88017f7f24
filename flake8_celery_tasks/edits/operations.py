"""The vocabulary of fixes: operations on nodes that become edits."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.edits.edit import Edit
from flake8_celery_tasks.edits.text import Text, Unfixable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode


def text_of(module: Module) -> Text:
    """Return the text of a module that is being checked."""
    return module.once(text_in)


def text_in(module: Module) -> Text:
    """Return a new text of a module that is being checked."""
    return Text("".join(module.source.lines))


# Pieces of text.


@dataclass(frozen=True)
class Insert:
    """Put text before a node, or after it."""

    node: ast.AST
    text: str
    after: bool = False

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        offset = text.end(self.node) if self.after else text.start(self.node)
        yield Edit(offset, offset, self.text)


@dataclass(frozen=True)
class Replace:
    """Write something else in place of a node. Comments in it are lost, unless they are part of what is written."""

    node: ast.AST
    text: str

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        start, end = text.start(self.node), text.end(self.node)
        if text.has_comment(start, end):
            raise Unfixable("a comment would be lost")
        yield Edit(start, end, self.text)


@dataclass(frozen=True)
class MakeTuple:
    """Make a tuple of an expression: `x` becomes `(x,)`, and `(x)` too; a list changes its brackets."""

    node: ast.expr

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edits."""
        start, end = text.start(self.node), text.end(self.node)
        if isinstance(self.node, ast.List):
            yield Edit(start, start + 1, "(")
            comma = "," if len(self.node.elts) == 1 and text.previous(end - 1).text != "," else ""
            yield Edit(end - 1, end, f"{comma})")
        elif _is_parenthesised(text, start, end):
            yield Edit(end, end, ",")
        else:
            yield Edit(start, start, "(")
            yield Edit(end, end, ",)")


def _is_parenthesised(text: Text, start: int, end: int) -> bool:
    before, after = text.previous(start), text.following(end)
    # A parenthesis after a name is that of a call.
    return before.text == "(" and after.text == ")" and not _is_operand(text.previous(before.start).text)


def _is_operand(token: str) -> bool:
    return token.isidentifier() or token in (")", "]")


# Keywords of calls.


@dataclass(frozen=True)
class SetKeyword:
    """Give a call a keyword, or another value to one that it has. A decorator without call becomes one.

    A new one comes first, but after positional arguments and after those keywords of `after` that are there.
    """

    node: ast.expr
    name: str
    value: str
    after: tuple[str, ...] = ()

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        given = f"{self.name}={self.value}"
        if not isinstance(self.node, ast.Call):
            yield Edit(text.end(self.node), text.end(self.node), f"({given})")
            return
        for keyword in self.node.keywords:
            if keyword.arg == self.name:
                yield from Replace(keyword.value, self.value).edits(text)
                return
        items = _items(text, self.node)
        first = [*self.node.args, *(keyword for keyword in self.node.keywords if keyword.arg in self.after)]
        last = max(map(text.start, first), default=-1)
        yield _item(text, items, sum(start <= last for start, _ in items), given, text.opening(self.node))


def _items(text: Text, call: ast.Call) -> list[tuple[int, int]]:
    """Return the spans of a call's arguments, parentheses included, in their order."""
    opening, closing = text.opening(call) + 1, text.end(call) - 1
    return sorted(
        [text.outside(node, opening, closing) for node in call.args]
        + [(text.start(keyword), text.end(keyword)) for keyword in call.keywords]
    )


def _item(text: Text, items: Sequence[tuple[int, int]], index: int, given: str, opening: int) -> Edit:
    """Return the edit that puts an item into a list in parentheses, written as the others are."""
    if not items:
        return Edit(opening + 1, opening + 1, given)
    if index < len(items):
        start = items[index][0]
        return Edit(start, start, f"{given},{_between(text, items, index)}")
    end = items[-1][1]
    return Edit(end, end, f",{_between(text, items, index - 1)}{given}")


def _between(text: Text, items: Sequence[tuple[int, int]], index: int) -> str:
    """Return what stands between an item and the next one: a new line where each has its own, or else a space."""
    start, end = items[index]
    if text.text[text.line_start(start) : start].strip():
        return " "
    if index + 1 < len(items) and text.line_at(items[index + 1][0]) == text.line_at(end):
        return " "
    return text.newline + text.indent(start)


def _without(text: Text, items: Sequence[tuple[int, int]], index: int) -> tuple[int, int]:
    """Return what goes with one of several items: up to the next one, or from the end of the one before."""
    start, end = items[index]
    if index + 1 < len(items):
        return start, items[index + 1][0]
    return text.previous(start).start, end


@dataclass(frozen=True)
class RenameKeyword:
    """Give a keyword of a call another name."""

    keyword: ast.keyword
    name: str

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        start = text.start(self.keyword)
        yield Edit(start, start + len(self.keyword.arg or ""), self.name)


@dataclass(frozen=True)
class RemoveKeyword:
    """Take a keyword from a decorator. One that has no other argument loses its parentheses too."""

    call: ast.Call
    keyword: ast.keyword

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        items = _items(text, self.call)
        if len(items) == 1:
            span = text.opening(self.call), text.end(self.call)
        else:
            index = [start for start, _ in items].index(text.start(self.keyword))
            span = _without(text, items, index)
        if text.has_comment(*span):
            raise Unfixable("a comment would be lost")
        yield Edit(*span, "")


@dataclass(frozen=True)
class Span:
    """Write something else between two offsets."""

    start: int
    end: int
    text: str

    def edits(self, _text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        yield Edit(self.start, self.end, self.text)


@dataclass(frozen=True)
class RenameAttribute:
    """Write another attribute: `task.delay` becomes `task.s`."""

    node: ast.Attribute
    name: str

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        end = text.end(self.node)
        yield Edit(end - len(self.node.attr), end, self.name)


# Parameters.


@dataclass(frozen=True)
class AddParameter:
    """Give a function a first parameter."""

    function: FunctionNode
    name: str

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        opening = _parenthesis(text, self.function)
        after = text.following(opening + 1)
        if after.text == ")":
            yield Edit(opening + 1, opening + 1, self.name)
            return
        params = [(text.start(node), text.end(node)) for node in _params(self.function)]
        params[0] = (after.start, params[0][1])  # with its stars
        yield Edit(after.start, after.start, f"{self.name},{_between(text, params, 0)}")


@dataclass(frozen=True)
class RemoveParameter:
    """Take the first parameter from a function."""

    function: FunctionNode

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edit."""
        opening = _parenthesis(text, self.function)
        args = self.function.args
        start = text.following(opening + 1).start
        node: ast.AST = (args.posonlyargs or args.args)[0]
        if len(args.defaults) == len(args.posonlyargs) + len(args.args):
            node = args.defaults[0]
        after = text.following(text.end(node))
        end = text.following(after.end).start if after.text == "," else text.end(node)
        closing = after if after.text == ")" else text.following(after.end)
        if closing.text == ")":
            end = after.end if after.text == "," else end
            if not text.has_comment(opening + 1, closing.start):
                start, end = opening + 1, closing.start
        if text.has_comment(start, end) or text.following(end).text == "/":
            raise Unfixable("a comment would be lost, or a slash be first")
        yield Edit(start, end, "")


def _params(function: FunctionNode) -> list[ast.AST]:
    args = function.args
    found = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    return [arg for arg in found if arg is not None]


def _parenthesis(text: Text, function: FunctionNode) -> int:
    """Return where the parenthesis of a definition opens."""
    token = text.following(text.offset(function.lineno, function.col_offset))
    depth = 0
    while depth or token.text != "(":
        depth += (token.text == "[") - (token.text == "]")
        token = text.following(token.end)
    return token.start


# Statements.


@dataclass(frozen=True)
class MoveDecorator:
    """Move a decorator below another one of the same definition."""

    decorator: ast.expr
    below: ast.expr

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edits."""
        start = text.line_start(text.start(self.decorator))
        end = text.line_end(text.end(self.decorator))
        target = text.line_end(text.end(self.below))
        yield Edit(start, end, "")
        yield Edit(target, target, text.text[start:end])


@dataclass(frozen=True)
class RemoveImport:
    """Take a name from an import statement, or the whole statement with it."""

    binding: Binding

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edits."""
        statement: Any = self.binding.statement
        if len(statement.names) == 1:
            yield _without_statement(text, statement, self.binding.site.node)
            return
        items = [(text.start(alias), text.end(alias)) for alias in statement.names]
        span = _without(text, items, statement.names.index(self.binding.node))
        if text.has_comment(*span):
            raise Unfixable("a comment would be lost")
        yield Edit(*span, "")


def _without_statement(text: Text, statement: ast.stmt, around: ast.AST) -> Edit:
    """Return the edit that removes a statement with its lines, and blank lines that are too many then."""
    start, end = text.start(statement), text.end(statement)
    first, last = text.line_at(start), text.line_at(end)
    rest = text.text[end : text.line_end(end)].strip()
    block = next(
        (block for name in ("body", "orelse", "finalbody") if statement in (block := getattr(around, name, []))), None
    )
    if text.text[text.line_start(start) : start].strip() or (rest and not rest.startswith("#")):
        raise Unfixable("another statement stands in the line")
    if block is None or (len(block) == 1 and not isinstance(around, ast.Module)):
        raise Unfixable("the block would be empty")
    above = below = 0
    while text.is_blank(first - 1 - above):
        above += 1
    while text.is_blank(last + 1 + below):
        below += 1
    if first == above or (statement is block[0] and not isinstance(around, ast.Module)):
        last += below  # nothing, or the head of the block, is above
    elif last + below == len(text.lines) - 1:
        first -= above
    elif below <= above:
        last += below
    else:
        first -= above
    return Edit(text.offset(first + 1, 0), text.line_end(text.offset(last + 1, 0)), "")
