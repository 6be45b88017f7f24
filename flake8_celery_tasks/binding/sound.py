"""Whether summaries that were read have the shape that `Module.summary` gives them. In doubt they have not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


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
    """Return what tells whether something is a list of items of some shape."""
    return lambda data: isinstance(data, list) and all(map(item, data))


def _may_be(shape: Callable[[Any], bool]) -> Callable[[object], bool]:
    return lambda data: data is None or shape(data)


def _row(*shapes: Callable[[Any], bool]) -> Callable[[object], bool]:
    """Return what tells whether something is a list of just these shapes."""
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
