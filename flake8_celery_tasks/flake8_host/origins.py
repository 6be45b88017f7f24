"""Which option comes from where: the command line, flake8's files, the table of a `pyproject.toml`."""

from __future__ import annotations

import configparser
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8.options import config as flake8_config

from flake8_celery_tasks.flake8_host.configuration import table_of

if TYPE_CHECKING:
    from argparse import Namespace

#: Where a value comes from if no file says it.
COMMAND_LINE: Final = "command line"

#: What the command line says of configuration itself.
_ABOUT_FILES: Final = frozenset({"config", "append_config", "isolated"})


class Origin(NamedTuple):
    """An option that is set: its name, its value as written, and the file that says so, or `command line`."""

    name: str
    value: str
    source: str


def files_of(given: Namespace, table: str) -> list[str]:
    """Return the files that are read, from the strongest to the weakest."""
    found = [*reversed(given.append_config)]
    if given.isolated:
        return []
    main = given.config or flake8_config._find_config_file(os.getcwd())  # type: ignore[attr-defined] # noqa: SLF001
    found += [main] if main else []
    return [*found, table] if table and given.config is None else found


def origins(given: Namespace, table: str) -> list[Origin]:
    """Return the options that are set, each once, with what decides it."""
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
    """Return the section of flake8 in a file that it could read before."""
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
    return ", ".join(line.strip() for line in str(value).splitlines() if line.strip())
