"""flake8 as a library: configuration, options, the files to check, `# noqa`, what is selected, its own formats.

All use of flake8's insides stands here. They are called and not rewritten, so that `flake8 --select=CLY` and
`flake8-celery-tasks check` say the same.
"""

from __future__ import annotations

import configparser
import contextlib
import fnmatch
import io
import os
import re
import sys
from argparse import SUPPRESS, Namespace
from dataclasses import fields
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import flake8
from flake8 import utils
from flake8.checker import FileChecker, Manager
from flake8.discover_files import expand_paths
from flake8.exceptions import ExecutionError
from flake8.formatting.base import BaseFormatter
from flake8.formatting.default import COLORS_OFF, Default, FilenameOnly, Nothing, Pylint
from flake8.main.options import register_default_options, stage1_arg_parser
from flake8.options.config import load_config, parse_config
from flake8.options.manager import OptionManager
from flake8.plugins.finder import Checkers
from flake8.processor import FileProcessor
from flake8.style_guide import StyleGuideManager

from flake8_celery_tasks import gate, spelling
from flake8_celery_tasks.errors import UsageError
from flake8_celery_tasks.options import Options
from flake8_celery_tasks.plugin import Plugin

if TYPE_CHECKING:
    import argparse
    import ast
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from flake8.statistics import Statistics
    from flake8.violation import Violation

    from flake8_celery_tasks.rule import Violation as Ours

#: How our codes start, and how those of files start that can't be read or parsed.
PREFIX: Final = "CLY"
BROKEN: Final = "E9"

#: The table of `pyproject.toml` that is read.
TABLE: Final = "flake8-celery-tasks"

#: The options of flake8 that mean something without its other plugins.
_TAKEN: Final = (
    *("color", "count", "disable-noqa", "exclude", "exit-zero", "extend-exclude", "extend-ignore", "extend-select"),
    *("filename", "format", "ignore", "jobs", "no-show-source", "per-file-ignores", "quiet", "select", "show-source"),
    *("statistics", "stdin-display-name"),
)

#: flake8's own formatters.
_FORMATTERS: Final[Mapping[str, type[BaseFormatter]]] = {
    "default": Default,
    "pylint": Pylint,
    "quiet-filename": FilenameOnly,
    "quiet-nothing": Nothing,
}

_NOTHING: Final = Checkers([], [], [])


class Row(NamedTuple):
    """One report, as flake8 keeps it until it decides. Column from 0; `physical` is the line that may hold `# noqa`."""

    code: str
    line: int
    column: int
    text: str
    physical: str | None


class Checked(NamedTuple):
    """What was found in a file, and by line the names of the definitions that the reports stand in."""

    path: str
    rows: list[Row]
    scopes: dict[int, str]


# Options.


def _refuse(message: str) -> None:
    raise UsageError(message)


def _manager() -> OptionManager:
    """Return flake8's options and ours, without those of other plugins."""
    manager = OptionManager(
        version=flake8.__version__,
        plugin_versions="",
        parents=[stage1_arg_parser()],
        formatter_names=list(_FORMATTERS),
    )
    register_default_options(manager)
    Plugin.add_options(manager)
    manager.parser.error = _refuse
    return manager


def add_arguments(parser: argparse.ArgumentParser, taken: Collection[str] = _TAKEN) -> None:
    """Give a parser some options of flake8, and ours. What is not given stays unset."""
    configuration = parser.add_argument_group("configuration")
    configuration.add_argument("--config", default=None, help="the configuration file of flake8 that counts, alone")
    configuration.add_argument("--append-config", action="append", default=[], help="a further one, read last")
    configuration.add_argument("--isolated", action="store_true", help="read no configuration")
    configuration.add_argument("--enable-extensions", default=SUPPRESS, help="as flake8 takes it: opt-in codes")
    theirs = parser.add_argument_group("options of flake8")
    ours = parser.add_argument_group("options about your Celery")
    for option in _manager().options:
        names, values = option.to_argparse()
        if not _is_ours(names[-1]) and names[-1][2:] not in taken:
            continue
        default = option.default if isinstance(option.default, str) else ""
        values = {**values, "default": SUPPRESS, "help": str(option.help).replace("%(default)s", default)}
        (ours if _is_ours(names[-1]) else theirs).add_argument(*names, **values)


def _is_ours(name: str) -> bool:
    return name.startswith("--celery-")


