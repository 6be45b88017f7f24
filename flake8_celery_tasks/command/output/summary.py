"""The last line on standard error: what was found or fixed, and what was checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.command.output.writing import say
from flake8_celery_tasks.engine import loader

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from flake8_celery_tasks.engine.findings import Outcome
    from flake8_celery_tasks.engine.seen import Total
    from flake8_celery_tasks.engine.survey.inventory import Entry


def count(number: int, what: str, many: str = "") -> str:
    """Return a number with its noun.

    >>> count(1, "file"), count(2, "file")
    ('1 file', '2 files')
    """
    return f"{number} {what if number == 1 else many or f'{what}s'}"


def of_check(outcome: Outcome, options: argparse.Namespace) -> None:
    """Print what a run of `check` has found, unless it is to be quiet."""
    if options.quiet:
        return
    seen = outcome.seen
    looked_at = f"{count(seen.tasks, 'task')} in {seen.files}"
    if outcome.findings:
        paths = {finding.path for finding in outcome.findings}
        found = f"Found {count(len(outcome.findings), 'problem')} in {count(len(paths), 'file')}"
        found = f"{found}{_fixable(outcome)}; {looked_at} {'file' if seen.files == 1 else 'files'}."
    elif outcome.files:
        found = f"No problems found; {looked_at} of {count(len(outcome.files), 'file')}."
    else:
        return
    say(f"{found}{_unknown(seen)}")


def of_contract(outcome: Outcome, tasks: int, before: str, options: argparse.Namespace) -> None:
    """Print what a comparison with an earlier state has found, unless it is to be quiet."""
    if options.quiet:
        return
    compared = f"{count(tasks, 'task')} compared with {before}"
    if outcome.findings:
        paths = {finding.path for finding in outcome.findings}
        say(f"Found {count(len(outcome.findings), 'problem')} in {count(len(paths), 'file')}; {compared}.")
    else:
        say(f"No problems found; {compared}.")


def _fixable(outcome: Outcome) -> str:
    """Return how many findings can be fixed: exactly if fixes were computed, otherwise by the rules that have fixes."""
    if outcome.remedies:
        safe = sum(remedy.safe for remedy in outcome.remedies.values())
        unsafe, most = len(outcome.remedies) - safe, ""
    else:
        rules = loader.named(finding.code for finding in outcome.findings)
        kinds = [rules[finding.code].fixes if finding.code in rules else "" for finding in outcome.findings]
        safe, unsafe, most = sum(kind.startswith("safe") for kind in kinds), kinds.count("unsafe"), "up to "
    if safe and unsafe:
        return f" ({most}{safe} fixable with fix, {unsafe} more with fix --unsafe)"
    if safe:
        return f" ({most}{safe} fixable with fix)"
    return f" ({most}{unsafe} fixable with fix --unsafe)" if unsafe else ""


def _unknown(seen: Total) -> str:
    """Return a message about decorators that look like Celery's: it is unknown whether they create tasks."""
    if not seen.unknown:
        return ""
    what = count(seen.unknown, "decorator has", "decorators have")
    such = "resolved:" if seen.unknown == 1 else "resolved, such as"
    which = seen.name or ("" if seen.unknown == 1 else "the one")
    place = " ".join(filter(None, (such, which, "at", seen.place)))
    hint = f" (name it with --celery-task-decorators={seen.name} if it makes tasks)" if seen.name else ""
    return f" {what} Celery's keywords and can't be {place}{hint}."


def of_fix(fixed: int, files: int, options: argparse.Namespace, *, as_diff: bool) -> None:
    """Print what a run of `fix` has fixed or would fix, unless it is to be quiet."""
    if not options.quiet:
        what = f"{count(fixed, 'problem')} in {count(files, 'file')}"
        say(f"Would fix {what}." if as_diff else f"Fixed {what}.")


def of_tasks(found: Sequence[Entry], options: argparse.Namespace) -> None:
    """Print how many tasks are listed, unless it is to be quiet."""
    if not options.quiet:
        files = {entry.path for entry in found if entry.line}
        say(f"{count(len(found), 'task')} in {count(len(files), 'file')}.")
