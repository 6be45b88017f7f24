"""Small questions about one node of a tree."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


def attributes_in(node: ast.AST) -> tuple[str, ...]:
    """Return the names of the attributes that are read or written below a node."""
    return tuple(sorted({inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}))


def hands_on(call: ast.Call, args: ast.arguments) -> bool:
    """Return whether a call hands on exactly `*args, **kwargs` of the function around it."""
    return (
        args.vararg is not None
        and args.kwarg is not None
        and len(call.args) == 1
        and isinstance(call.args[0], ast.Starred)
        and getattr(call.args[0].value, "id", None) == args.vararg.arg
        and len(call.keywords) == 1
        and call.keywords[0].arg is None
        and getattr(call.keywords[0].value, "id", None) == args.kwarg.arg
    )


def unparsed(node: ast.AST) -> str:
    """Return a node as it may be written, for messages.

    Left out is what is nested too deeply for that, and what Pythons write with different quotes: f-strings that hold
    strings in their braces.
    """
    try:
        if any(isinstance(inner, ast.FormattedValue) and _holds_text(inner) for inner in ast.walk(node)):
            return "..."
        return ast.unparse(node)
    except (RecursionError, ValueError):  # too deep, or a number of thousands of digits
        return "..."


def _holds_text(node: ast.FormattedValue) -> bool:
    return any(isinstance(inner, ast.Constant) and isinstance(inner.value, str) for inner in ast.walk(node.value))


def dotted(node: ast.expr) -> tuple[ast.expr, tuple[str, ...]]:
    """Return what is at the root of an attribute chain, and the attributes in their order."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, tuple(reversed(attributes))


def last_name(node: ast.expr) -> str:
    """Return the last part of a name: `c` of `a.b.c`, nothing for what ends in no name."""
    name: str = getattr(node, "attr", "") or getattr(node, "id", "")
    return name


def branches(node: ast.expr) -> list[ast.expr]:
    """Return what a conditional expression may give, else the expression alone.

    >>> [unparsed(branch) for branch in branches(ast.parse("1 if a else 2 if b else 3", mode="eval").body)]
    ['1', '2', '3']
    """
    found: list[ast.expr] = []
    pending = [node]
    while pending:
        inner = pending.pop(0)
        if isinstance(inner, ast.IfExp):
            pending[:0] = [inner.body, inner.orelse]
        else:
            found.append(inner)
    return found


#: So many words behind a `*` are data.
_MANY: Final = 50


def unstarred(node: ast.expr) -> list[ast.expr]:
    """Return what is in a display, or in the words of a text, behind a `*`; else the node alone.

    >>> [unparsed(item) for item in unstarred(ast.parse("f(*'0 4 * * *'.split())", mode="eval").body.args[0])]
    ["'0'", "'4'", "'*'", "'*'", "'*'"]
    """
    if not isinstance(node, ast.Starred):
        return [node]
    inner = node.value
    if isinstance(inner, (ast.Tuple, ast.List)):
        return [item for element in inner.elts for item in unstarred(element)]
    if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "split":
        texts = [getattr(item, "value", None) for item in (inner.func.value, *inner.args)]
        text, *separators = [item for item in texts if isinstance(item, str) and item] or [""]
        if text and not inner.keywords and len(texts) == len(separators) + 1 <= 2:
            words = text.split(separators[0] if separators else None)
            return [ast.copy_location(ast.Constant(word), node) for word in words] if len(words) < _MANY else [node]
    return [node]


def unsubscripted(node: ast.expr) -> ast.expr:
    """Return a class without its type arguments: `Celery` for `Celery[Task]`."""
    return node.value if isinstance(node, ast.Subscript) else node


class Use:
    """One use of a name in a task's body: one of its attributes, or itself (`attribute` is None).

    A call of the name itself counts as one of its attribute `__call__`.
    """

    __slots__ = ("attribute", "name", "node")

    def __init__(self, name: str, attribute: str | None, node: ast.expr) -> None:
        self.name = name
        self.attribute = attribute
        self.node = node


def uses_of(node: ast.AST, names: set[Any]) -> Iterator[Use]:
    """Yield the loads of some names below a node, each with the attribute that is taken from it.

    Where a function inside has a parameter of that name, the name is another there.
    """
    stack = [(node, names)]
    while stack:
        node, names = stack.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names:
                yield Use(node.value.id, node.attr, node)
            continue
        if isinstance(node, ast.Name):
            if node.id in names and isinstance(node.ctx, ast.Load):
                yield Use(node.id, None, node)
            continue
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in names:
                yield Use(node.func.id, "__call__", node.func)
            children.remove(node.func)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inner = names - {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
            body = node.body if isinstance(node.body, list) else [node.body]
            stack.extend((child, inner) for child in body)
            children = [child for child in children if child not in body]
        stack.extend((child, names) for child in children)
