"""Comma-separated items of libcst: arguments, parameters, names. The text between them is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import libcst as cst

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.edits.lines import step_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODULE: Final = cst.Module([])
NO_COMMA: Final = cst.MaybeSentinel.DEFAULT
NOTHING: Final = cst.SimpleWhitespace("")
SPACE: Final = cst.SimpleWhitespace(" ")

#: The attribute that holds the whitespace after an item without a comma.
_BEHIND: Final[dict[type, str]] = {
    cst.Arg: "whitespace_after_arg",
    cst.Param: "whitespace_after_param",
    cst.ParamSlash: "whitespace_after",
}


@dataclass
class Item:
    """An argument, parameter or name, with the text before its comma, and the text up to the next item or the end."""

    node: Any
    has_comma: bool = False
    before_comma: cst.BaseParenthesizableWhitespace = NOTHING
    after: cst.BaseParenthesizableWhitespace = NOTHING


@dataclass
class Items:
    """The content of parentheses. `first` is the whitespace after the opening one."""

    first: cst.BaseParenthesizableWhitespace
    all: list[Item] = field(default_factory=list)

    @classmethod
    def of(cls, first: cst.BaseParenthesizableWhitespace, nodes: Sequence[cst.CSTNode]) -> Items:
        """Return the items for comma-separated nodes after some whitespace."""
        found = []
        for node in nodes:
            comma = getattr(node, "comma", None)
            if isinstance(comma, cst.Comma):
                found.append(Item(node, True, comma.whitespace_before, comma.whitespace_after))
            else:
                found.append(Item(node, after=getattr(node, _BEHIND.get(type(node), ""), NOTHING)))
        return cls(first, found)

    def nodes(self) -> list[Any]:
        """Return the items as libcst nodes."""
        found = []
        for item in self.all:
            changes: dict[str, Any] = {"comma": NO_COMMA}
            if item.has_comma:
                changes["comma"] = cst.Comma(item.before_comma, item.after)
            behind = _BEHIND.get(type(item.node))
            if behind:
                changes[behind] = NOTHING if item.has_comma else item.after
            found.append(item.node.with_changes(**changes))
        return found

    def before(self, index: int) -> cst.BaseParenthesizableWhitespace:
        """Return the text between an item and the previous one."""
        return self.all[index - 1].after if index else self.first

    def _set_before(self, index: int, space: cst.BaseParenthesizableWhitespace) -> None:
        if index:
            self.all[index - 1].after = space
        else:
            self.first = space

    def insert(self, index: int, node: cst.CSTNode) -> None:
        """Insert an item before another one, or at the end; on a line of its own if its neighbour has one."""
        new = Item(node)
        if not self.all:
            self.first = self._above_only(new)
        elif index < len(self.all):
            new.has_comma, new.after = True, SPACE
            if self._is_alone(index):
                space = self.before(index)
                assert isinstance(space, cst.ParenthesizedWhitespace)
                self._set_before(index, space.with_changes(empty_lines=[]))
                new.after = line_break(space.last_line, space.empty_lines)
        else:
            last = self.all[-1]
            new.has_comma, last.has_comma = last.has_comma, True
            new.after, last.after = last.after, SPACE
            before = self.before(len(self.all) - 1)
            if self._is_alone(len(self.all) - 1, new.after) and isinstance(before, cst.ParenthesizedWhitespace):
                last.after = line_break(before.last_line)
                if isinstance(new.after, cst.ParenthesizedWhitespace):
                    last.after = last.after.with_changes(first_line=new.after.first_line)
                    new.after = line_break(new.after.last_line, new.after.empty_lines)
        self.all.insert(index, new)

    def _above_only(self, new: Item) -> cst.BaseParenthesizableWhitespace:
        """Return what is before the only item, of what is where it comes; set what is behind it: comments stay."""
        space = self.first
        if not isinstance(space, cst.ParenthesizedWhitespace) or "#" not in printed(space):
            return NOTHING
        above = [line.whitespace for line in space.empty_lines if line.comment is not None]
        outer = space.last_line.value
        inner = above[0] if above else cst.SimpleWhitespace(outer + step_of(outer))
        new.has_comma, new.after = True, line_break(space.last_line, space.empty_lines)
        return space.with_changes(empty_lines=[], last_line=inner)

    def _is_alone(self, index: int, after: cst.BaseParenthesizableWhitespace | None = None) -> bool:
        """Return whether an item has a line of its own."""
        after = self.all[index].after if after is None else after
        is_last = index == len(self.all) - 1
        return isinstance(self.before(index), cst.ParenthesizedWhitespace) and (
            is_last or isinstance(after, cst.ParenthesizedWhitespace)
        )

    def remove(self, index: int) -> None:
        """Remove an item, but keep its comments."""
        if not 0 <= index < len(self.all):
            raise Unfixable("no such item")
        item = self.all[index]
        is_last = index == len(self.all) - 1
        if "#" in printed(item.before_comma):
            raise Unfixable("a comment before a comma")
        space = _joined(self.before(index), item.after, is_first=not index, is_last=is_last)
        if is_last and index:
            self.all[-2].has_comma = item.has_comma
        self._set_before(index, space)
        del self.all[index]
        if not self.all and "#" not in printed(self.first):
            self.first = NOTHING


def _joined(
    before: cst.BaseParenthesizableWhitespace,
    after: cst.BaseParenthesizableWhitespace,
    *,
    is_first: bool,
    is_last: bool,
) -> cst.BaseParenthesizableWhitespace:
    """Return the text that replaces an item, from the text around it: all comments, and the remaining line breaks."""
    if not isinstance(before, cst.ParenthesizedWhitespace):
        keeps = is_last or not is_first or "#" in printed(after)
        return after if keeps else before
    if not isinstance(after, cst.ParenthesizedWhitespace):
        return after if is_last and "#" not in printed(before) else before
    behind = after.first_line.comment
    lines = [] if behind is None else [cst.EmptyLine(True, before.last_line, behind)]
    return after.with_changes(
        first_line=before.first_line, empty_lines=[*before.empty_lines, *lines, *after.empty_lines]
    )


def line_break(indent: cst.SimpleWhitespace, above: Sequence[cst.EmptyLine] = ()) -> cst.ParenthesizedWhitespace:
    """Return a line end, followed by the lines above the next one, and that one's indent."""
    return cst.ParenthesizedWhitespace(cst.TrailingWhitespace(), above, True, indent)


def printed(node: cst.CSTNode) -> str:
    """Return the text of a node."""
    return _MODULE.code_for_node(node)
