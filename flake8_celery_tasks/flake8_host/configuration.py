"""Options and configuration files, read as flake8 reads them."""

from __future__ import annotations

import configparser
import os
import re
import sys
from argparse import SUPPRESS
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import flake8
from flake8.exceptions import ExecutionError
from flake8.formatting.default import COLORS_OFF, Default, FilenameOnly, Nothing, Pylint
from flake8.main.options import register_default_options, stage1_arg_parser
from flake8.options.config import load_config, parse_config
from flake8.options.manager import Option, OptionManager

from flake8_celery_tasks.core import options as core_options
from flake8_celery_tasks.core import regular, spelling
from flake8_celery_tasks.core.errors import UsageError, one_line
from flake8_celery_tasks.core.options import FORMATS
from flake8_celery_tasks.core.text import toml
from flake8_celery_tasks.core.violation import BROKEN, PREFIX
from flake8_celery_tasks.engine import run as engine_run
from flake8_celery_tasks.workspace.folders import same_drive

if TYPE_CHECKING:
    import argparse
    from argparse import Namespace
    from collections.abc import Collection, Mapping, Sequence

    from flake8.formatting.base import BaseFormatter

    from flake8_celery_tasks.engine.run import Run


#: The table of `pyproject.toml` that is read.
TABLE: Final = "flake8-celery-tasks"

#: What is shown as the place of an option that one of flake8's configuration files sets.
_THEIRS: Final = "the configuration of flake8"

#: The flake8 options that are useful without its other plugins.
_TAKEN: Final = (
    *("color", "count", "disable-noqa", "exclude", "exit-zero", "extend-exclude", "extend-ignore", "extend-select"),
    *("filename", "format", "ignore", "jobs", "no-show-source", "per-file-ignores", "quiet", "select", "show-source"),
    *("statistics", "stdin-display-name"),
)

#: Those of them that matter when files are fixed.
FIXING: Final = (
    *("color", "disable-noqa", "exclude", "extend-exclude", "extend-ignore", "extend-select", "filename", "ignore"),
    *("jobs", "per-file-ignores", "select", "stdin-display-name"),
)

#: flake8's own formatters.
FORMATTERS: Final[Mapping[str, type[BaseFormatter]]] = {
    "default": Default,
    "pylint": Pylint,
    "quiet-filename": FilenameOnly,
    "quiet-nothing": Nothing,
}


# Options.


def _refuse(message: str) -> None:
    raise UsageError(message)


def _manager() -> OptionManager:
    """Return the manager of flake8's options and ours, without those of other plugins."""
    manager = OptionManager(
        version=flake8.__version__,
        plugin_versions="",
        parents=[stage1_arg_parser()],
        formatter_names=list(FORMATTERS),
    )
    register_default_options(manager)
    core_options.add_to(manager)
    manager.parser.error = _refuse
    return manager


@cache
def _options() -> tuple[Option, ...]:
    """Return flake8's options and ours, once for all subcommands."""
    return tuple(_manager().options)


def add_arguments(parser: argparse.ArgumentParser, taken: Collection[str] = _TAKEN) -> None:
    """Add some of flake8's options, and ours, to a parser. Options that are not given stay unset."""
    configuration = parser.add_argument_group("configuration")
    configuration.add_argument("--config", default=None, help="read only this configuration file of flake8")
    configuration.add_argument(
        "--append-config", action="append", default=[], help="another configuration file, read last"
    )
    configuration.add_argument("--isolated", action="store_true", help="ignore all configuration files")
    configuration.add_argument("--enable-extensions", default=SUPPRESS, help="opt-in codes, as with flake8")
    theirs = parser.add_argument_group("options of flake8")
    ours = parser.add_argument_group("options about Celery")
    for option in _options():
        names, values = option.to_argparse()
        if not _is_ours(names[-1]) and names[-1][2:] not in taken:
            continue
        default = option.default if isinstance(option.default, str) else ""
        values = {**values, "default": SUPPRESS, "help": str(option.help).replace("%(default)s", default)}
        (ours if _is_ours(names[-1]) else theirs).add_argument(*names, **values)


def _is_ours(name: str) -> bool:
    return name.startswith("--celery-")


class Configuration(NamedTuple):
    """The configuration of a run of the command: flake8's options, and the linter's own settings from them."""

    options: Namespace
    run: Run


