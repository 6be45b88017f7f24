"""The client's settings."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core.violation import PREFIX
from flake8_celery_tasks.engine.run import unknown
from flake8_celery_tasks.report import level

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Our section in the client's settings.
SECTION: Final = "flake8-celery-tasks"

#: The severities of diagnostics, with the protocol's numbers.
SEVERITIES: Final[Mapping[str, int]] = {"error": 1, "warning": 2, "information": 3, "hint": 4}


@dataclass(frozen=True)
class Settings:
    """The client's settings. Times are in milliseconds."""

    enable: bool = True
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    unsafe_fixes: bool = True
    code_lens: bool = False
    severity: Mapping[str, str] = field(default_factory=dict)
    debounce: int = 200

    def severity_of(self, code: str) -> int:
        """Return the severity of a finding: by the longest configured prefix, otherwise as in the reports."""
        prefixes = [prefix for prefix in self.severity if code.startswith(prefix)]
        if prefixes:
            return SEVERITIES[self.severity[max(prefixes, key=len)]]
        return SEVERITIES[level(code, "information", "warning", "error")]


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < inf


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


#: By the client's name: the field, the accepted values, and how they are converted.
_KEYS: Final = {_camel(one.name): one.name for one in fields(Settings)}


def read(given: object, before: Settings | None = None) -> tuple[Settings, list[str]]:
    """Return settings, and messages about unknown or invalid ones, which are ignored.

    >>> read({"codeLens": True, "colour": 1})[1]
    ["unknown setting 'colour'"]
    """
    found = Settings() if before is None else before
    if not isinstance(given, dict):
        return found, []
    inner: Any = given.get(SECTION, given)
    if not isinstance(inner, dict):  # the client has a section, and nothing in it
        return found, []
    told = []
    for key, value in inner.items():
        name = _KEYS.get(key)
        if name is None:
            told.append(f"unknown setting {key!r}")
            continue
        taken = _taken(name, value)
        if taken is None:
            told.append(f"setting {key!r} does not take {value!r}")
        else:
            found = replace(found, **{name: taken})
            told += [f"setting {key!r}: {problem}" for problem in _unknown(taken)]
    return found, told


def _unknown(taken: object) -> list[str]:
    """Return what is wrong with codes that look like ours: they are accepted, but select nothing."""
    codes = taken if isinstance(taken, (tuple, dict)) else ()
    return [problem for code in codes if code[:3].upper() == PREFIX and (problem := unknown(code))]


def _taken(name: str, value: Any) -> Any:
    """Return the value for a field, None if the field does not accept it."""
    if name in ("extend_select", "ignore"):
        return tuple(value) if _are_texts(value) else None
    if name == "severity":
        words = {key: str(word).lower() for key, word in value.items()} if isinstance(value, dict) else None
        return words if words is not None and set(words.values()) <= SEVERITIES.keys() else None
    if name == "debounce":
        return int(value) if _is_number(value) else None
    return value if isinstance(value, bool) else None
