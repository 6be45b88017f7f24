"""Symbolic values: what an expression means, without its node and before other modules are known.

The file being checked and the project index both use them. A name stays a `Ref` until `Project` follows it, so that a
module's symbols depend on its own text only and can be cached.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Union

from flake8_celery_tasks.binding.nodes import dotted, unstarred, unsubscripted
from flake8_celery_tasks.core.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection


class Unknown:
    """The type of `UNKNOWN`, the value of what can't be resolved. It has no boolean value: unknown is not wrong."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither true nor false")

    def __repr__(self) -> str:
        return "UNKNOWN"


class Missing:
    """The type of `MISSING`: the value is certainly not given."""

    __slots__ = ()

    def __bool__(self) -> bool:
        raise TypeError("missing is neither true nor false")

    def __repr__(self) -> str:
        return "MISSING"


UNKNOWN: Final = Unknown()
MISSING: Final = Missing()


class Const(Record):
    """A literal: str, bytes, int, float, complex, bool, None or Ellipsis."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value


class Ref(Record):
    """A name. `path` is `module:attribute.attribute`; an empty module is the one that contains the value.

    The colon separates what the import system finds (always a module) from what is looked up as an attribute.
    """

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class Items(Record):
    """A tuple, list or set display; `complete` is false where a `*spread` hides members."""

    __slots__ = ("complete", "items", "kind")

    def __init__(self, kind: str, items: tuple[Value, ...], complete: bool = True) -> None:
        self.kind = kind
        self.items = items
        self.complete = complete

    def changed(self, _keys: Collection[object]) -> Items:
        """Return what is still certain if members may be added and removed."""
        return Items(self.kind, self.items, complete=False)


class Mapping(Record):
    """A dict display or a `dict(...)` call; a pair without a key is a `**spread`."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: tuple[tuple[Value | None, Value], ...]) -> None:
        self.pairs = pairs

    def changed(self, keys: Collection[object]) -> Mapping:
        """Return what is still certain if some keys may be reassigned and others added."""
        kept = [pair for pair in self.pairs if not (isinstance(pair[0], Const) and pair[0].value in keys)]
        return Mapping((*kept, (None, UNKNOWN)))


class Invoke(Record):
    """A call. A keyword without a name is a `**spread`; `complete` is false where a `*spread` hides arguments."""

    __slots__ = ("args", "complete", "func", "keywords")

    def __init__(
        self,
        func: Value,
        args: tuple[Value, ...],
        keywords: tuple[tuple[str | None, Value], ...],
        complete: bool = True,
    ) -> None:
        self.func = func
        self.args = args
        self.keywords = keywords
        self.complete = complete


class Member(Record):
    """An attribute of something that is not a plain name, such as the result of a call."""

    __slots__ = ("attribute", "value")

    def __init__(self, value: Value, attribute: str) -> None:
        self.value = value
        self.attribute = attribute


class Operation(Record):
    """An arithmetic operation on values: `+ - * / // % **`, and unary minus with one operand."""

    __slots__ = ("operands", "operator")

    def __init__(self, operator: str, operands: tuple[Value, ...]) -> None:
        self.operator = operator
        self.operands = operands