def configuration_for(given: Namespace, paths: Sequence[str], table: str = "") -> Configuration:
    """Return the configuration: defaults, `pyproject.toml`, flake8's configuration, given options; later ones win.

    `table` is the `pyproject.toml` to read, instead of the nearest one from the working directory upwards. Raises
    UsageError.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(f"can't tell the working directory: {error.strerror}") from None
    manager = _manager()
    values = manager.parse_args([])
    values.extended_default_ignore = manager.extended_default_ignore
    values.extended_default_select = manager.extended_default_select
    places: dict[str, str] = {}
    for name, (value, place) in _configured(manager, given, table).items():
        dest = name if hasattr(values, name) else str(manager.config_options_dict[name].dest)
        setattr(values, dest, value)
        places[dest] = place
    # Once more, since argparse parses defaults that are strings, such as the number of jobs.
    values = manager.parse_args([], values)
    for name, value in vars(given).items():
        setattr(values, name, value)
    values.filenames = list(paths)
    values.output_file = None
    if not getattr(given, "select", None):
        values.select = _selected(values)
    try:
        _check_format(values.format, is_ours="format" in given or places.get("format", _THEIRS) != _THEIRS)
        run = engine_run.begin(values, sys.argv[1:])
    except ValueError as error:
        raise UsageError(_placed(str(error), {name: places[name] for name in places if name not in given})) from None
    _check_selected(values)
    return Configuration(values, run)


def _placed(problem: str, places: Mapping[str, str]) -> str:
    """Return a message about the value of an option, with the place that sets it."""
    named = re.match(r"argument --([\w-]+)", problem)
    place = places.get(named[1].replace("-", "_")) if named else None
    return f"{problem} (in {place})" if place else problem


def _check_selected(values: Namespace) -> None:
    """Reject a selection that contains none of our codes: the report would be empty, whatever is wrong."""
    selected: list[str] = [*values.select, *(values.extend_select or ())]
    if any(_is_reported(code) for code in selected):
        return
    meant = spelling.close_match(selected[0][: len(PREFIX)], (PREFIX,))
    hint = f", did you mean {meant}{selected[0][len(PREFIX) :]}?" if meant else f": their codes start with {PREFIX}"
    raise UsageError(f"argument --select: {', '.join(selected)} selects none of our rules{hint}")


def _is_reported(code: str) -> bool:
    """Return whether the command reports anything with a code or prefix: the codes are ours, or for broken files."""
    return any(code.startswith(prefix) or prefix.startswith(code) for prefix in (PREFIX, BROKEN))


def _check_format(form: str, *, is_ours: bool) -> None:
    """Raise ValueError for a format that would make flake8 fail at the first finding, and for one that does not exist.

    In flake8's configuration (`is_ours` is false) it may be a format of another plugin.
    """
    known = (*FORMATS, *FORMATTERS)
    if is_ours and "%" not in form and form not in known:
        meant = spelling.close_match(form, known)
        hint = f"did you mean {meant}?" if meant else f"expected {', '.join(known[:-1])} or {known[-1]}"
        raise ValueError(f"argument --format: there is no format {form!r}, {hint}")
    if "%(" not in form:
        return
    try:
        _ = form % {**COLORS_OFF, "path": "", "row": 1, "col": 1, "code": "", "text": ""}
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        problem = f"there is no {error}" if isinstance(error, KeyError) else one_line(error)
        raise ValueError(f"argument --format: invalid value {form!r}: {problem}") from None


def _selected(values: Namespace) -> list[str]:
    """Return the selected codes if the command line doesn't set them: ours in the configuration, or else all."""
    configured: list[str] = [*(values.select or ()), *(values.extend_select or ())]
    if values.select and any(code.startswith(PREFIX) or PREFIX.startswith(code) for code in configured):
        return list(values.select)
    return [PREFIX, BROKEN]


def _configured(manager: OptionManager, given: Namespace, table: str) -> dict[str, tuple[Any, str]]:
    """Return the values that files set, by option, each with its place."""
    try:
        config, folder = load_config(given.config, given.append_config, isolated=given.isolated)
    except (ExecutionError, configparser.Error, UnicodeDecodeError) as error:
        where = f"configuration of flake8: {', '.join(filter(None, (given.config, *given.append_config)))}: "
        raise UsageError(f"{where if isinstance(error, ValueError) else ''}{one_line(error)}") from None
    except OSError as error:  # a folder above the working directory can't be entered
        raise UsageError(f"can't look for the configuration of flake8: {error.strerror}: {error.filename}") from None
    for key in config["flake8"] if config.has_section("flake8") else ():
        if problem := core_options.misspelt(key):
            raise UsageError(f"configuration of flake8: {problem}")
    try:
        theirs = {name: (value, _THEIRS) for name, value in parse_config(manager, config, folder).items()}
    except ValueError as error:  # a value of the wrong kind: flake8's own error doesn't name its place
        names = [name for name in config["flake8"] if not _is_taken(manager, config, folder, name)]
        where = " ".join(("configuration of flake8:", *(f"{name}:" for name in names)))
        raise UsageError(f"{where} {one_line(error)}") from None
    if given.isolated or given.config is not None:
        return theirs
    path = table or find_table(os.getcwd())
    return {**{name: (value, path) for name, value in _from_pyproject(manager, path).items()}, **theirs}


def _is_taken(manager: OptionManager, config: configparser.RawConfigParser, folder: str, name: str) -> bool:
    """Return whether flake8 accepts the value of an option in its configuration."""
    alone = configparser.RawConfigParser()
    alone.read_dict({"flake8": {name: config["flake8"][name]}})
    try:
        parse_config(manager, alone, folder)
    except ValueError:
        return False
    return True


# `pyproject.toml`.


