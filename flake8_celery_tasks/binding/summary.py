"""What is known of a module without its tree, as JSON: how symbols and values are written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Alias, Body, Bound, Class, Function, Opaque, Params
from flake8_celery_tasks.binding.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value


def is_from(summary: dict[str, Any] | None, package: str) -> bool:
    """Return whether a summary was made of a module whose relative imports start from `package`."""
    return summary is not None and bool(summary["package"] == package)


# Summaries: what a module's symbols say, as JSON. Lists with a tag in front.


def summarise(module: Module) -> dict[str, Any]:
    """Return what is known of a module so far. Raises ValueError for what JSON can't hold."""
    made = module.known_made()
    return {
        **module.outline(),
        "made": None if made is None else [_dump(value) for value in made],
        "symbols": {name: [_dump_symbol(symbol) for symbol in found] for name, found in module.known_symbols().items()},
    }


def merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return what two summaries of the same text know together."""
    symbols = {**other["symbols"], **one["symbols"]}
    for name, theirs in other["symbols"].items():
        symbols[name] = [
            their if mine[0] in ("f", "c") and mine[8] is None else mine
            for mine, their in zip(symbols[name], theirs, strict=True)
        ]
    return {**one, "made": other["made"] if one["made"] is None else one["made"], "symbols": symbols}


def _dump_symbol(symbol: Symbol) -> list[Any]:
    if isinstance(symbol, Alias):
        return ["a", symbol.path, symbol.typing]
    if isinstance(symbol, Bound):
        return ["v", _dump(symbol.value)]
    if isinstance(symbol, Function):
        params = symbol.params
        body = symbol.known_body
        return [
            "f",
            symbol.qualname,
            symbol.line,
            symbol.column,
            [_dump(value) for value in symbol.decorators],
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
                [_dump(value) for value in body.returns],
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
            [_dump(value) for value in symbol.decorators],
            [_dump(value) for value in symbol.bases],
            [[key, _dump(value)] for key, value in symbol.keywords],
            symbol.names,
            symbol.known_attributes,
        ]
    return ["o"]


def load_symbol(data: list[Any], body: Callable[[str, int], Body], attributes: Callable[[str, int], Any]) -> Symbol:
    """Return the symbol for what `summarise` wrote; `body` and `attributes` read what was not known then."""
    tag = data[0]
    if tag == "a":
        return Alias(data[1], data[2])
    if tag == "v":
        return Bound(_load(data[1]))
    if tag == "f":
        qualname, line = data[1], data[2]
        only, positional, defaults, vararg, keyword_only, required, kwarg = data[5]
        known = data[8]
        return Function(
            qualname,
            line,
            data[3],
            tuple(_load(value) for value in data[4]),
            Params(tuple(only), tuple(positional), defaults, vararg, tuple(keyword_only), tuple(required), kwarg),
            (lambda: body(qualname, line)) if known is None else (lambda: _load_body(known)),
            is_async=data[6],
            yields=data[7],
        )
    if tag == "c":
        qualname, line, names = data[1], data[2], data[8]
        return Class(
            qualname,
            line,
            data[3],
            tuple(_load(value) for value in data[4]),
            tuple(_load(value) for value in data[5]),
            tuple((key, _load(value)) for key, value in data[6]),
            tuple(data[7]),
            (lambda: attributes(qualname, line)) if names is None else (lambda: tuple(names)),
        )
    return Opaque()


def load_made(data: list[Any]) -> tuple[values.Invoke, ...]:
    """Return the calls for what `summarise` wrote."""
    loaded = (_load(value) for value in data)
    return tuple(value for value in loaded if isinstance(value, values.Invoke))


def _load_body(data: list[Any]) -> Body:
    returns, *names = data
    return Body(tuple(_load(value) for value in returns), *map(tuple, names))


def _dump(value: Value) -> Any:
    if isinstance(value, values.Const):
        return _dump_constant(value.value)
    if isinstance(value, values.Ref):
        return ["r", value.path]
    if isinstance(value, values.Items):
        return ["i", value.kind, [_dump(item) for item in value.items], value.complete]
    if isinstance(value, values.Mapping):
        return ["m", [[None if key is None else [_dump(key)], _dump(item)] for key, item in value.pairs]]
    if isinstance(value, values.Invoke):
        return [
            "call",
            _dump(value.func),
            [_dump(item) for item in value.args],
            [[key, _dump(item)] for key, item in value.keywords],
            value.complete,
        ]
    if isinstance(value, values.Member):
        return ["attr", _dump(value.value), value.attribute]
    if isinstance(value, values.Operation):
        return ["op", value.operator, [_dump(item) for item in value.operands]]
    if isinstance(value, values.Joined):
        return ["join", [_dump(item) for item in value.parts]]
    if isinstance(value, values.Param):
        return ["p", value.name, None if value.annotation is None else [_dump(value.annotation)]]
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