def options_for(given: Namespace, paths: Sequence[str]) -> Namespace:
    """Return all options: the defaults, `pyproject.toml`, flake8's configuration, what was given; each beats the last.

    The plugin has its own of them afterwards. Raises UsageError.
    """
    try:
        os.getcwd()
    except OSError as error:
        raise UsageError(f"can't tell the working folder: {error.strerror}") from None
    manager = _manager()
    values = manager.parse_args([])
    values.extended_default_ignore = manager.extended_default_ignore
    values.extended_default_select = manager.extended_default_select
    for name, value in _configured(manager, given).items():
        setattr(values, name if hasattr(values, name) else str(manager.config_options_dict[name].dest), value)
    # Once more: argparse reads the text of defaults, such as the number of jobs.
    values = manager.parse_args([], values)
    for name, value in vars(given).items():
        setattr(values, name, value)
    values.filenames = list(paths)
    values.output_file = None
    _check_format(values.format)
    if "select" not in given:
        values.select = _selected(values)
    adopt(values, manager)
    return values


def _check_format(form: str) -> None:
    """Refuse a format that flake8 would stumble over with the first finding."""
    if "%(" not in form:
        return
    try:
        _ = form % {**COLORS_OFF, "path": "", "row": 1, "col": 1, "code": "", "text": ""}
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        problem = f"there is no {error}" if isinstance(error, KeyError) else _line(error)
        raise UsageError(f"argument --format: invalid value {form!r}: {problem}") from None


def adopt(values: Namespace, manager: OptionManager | None = None) -> None:
    """Give the plugin its options: in this process, or in a worker that was not forked from it."""
    Plugin.parse_options(manager or _manager(), values, values.filenames)


def _selected(values: Namespace) -> list[str]:
    """Return what is selected where the command line does not say: what the configuration says of us, else all."""
    configured: list[str] = [*(values.select or ()), *(values.extend_select or ())]
    if values.select and any(code.startswith(PREFIX) or PREFIX.startswith(code) for code in configured):
        return list(values.select)
    return [PREFIX, BROKEN]


def _configured(manager: OptionManager, given: Namespace) -> dict[str, Any]:
    try:
        config, folder = load_config(given.config, given.append_config, isolated=given.isolated)
        theirs = parse_config(manager, config, folder)
    except (ExecutionError, configparser.Error) as error:
        raise UsageError(_line(error)) from None
    except ValueError as error:  # a value of the wrong kind: what flake8 lets fall through says not where it stands
        names = [name for name in config["flake8"] if not _is_taken(manager, config, folder, name)]
        where = " ".join(("configuration of flake8:", *(f"{name}:" for name in names)))
        raise UsageError(f"{where} {_line(error)}") from None
    if given.isolated or given.config is not None:
        return theirs
    return {**_from_pyproject(manager), **theirs}


def _is_taken(manager: OptionManager, config: configparser.RawConfigParser, folder: str, name: str) -> bool:
    """Return whether flake8 takes the value of an option in its configuration."""
    alone = configparser.RawConfigParser()
    alone.read_dict({"flake8": {name: config["flake8"][name]}})
    try:
        parse_config(manager, alone, folder)
    except ValueError:
        return False
    return True


def _line(error: object) -> str:
    return " ".join(str(error).split())


# `pyproject.toml`.


def _from_pyproject(manager: OptionManager) -> dict[str, Any]:
    """Return what the nearest `pyproject.toml` upward says, of those that hold our table."""
    home = os.path.expanduser("~")
    folder = os.getcwd()
    while True:
        path = os.path.join(folder, "pyproject.toml")
        table = _table(path)
        if table is not None:
            found: dict[str, Any] = {}
            for key, value in table.items():
                found.update(_option(manager, path, key, value))
            return found
        parent = os.path.dirname(folder)
        if parent in (folder, home):
            return {}
        folder = parent


def _table(path: str) -> dict[str, Any] | None:
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError:
        return None
    if TABLE.encode() not in content:
        return None
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        tool = tomllib.loads(content.decode("utf-8")).get("tool", {})
    except ValueError as error:
        raise UsageError(f"{path}: {_line(error)}") from None
    table = tool.get(TABLE) if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise UsageError(f"{path}: [tool.{TABLE}] is no table")
    return table


