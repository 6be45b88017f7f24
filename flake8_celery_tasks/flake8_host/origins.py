"""Where each option comes from: the command line, flake8's files, or the table of a `pyproject.toml`."""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8.options import config as flake8_config

from flake8_celery_tasks.flake8_host.configuration import table_of

if TYPE_CHECKING:
    from argparse import Namespace

#: The source of a value that no file sets.
COMMAND_LINE: Final = "command line"

#: Command line options about the configuration itself.
_ABOUT_FILES: Final = frozenset({"config", "append_config", "isolated"})


class Origin(NamedTuple):
    """An option that is set: its name, its value as written, and the file that sets it, or `command line`."""

    name: str
    value: str
    source: str


def files_of(given: Namespace, table: str) -> list[str]:
    """Return the configuration files, strongest first."""
    found = [*reversed(given.append_config)]
    if given.isolated:
        return []
    main = given.config or flake8_config._find_config_file(os.getcwd())  # type: ignore[attr-defined] # noqa: SLF001
    found += [main] if main else []
    return [*found, table] if table and given.config is None else found


def origins(given: Namespace, table: str) -> list[Origin]:
    """Return the options that are set, each once, with the source that decides."""
    found: dict[str, Origin] = {}
    for name, value in vars(given).items():
        if name not in _ABOUT_FILES:
            found[_dashed(name)] = Origin(_dashed(name), _written(value), COMMAND_LINE)
    for path in files_of(given, table):
        said = table_of(path) or {} if path == table else _section(path)
        for name, value in said.items():
            found.setdefault(_dashed(name), Origin(_dashed(name), _written(value), path))
    return sorted(found.values())


def _section(path: str) -> dict[str, str]:
    """Return flake8's section in a file that flake8 could already read."""
    config = configparser.RawConfigParser()
    config.read(path, encoding="UTF-8")
    return dict(config["flake8"]) if config.has_section("flake8") else {}


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_written(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(filter(None, (line.strip(" \t,") for line in str(value).splitlines())))
