"""The command line: subcommands and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final, NoReturn, TextIO

from flake8_celery_tasks import __version__, report
from flake8_celery_tasks.command.terminal import completion
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.contract.record import Record
    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.fixer.files import Result
    from flake8_celery_tasks.fixer.rounds import Order
    from flake8_celery_tasks.flake8_host.configuration import Configuration


PROGRAM: Final = "flake8-celery-tasks"

CLEAN, FOUND, USAGE, INTERRUPTED = 0, 1, 2, 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        return _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        _tell("interrupted")
        return INTERRUPTED
    except SystemExit as done:  # argparse has printed help or version
        _flush()
        return int(done.code or CLEAN)
    except BrokenPipeError:  # Python 3.10 does not write help into the void
        _flush()
        return CLEAN


def _run(arguments: Sequence[str]) -> int:
    try:
        given = vars(completion.completing(_parser()).parse_args(arguments))
        del given["command"]
        run: Callable[[argparse.Namespace], int] = given.pop("run")
        with warnings.catch_warnings():
            # What Python warns of in the files that are read is other linters' business.
            warnings.simplefilter("ignore", SyntaxWarning)
            return run(argparse.Namespace(**given))
    except UsageError as error:
        _tell(f"error: {error}")
        return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=PROGRAM, description="Find the silent mistakes in Celery tasks and in the calls to them.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_check(commands)
    _add_fix(commands)
    _add_explain(commands)
    _add_listing(commands)
    _add_contract(commands)
    _add_command(
        commands, "server", _server, "Serve editors by the Language Server Protocol, on standard input and output."
    )
    return parser


def _add_command(commands: Any, name: str, run: Callable[[argparse.Namespace], int], help: str) -> Any:  # noqa: A002
    parser = commands.add_parser(name, help=help, description=help, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output-format", choices=("text", *report.FORMATS), default="text", help="how to write it (default: text)"
    )
    parser.add_argument("--output-file", metavar="FILE", help="where to write it, instead of the output")


# check


def _add_check(commands: Any) -> None:
    from flake8_celery_tasks.flake8_host import configuration

    parser = _add_command(commands, "check", _check, "Report what is wrong, as flake8 does with the plugin alone.")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files and folders (default: .); - reads the input")
    _add_output(parser)
    known = parser.add_mutually_exclusive_group()
    known.add_argument(
        "--write-baseline", metavar="FILE", help="write what is found now to a file for the option celery-baseline"
    )
    known.add_argument(
        "--prune-baseline", action="store_true", help="take out of the baseline what is not found any more, and tell it"
    )
    configuration.add_arguments(parser)


def _check(given: argparse.Namespace) -> int:
    from functools import partial

    from flake8_celery_tasks.command import check, services
    from flake8_celery_tasks.engine.check import collector_off
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host.files import files
    from flake8_celery_tasks.flake8_host.parts import parts

    paths, form, target, known, prune = (
        _take(given, name) for name in ("paths", "output_format", "output_file", "write_baseline", "prune_baseline")
    )
    if known is not None:
        given.celery_baseline = ""
    if target is not None and "color" not in given:
        given.color = "never"
    configured = configuration.configuration_for(given, paths)
    options = configured.options
    found = parts(configured, given, files(options))
    if known is not None:
        count = check.write_baseline(found, known)
        _tell(f"{count} {'finding' if count == 1 else 'findings'} written to {known}")
        return CLEAN
    if prune and all(part.configuration.run.baseline is None for part in found):
        raise UsageError("--prune-baseline needs the option celery-baseline")
    with collector_off():
        order = partial(_order, unsafe=True) if form == "sarif" else services.no_fixes
        outcomes = services.outcomes(found, order)
        outcome = services.joined(outcomes)
    if not outcome.files and (not paths or any(map(os.path.isdir, paths))):
        _tell(f"no Python files in {' '.join(paths) or '.'}")
    _write(_rendered(form, outcome, options), target)
    _tell_of_unparsed(outcome.unparsed)
    if prune:
        for entry in services.prune_baselines(found, outcomes):
            _tell(f"no longer found, taken out of the baseline: {entry}")
    return FOUND if outcome.findings and not options.exit_zero else CLEAN


def _tell_of_unparsed(paths: Sequence[str]) -> bool:
    """Say which files could not be parsed; return whether there are any."""
    from flake8_celery_tasks.command import notices

    if paths:
        _tell(notices.unparsed(paths))
    return bool(paths)


def _rendered(form: str, outcome: Any, options: argparse.Namespace) -> str:
    from importlib import import_module

    from flake8_celery_tasks.flake8_host import reporting

    if form != "text":  # flake8's own text has them at its end; what another program reads must not
        for line in reporting.totals(options, len(outcome.findings), outcome.statistics).splitlines():
            _tell(line)
    text: str = import_module(f"{report.__name__}.{form}").render(outcome, options)
    return text


# fix


def _add_fix(commands: Any) -> None:
    from flake8_celery_tasks.flake8_host import configuration

    parser = _add_command(commands, "fix", _fix, "Mend what can be mended with certainty.")
    parser.add_argument(
        "paths",
        nargs="*",
        metavar="PATH",
        help="files and folders (default: .); - reads the input and writes the output",
    )
    parser.add_argument("--diff", action="store_true", help="print what would change and write nothing")
    parser.add_argument("--unsafe", action="store_true", help="apply fixes too that change what happens")
    configuration.add_arguments(parser, configuration.FIXING)


def _fix(given: argparse.Namespace) -> int:
    from functools import partial

    from flake8_celery_tasks.command import notices, services
    from flake8_celery_tasks.engine.check import collector_off
    from flake8_celery_tasks.fixer.files import fix_files, is_installed
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host import files as flake8_host_files
    from flake8_celery_tasks.flake8_host.parts import parts

    paths, as_diff, unsafe = (_take(given, name) for name in ("paths", "diff", "unsafe"))
    if "-" in paths and len(paths) > 1:
        raise UsageError("- stands for the input: it can't be given with other paths")
    configured = configuration.configuration_for(given, paths)
    options = configured.options
    names = flake8_host_files.files(options)
    found = parts(configured, given, names)
    if paths == ["-"]:
        configured, names, _ = next((part for part in found if part.names), found[0])
        return _fix_input(configured.options, _order(configured, unsafe=unsafe), bool(names), as_diff=as_diff)
    if not names:
        _tell(f"no Python files in {' '.join(paths) or '.'}")
    for path in filter(is_installed, paths):
        _tell(f"{path}: is installed, left alone")
    with collector_off():
        wanted = services.passing(found, is_installed)
        passing = sorted(name for part in wanted for name in part.names)
        spread = partial(services.proposals, wanted, partial(_order, unsafe=unsafe))
        results = list(fix_files(passing, _order(configured, unsafe=unsafe), write=not as_diff, spread=spread))
    broken = _tell_of_unparsed(notices.unparsed_among(passing))
    return _report_fixes(results, options, configured.run, as_diff=as_diff) or (FOUND if broken else CLEAN)


def _report_fixes(results: Sequence[Result], options: argparse.Namespace, run: Run, *, as_diff: bool) -> int:
    """Say what became of some files, and return the exit code."""
    from flake8_celery_tasks.command import notices

    changed = [result for result in results if not result.message]
    for result in results:
        if result.message:
            _tell(f"{result.path}: {result.message}")
        elif as_diff:
            _write_diff(result, options)
    if not as_diff:
        count = sum(len(result.violations) for result in changed)
        _tell(f"{count} fixed in {len(changed)} {'file' if len(changed) == 1 else 'files'}")
        for said in notices.eager([one for one in changed if one.violations], run):
            _tell(said)
    return FOUND if len(changed) < len(results) or (as_diff and changed) else CLEAN


def _fix_input(options: argparse.Namespace, order: Order, is_wanted: bool, *, as_diff: bool) -> int:
    """Fix what the input holds and write it to the output: unchanged where there is nothing to fix."""
    from flake8_celery_tasks.fixer.files import decoded, proposal
    from flake8_celery_tasks.resolution.modules import parse

    content = sys.stdin.buffer.read()
    text = decoded(content)
    name = options.stdin_display_name
    found = proposal(name, os.path.abspath(name), text, order) if is_wanted and text is not None else None
    if found is not None and found.result.message:
        _tell(f"{name}: {found.result.message}")
    is_of_ours = is_wanted and text is not None and order.run.concerns(name, text.text)
    broken = is_of_ours and _tell_of_unparsed([name] if parse(content) is None else [])
    if as_diff:
        if found is not None and found.result.is_changed:
            _write_diff(found.result, options)
            return FOUND
        return FOUND if broken else CLEAN
    _write_bytes(content if found is None else found.after)
    return FOUND if broken else CLEAN


def _write_diff(result: Result, options: argparse.Namespace) -> None:
    from flake8_celery_tasks.fixer import diff

    text = diff.diff(result)
    _write(diff.colored(text) if _in_color(options) else text)


def _in_color(options: argparse.Namespace, target: str | None = None) -> bool:
    """Return whether the output is colored: as the option says, on a terminal where it says nothing."""
    is_shown = target is None and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return bool(options.color == "always" or (options.color == "auto" and is_shown))


def _order(configured: Configuration, *, unsafe: bool) -> Order:
    """Return what to fix: what would be reported."""
    from functools import partial

    from flake8_celery_tasks.fixer import rounds
    from flake8_celery_tasks.flake8_host import reporting

    return rounds.Order(configured.run, unsafe=unsafe, wants=partial(reporting.reported, configured))


# explain


def _add_explain(commands: Any) -> None:
    parser = _add_command(commands, "explain", _explain, "Print the page of a rule.")
    parser.add_argument("codes", nargs="*", metavar="CODE", help="a code, the beginning of codes, or a rule's name")
    parser.add_argument("--all", action="store_true", help="all rules")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown", help="default: markdown")


def _explain(given: argparse.Namespace) -> int:
    import json

    from flake8_celery_tasks.core import spelling
    from flake8_celery_tasks.engine import loader
    from flake8_celery_tasks.pages import explain

    if not given.codes and not given.all:
        raise UsageError("which rule? Give a code, such as CLY101, or --all")
    rules = dict.fromkeys(loader.rules()) if given.all else {}
    for word in given.codes:
        found = explain.rules_called(word)
        if not found:
            names = explain.names()
            meant = spelling.close_match(word.lower(), names.values()) or spelling.close_match(word.upper(), names)
            raise UsageError(f"there is no rule {word!r}" + (f", did you mean {meant}?" if meant else ""))
        rules.update(dict.fromkeys(found))
    if given.format == "json":
        _write(json.dumps([explain.record(rule) for rule in rules], indent=2) + "\n")
    else:
        _write("\n".join(explain.page(rule) for rule in rules))
    return CLEAN


# tasks and config


def _add_listing(commands: Any) -> None:
    from flake8_celery_tasks.command.listing import arguments

    arguments.add_to_tasks(_add_command(commands, "tasks", _tasks, "List the tasks of a project, and what they say."))
    arguments.add_to_config(_add_command(commands, "config", _config, "Print what applies to a file, and why."))


def _tasks(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.command.listing import tasks

    answer, target = tasks.run(given, lambda options, target: tasks.screen(target, color=_in_color(options, target)))
    for said in answer.said:
        _tell(said)
    _write(answer.text, target)
    return FOUND if answer.failed else CLEAN


def _config(given: argparse.Namespace) -> int:
    from flake8_celery_tasks.command.listing import config

    _write(*config.run(given))
    return CLEAN


# contract


def _add_contract(commands: Any) -> None:
    from flake8_celery_tasks.flake8_host import configuration

    parser = _add_command(
        commands, "contract", _contract, "Record what others rely on of the tasks; tell what breaks it."
    )
    parser.add_argument("path", nargs="?", default=".", metavar="PATH", help="a folder or file (default: .)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", metavar="FILE", help="write the record to a file, instead of the output")
    what.add_argument(
        "--check", metavar="FILE", help="tell what a new record would say otherwise than the one in a file"
    )
    what.add_argument(
        "--against",
        metavar="FILE|REV",
        help="report what breaks for those who rely on a record, or on a revision of git such as origin/main",
    )
    _add_output(parser)
    configuration.add_arguments(parser)


def _contract(given: argparse.Namespace) -> int:
    from functools import partial

    from flake8_celery_tasks.command import contract, notices, services
    from flake8_celery_tasks.contract import record
    from flake8_celery_tasks.engine.check import collector_off
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host.files import files
    from flake8_celery_tasks.flake8_host.parts import parts

    path, target, kept, known, before, form = (
        _take(given, name) for name in ("path", "output_file", "write", "check", "against", "output_format")
    )
    given.celery_contract = ""  # it may not be there yet
    if target is not None and "color" not in given:
        given.color = "never"
    configured = configuration.configuration_for(given, [path])
    options = configured.options
    with collector_off():
        homes = services.Homes(parts(configured, given, files(options)))
        found = contract.present(path, homes)
        _tell_of_unparsed(notices.unparsed_in(found.projects, contract.folder_of(path)))
        if kept is not None:
            count = contract.write(found, kept)
            _tell(f"{count} {'task' if count == 1 else 'tasks'} written to {kept}")
            return CLEAN
        if known is not None:
            return _differences(found.record, record.load(known), target, options)
        if before is None:
            _write(record.as_text(found.record), target)
            return CLEAN
        then = contract.of_file(before) if os.path.isfile(before) else contract.of_revision(path, before, homes)
        if not then.record.tasks:
            _tell(f"no tasks in {before}")
        order = partial(_order, unsafe=True) if form == "sarif" else services.no_fixes
        outcome = contract.against(homes, found, path, then, order)
    _write(_rendered(form, outcome, options), target)
    broken = any(finding.code in contract.RULES for finding in outcome.findings)
    return FOUND if broken and not options.exit_zero else CLEAN


def _differences(now: Record, kept: Record, target: str | None, options: argparse.Namespace) -> int:
    from flake8_celery_tasks.contract import differences

    found = list(differences.differences(kept, now))
    changes = [one for one in found if one.kind != differences.MOVED]
    for one in found:
        if one.kind == differences.MOVED:
            _tell(str(one))
    _write("".join(f"{one}\n" for one in changes), target)
    return FOUND if changes and not options.exit_zero else CLEAN


# server


def _server(_given: argparse.Namespace) -> int:
    from importlib.util import find_spec

    if find_spec("pygls") is None or find_spec("lsprotocol") is None:
        raise UsageError('the server needs more packages: pip install "flake8-celery-tasks[server]"')
    from importlib import import_module

    # The server is beside the command, not below it.
    code: int = import_module("flake8_celery_tasks.server.lsp.main").serve()
    return code


# Writing.


def _take(given: argparse.Namespace, name: str) -> Any:
    value = getattr(given, name)
    delattr(given, name)
    return value


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")  # paths
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def _tell(message: str) -> None:
    try:
        sys.stderr.write(f"{PROGRAM}: {plain(message)}\n")
    except BrokenPipeError:
        _drop(sys.stderr)


def _write(text: str, target: str | None = None) -> None:
    """Write to a file or to the output. That nobody reads on is no mistake."""
    if target is not None:
        try:
            with open(target, "wb") as file:
                file.write(_encoded(text))
        except OSError as error:
            raise UsageError(f"can't write {target}: {error.strerror}") from None
        return
    _write_bytes(_encoded(text))


def _write_bytes(content: bytes) -> None:
    """Write to the output. That nobody reads on is no mistake."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
    except OSError as error:
        _drop(sys.stdout)
        raise UsageError(f"can't write the output: {error.strerror}") from None


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)


def _drop(stream: TextIO) -> None:
    # What is left in the buffer goes nowhere, so that the interpreter has nothing to complain of at its end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
