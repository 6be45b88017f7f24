"""Helpers that answer a question about a single node."""

from __future__ import annotations

import ast
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.workspace.source import end_of, first_of, start_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


#: Fields without nodes of interest: names, numbers, contexts and operators.
PLAIN: Final = frozenset(
    {
        *("arg", "asname", "attr", "conversion", "ctx", "id", "is_async", "kind", "level", "lineno", "module", "op"),
        *("ops", "rest", "simple", "tag", "type_comment"),
    }
)
_BELOW: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}


def walk(node: ast.AST, lines: Sequence[int] | None = None) -> Iterator[ast.AST]:
    """Yield a node and all nodes below it as `ast.walk` does, but no contexts and operators: three times as fast.

    With `lines`, in order, statements that are on none of these lines are skipped.
    """
    found = [node]
    for inner in found:
        yield inner
        kind = inner.__class__
        fields = _BELOW.get(kind)
        if fields is None:
            fields = _BELOW[kind] = tuple(name for name in kind._fields if name not in PLAIN)
        for name in fields:
            value = getattr(inner, name, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST) and (lines is None or is_on(item, lines)):
                        found.append(item)  # noqa: PERF401 - most lists have one or two items
            elif isinstance(value, ast.AST):
                found.append(value)


def is_on(node: ast.AST, lines: Sequence[int]) -> bool:
    """Return whether a node is on one of some lines, given in order; one that is not a statement may be."""
    if not isinstance(node, ast.stmt):
        return True
    index = bisect_left(lines, start_of(first_of(node))[0])
    return index < len(lines) and lines[index] <= end_of(node)[0]


def attributes_in(node: ast.AST) -> tuple[str, ...]:
    """Return the names of the attributes that are read or written anywhere in a node."""
    return tuple(sorted({inner.attr for inner in walk(node) if isinstance(inner, ast.Attribute)}))


def hands_on(call: ast.Call, args: ast.arguments) -> bool:
    """Return whether a call passes on exactly the `*args, **kwargs` of the enclosing function."""
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


#: Larger nodes are not written in messages, which would cut them anyway: one may be inside another again and again.
_LARGE: Final = 300


def unparsed(node: ast.AST) -> str:
    """Return source code for a node, for messages.

    Leaves out nodes that are too large or nested too deeply, and those whose quotes differ between Python versions:
    f-strings with strings in their braces.
    """
    try:
        for number, inner in enumerate(walk(node)):
            if number == _LARGE or (isinstance(inner, ast.FormattedValue) and _holds_text(inner)):
                return "..."
        return ast.unparse(node)
    except (RecursionError, ValueError):  # too deep, or a number with thousands of digits
        return "..."


def _holds_text(node: ast.FormattedValue) -> bool:
    return any(isinstance(inner, ast.Constant) and isinstance(inner.value, str) for inner in walk(node.value))


def dotted(node: ast.expr) -> tuple[ast.expr, tuple[str, ...]]:
    """Return the root of an attribute chain, and the attributes in order."""
    if not isinstance(node, ast.Attribute):  # half of all that is called
        return node, ()
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return node, tuple(reversed(attributes))


def last_name(node: ast.expr) -> str:
    """Return the last part of a name: `c` for `a.b.c`, an empty string for a node that doesn't end in a name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def suppressed(item: ast.withitem) -> list[ast.expr]:
    """Return the exceptions that an item of a `with` suppresses: `[ValueError]` for `suppress(ValueError)`."""
    call = item.context_expr
    return call.args if isinstance(call, ast.Call) and last_name(call.func) == "suppress" else []


def branches(node: ast.expr) -> list[ast.expr]:
    """Return the possible results of a conditional expression, or just the expression itself.

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


#: With this many words behind a `*`, it is data.
_MANY: Final = 50


def unstarred(node: ast.expr) -> list[ast.expr]:
    """Return the members of a display, or of a split string, behind a `*`; for any other node just the node itself.

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


def is_bare_class(node: ast.AST) -> bool:
    """Return whether a class inherits nothing, and no decorator or metaclass changes it.

    >>> is_bare_class(ast.parse("class A: pass").body[0]), is_bare_class(ast.parse("class A(B): pass").body[0])
    (True, False)
    """
    return isinstance(node, ast.ClassDef) and not (node.bases or node.keywords or node.decorator_list)


def unsubscripted(node: ast.expr) -> ast.expr:
    """Return a class without its type arguments: `Celery` for `Celery[Task]`."""
    return node.value if isinstance(node, ast.Subscript) else node


class Use:
    """One use of a name in a task's body: of one of its attributes, or of the name itself (`attribute` is None).

    A call of the name counts as a use of its attribute `__call__`.
    """

    __slots__ = ("attribute", "name", "node")

    def __init__(self, name: str, attribute: str | None, node: ast.expr) -> None:
        self.name = name
        self.attribute = attribute
        self.node = node


def uses_of(node: ast.AST, names: set[Any]) -> Iterator[Use]:
    """Yield the loads of some names in a node, each with the attribute that is read from it.

    A nested function with a parameter of the same name is skipped: there the name means something else.
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