class Joined(Record):
    """An f-string whose parts have neither a conversion nor a format."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Value, ...]) -> None:
        self.parts = parts


class Param(Record):
    """A parameter of an enclosing function, with its annotation if it has one."""

    __slots__ = ("annotation", "name")

    def __init__(self, name: str, annotation: Value | None) -> None:
        self.name = name
        self.annotation = annotation


Value = Union[Const, Ref, Items, Mapping, Invoke, Member, Operation, Joined, Param, Unknown]  # noqa: UP007

#: Larger numbers, positive or negative, are unknown: Python refuses to print those of more than 4,300 digits.
LARGEST: Final = 10**1000

#: Deeper expressions are unknown: nobody writes options like that, and recursion needs a limit.
DEPTH: Final = 40

#: What local names put into an expression, in about as many parts, makes it unknown.
_LARGE: Final = 3000

_OPERATORS: Final = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.BitOr: "|",
}

_DISPLAYS: Final = {ast.Tuple: "tuple", ast.List: "list", ast.Set: "set"}


Names = Callable[[str, int], "Value"]


class Reading:
    """Reads expressions in which local names are replaced by their values, which may contain those of others.

    Names that are bound to each other can double a value with each line, so what they put in is counted.
    """

    def __init__(self) -> None:
        self._sizes: dict[int, int] = {}
        self._taken = 0

    def read(self, node: ast.expr, name: Names, depth: int = 0, key: int | None = None) -> Value:
        """Return the symbolic value of an expression, UNKNOWN if names put too much into it.

        With a `key`, its size is noted under that.
        """
        before, self._taken = self._taken, 0
        value = read(node, name, depth)
        taken, self._taken = self._taken, before
        if taken > _LARGE:
            value, taken = UNKNOWN, 0
        if key is not None:
            lines = (node.end_lineno or node.lineno) - node.lineno
            self._sizes[key] = taken + 10 * lines + abs((node.end_col_offset or 0) - node.col_offset) // 4 + 1
        return value

    def take(self, key: int) -> None:
        """Note that a value is put into the one that is being read."""
        self._taken += self._sizes.get(key, 0)


def read(node: ast.expr, name: Names, depth: int = 0) -> Value:
    """Return the symbolic value of an expression.

    `name` returns the value of a bare name; its second argument is the depth to pass on.
    """
    if depth > DEPTH:
        return UNKNOWN
    reader = _READERS.get(node.__class__)
    return UNKNOWN if reader is None else reader(node, name, depth + 1)


def _constant(node: ast.Constant, _name: Names, _depth: int) -> Value:
    value = node.value
    return UNKNOWN if value.__class__ is int and abs(value) > LARGEST else Const(value)


def _plain(node: ast.Name, name: Names, depth: int) -> Value:
    return name(node.id, depth)


def _attribute(node: ast.Attribute, name: Names, depth: int) -> Value:
    root, attributes = dotted(node)
    value = read(root, name, depth)
    if isinstance(value, Ref):
        return Ref(extend(value.path, attributes))
    for attribute in attributes[:DEPTH]:
        value = Member(value, attribute)
    return value


def _display(node: ast.Tuple | ast.List | ast.Set, name: Names, depth: int) -> Value:
    items = [item for element in node.elts for item in unstarred(element)]
    return Items(
        _DISPLAYS[node.__class__],
        tuple(read(item, name, depth) for item in items if not isinstance(item, ast.Starred)),
        complete=not any(isinstance(item, ast.Starred) for item in items),
    )


def _dict(node: ast.Dict, name: Names, depth: int) -> Value:
    return Mapping(
        tuple(
            (None if key is None else read(key, name, depth), read(value, name, depth))
            for key, value in zip(node.keys, node.values, strict=True)
        )
    )


def _call(node: ast.Call, name: Names, depth: int) -> Value:
    func = read(unsubscripted(node.func), name, depth)
    keywords = tuple((keyword.arg, read(keyword.value, name, depth)) for keyword in node.keywords)
    if isinstance(func, Ref) and func.path == "builtins:dict" and len(node.args) <= 1:
        # The pairs of a list are unknown, like any other spread that is not a mapping.
        given = tuple((None, read(arg, name, depth)) for arg in node.args)
        return Mapping((*given, *((None if key is None else Const(key), value) for key, value in keywords)))
    args = [arg for item in node.args for arg in unstarred(item)]
    return Invoke(
        func,
        tuple(read(arg, name, depth) for arg in args if not isinstance(arg, ast.Starred)),
        keywords,
        complete=not any(isinstance(arg, ast.Starred) for arg in args),
    )


def _operation(node: ast.BinOp, name: Names, depth: int) -> Value:
    operator = _OPERATORS.get(node.op.__class__)
    if operator is None:
        return UNKNOWN
    return Operation(operator, (read(node.left, name, depth), read(node.right, name, depth)))


def _sign(node: ast.UnaryOp, name: Names, depth: int) -> Value:
    return Operation("-", (read(node.operand, name, depth),)) if isinstance(node.op, ast.USub) else UNKNOWN


def _joined(node: ast.JoinedStr, name: Names, depth: int) -> Value:
    parts: list[Value] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if part.conversion != -1 or part.format_spec is not None:
                return UNKNOWN
            parts.append(read(part.value, name, depth))
        else:
            parts.append(read(part, name, depth))
    return Joined(tuple(parts))


def _walrus(node: ast.NamedExpr, name: Names, depth: int) -> Value:
    return read(node.value, name, depth)


_READERS: Final[dict[type, Callable[[Any, Names, int], Value]]] = {
    ast.Constant: _constant,
    ast.Name: _plain,
    ast.Attribute: _attribute,
    ast.Tuple: _display,
    ast.List: _display,
    ast.Set: _display,
    ast.Dict: _dict,
    ast.Call: _call,
    ast.BinOp: _operation,
    ast.UnaryOp: _sign,
    ast.JoinedStr: _joined,
    ast.NamedExpr: _walrus,
}


def extend(path: str, attributes: tuple[str, ...]) -> str:
    """Return `path` with attributes appended.

    >>> extend("celery:", ("app", "task")), extend(":app", ("task",))
    ('celery:app.task', ':app.task')
    """
    if not attributes:
        return path
    return path + ("" if path.endswith(":") else ".") + ".".join(attributes)
