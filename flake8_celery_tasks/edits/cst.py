r"""Rewrites nodes: only this module and `items` import libcst. Its functions take and return the text of one node.

A node is a call, a decorator without its `@`, a list of parameters in its parentheses, an import statement, or another
expression. Everything that an operation doesn't change is printed back unchanged. Additions follow the style of the
text next to them; comments stay. Lines end in `\n`.

Each function raises `Unfixable` if the node is not of a kind that the operation knows, `UnknownSyntax` if libcst can't
parse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import libcst as cst

from flake8_celery_tasks.core.errors import Unfixable, UnknownSyntax
from flake8_celery_tasks.edits.edit import New, Old, Packed
from flake8_celery_tasks.edits.items import NO_COMMA, NOTHING, SPACE, Items, printed
from flake8_celery_tasks.edits.lines import step_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.edits.edit import Argument

_NO_SPACES: Final = cst.AssignEqual(NOTHING, NOTHING)

#: Expressions that need parentheses before an attribute of them can be accessed.
_LOOSE: Final = (
    *(cst.Await, cst.BinaryOperation, cst.BooleanOperation, cst.Comparison, cst.GeneratorExp, cst.IfExp, cst.Integer),
    *(cst.Lambda, cst.NamedExpr, cst.Tuple, cst.UnaryOperation, cst.Yield),
)

# Calls and decorators.


def with_keyword(source: str, name: str, value: str, after: Sequence[str] = ()) -> str:
    """Return a call with a keyword added, or set to another value. A decorator without a call becomes one.

    A new keyword comes first, but after positional arguments and after those of the keywords in `after` that are
    present.
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
        # A starred argument may be anywhere.
        first = [number for number in first if items.all[number].node.star != "**"]
        new = cst.Arg(_expression(value), keyword=cst.Name(name), equal=_NO_SPACES)
        items.insert(max(first, default=-1) + 1, new)
    return printed(_with_items(node, items))


def without_keyword(source: str, name: str) -> str:
    """Return a call without a keyword. A decorator that has no other argument loses its parentheses."""
    node = _call(source)
    items = _items(node)
    items.remove(_place(items, name))
    if items.all:
        return printed(_with_items(node, items))
    rest = printed(items.first)
    return printed(node.func) + (rest.rstrip() if "#" in rest else "")


def renamed_keyword(source: str, name: str, new: str) -> str:
    """Return a call with one of its keywords renamed."""
    node = _call(source)
    items = _items(node)
    item = items.all[_place(items, name)]
    item.node = item.node.with_changes(keyword=cst.Name(new))
    return printed(_with_items(node, items))


def named_argument(source: str, index: int, name: str) -> str:
    """Return a call with a keyword for one of its positional arguments."""
    node = _call(source)
    items = _items(node)
    item = items.all[index]
    item.node = item.node.with_changes(keyword=cst.Name(name), equal=_NO_SPACES)
    return printed(_with_items(node, items))


def _keyword(node: Any) -> str | None:
    return node.keyword.value if node.keyword is not None else None


def _place(items: Items, name: str) -> int:
    for number, item in enumerate(items.all):
        if _keyword(item.node) == name:
            return number
    raise Unfixable("no such keyword")


# Calls with other arguments.


