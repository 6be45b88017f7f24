"""What is known of a module without its tree, as JSON: how symbols and values are written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Alias, Body, Bound, Class, Function, Opaque, Params
from flake8_celery_tasks.binding.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value


#: Of a function or class: what it is, and what only a look into its body tells (None where nobody has looked).
TAG, DEEP = 0, 8


def merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what two summaries of the same text know together."""
    symbols = {**other["symbols"], **one["symbols"]}
    for name, theirs in other["symbols"].items():
        symbols[name] = [
            their if mine[TAG] in ("f", "c") and mine[DEEP] is None else mine
            for mine, their in zip(symbols[name], theirs, strict=True)
        ]
    return {**one, "made": other["made"] if one["made"] is None else one["made"], "symbols": symbols}


def dump_symbol(symbol: Symbol) -> list[Any]:
    """Return a symbol as JSON: a list with a tag in front. Raises ValueError for what JSON can't hold."""
    if isinstance(symbol, Alias):
        return ["a", symbol.path, symbol.typing]
    if isinstance(symbol, Bound):
        return ["v", dump(symbol.value)]
    if isinstance(symbol, Function):
        params = symbol.params
        body = symbol.known_body
        return [
            "f",
            symbol.qualname,
            symbol.line,
            symbol.column,
            [dump(value) for value in symbol.decorators],
            [
                params.positional_only,
                params.positional,
                params.defaults,
                params.vararg,
                params.keyword_only,
                params.keyword_required,
                params.kwarg,
            ],
            symbol.is_async,
            symbol.yields,
            None
            if body is None
            else [
                [dump(value) for value in body.returns],
                body.mentions,
                body.forwards,
                body.attributes,
                body.changes,
            ],
        ]
    if isinstance(symbol, Class):
        return [
            "c",
            symbol.qualname,
            symbol.line,
            symbol.column,
            [dump(value) for value in symbol.decorators],
            [dump(value) for value in symbol.bases],
            [[key, dump(value)] for key, value in symbol.keywords],
            symbol.names,
            symbol.known_attributes,
        ]
    return ["o"]


def load_symbol(data: list[Any], body: Callable[[str, int], Body], attributes: Callable[[str, int], Any]) -> Symbol:
    """Return the symbol for what `summarise` wrote; `body` and `attributes` read what was not known then."""
    tag = data[TAG]
    if tag == "a":
        _, path, typing = data
        return Alias(path, typing)
    if tag == "v":
        _, value = data
        return Bound(_load(value))
    if tag == "f":
        return _load_function(data, body)
    if tag == "c":
        return _load_class(data, attributes)
    return Opaque()


def _load_function(data: list[Any], body: Callable[[str, int], Body]) -> Function:
    _, qualname, line, column, decorators, params, is_async, yields, known = data
    only, positional, defaults, vararg, keyword_only, required, kwarg = params
    return Function(
        qualname,
        line,
        column,
        tuple(_load(value) for value in decorators),
        Params(tuple(only), tuple(positional), defaults, vararg, tuple(keyword_only), tuple(required), kwarg),
        (lambda: body(qualname, line)) if known is None else (lambda: _load_body(known)),
        is_async=is_async,
        yields=yields,
    )


def _load_class(data: list[Any], attributes: Callable[[str, int], Any]) -> Class:
    _, qualname, line, column, decorators, bases, keywords, names, known = data
    return Class(
        qualname,
        line,
        column,
        tuple(_load(value) for value in decorators),
        tuple(_load(value) for value in bases),
        tuple((key, _load(value)) for key, value in keywords),
        tuple(names),
        (lambda: attributes(qualname, line)) if known is None else (lambda: tuple(known)),
    )


def load_made(data: list[Any]) -> tuple[values.Invoke, ...]:
    """Return the calls for what `summarise` wrote."""
    loaded = (_load(value) for value in data)
    return tuple(value for value in loaded if isinstance(value, values.Invoke))


def _load_body(data: list[Any]) -> Body:
    returns, *names = data
    return Body(tuple(_load(value) for value in returns), *map(tuple, names))


def dump(value: Value) -> Any:
    """Return a value as JSON. Raises ValueError for what JSON can't hold."""
    if isinstance(value, values.Const):
        return _dump_constant(value.value)
    if isinstance(value, values.Ref):
        return ["r", value.path]
    if isinstance(value, values.Items):
        return ["i", value.kind, [dump(item) for item in value.items], value.complete]
    if isinstance(value, values.Mapping):
        return ["m", [[None if key is None else [dump(key)], dump(item)] for key, item in value.pairs]]
    if isinstance(value, values.Invoke):
        return [
            "call",
            dump(value.func),
            [dump(item) for item in value.args],
            [[key, dump(item)] for key, item in value.keywords],
            value.complete,
        ]
    if isinstance(value, values.Member):
        return ["attr", dump(value.value), value.attribute]
    if isinstance(value, values.Operation):
        return ["op", value.operator, [dump(item) for item in value.operands]]
    if isinstance(value, values.Joined):
        return ["join", [dump(item) for item in value.parts]]
    if isinstance(value, values.Param):
        return ["p", value.name, None if value.annotation is None else [dump(value.annotation)]]
    return ["u"]


def _dump_constant(value: object) -> Any:
    if value is None or isinstance(value, (str, bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 64 else ["int", hex(value)]
    if isinstance(value, bytes):
        return ["b", value.decode("latin-1")]
    if isinstance(value, complex):
        return ["z", value.real, value.imag]
    return ["..."]


_CONSTANTS: Final[dict[str, Callable[..., object]]] = {
    "int": lambda text: int(text, 16),
    "b": lambda text: text.encode("latin-1"),
    "z": complex,
    "...": lambda: ...,
}


def _load(data: Any) -> Value:
    if not isinstance(data, list):
        return values.Const(data)
    tag, *rest = data
    if tag == "r":
        return values.Ref(rest[0])
    if tag == "i":
        return values.Items(rest[0], tuple(_load(item) for item in rest[1]), rest[2])
    if tag == "m":
        return values.Mapping(tuple((None if key is None else _load(key[0]), _load(item)) for key, item in rest[0]))
    if tag == "call":
        func, args, keywords, complete = rest
        return values.Invoke(
            _load(func),
            tuple(_load(item) for item in args),
            tuple((key, _load(item)) for key, item in keywords),
            complete,
        )
    if tag == "attr":
        return values.Member(_load(rest[0]), rest[1])
    if tag == "op":
        return values.Operation(rest[0], tuple(_load(item) for item in rest[1]))
    if tag == "join":
        return values.Joined(tuple(_load(item) for item in rest[0]))
    if tag == "p":
        return values.Param(rest[0], None if rest[1] is None else _load(rest[1][0]))
    if tag in _CONSTANTS:
        return values.Const(_CONSTANTS[tag](*rest))
    return UNKNOWN
