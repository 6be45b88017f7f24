"""The project's line style, from the configuration of its formatter or of flake8."""

from __future__ import annotations

import configparser
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.text import DEFAULT, Style, toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RUFF: Final = (".ruff.toml", "ruff.toml")
_FLAKE8: Final = (".flake8", "setup.cfg", "tox.ini")


def style_of(path: str) -> Style:
    """Return the line style for a file: from the nearest configuration of a formatter, or else flake8's."""
    folders = tuple(_upwards(os.path.dirname(os.path.abspath(path))))
    for find in (_formatter, _flake8):
        for folder in folders:
            found = find(folder)
            if found is not None:
                return found
    return DEFAULT


def forget() -> None:
    """Drop the cached configurations."""
    _formatter.cache_clear()
    _flake8.cache_clear()


def _upwards(folder: str) -> Iterator[str]:
    """Yield a folder and its parents, up to the root of a repository."""
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            return
        folder = parent


@lru_cache(maxsize=1024)
def _formatter(folder: str) -> Style | None:
    """Return the style from the configuration of ruff or black in a folder, None if there is none."""
    for name in _RUFF:
        table = _toml(os.path.join(folder, name))
        if table is not None:
            return _ruff(folder, table)
    tools = (_toml(os.path.join(folder, "pyproject.toml")) or {}).get("tool")
    if not isinstance(tools, dict):
        return None
    ruff, black = tools.get("ruff"), tools.get("black")
    if isinstance(black, dict):
        width = black.get("line-length", black.get("line_length"))
        skip = black.get("skip-magic-trailing-comma", black.get("skip_magic_trailing_comma"))
        return _style(width, skip)
    if isinstance(ruff, dict) and ("line-length" in ruff or "format" in ruff or "extend" in ruff):
        return _ruff(folder, ruff)
    return None


def _ruff(folder: str, table: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> Style:
    """Return the style from a ruff configuration, including the one that it extends."""
    formatting = table.get("format")
    skip = formatting.get("skip-magic-trailing-comma") if isinstance(formatting, dict) else None
    width, above = table.get("line-length"), table.get("extend")
    if isinstance(above, str) and (width is None or skip is None):
        path = os.path.normpath(os.path.join(folder, os.path.expanduser(above)))
        other = _toml(path) if path not in seen else None
        if other is not None and path.endswith("pyproject.toml"):
            other = other.get("tool", {}).get("ruff", {})
        if isinstance(other, dict):
            known = _ruff(os.path.dirname(path), other, seen | {path})
            width = known.width if width is None else width
            skip = not known.magic if skip is None else skip
    return _style(width, skip)._replace(pragmas=True)


def _style(width: object, skip: object) -> Style:
    if not isinstance(width, int) or isinstance(width, bool) or width <= 0:
        width = DEFAULT.width
    return Style(width, magic=skip is not True)


def _toml(path: str) -> dict[str, Any] | None:
    try:
        return toml(regular.read(path).decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


@lru_cache(maxsize=1024)
def _flake8(folder: str) -> Style | None:
    """Return the style from flake8's configuration in a folder, None if it doesn't set a line length."""
    for name in _FLAKE8:
        parser = configparser.RawConfigParser()
        try:
            parser.read(os.path.join(folder, name), encoding="utf-8")
            for section in ("flake8", "pycodestyle"):
                for option in ("max-line-length", "max_line_length"):
                    if parser.has_option(section, option):
                        return Style(parser.getint(section, option))
        except (configparser.Error, ValueError, OSError):
            continue
    tools = (_toml(os.path.join(folder, "pyproject.toml")) or {}).get("tool", {})
    table = tools.get("flake8", {}) if isinstance(tools, dict) else {}
    width = table.get("max-line-length", table.get("max_line_length")) if isinstance(table, dict) else None
    return None if width is None else _style(width, None)
