"""Code that subcommands share: the formats of findings, and messages about files that can't be parsed."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks import report
from flake8_celery_tasks.command.output.writing import in_color, take, tell
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.options import FORMATS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.engine.findings import Outcome
    from flake8_celery_tasks.fixer.rounds import Order
    from flake8_celery_tasks.flake8_host.configuration import Configuration


FULL: Final = "full"
CONCISE: Final = "concise"

#: Earlier names of formats, which are still accepted.
_OLD: Final = {"text": CONCISE}


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options for how findings are written, and where."""
    parser.add_argument(
        "--output-format",
        choices=(*FORMATS, *_OLD),
        metavar="FORMAT",
        default=None,
        help=f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]} (default: full on a terminal, concise elsewhere and in "
        "pre-commit)",
    )
    parser.add_argument("--output-file", metavar="FILE", help="write the report to FILE instead of standard output")
    parser.add_argument("--fixes", action="store_true", help="include fixes in SARIF; this takes as long as fix does")


def take_form(given: argparse.Namespace) -> str | None:
    """Return the requested format, None if it is to be chosen. Raises UsageError.

    `--format json`, which is flake8's option for line templates, is accepted.
    """
    form: str | None = take(given, "output_format")
    named = getattr(given, "format", None)
    if named in (*FORMATS, *_OLD):
        if form is not None and form != named:
            raise UsageError(f"--format {named} and --output-format {form} exclude each other")
        del given.format
        form = named
    return form if form is None else _OLD.get(form, form)


def chosen(form: str | None, options: argparse.Namespace, target: str | None) -> str:
    """Return the format: full on a terminal, unless the configuration sets another."""
    if form is not None:
        return form
    if options.format in FORMATS and not options.quiet:
        return str(options.format)
    is_plain = options.format == "default" and not options.quiet and not options.show_source
    is_shown = target is None and sys.stdout.isatty() and not os.environ.get("PRE_COMMIT")
    return FULL if is_plain and is_shown else CONCISE


def rendered(form: str, outcome: Outcome, options: argparse.Namespace, target: str | None = None) -> str:
    """Return the report in a format."""
    from flake8_celery_tasks.flake8_host import reporting

    options.color = "always" if in_color(options, target) else "never"
    if form == FULL:
        from flake8_celery_tasks.report import full, screen

        return full.render(
            outcome, options, screen.found(colored=options.color == "always", is_file=target is not None)
        )
    name = "text" if form == CONCISE else form
    if form != CONCISE:  # flake8's own text has the numbers at its end; output for programs must not have them
        for line in reporting.figures(options, outcome.statistics, len(outcome.findings)).splitlines():
            tell(line)
    text: str = import_module(f"{report.__name__}.{name}").render(outcome, options)
    return text


def order_of(configured: Configuration, *, unsafe: bool) -> Order:
    """Return what to fix: what would be reported."""
    from functools import partial

    from flake8_celery_tasks.fixer import rounds
    from flake8_celery_tasks.flake8_host import reporting

    return rounds.Order(configured.run, unsafe=unsafe, wants=partial(reporting.reported, configured))


def orders(*, fixes: bool) -> Callable[[Configuration], Order | None]:
    """Return a function that returns the fixes to look for in findings: all, or none."""
    from functools import partial

    from flake8_celery_tasks.command import services

    return partial(order_of, unsafe=True) if fixes else services.no_fixes


def tell_of_unparsed(paths: Sequence[str]) -> bool:
    """Print which files could not be parsed; return whether there are any."""
    from flake8_celery_tasks.command import notices

    if paths:
        tell(notices.unparsed(paths))
    return bool(paths)


def nothing_in(paths: Sequence[str]) -> str:
    """Return a message about paths without any file to check."""
    if paths and not any(map(os.path.isdir, paths)):
        return f"not checked, because excluded: {' '.join(paths)}"
    return f"no Python files in {' '.join(paths) or '.'}, apart from excluded ones"


def add_paths(parser: Any, more: str) -> None:
    """Add the argument for the files and folders to check."""
    parser.add_argument("paths", nargs="*", metavar="PATH", help=f"files and folders (default: .); {more}")


class Command(NamedTuple):
    """A subcommand: its help in one line, what executes it, and what adds its arguments to its parser."""

    says: str
    run: Callable[[argparse.Namespace], int]
    add_arguments: Callable[[argparse.ArgumentParser], None]
