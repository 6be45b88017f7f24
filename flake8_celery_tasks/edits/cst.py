r"""Nodes written anew: the only module that imports libcst. What it takes and returns is the text of one node.

A node is a call, a decorator without its `@`, a list of parameters in its parentheses, an import statement, or another
expression. All that an operation doesn't change is printed back as it was written. What an operation adds is written as
what stands beside it; comments stay. Lines end in `\n`.

Each function raises `Unfixable` where the node is none that the operation knows, `UnknownSyntax` where libcst can't
read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import libcst as cst

from flake8_celery_tasks.core.errors import Unfixable, UnknownSyntax
from flake8_celery_tasks.edits.edit import New, Old, Packed
from flake8_celery_tasks.edits.lines import step_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.edits.edit import Argument

_MODULE: Final = cst.Module([])
_NO_COMMA: Final = cst.MaybeSentinel.DEFAULT
_NOTHING: Final = cst.SimpleWhitespace("")
_SPACE: Final = cst.SimpleWhitespace(" ")
_NO_SPACES: Final = cst.AssignEqual(_NOTHING, _NOTHING)

#: What has to be put in parentheses before an attribute of it can be named.
_LOOSE: Final = (
    *(cst.Await, cst.BinaryOperation, cst.BooleanOperation, cst.Comparison, cst.GeneratorExp, cst.IfExp, cst.Integer),
    *(cst.Lambda, cst.NamedExpr, cst.Tuple, cst.UnaryOperation, cst.Yield),
)
#: The attribute that says what stands behind an item without a comma.
_BEHIND: Final[dict[type, str]] = {
    cst.Arg: "whitespace_after_arg",
    cst.Param: "whitespace_after_param",
    cst.ParamSlash: "whitespace_after",
}


# Calls and decorators.


def with_keyword(source: str, name: str, value: str, after: Sequence[str] = ()) -> str:
    """Return a call with a keyword, or with another value of one that it has. A decorator without call becomes one.

    A new keyword comes first, but after positional arguments and after those keywords of `after` that are there.
    """
    node = _expression(source)
    if not isinstance(node, cst.Call):
        return f"{source}({name}={value})"
    items = _items(node)
    given = [_keyword(item.node) for item in items.all]
    if name in given:
        item = items.all[given.index(name)]
        item.node = item.node.with_changes(value=_expression(value))
    else:
        first = [number for number, keyword in enumerate(given) if keyword is None or keyword in after]
        # What is starred may stand anywhere.
        first = [number for number in first if items.all[number].node.star != "**"]
        new = cst.Arg(_expression(value), keyword=cst.Name(name), equal=_NO_SPACES)
        items.insert(max(first, default=-1) + 1, new)
    return _printed(_with_items(node, items))


def without_keyword(source: str, name: str) -> str:
    """Return a call without a keyword. One that has no other argument loses its parentheses: it is a decorator's."""
    node = _call(source)
    items = _items(node)
    items.remove(_place(items, name))
    if items.all:
        return _printed(_with_items(node, items))
    rest = _printed(items.first)
    return _printed(node.func) + (rest.rstrip() if "#" in rest else "")


def renamed_keyword(source: str, name: str, new: str) -> str:
    """Return a call with another name of a keyword."""
    node = _call(source)
    items = _items(node)
    item = items.all[_place(items, name)]
    item.node = item.node.with_changes(keyword=cst.Name(new))
    return _printed(_with_items(node, items))


def named_argument(source: str, index: int, name: str) -> str:
    """Return a call with a keyword for one of its positional arguments."""
    node = _call(source)
    items = _items(node)
    item = items.all[index]
    item.node = item.node.with_changes(keyword=cst.Name(name), equal=_NO_SPACES)
    return _printed(_with_items(node, items))


def with_value(source: str, index: int, value: str) -> str:
    """Return a call with another value of one of its arguments."""
    node = _call(source)
    items = _items(node)
    item = items.all[index]
    item.node = item.node.with_changes(value=_expression(value))
    return _printed(_with_items(node, items))


def _keyword(node: Any) -> str | None:
    return node.keyword.value if node.keyword is not None else None


def _place(items: _Items, name: str) -> int:
    for number, item in enumerate(items.all):
        if _keyword(item.node) == name:
            return number
    raise Unfixable("no such keyword")


# Calls with other arguments.


