"""Which configuration applies to which file: as in ruff, the nearest `pyproject.toml` with our table decides."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.flake8_host.configuration import configuration_for, find_table
from flake8_celery_tasks.flake8_host.files import reaches

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable

    from flake8_celery_tasks.flake8_host.configuration import Configuration


class Part(NamedTuple):
    """Some files with the configuration that applies to them; `table` is the `pyproject.toml` that decides, if any."""

    configuration: Configuration
    names: list[str]
    table: str = ""


def parts(configuration: Configuration, given: Namespace, names: Iterable[str]) -> list[Part]:
    """Return some files by the configurations that apply to them, the working directory's first.

    A project inside the working directory, or outside it, has its own if its `pyproject.toml` has our table; files that
    it excludes are left out. An explicit `--config` or `--isolated` applies to all files. Raises UsageError.
    """
    if given.isolated or given.config is not None:
        return [Part(configuration, list(names))]
    here = find_table(os.getcwd())
    known: dict[str, str] = {}
    by_table: dict[str, list[str]] = {here: []}
    for name in names:
        folder = os.path.dirname(_path(name, configuration))
        by_table.setdefault(find_table(folder, known) or here, []).append(name)
    found = [Part(configuration, by_table.pop(here), here)]
    for table, some in sorted(by_table.items()):
        own = configuration_for(given, configuration.options.filenames, table)
        folder = os.path.dirname(table)
        found.append(Part(own, [name for name in some if reaches(folder, _path(name, own), own.options)], table))
    return found


def _path(name: str, configuration: Configuration) -> str:
    return os.path.abspath(configuration.options.stdin_display_name if name == "-" else name)
