"""The command line: subcommands and exit codes."""

from __future__ import annotations

import argparse
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, NoReturn

from flake8_celery_tasks import __version__
from flake8_celery_tasks.command.output.writing import CLEAN, FOUND, INTERRUPTED, PROGRAM, USAGE
from flake8_celery_tasks.command.output.writing import in_color as _in_color
from flake8_celery_tasks.command.output.writing import say as _say
from flake8_celery_tasks.command.output.writing import say_all as _say_all
from flake8_celery_tasks.command.output.writing import take as _take
from flake8_celery_tasks.command.output.writing import tell as _tell
from flake8_celery_tasks.command.output.writing import write as _write
from flake8_celery_tasks.command.subcommands import check, first, fix, shared
from flake8_celery_tasks.command.subcommands.shared import Command
from flake8_celery_tasks.command.subcommands.shared import add_output as _add_output
from flake8_celery_tasks.command.terminal import completion
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.errors import UsageError, shortened
from flake8_celery_tasks.core.options import meant
from flake8_celery_tasks.core.violation import PREFIX, UNUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.command.contract import Before
    from flake8_celery_tasks.contract.record import Record
    from flake8_celery_tasks.engine.findings import Outcome


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(_NO_BOOLEAN.sub(r"\1: invalid value \2: expected true or false", message))

    def _print_message(self, message: str, _file: Any = None) -> None:
        """Print help or the version. argparse itself says nothing if that fails."""
        _write(message)

    def parse_known_args(self, *given: Any, **named: Any) -> Any:
        """Parse as usual, but name what was probably meant by an option that is not known."""
        values, rest = super().parse_known_args(*given, **named)
        wrong = next((word.partition("=")[0] for word in rest if word.startswith("--") and word != "--"), None)
        if wrong is not None:
            known = [name[2:] for name in self._option_string_actions if name.startswith("--") and "=" not in name]
            guess = meant(wrong[2:].replace("_", "-").lower(), known)
            raise UsageError(f"there is no option {wrong}" + (f", did you mean --{guess}?" if guess else ""))
        return values, rest


#: argparse's message for one of our booleans with another value.
_NO_BOOLEAN: Final = re.compile(r"(argument --celery-[\w-]+): ignored explicit argument ('.*')")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        _tell("interrupted")
        return INTERRUPTED
    except SystemExit as done:  # argparse has printed help or version
        return int(done.code or CLEAN)


def _run(arguments: Sequence[str]) -> int:
    try:
        if completion.is_asked():
            _complete()
        if not arguments:
            _say_all(_parser().format_help())
            return USAGE
        first.check(arguments, _COMMANDS)
        given = vars(_parser(arguments[0]).parse_args(arguments))
        del given["command"]
        given.update({name: None for name in ("output_file", "write") if given.get(name) == "-"})  # standard output
        run: Callable[[argparse.Namespace], int] = given.pop("run")
        with warnings.catch_warnings():
            # Warnings that Python gives about the checked files are a matter for other linters.
            warnings.simplefilter("ignore", SyntaxWarning)
            return run(argparse.Namespace(**given))
    except UsageError as error:
        _tell(f"error: {shortened(str(error))}")
        return USAGE
    except errors.CAUGHT as error:
        return _failed(error)


def _failed(error: BaseException) -> int:
    """Print what has ended the run, and return the exit code: not that of a run that has found something."""
    try:
        os.getcwd()
    except OSError as missing:  # others have removed it in the meantime
        _tell(f"error: can't tell the working directory: {missing.strerror}")
        return USAGE
    import traceback

    for line in "".join(traceback.format_exception(error)).splitlines():
        _say(line)
    _tell(errors.internal(error))
    return USAGE