def rewritten(source: str, func: str, arguments: Sequence[Argument], indent: str, width: int) -> str:
    """Return a call of something else, with other arguments: new ones, and those that it had.

    The arguments stand one a line where they did before, and where comments stand among them; a list or dictionary of
    them is broken there where its line would be longer than `width`. `indent` is that of the line of the call.
    """
    items = _items(_call(source))
    notes = _Notes(items)
    opened = bool(items.all) and isinstance(items.first, cst.ParenthesizedWhitespace)
    if not opened and not notes.any:
        return f"{func}({', '.join(_flat(items, argument) for argument in arguments)})"
    inner = (
        items.first.last_line.value
        if isinstance(items.first, cst.ParenthesizedWhitespace)
        else indent + step_of(indent)
    )
    closing = items.all[-1].after if items.all else items.first
    outer = closing.last_line.value if isinstance(closing, cst.ParenthesizedWhitespace) else indent
    lines = [f"{func}({notes.opening}"]
    for argument in arguments:
        if isinstance(argument, Packed):
            lines += _packed(items, notes, argument, inner, width)
        elif isinstance(argument, Old):
            lines += notes.lines(argument.place, inner, _flat(items, argument))
        else:
            lines.append(f"{inner}{argument.text},")
    if opened and not items.all[-1].has_comma:
        lines[-1] = _without_last_comma(lines[-1])
    lines += (f"{inner}{comment}" for comment in notes.end)
    return "\n".join((*lines, f"{outer})"))


def _flat(items: _Items, argument: Argument) -> str:
    """Return an argument in one line, as far as its values are."""
    if isinstance(argument, New):
        return argument.text
    if isinstance(argument, Old):
        node = items.all[argument.place].node
        if argument.keyword is not None:
            return f"{argument.keyword}={_printed(node.value)}"
        return _bare(node)
    written = ", ".join(_member(items, index, key) for index, key in argument.members)
    return f"{argument.keyword}={'{' if argument.is_dict else '['}{written}{'}' if argument.is_dict else ']'}"


def _bare(node: Any) -> str:
    return _printed(node.with_changes(comma=_NO_COMMA, whitespace_after_arg=_NOTHING))


def _member(items: _Items, index: int, key: str) -> str:
    node = items.all[index].node
    return f"{key}: {_printed(node.value)}" if key else _bare(node)


def _packed(items: _Items, notes: _Notes, argument: Packed, inner: str, width: int) -> Iterator[str]:
    """Yield the lines of an argument that is a list or a dictionary."""
    flat = f"{inner}{_flat(items, argument)},"
    if "\n" in flat or (len(flat) <= width and not any(notes.has(index) for index, _ in argument.members)):
        yield flat
        return
    yield f"{inner}{argument.keyword}={'{' if argument.is_dict else '['}"
    for index, key in argument.members:
        yield from notes.lines(index, inner + step_of(inner), _member(items, index, key))
    yield f"{inner}{'}' if argument.is_dict else ']'},"


def _without_last_comma(line: str) -> str:
    code, mark, comment = line.rpartition(",  #")
    return f"{code}  #{comment}" if mark else line.removesuffix(",")


class _Notes:
    """The comments among the arguments of a call: above an argument, and behind it."""

    def __init__(self, items: _Items) -> None:
        self.opening = _behind(items.first)
        self._above = [_lines(items.before(index)) for index in range(len(items.all))]
        self._behind = [_behind(item.before_comma) + _behind(item.after) for item in items.all]
        self.end = _lines(items.all[-1].after) if items.all else _lines(items.first)
        self.any = bool(self.opening or self.end) or any(map(self.has, range(len(items.all))))

    def has(self, index: int) -> bool:
        """Return whether an argument has a comment."""
        return bool(self._above[index] or self._behind[index])

    def lines(self, index: int, indent: str, text: str) -> Iterator[str]:
        """Yield the lines of an argument with its comments."""
        yield from (f"{indent}{comment}" for comment in self._above[index])
        yield f"{indent}{text},{self._behind[index]}"


def _behind(space: cst.BaseParenthesizableWhitespace) -> str:
    """Return the comment that white space starts with."""
    if not isinstance(space, cst.ParenthesizedWhitespace) or space.first_line.comment is None:
        return ""
    return f"  {space.first_line.comment.value}"


