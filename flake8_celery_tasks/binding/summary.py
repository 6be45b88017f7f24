"""What is known about a module without its tree, as JSON: serialises symbols and values, and loads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding import values
from flake8_celery_tasks.binding.symbols import Alias, Body, Bound, Class, Function, Opaque, Params
from flake8_celery_tasks.binding.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value


#: Positions in the JSON form of a function or class: its tag, and what only its body tells (None if that was not read).
TAG, DEEP = 0, 8


def merge(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the combined content of two summaries of the same text."""
    symbols = {**other["symbols"], **one["symbols"]}
    for name, theirs in other["symbols"].items():
        symbols[name] = [
            their if mine[TAG] in ("f", "c") and mine[DEEP] is None else mine
            for mine, their in zip(symbols[name], theirs, strict=True)
        ]
    return {**one, "made": other["made"] if one["made"] is None else one["made"], "symbols": symbols}


def dump_symbol(symbol: Symbol) -> list[Any]:
    """Return a symbol as JSON: a list that starts with a tag. Raises ValueError for values that JSON can't hold."""
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
    """Return the symbol from its JSON form; `body` and `attributes` read what was not known when it was written."""
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
    """Return the calls from their JSON form."""
    loaded = (_load(value) for value in data)
    return tuple(value for value in loaded if isinstance(value, values.Invoke))


def _load_body(data: list[Any]) -> Body:
    returns, *names = data
    return Body(tuple(_load(value) for value in returns), *map(tuple, names))


def dump(value: Value) -> Any:
    """Return a value as JSON. Raises ValueError for values that JSON can't hold."""
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


# The shape of loaded data. In case of doubt it is rejected.


def is_sound(summary: dict[str, Any]) -> bool:
    """Return whether a summary can be loaded."""
    try:
        return (
            summary.keys() == _FIELDS.keys()
            and all(_FIELDS[name](value) for name, value in summary.items())
            and all(_has(_is_symbol)(symbols) for symbols in summary["symbols"].values())
        )
    except RecursionError:
        return False


def _is_text(data: object) -> bool:
    return isinstance(data, str)


def _is_flag(data: object) -> bool:
    return isinstance(data, bool)


def _is_number(data: object) -> bool:
    return data.__class__ is int


def _has(item: Callable[[Any], bool]) -> Callable[[object], bool]:
    """Return a predicate for lists whose items all have some shape."""
    return lambda data: isinstance(data, list) and all(map(item, data))


def _may_be(shape: Callable[[Any], bool]) -> Callable[[object], bool]:
    return lambda data: data is None or shape(data)


def _row(*shapes: Callable[[Any], bool]) -> Callable[[object], bool]:
    """Return a predicate for lists of exactly these shapes."""
    return lambda data: (
        isinstance(data, list)
        and len(data) == len(shapes)
        and all(shape(part) for shape, part in zip(shapes, data, strict=True))
    )


def _tagged(kinds: dict[str, Callable[[object], bool]], data: Any) -> bool:
    shape = kinds.get(data[0]) if isinstance(data, list) and data and isinstance(data[0], str) else None
    return shape is not None and shape(data[1:])


def _is_value(data: object) -> bool:
    if not isinstance(data, list):
        return data is None or isinstance(data, (str, bool, int, float))
    return _tagged(_VALUES, data)


def _is_symbol(data: object) -> bool:
    return _tagged(_SYMBOLS, data)


def _is_hexadecimal(data: object) -> bool:
    try:
        return isinstance(data, str) and int(data, 16) is not None
    except ValueError:
        return False


def _is_latin(data: object) -> bool:
    return isinstance(data, str) and all(letter < "\u0100" for letter in data)


def _is_part(data: object) -> bool:
    return isinstance(data, (int, float))


_texts: Final = _has(_is_text)
_values: Final = _has(_is_value)
_boxed: Final = _may_be(_row(_is_value))
_VALUES: Final = {
    "r": _row(_is_text),
    "i": _row(_is_text, _values, _is_flag),
    "m": _row(_has(_row(_boxed, _is_value))),
    "call": _row(_is_value, _values, _has(_row(_may_be(_is_text), _is_value)), _is_flag),
    "attr": _row(_is_value, _is_text),
    "op": _row(_is_text, _values),
    "join": _row(_values),
    "p": _row(_is_text, _boxed),
    "int": _row(_is_hexadecimal),
    "b": _row(_is_latin),
    "z": _row(_is_part, _is_part),
    "...": _row(),
    "u": _row(),
}
_definition: Final = (_is_text, _is_number, _is_number, _values)
_params: Final = _row(_texts, _texts, _is_number, _may_be(_is_text), _texts, _texts, _may_be(_is_text))
_body: Final = _may_be(_row(_values, _texts, _texts, _texts, _texts))
_SYMBOLS: Final = {
    "a": _row(_is_text, _is_flag),
    "v": _row(_is_value),
    "f": _row(*_definition, _params, _is_flag, _is_flag, _body),
    "c": _row(*_definition, _values, _has(_row(_may_be(_is_text), _is_value)), _texts, _may_be(_texts)),
    "o": _row(),
}
_FIELDS: Final[dict[str, Callable[[Any], bool]]] = {
    "package": _is_text,
    "stars": _texts,
    "dynamic": _is_flag,
    "names": _texts,
    "definable": _has(_row(_is_text, _is_number)),
    "made": _may_be(_values),
    "symbols": lambda data: isinstance(data, dict),
}