def _option(manager: OptionManager, path: str, key: str, value: object) -> dict[str, Any]:
    """Return an option of the table as flake8 reads it from a file of its own."""
    where = f"{path}: [tool.{TABLE}]"
    known = [name for name in manager.config_options_dict if name in _TAKEN or _is_ours(f"--{name}")]
    known = [name for name in known if "_" not in name]
    if key.replace("_", "-") not in known:
        meant = spelling.close_match(key.replace("_", "-"), known)
        raise UsageError(f"{where} has no option {key!r}" + (f", did you mean {meant!r}?" if meant else ""))
    config = configparser.RawConfigParser()
    try:
        if isinstance(value, (int, float)) and _takes_several(manager, key.replace("_", "-")):
            raise ValueError("expected a string or a list of strings")
        config.read_dict({"flake8": {key: _text(key, value)}})
        return parse_config(manager, config, os.path.dirname(path))
    except ValueError as error:
        raise UsageError(f"{where} {key}: {_line(error)}") from None


def _takes_several(manager: OptionManager, name: str) -> bool:
    """Return whether an option is a list: what is no text can't be meant for it."""
    lists = [option.name.replace("_", "-") for option in fields(Options) if option.metadata["many"]]
    return name in lists or manager.config_options_dict[name].comma_separated_list


def _text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    if key.replace("_", "-") == "per-file-ignores" and isinstance(value, dict):
        return "\n".join(f"{pattern}:{','.join(_text('', codes).split())}" for pattern, codes in value.items())
    raise ValueError("expected a string, a list of strings, a number, true or false")


# Files.


def files(options: Namespace) -> list[str]:
    """Return the files to check, as flake8 finds them. Raises UsageError for a path that is not there."""
    for path in options.filenames:
        if path != "-" and not os.path.lexists(path):
            raise UsageError(f"no such file or directory: {path!r}")
    with _quick_matching():
        return list(
            expand_paths(
                paths=options.filenames,
                stdin_display_name=options.stdin_display_name,
                filename_patterns=options.filename,
                exclude=(*options.exclude, *options.extend_exclude),
            )
        )


@contextlib.contextmanager
def _quick_matching() -> Iterator[None]:
    """Give flake8 an `fnmatch` that tries all patterns at once: one by one they take longer than to read the files."""
    usual = utils.fnmatch
    utils.fnmatch = _fnmatch
    try:
        yield
    finally:
        utils.fnmatch = usual


def _fnmatch(filename: str, patterns: Sequence[str]) -> bool:
    return not patterns or _matching(tuple(patterns)).match(os.path.normcase(filename)) is not None


@lru_cache
def _matching(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(os.path.normcase(pattern)) for pattern in patterns))


def passing(names: Iterable[str]) -> list[str]:
    """Return the files that pass the gate by their bytes; what can't be read passes, so that it is reported."""
    marks = [mark.encode() for mark in Plugin.marks]
    # What is not ASCII may be other bytes in another encoding.
    if not all(mark.isascii() for mark in Plugin.marks):
        return list(names)
    found = []
    for name in names:
        if name != "-":
            try:
                with open(name, "rb") as file:
                    content = file.read()
            except OSError:
                found.append(name)
                continue
            for mark in marks:
                if mark in content:
                    break
            else:
                continue
        found.append(name)
    return found


def jobs(options: Namespace) -> int:
    """Return how many processes flake8 would take."""
    count: int = _deciding(options, BaseFormatter(options)).jobs
    return count


def check(name: str, options: Namespace) -> Checked:
    """Return what the plugin, and nothing else, finds in a file."""
    try:
        checker = _Checker(filename=name, plugins=_NOTHING, options=options)
    except UnicodeDecodeError as error:  # of the input only: a file that is not UTF-8 is read as Latin-1
        raise UsageError(f"can't decode the input: {error}") from None
    except LookupError as error:  # the encoding is none of a text, such as rot13
        return Checked(name, [Row("E902", 0, 0, f"{type(error).__name__}: {_line(error)}", "")], {})
    path, results, _ = checker.run_checks()
    return Checked(path, [Row(*row) for row in results], checker.scopes)