def _lines(space: cst.BaseParenthesizableWhitespace) -> list[str]:
    """Return the comments in lines of their own in some white space."""
    lines = space.empty_lines if isinstance(space, cst.ParenthesizedWhitespace) else ()
    return [line.comment.value for line in lines if line.comment is not None]


# Other expressions.


def renamed_attribute(source: str, name: str) -> str:
    """Return an attribute with another name: `task.delay` becomes `task.s`."""
    node = _expression(source)
    if not isinstance(node, cst.Attribute):
        raise Unfixable("no attribute")
    return _printed(node.with_changes(attr=cst.Name(name)))


def attribute(source: str, name: str) -> str:
    """Return an attribute of an expression."""
    node = _expression(source)
    written = f"({source})" if isinstance(node, _LOOSE) and not node.lpar else source
    return f"{written}.{name}"


def as_tuple(source: str) -> str:
    """Return a tuple of an expression: of `x` and `(x)` it is `(x,)`, of a list with its brackets it has the items."""
    node = _expression(source)
    if isinstance(node, cst.List):
        left = cst.LeftParen(node.lbracket.whitespace_after)
        right = cst.RightParen(node.rbracket.whitespace_before)
        elements = list(node.elements)
        if len(elements) == 1 and not isinstance(elements[0].comma, cst.Comma):
            elements[0] = elements[0].with_changes(comma=cst.Comma())
        return _printed(cst.Tuple(elements, lpar=[*node.lpar, left], rpar=[right, *node.rpar]))
    if node.lpar and not isinstance(node, (cst.GeneratorExp, cst.NamedExpr, cst.Tuple, cst.Yield)):
        inner = cst.Element(_in_parentheses(node, [], []), comma=cst.Comma())
        return _printed(cst.Tuple([inner], lpar=node.lpar, rpar=node.rpar))
    return f"({source},)"


def with_bound_names(source: str, names: Sequence[str]) -> str:
    """Return a lambda with parameters that hold what some names stand for now: `lambda user=user: ...`."""
    node = _expression(source)
    if not isinstance(node, cst.Lambda):
        raise Unfixable("no lambda")
    bound = [cst.Param(cst.Name(name), default=cst.Name(name), equal=_NO_SPACES) for name in names]
    params = node.params.with_changes(params=[*node.params.params, *bound])
    if params.star_kwarg is not None or params.kwonly_params or isinstance(params.star_arg, cst.Param):
        raise Unfixable("a lambda that takes anything")
    return _printed(node.with_changes(params=params, whitespace_after_lambda=_SPACE))


# Parameters.


def with_parameter(source: str, name: str) -> str:
    """Return a list of parameters with another one before all others."""
    node = _function(source)
    items = _parameters(node)
    items.insert(0, cst.Param(cst.Name(name)))
    return _parameter_list(node, items)


def without_parameter(source: str) -> str:
    """Return a list of parameters without its first one. The slash goes with the only parameter before it."""
    node = _function(source)
    items = _parameters(node)
    items.remove(0)
    if items.all and isinstance(items.all[0].node, cst.ParamSlash):
        items.remove(0)
    return _parameter_list(node, items)


def _function(source: str) -> cst.FunctionDef:
    node = _statement(f"def f{source}: pass")
    assert isinstance(node, cst.FunctionDef)
    return node


def _parameters(node: cst.FunctionDef) -> _Items:
    params = node.params
    parts = [
        *params.posonly_params,
        params.posonly_ind,
        *params.params,
        params.star_arg,
        *params.kwonly_params,
        params.star_kwarg,
    ]
    known = [part for part in parts if isinstance(part, (cst.Param, cst.ParamSlash, cst.ParamStar))]
    return _Items.of(node.whitespace_before_params, known)


def _parameter_list(node: cst.FunctionDef, items: _Items) -> str:
    nodes = items.nodes()
    slash = next((number for number, one in enumerate(nodes) if isinstance(one, cst.ParamSlash)), -1)
    parts: dict[str, Any] = {"posonly_params": nodes[: max(slash, 0)], "posonly_ind": _NO_COMMA, "star_arg": _NO_COMMA}
    if slash >= 0:
        parts["posonly_ind"] = nodes[slash]
    params: list[Any] = []
    parts.update(params=params, kwonly_params=[], star_kwarg=None)
    for one in nodes[slash + 1 :]:
        star = getattr(one, "star", "*")
        if star == "*":
            parts["star_arg"] = one
            params = parts["kwonly_params"]
        elif star == "**":
            parts["star_kwarg"] = one
        else:
            params.append(one)
    written = _printed(node.with_changes(params=cst.Parameters(**parts), whitespace_before_params=items.first))
    return written.removeprefix("def f").rstrip("\n").removesuffix(": pass")