def find_table(folder: str, known: dict[str, str] | None = None) -> str:
    """Return the nearest `pyproject.toml` from a folder upwards that has our table, an empty string if there is none.

    `known` caches the answers for further folders. Raises UsageError for a file that can't be parsed.
    """
    known = {} if known is None else known
    if folder not in known:
        path = os.path.join(folder, "pyproject.toml")
        parent = os.path.dirname(folder)
        is_last = parent in (folder, os.path.expanduser("~"))
        known[folder] = path if table_of(path) is not None else "" if is_last else find_table(parent, known)
    return known[folder]


def _from_pyproject(manager: OptionManager, path: str) -> dict[str, Any]:
    """Return the options from the table of a `pyproject.toml`; none if there is no file."""
    found: dict[str, Any] = {}
    for key, value in (table_of(path) or {}).items() if path else ():
        found.update(_option(manager, path, key, value))
    return found


def table_of(path: str) -> dict[str, Any] | None:
    """Return our table in a `pyproject.toml`, None if there is none. Raises UsageError for a broken file."""
    try:
        content = regular.read(path)
    except OSError:
        return None
    if not _NAMED.search(content):
        return None
    try:
        tool = toml(content.decode("utf-8")).get("tool", {})
    except ValueError as error:
        raise UsageError(f"{path}: {one_line(error)}") from None
    except (RecursionError, MemoryError):
        raise UsageError(f"{path}: is nested too deeply") from None
    table = tool.get(TABLE) if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.{TABLE}] is not a table")
    wrong = next((name for name in (tool if isinstance(tool, dict) else ()) if _is_misspelt(name)), None)
    if wrong is not None:
        raise UsageError(f"{path}: there is no table [tool.{wrong}], did you mean [tool.{TABLE}]?")
    return table


#: The name of the table, or a misspelling of it.
_NAMED: Final = re.compile(rb"flake8[-_.]?celery", re.IGNORECASE)


def _is_misspelt(name: str) -> bool:
    return name != TABLE and bool(_NAMED.match(name.encode())) and spelling.close_match(name, (TABLE,)) is not None


def _option(manager: OptionManager, path: str, key: str, value: object) -> dict[str, Any]:
    """Return an option from the table as flake8 would read it from its own files."""
    where = f"{path}: [tool.{TABLE}]"
    taken = (*_TAKEN, "enable-extensions")
    known = [name for name in manager.config_options_dict if name in taken or _is_ours(f"--{name}")]
    known = [name for name in known if "_" not in name]
    if key.replace("_", "-") == "output-format":  # the command line's name for it
        key = "format"
    if key.replace("_", "-") not in known:
        meant = core_options.meant(key.replace("_", "-"), known)
        raise UsageError(f"{where} has no option {key!r}" + (f", did you mean {meant!r}?" if meant else ""))
    config = configparser.RawConfigParser()
    try:
        if isinstance(value, (int, float)) and _takes_several(manager, key.replace("_", "-")):
            raise ValueError("expected a string or a list of strings")
        folder = os.path.dirname(path)
        config.read_dict({"flake8": {key: _text(key, _located(key.replace("_", "-"), value, folder))}})
        return parse_config(manager, config, folder)
    except ValueError as error:
        raise UsageError(f"{where} {key}: {one_line(error)}") from None


#: The options whose value is the plain name of a file or folder.
_NAMING: Final = ("celery-baseline", "celery-contract", "celery-known-tasks", "celery-project-root")


def _located(key: str, value: object, folder: str) -> object:
    """Return the value of an option, with paths that are relative to the folder of its `pyproject.toml` resolved.

    The working directory may be a different one, above or below.
    """
    if folder == os.getcwd():
        return value
    if key in _NAMING and isinstance(value, str):
        path = os.path.join(folder, value.strip())
        return path if value.strip() and os.path.exists(path) else value
    if key in _NAMING and isinstance(value, list):
        return [_located(key, item, folder) for item in value]
    if key == "per-file-ignores" and isinstance(value, dict):
        return {_seen_from_here(pattern, folder): codes for pattern, codes in value.items()}
    return value


def _seen_from_here(pattern: str, folder: str) -> str:
    """Return a pattern for paths inside a folder, relative to the working directory, as flake8 expects."""
    if "/" not in pattern or os.path.isabs(pattern) or not same_drive(folder, os.getcwd()):
        return pattern
    seen = os.path.relpath(os.path.join(folder, pattern)).replace(os.sep, "/")
    return seen if "/" in seen else f"./{seen}"


def _takes_several(manager: OptionManager, name: str) -> bool:
    """Return whether an option is a list: a value that is not a string can't be meant for it."""
    lists = [name.replace("_", "-") for name, option in core_options.DESCRIBED.items() if option.many]
    return name in lists or manager.config_options_dict[name].comma_separated_list


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(int(value) if key == "quiet" else value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if key.replace("_", "-") == "per-file-ignores" and isinstance(value, dict):
        return "\n".join(f"{pattern}:{','.join(_text('', codes).split())}" for pattern, codes in value.items())
    raise ValueError("expected a string, a list of strings, a number, true or false")