def _parser(asked: str | None = None) -> argparse.ArgumentParser:
    """Return the parser.

    Only the subcommand that is asked for gets its arguments, since adding those of all takes longer than a small run.
    Without one, all of them do.
    """
    parser = _Parser(prog=PROGRAM, description="Find the silent mistakes in Celery tasks and in the calls to them.")
    parser.add_argument("-V", "--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, command in _COMMANDS.items():
        one = commands.add_parser(name, help=command.says, description=command.says, allow_abbrev=False)
        one.set_defaults(run=command.run)
        if asked in (None, name):
            command.add_arguments(one)
    return parser


def _complete() -> None:
    from flake8_celery_tasks.command.listing import arguments

    completion.complete(_parser(), arguments.COLUMNS)


# explain

#: The codes in reports that belong to no rule.
_EXPLAINED: Final = {
    "CLY000": "the linter itself failed in the file, please report it",
    UNUSED: "check --unused-noqa reports # noqa comments that silence nothing",
    "E902": "flake8 reports files that can't be read",
    "E999": "flake8 reports files that can't be parsed",
}


def _add_to_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a code, a prefix of codes, or a rule's name")
    parser.add_argument("--all", action="store_true", help="all rules")
    parser.add_argument(
        *("--output-format", "--format"), choices=("markdown", "json"), default="markdown", help="default: markdown"
    )


def _explain(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.core import spelling
    from flake8_celery_tasks.core.text import json_of
    from flake8_celery_tasks.engine import loader
    from flake8_celery_tasks.pages import explain

    if not given.codes and not given.all:
        raise UsageError("which rule? Give a code, such as CLY101, or --all")
    rules = dict.fromkeys(loader.rules()) if given.all else {}
    for word in given.codes:
        found = explain.rules_called(word)
        if not found and word.upper() in _EXPLAINED:
            raise UsageError(f"{word.upper()} is not a rule: {_EXPLAINED[word.upper()]}")
        if not found:
            names = explain.names()
            guess = (
                (word.isdecimal() and f"{PREFIX}{word}" in names and f"{PREFIX}{word}")
                or spelling.close_match(word.lower(), names.values())
                or spelling.close_match(word.upper(), names)
            )
            raise UsageError(f"there is no rule {word!r}" + (f", did you mean {guess}?" if guess else ""))
        rules.update(dict.fromkeys(found))
    if given.output_format == "json":
        _write(json_of([explain.record(rule) for rule in rules]) + "\n")
    else:
        _write("\n".join(explain.page(rule) for rule in rules))
    return CLEAN


# tasks and config


def _add_to_tasks(parser: argparse.ArgumentParser) -> None:
    from flake8_celery_tasks.command.listing import arguments

    arguments.add_to_tasks(parser)


def _add_to_config(parser: argparse.ArgumentParser) -> None:
    from flake8_celery_tasks.command.listing import arguments

    arguments.add_to_config(parser)


def _tasks(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.command.listing import tasks
    from flake8_celery_tasks.command.output import summary

    answer = tasks.run(given, lambda options, target: tasks.screen(target, color=_in_color(options, target)))
    for said in answer.said:
        _tell(said)
    _write(answer.text, answer.target)
    summary.of_tasks(answer.entries, answer.options)
    return FOUND if answer.failed else CLEAN


def _config(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.command.listing import config

    _write(*config.run(given))
    return CLEAN


# contract


def _add_to_contract(parser: argparse.ArgumentParser) -> None:
    from flake8_celery_tasks.flake8_host import configuration

    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder or file (default: .)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", metavar="FILE", help="write the record to FILE instead of standard output")
    what.add_argument("--check", metavar="FILE", help="list how a new record would differ from the one in FILE")
    what.add_argument(
        "--against",
        metavar="FILE|REV",
        help="report what breaks for those who rely on a record, or on a git revision such as origin/main",
    )
    _add_output(parser)
    configuration.add_arguments(parser)


def _contract(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.command import contract, notices, services
    from flake8_celery_tasks.contract import record
    from flake8_celery_tasks.engine.run import collector_off
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host.files import files
    from flake8_celery_tasks.flake8_host.parts import parts

    form = shared.take_form(given)
    path, target, fixes, kept, known, before = (
        _take(given, name) for name in ("path", "output_file", "fixes", "write", "check", "against")
    )
    if known is not None and form is not None:
        raise UsageError("--output-format does not apply to --check, which prints one line for each difference")
    given.celery_contract = ""  # it may not exist yet
    if target is not None and "color" not in given:
        given.color = "never"
    configured = configuration.configuration_for(given, [path])
    options = configured.options
    with collector_off():
        homes = services.Homes(parts(configured, given, files(options)))
        found = contract.present(path, homes)
        folder = contract.folder_of(path)
        for said in notices.unknown_in(found.projects, folder):  # the record lacks what they define
            _tell(said)
        code = CLEAN
        if before is not None:
            form = shared.chosen(form, options, target)
            if fixes and form != "sarif":
                raise UsageError("--fixes needs --output-format sarif")
            then = contract.of_file(before) if os.path.isfile(before) else contract.of_revision(path, before, homes)
            outcome = contract.against(homes, found, path, then, shared.orders(fixes=fixes))
            _write(shared.rendered(form, outcome, options, target), target)
            code = _tell_of_breaks(outcome, then, before, options)
        elif kept is not None:
            count = contract.write(found, kept)
            if not options.quiet:
                _tell(f"{count} {'task' if count == 1 else 'tasks'} written to {kept}")
        elif known is not None:
            code = _differences(found.record, record.load(known), target)
        else:
            _write(record.as_text(found.record), target)
        failed = notices.failures_in(found.projects, folder) if before is None else then.failures
    for said in failed:
        _tell(said)
    return FOUND if (code or failed) and not options.exit_zero else CLEAN


def _tell_of_breaks(outcome: Outcome, before: Before, name: str, options: argparse.Namespace) -> int:
    """Print how much was compared and what breaks; return the exit code."""
    from flake8_celery_tasks.command import contract
    from flake8_celery_tasks.command.output import summary

    if before.record.tasks:
        summary.of_contract(outcome, len(before.record.tasks), name, options)
    else:
        _tell(f"no tasks in {name}")
    return FOUND if any(finding.code in contract.COUNTED for finding in outcome.findings) else CLEAN


def _differences(now: Record, kept: Record, target: str | None) -> int:
    from flake8_celery_tasks.contract import differences

    found = list(differences.differences(kept, now))
    changes = [one for one in found if one.kind != differences.MOVED]
    for one in found:
        if one.kind == differences.MOVED:
            _tell(str(one))
    _write("".join(f"{one}\n" for one in changes), target)
    return FOUND if changes else CLEAN


# server


def _add_to_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stdio", action="store_true", help="accepted, since some editors add it: it is the default")


def _server(_given: argparse.Namespace) -> int:
    from importlib.util import find_spec

    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        raise UsageError('the server needs more packages: pip install "flake8-celery-tasks[server]"')
    from importlib import import_module

    # The server is next to the command, not below it.
    code: int = import_module("flake8_celery_tasks.server.lsp.main").serve()
    return code


# All of them, in the order of the help.

_COMMANDS: Final = {
    "check": Command("Report problems, like flake8 with only this plugin.", check.run, check.add_arguments),
    "fix": Command("Fix what can be fixed with certainty.", fix.run, fix.add_arguments),
    "explain": Command("Print the page of a rule.", _explain, _add_to_explain),
    "tasks": Command("List the tasks of a project and their options.", _tasks, _add_to_tasks),
    "config": Command("Print what applies to a file and why.", _config, _add_to_config),
    "contract": Command("Record what others rely on in the tasks; report what breaks it.", _contract, _add_to_contract),
    "server": Command("Run the language server for editors on standard input and output.", _server, _add_to_server),
}