# Imports.


def with_name(source: str, name: str, asname: str, index: int) -> str:
    """Return an import from a module with another name of it, at a place among its names."""
    node = _import(source)
    items = _names(node)
    alias = cst.ImportAlias(cst.Name(name), cst.AsName(cst.Name(asname)) if asname else None)
    items.insert(index, alias)
    return _with_names(node, items)


def without_name(source: str, index: int) -> str:
    """Return an import without one of its several names."""
    node = _import(source)
    items = _names(node)
    items.remove(index)
    return _with_names(node, items)


def _import(source: str) -> cst.Import | cst.ImportFrom:
    node = _statement(source)
    if not isinstance(node, (cst.Import, cst.ImportFrom)) or isinstance(node.names, cst.ImportStar):
        raise Unfixable("no import of names")
    return node


def _names(node: cst.Import | cst.ImportFrom) -> _Items:
    assert not isinstance(node.names, cst.ImportStar)
    left, right = getattr(node, "lpar", None), getattr(node, "rpar", None)
    items = _Items.of(left.whitespace_after if left else _NOTHING, node.names)
    if right is not None and not items.all[-1].has_comma:
        items.all[-1].after = right.whitespace_before
    return items


def _with_names(node: cst.Import | cst.ImportFrom, items: _Items) -> str:
    last = items.all[-1]
    if getattr(node, "lpar", None) is None:
        last.has_comma = False
        return _printed(node.with_changes(names=items.nodes()))
    assert isinstance(node, cst.ImportFrom) and node.lpar and node.rpar  # noqa: PT018
    after = _NOTHING if last.has_comma else last.after
    return _printed(
        node.with_changes(
            names=items.nodes(),
            lpar=node.lpar.with_changes(whitespace_after=items.first),
            rpar=node.rpar.with_changes(whitespace_before=after),
        )
    )


# Items between commas.


@dataclass
class _Item:
    """An argument, parameter or name, what stands before its comma, and what behind: up to the next one or the end."""

    node: Any
    has_comma: bool = False
    before_comma: cst.BaseParenthesizableWhitespace = _NOTHING
    after: cst.BaseParenthesizableWhitespace = _NOTHING