class _Checker(FileChecker):
    """flake8's checker of one file, with one plugin. Tokens are read where a report may have a `# noqa` only."""

    scopes: dict[int, str]

    def run_ast_checks(self) -> None:
        self.scopes = {}
        processor = self.processor
        if not gate.passes("".join(processor.lines), Plugin.marks):
            return
        try:
            tree: ast.Module = processor.build_ast()
        except (ValueError, RecursionError, MemoryError) as error:
            # Null characters, and nesting that is too deep: newer Pythons say so themselves.
            raise SyntaxError(_line(error) or type(error).__name__) from None
        found = Plugin(tree, processor.filename, processor.lines).violations()
        if found:
            from flake8_celery_tasks import baseline

            self.scopes = baseline.scopes(tree, {violation.line for violation in found})
        for line, column, code, text in found:
            self.report(code, line, column, text)

    def run_checks(self) -> tuple[str, list[tuple[str, int, int, str, str | None]], dict[str, int]]:
        self.scopes = {}
        return super().run_checks()

    def process_tokens(self) -> None:
        """Nobody asks for tokens."""

    @cached_property
    def may_silence(self) -> bool:
        return _may_silence(self.processor.lines)

    def report(self, error_code: str | None, line_number: int, column: int, text: str) -> str:
        """Keep a report. The lines that belong to it are looked for only where they matter: it takes all tokens."""
        processor = getattr(self, "processor", None)  # there is none yet where the file can't be read
        if processor is None or self.options.show_source or self.may_silence:
            return super().report(error_code, line_number, column, text)
        assert error_code is not None
        self.results.append((error_code, line_number, column, text, ""))
        return error_code


def _may_silence(lines: Sequence[str]) -> bool:
    """Return whether lines may hold a `# noqa`."""
    return "noqa" in "".join(lines).lower()


# What is reported.


class _Collector(BaseFormatter):
    def after_init(self) -> None:
        self.violations: list[Violation] = []

    def handle(self, error: Violation) -> None:
        self.violations.append(error)


def _deciding(options: Namespace, formatter: BaseFormatter) -> Manager:
    try:
        guide = StyleGuideManager(options, formatter)
    except ExecutionError as error:
        raise UsageError(_line(error)) from None
    return Manager(guide, _NOTHING, [])


def decide(options: Namespace, checked: Iterable[Checked]) -> tuple[list[Violation], Statistics]:
    """Return what is reported: what is selected, and has no `# noqa`, in flake8's order."""
    collector = _Collector(options)
    manager = _deciding(options, collector)
    manager.results = [(path, [tuple(row) for row in rows], {}) for path, rows, _ in checked]
    manager.report()
    return collector.violations, manager.style_guide.stats


def reported(options: Namespace, name: str, lines: list[str], tree: ast.Module, found: Iterable[Ours]) -> list[Ours]:
    """Return those of our violations in a file's present lines that would be reported: selected, not silenced."""
    processor = FileProcessor(name, options, lines=list(lines))
    if processor.should_ignore_file():
        return []
    known = list(found)
    if Plugin.baseline is not None:
        from flake8_celery_tasks import baseline

        scopes = baseline.scopes(tree, {item.line for item in known})
        identities = [baseline.identity(item.code, scopes.get(item.line, ""), item.text) for item in known]
        unknown = Plugin.baseline.unknown(name, identities)
        known = [item for item, is_new in zip(known, unknown, strict=True) if is_new]
    # To know which lines belong together takes all tokens.
    silenced = _may_silence(lines)
    physical = {item.line: processor.noqa_line_for(item.line) if silenced else "" for item in known}
    rows = [Row(item.code, item.line, item.column, item.text, physical[item.line]) for item in known]
    decided = {
        (error.line_number, error.column_number - 1, error.code, error.text)
        for error in decide(options, [Checked(name, rows, {})])[0]
    }
    return [item for item in known if item in decided]


def formatted(options: Namespace, violations: Iterable[Violation], statistics: Statistics) -> str:
    """Return the report that flake8 would print."""
    name = {0: options.format, 1: "quiet-filename"}.get(options.quiet, "quiet-nothing")
    formatter = _FORMATTERS.get(name, Default)(options)
    if isinstance(formatter, Default) and name not in _FORMATTERS and "%(" not in name:
        formatter.error_format = Default.error_format  # a format of another plugin
    formatter.output_fd = output = io.StringIO()
    options.tee = False
    count = 0
    for violation in violations:
        formatter.handle(violation)
        count += 1
    if options.statistics:
        formatter.show_statistics(statistics)
    if options.count:
        output.write(f"{count}\n")
    return output.getvalue()
