"""The subcommand `check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.command.output.writing import CLEAN, FOUND, take, tell, write
from flake8_celery_tasks.command.subcommands import shared
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.violation import is_broken

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from flake8.violation import Violation

    from flake8_celery_tasks.flake8_host.parts import Part


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to its parser."""
    from flake8_celery_tasks.flake8_host import configuration

    shared.add_paths(parser, "- reads standard input")
    shared.add_output(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--write-baseline",
        metavar="FILE",
        help="write the findings to FILE, for the option celery-baseline; entries in FILE for other files are kept",
    )
    instead.add_argument(
        "--prune-baseline",
        action="store_true",
        help="remove from the baseline findings that no longer exist; print them",
    )
    instead.add_argument(
        "--add-noqa", action="store_true", help="add a # noqa comment for each finding; existing comments are extended"
    )
    parser.add_argument("--force", action="store_true", help="with --write-baseline: replace the whole FILE")
    parser.add_argument(
        "--unused-noqa", action="store_true", help="report # noqa comments for our codes that silence nothing (CLY900)"
    )
    configuration.add_arguments(parser)


def run(given: argparse.Namespace) -> int:
    """Run the subcommand and return its exit code. Raises UsageError."""
    from flake8_celery_tasks.flake8_host import configuration
    from flake8_celery_tasks.flake8_host.files import files
    from flake8_celery_tasks.flake8_host.parts import parts

    form = shared.take_form(given)
    paths, target, fixes, known, force = (
        take(given, name) for name in ("paths", "output_file", "fixes", "write_baseline", "force")
    )
    if force and known is None:
        raise UsageError("--force needs --write-baseline")
    if known == "-":
        raise UsageError("--write-baseline needs the name of a file: the option celery-baseline reads it")
    prune, add_noqa, unused_noqa = (take(given, name) for name in ("prune_baseline", "add_noqa", "unused_noqa"))
    if known is not None:
        given.celery_baseline = ""
    if target is not None and "color" not in given:
        given.color = "never"
    configured = configuration.configuration_for(given, paths)
    found = parts(configured, given, files(configured.options))
    if known is not None:
        return _write_baseline(found, known, force=force)
    if add_noqa:
        return _add_noqa(found, paths)
    if prune and all(part.configuration.run.baseline is None for part in found):
        raise UsageError("--prune-baseline needs the option celery-baseline")
    form = shared.chosen(form, configured.options, target)
    if fixes and form != "sarif":
        raise UsageError("--fixes needs --output-format sarif")
    return _report(found, form, target, fixes=fixes, prune=prune, unused_noqa=unused_noqa)


def _report(
    found: Sequence[Part], form: str, target: str | None, *, fixes: bool, prune: bool, unused_noqa: bool
) -> int:
    from flake8_celery_tasks.command import services
    from flake8_celery_tasks.command.output import summary
    from flake8_celery_tasks.engine.run import collector_off

    options = found[0].configuration.options
    paths = options.filenames
    with collector_off():
        outcomes = services.outcomes(found, shared.orders(fixes=fixes), unused_noqa=unused_noqa)
        outcome = services.joined(outcomes)
    if not outcome.files and paths != ["-"]:
        tell(shared.nothing_in(paths))
    write(shared.rendered(form, outcome, options, target), target)
    shared.tell_of_unparsed(outcome.unparsed)
    if prune:
        for entry in services.prune_baselines(found, outcomes):
            tell(f"no longer found, removed from the baseline: {entry}")
    if paths != ["-"]:  # an editor asks
        summary.of_check(outcome, options)
    return FOUND if outcome.findings and not options.exit_zero else CLEAN


def _write_baseline(found: Sequence[Part], path: str, *, force: bool) -> int:
    from flake8_celery_tasks.command import check
    from flake8_celery_tasks.command.output.summary import count

    written, kept, broken = check.write_baseline(found, path, force=force)
    if not found[0].configuration.options.quiet:
        tell(f"{count(written, 'finding')} written to {path}")
        if kept:
            tell(f"{count(kept, 'finding')} of other rules or unchecked files kept; --force replaces the whole file")
    return _tell_of_broken(found, broken)


def _tell_of_broken(found: Sequence[Part], broken: Iterable[Violation]) -> int:
    """Print what is reported of files that could not be checked; return the exit code."""
    failed = [f"{one.filename}: {one.code} {one.text}" for one in broken]
    for said in failed:
        tell(f"{said}: not checked")
    return FOUND if failed and not found[0].configuration.options.exit_zero else CLEAN


def _add_noqa(found: Sequence[Part], paths: list[str]) -> int:
    from flake8_celery_tasks.command import noqa, services
    from flake8_celery_tasks.command.output.summary import count

    if "-" in paths:
        raise UsageError("--add-noqa changes files: it can't be used with standard input")
    violations = services.joined(services.outcomes(found, services.no_fixes)).violations
    silenced, files, left_alone = noqa.add(violations)
    for path, reason in left_alone:
        tell(f"{path}: {reason}")
    broken = _tell_of_broken(found, (one for one in violations if is_broken(one.code)))
    if not found[0].configuration.options.quiet:
        tell(f"{count(silenced, 'finding')} silenced in {count(files, 'file')}")
    return FOUND if left_alone else broken
