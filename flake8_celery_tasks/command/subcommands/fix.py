"""The subcommand `fix`."""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from flake8_celery_tasks.command.output.writing import CLEAN, FOUND, in_color, take, tell, write, write_bytes
from flake8_celery_tasks.command.subcommands import shared
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterator, Sequence

    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.fixer.files import Proposal, Result
    from flake8_celery_tasks.fixer.rounds import Order


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to its parser."""
    from flake8_celery_tasks.flake8_host import configuration

    shared.add_paths(parser, "- reads standard input and writes standard output")
    parser.add_argument("--diff", action="store_true", help="print what would change, and write nothing")
    parser.add_argument("--unsafe", action="store_true", help="also apply fixes that change what runs")
    parser.add_argument("-q", "--quiet", action="count", default=0, help="do not print how much was fixed")
    configuration.add_arguments(parser, configuration.FIXING)


def run(given: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code. Raises UsageError."""
    from flake8_celery_tasks.command import notices, services
    from flake8_celery_tasks.engine.run import collector_off
    from flake8_celery_tasks.fixer.files import fix_files, is_installed
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host import files as flake8_host_files
    from flake8_celery_tasks.flake8_host.parts import parts

    paths, as_diff, unsafe = (take(given, name) for name in ("paths", "diff", "unsafe"))
    if "-" in paths and len(paths) > 1:
        raise UsageError("- stands for the input: it can't be given with other paths")
    configured = configuration.configuration_for(given, paths)
    options = configured.options
    order_of = partial(shared.order_of, unsafe=unsafe)
    names = flake8_host_files.files(options)
    found = parts(configured, given, names)
    if paths == ["-"]:
        own, names, _ = next((part for part in found if part.names), found[0])
        return _fix_input(own.options, order_of(own), bool(names), as_diff=as_diff)
    if not names:
        tell(shared.nothing_in(paths))
    for path in filter(is_installed, paths):
        tell(f"{path}: is installed, left alone")
    with collector_off():
        wanted = services.passing(found, is_installed)
        passing = sorted(name for part in wanted for name in part.names)
        doubtful: list[str] = []

        def spread(work: Callable[[str], Proposal], names: Collection[str]) -> Iterator[Proposal]:
            for one in services.proposals(wanted, order_of, work, names):
                if not one.is_parsed:  # the others need not be checked again
                    doubtful.append(one.result.path)
                yield one

        results = list(fix_files(passing, order_of(configured), write=not as_diff, spread=spread))
    broken = shared.tell_of_unparsed(notices.unparsed_among(sorted(doubtful)))
    return _report_fixes(results, options, configured.run, as_diff=as_diff) or (FOUND if broken else CLEAN)


def _report_fixes(results: Sequence[Result], options: argparse.Namespace, run: Run, *, as_diff: bool) -> int:
    """Print the results for some files, and return the exit code."""
    from flake8_celery_tasks.command import notices
    from flake8_celery_tasks.command.output import summary

    changed = [result for result in results if not result.message]
    for result in results:
        if result.message:
            tell(f"{result.path}: {result.message}")
        elif as_diff:
            _write_diff(result, options)
    if not as_diff:
        for said in notices.eager([one for one in changed if one.violations], run):
            tell(said)
    summary.of_fix(sum(len(result.violations) for result in changed), len(changed), options, as_diff=as_diff)
    return FOUND if len(changed) < len(results) or (as_diff and changed) else CLEAN


def _fix_input(options: argparse.Namespace, order: Order, is_wanted: bool, *, as_diff: bool) -> int:
    """Fix standard input and write it to the output: unchanged if there is nothing to fix."""
    from flake8_celery_tasks.engine import concern
    from flake8_celery_tasks.fixer.files import decoded, propose_text
    from flake8_celery_tasks.resolution.modules import parse

    content = sys.stdin.buffer.read()
    text = decoded(content)
    name = options.stdin_display_name
    found = propose_text(name, text, order) if is_wanted and text is not None else None
    if found is not None and found.result.message:
        tell(f"{name}: {found.result.message}")
    is_doubtful = found is not None and not found.is_parsed
    is_of_ours = is_doubtful and text is not None and concern.passes(order.run, name, text.text)
    broken = is_of_ours and shared.tell_of_unparsed([name] if parse(content) is None else [])
    failed = broken or (found is not None and found.result.message.startswith(errors.INTERNAL))
    if as_diff:
        if found is not None and found.result.is_changed:
            _write_diff(found.result, options)
            return FOUND
        return FOUND if failed else CLEAN
    write_bytes(content if found is None else found.after)
    return FOUND if failed else CLEAN


def _write_diff(result: Result, options: argparse.Namespace) -> None:
    from flake8_celery_tasks.fixer import diff

    text = diff.diff(result)
    colored = in_color(options)
    if colored or sys.stdout.isatty():
        text = diff.shown(text, colored=colored)
    write(diff.guarded(text) if os.environ.get("GITHUB_ACTIONS") == "true" else text)