@dataclass
class _Items:
    """What stands in parentheses. `first` is the white space behind the opening one."""

    first: cst.BaseParenthesizableWhitespace
    all: list[_Item] = field(default_factory=list)

    @classmethod
    def of(cls, first: cst.BaseParenthesizableWhitespace, nodes: Sequence[cst.CSTNode]) -> _Items:
        found = []
        for node in nodes:
            comma = getattr(node, "comma", None)
            if isinstance(comma, cst.Comma):
                found.append(_Item(node, True, comma.whitespace_before, comma.whitespace_after))
            else:
                found.append(_Item(node, after=getattr(node, _BEHIND.get(type(node), ""), _NOTHING)))
        return cls(first, found)

    def nodes(self) -> list[Any]:
        """Return the items as libcst has them."""
        found = []
        for item in self.all:
            changes: dict[str, Any] = {"comma": _NO_COMMA}
            if item.has_comma:
                changes["comma"] = cst.Comma(item.before_comma, item.after)
            behind = _BEHIND.get(type(item.node))
            if behind:
                changes[behind] = _NOTHING if item.has_comma else item.after
            found.append(item.node.with_changes(**changes))
        return found

    def before(self, index: int) -> cst.BaseParenthesizableWhitespace:
        """Return what stands between an item and the one before it."""
        return self.all[index - 1].after if index else self.first

    def _set_before(self, index: int, space: cst.BaseParenthesizableWhitespace) -> None:
        if index:
            self.all[index - 1].after = space
        else:
            self.first = space

    def insert(self, index: int, node: cst.CSTNode) -> None:
        """Put an item before another one, or behind all: in a line of its own where the other one has one."""
        new = _Item(node)
        if not self.all:
            new.after = self.first if "#" in _printed(self.first) else _NOTHING
            self.first = _NOTHING
        elif index < len(self.all):
            new.has_comma, new.after = True, _SPACE
            if self._is_alone(index):
                space = self.before(index)
                assert isinstance(space, cst.ParenthesizedWhitespace)
                self._set_before(index, space.with_changes(empty_lines=[]))
                new.after = _line_break(space.last_line, space.empty_lines)
        else:
            last = self.all[-1]
            new.has_comma, last.has_comma = last.has_comma, True
            new.after, last.after = last.after, _SPACE
            before = self.before(len(self.all) - 1)
            if self._is_alone(len(self.all) - 1, new.after) and isinstance(before, cst.ParenthesizedWhitespace):
                last.after = _line_break(before.last_line)
                if isinstance(new.after, cst.ParenthesizedWhitespace):
                    last.after = last.after.with_changes(first_line=new.after.first_line)
                    new.after = _line_break(new.after.last_line, new.after.empty_lines)
        self.all.insert(index, new)

    def _is_alone(self, index: int, after: cst.BaseParenthesizableWhitespace | None = None) -> bool:
        """Return whether an item has a line of its own."""
        after = self.all[index].after if after is None else after
        is_last = index == len(self.all) - 1
        return isinstance(self.before(index), cst.ParenthesizedWhitespace) and (
            is_last or isinstance(after, cst.ParenthesizedWhitespace)
        )

    def remove(self, index: int) -> None:
        """Take an item away, and no comment."""
        if not 0 <= index < len(self.all):
            raise Unfixable("no such item")
        item = self.all[index]
        is_last = index == len(self.all) - 1
        if "#" in _printed(item.before_comma):
            raise Unfixable("a comment before a comma")
        space = _joined(self.before(index), item.after, is_first=not index, is_last=is_last)
        if is_last and index:
            self.all[-2].has_comma = item.has_comma
        self._set_before(index, space)
        del self.all[index]
        if not self.all and "#" not in _printed(self.first):
            self.first = _NOTHING


def _joined(
    before: cst.BaseParenthesizableWhitespace,
    after: cst.BaseParenthesizableWhitespace,
    *,
    is_first: bool,
    is_last: bool,
) -> cst.BaseParenthesizableWhitespace:
    """Return what stands in place of an item, of what stands around it: all comments, and the lines of the rest."""
    if not isinstance(before, cst.ParenthesizedWhitespace):
        keeps = is_last or not is_first or "#" in _printed(after)
        return after if keeps else before
    if not isinstance(after, cst.ParenthesizedWhitespace):
        return after if is_last and "#" not in _printed(before) else before
    behind = after.first_line.comment
    lines = [] if behind is None else [cst.EmptyLine(True, before.last_line, behind)]
    return after.with_changes(
        first_line=before.first_line, empty_lines=[*before.empty_lines, *lines, *after.empty_lines]
    )


def _line_break(indent: cst.SimpleWhitespace, above: Sequence[cst.EmptyLine] = ()) -> cst.ParenthesizedWhitespace:
    return cst.ParenthesizedWhitespace(cst.TrailingWhitespace(), above, True, indent)


def _items(node: cst.Call) -> _Items:
    return _Items.of(node.whitespace_before_args, node.args)


def _with_items(node: cst.Call, items: _Items) -> cst.Call:
    try:
        return node.with_changes(args=items.nodes(), whitespace_before_args=items.first)
    except cst.CSTValidationError as error:
        raise Unfixable(str(error)) from None


# Reading and printing.


def _expression(source: str) -> Any:
    try:
        node = cst.parse_expression(f"({source})")
    except cst.ParserSyntaxError as error:
        raise UnknownSyntax(error.message) from None
    return _in_parentheses(node, node.lpar[1:], node.rpar[:-1])


def _in_parentheses(node: Any, left: Sequence[cst.LeftParen], right: Sequence[cst.RightParen]) -> Any:
    return node.with_changes(lpar=left, rpar=right)


def _call(source: str) -> cst.Call:
    node = _expression(source)
    if not isinstance(node, cst.Call):
        raise Unfixable("no call")
    return node


def _statement(source: str) -> Any:
    try:
        node = cst.parse_statement(source)
    except cst.ParserSyntaxError as error:
        raise UnknownSyntax(error.message) from None
    return node.body[0] if isinstance(node, cst.SimpleStatementLine) else node


def _printed(node: cst.CSTNode) -> str:
    return _MODULE.code_for_node(node)