def rewritten(source: str, func: str, arguments: Sequence[Argument], indent: str, width: int) -> str:
    """Return a call of another function, with new arguments and some that it already had.

    The arguments are one per line if they were so before, or if there are comments among them. A list or dictionary of
    them is broken if its line would be longer than `width`. `indent` is that of the call's line.
    """
    items = _items(_call(source))
    notes = _Notes(items)
    opened = bool(items.all) and isinstance(items.first, cst.ParenthesizedWhitespace)
    if not opened and not notes.any:
        return f"{func}({', '.join(_flat(items, argument) for argument in arguments)})"
    inner = (
        items.first.last_line.value
        if opened and isinstance(items.first, cst.ParenthesizedWhitespace)
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
    if opened and not items.all[-1].has_comma and (len(arguments) == 1 or _goes_without(items)):
        lines[-1] = _without_last_comma(lines[-1])
    lines += (f"{inner}{comment}" for comment in notes.end)
    return "\n".join((*lines, f"{outer})"))


def _flat(items: Items, argument: Argument) -> str:
    """Return an argument on one line, as far as its values are."""
    if isinstance(argument, New):
        return argument.text
    if isinstance(argument, Old):
        node = items.all[argument.place].node
        if argument.keyword is not None:
            return f"{argument.keyword}={printed(node.value)}"
        return _bare(node)
    written = ", ".join(_member(items, index, key) for index, key in argument.members)
    return f"{argument.keyword}={'{' if argument.is_dict else '['}{written}{'}' if argument.is_dict else ']'}"


def _bare(node: Any) -> str:
    return printed(node.with_changes(comma=NO_COMMA, whitespace_after_arg=NOTHING))


def _member(items: Items, index: int, key: str) -> str:
    node = items.all[index].node
    return f"{key}: {printed(node.value)}" if key else _bare(node)


def _packed(items: Items, notes: _Notes, argument: Packed, inner: str, width: int) -> Iterator[str]:
    """Yield the lines of an argument that is a list or a dictionary."""
    flat = f"{inner}{_flat(items, argument)},"
    if "\n" in flat or (len(flat) <= width and not any(notes.has(index) for index, _ in argument.members)):
        yield flat
        return
    yield f"{inner}{argument.keyword}={'{' if argument.is_dict else '['}"
    for index, key in argument.members:
        yield from notes.lines(index, inner + step_of(inner), _member(items, index, key))
    yield f"{inner}{'}' if argument.is_dict else ']'},"


def _goes_without(items: Items) -> bool:
    """Return whether several items over several lines have no comma after the last one, as no formatter writes them."""
    return any(isinstance(item.after, cst.ParenthesizedWhitespace) for item in items.all[:-1])


def _without_last_comma(line: str) -> str:
    code, mark, comment = line.rpartition(",  #")
    return f"{code}  #{comment}" if mark else line.removesuffix(",")


class _Notes:
    """The comments among a call's arguments: above an argument, and after it."""

    def __init__(self, items: Items) -> None:
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
    """Return the comment at the start of some whitespace."""
    if not isinstance(space, cst.ParenthesizedWhitespace) or space.first_line.comment is None:
        return ""
    return f"  {space.first_line.comment.value}"


def _lines(space: cst.BaseParenthesizableWhitespace) -> list[str]:
    """Return the comments on lines of their own in some whitespace."""
    lines = space.empty_lines if isinstance(space, cst.ParenthesizedWhitespace) else ()
    return [line.comment.value for line in lines if line.comment is not None]


# Other expressions.


def renamed_attribute(source: str, name: str) -> str:
    """Return an attribute with another name: `task.delay` becomes `task.s`."""
    node = _expression(source)
    if not isinstance(node, cst.Attribute):
        raise Unfixable("no attribute")
    return printed(node.with_changes(attr=cst.Name(name)))


def attribute(source: str, name: str) -> str:
    """Return an attribute of an expression."""
    node = _expression(source)
    written = f"({source})" if isinstance(node, _LOOSE) and not node.lpar else source
    return f"{written}.{name}"


def as_tuple(source: str) -> str:
    """Return a tuple for an expression: `(x,)` for `x` and `(x)`; a bracketed list becomes a tuple of its items."""
    node = _expression(source)
    if isinstance(node, cst.List):
        left = cst.LeftParen(node.lbracket.whitespace_after)
        right = cst.RightParen(node.rbracket.whitespace_before)
        elements = list(node.elements)
        if len(elements) == 1 and not isinstance(elements[0].comma, cst.Comma):
            elements[0] = elements[0].with_changes(comma=cst.Comma())
        return printed(cst.Tuple(elements, lpar=[*node.lpar, left], rpar=[right, *node.rpar]))
    if node.lpar and not isinstance(node, (cst.GeneratorExp, cst.NamedExpr, cst.Tuple, cst.Yield)):
        inner = cst.Element(_in_parentheses(node, [], []), comma=cst.Comma())
        return printed(cst.Tuple([inner], lpar=node.lpar, rpar=node.rpar))
    return f"({source},)"


def with_bound_names(source: str, names: Sequence[str]) -> str:
    """Return a lambda with parameters that capture the current values of some names: `lambda user=user: ...`."""
    node = _expression(source)
    if not isinstance(node, cst.Lambda):
        raise Unfixable("no lambda")
    bound = [cst.Param(cst.Name(name), default=cst.Name(name), equal=_NO_SPACES) for name in names]
    params = node.params.with_changes(params=[*node.params.params, *bound])
    if params.star_kwarg is not None or params.kwonly_params or isinstance(params.star_arg, cst.Param):
        raise Unfixable("a lambda that takes anything")
    return printed(node.with_changes(params=params, whitespace_after_lambda=SPACE))


# Parameters.


def with_parameter(source: str, name: str) -> str:
    """Return a list of parameters with a new first parameter."""
    node = _function(source)
    items = _parameters(node)
    items.insert(0, cst.Param(cst.Name(name)))
    return _parameter_list(node, items)


def without_parameter(source: str) -> str:
    """Return a list of parameters without its first one. A slash with no other parameter before it is removed too."""
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


def _parameters(node: cst.FunctionDef) -> Items:
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
    return Items.of(node.whitespace_before_params, known)


def _parameter_list(node: cst.FunctionDef, items: Items) -> str:
    nodes = items.nodes()
    slash = next((number for number, one in enumerate(nodes) if isinstance(one, cst.ParamSlash)), -1)
    parts: dict[str, Any] = {"posonly_params": nodes[: max(slash, 0)], "posonly_ind": NO_COMMA, "star_arg": NO_COMMA}
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
    written = printed(node.with_changes(params=cst.Parameters(**parts), whitespace_before_params=items.first))
    return written.removeprefix("def f").rstrip("\n").removesuffix(": pass")


# Imports.


def with_name(source: str, name: str, asname: str, index: int) -> str:
    """Return a `from` import with another name added at a position among its names."""
    node = _import(source)
    items = _names(node)
    alias = cst.ImportAlias(cst.Name(name), cst.AsName(cst.Name(asname)) if asname else None)
    items.insert(index, alias)
    return _with_names(node, items)


def without_names(source: str, indexes: Iterable[int]) -> str:
    """Return an import without some of its names."""
    node = _import(source)
    items = _names(node)
    for index in sorted(indexes, reverse=True):
        items.remove(index)
    return _with_names(node, items)


def _import(source: str) -> cst.Import | cst.ImportFrom:
    node = _statement(source)
    if not isinstance(node, (cst.Import, cst.ImportFrom)) or isinstance(node.names, cst.ImportStar):
        raise Unfixable("no import of names")
    return node


def _names(node: cst.Import | cst.ImportFrom) -> Items:
    assert not isinstance(node.names, cst.ImportStar)
    left, right = getattr(node, "lpar", None), getattr(node, "rpar", None)
    items = Items.of(left.whitespace_after if left else NOTHING, node.names)
    if right is not None and not items.all[-1].has_comma:
        items.all[-1].after = right.whitespace_before
    return items


def _with_names(node: cst.Import | cst.ImportFrom, items: Items) -> str:
    last = items.all[-1]
    if getattr(node, "lpar", None) is None:
        last.has_comma = False
        return printed(node.with_changes(names=items.nodes()))
    assert isinstance(node, cst.ImportFrom) and node.lpar and node.rpar  # noqa: PT018
    after = NOTHING if last.has_comma else last.after
    return printed(
        node.with_changes(
            names=items.nodes(),
            lpar=node.lpar.with_changes(whitespace_after=items.first),
            rpar=node.rpar.with_changes(whitespace_before=after),
        )
    )


# Parsing and printing.


def _items(node: cst.Call) -> Items:
    return Items.of(node.whitespace_before_args, node.args)


def _with_items(node: cst.Call, items: Items) -> cst.Call:
    try:
        return node.with_changes(args=items.nodes(), whitespace_before_args=items.first)
    except cst.CSTValidationError as error:
        raise Unfixable(str(error)) from None


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
