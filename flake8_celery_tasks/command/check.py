"""A run of `check`."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.command.pool import FEW, spread
from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.violation import PREFIX, UNPARSED, is_broken
from flake8_celery_tasks.engine import baseline, loader, session
from flake8_celery_tasks.engine.findings import Finding, Outcome
from flake8_celery_tasks.engine.seen import total
from flake8_celery_tasks.flake8_host import checker, reporting
from flake8_celery_tasks.flake8_host.files import passing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8.statistics import Statistics
    from flake8.violation import Violation

    from flake8_celery_tasks.edits.edit import Remedy
    from flake8_celery_tasks.engine.baseline import Baseline, Entry, Identity
    from flake8_celery_tasks.engine.run import Run
    from flake8_celery_tasks.fixer.rounds import Order
    from flake8_celery_tasks.flake8_host.configuration import Configuration
    from flake8_celery_tasks.flake8_host.parts import Part
    from flake8_celery_tasks.flake8_host.reporting import Checked


def decided(
    configuration: Configuration, checked: Sequence[Checked], names: list[str], order: Order | None = None
) -> Outcome:
    """Return what is reported of the findings in some files; `order` asks for fixes too."""
    looked_at = total((one.path, one.seen) for one in checked)
    checked = [one for one in checked if one.rows]
    scopes = {one.path: one.scopes for one in checked}
    violations, statistics = _decide(
        configuration, [_without_known(one, configuration.run.baseline) for one in checked]
    )
    findings = list(_findings(violations, scopes))
    found = _remedies(findings, order, configuration) if order else {}
    return Outcome(violations, statistics, findings, names, found, _unparsed(checked), _unknown(checked), looked_at)


def _decide(configuration: Configuration, checked: Sequence[Checked]) -> tuple[list[Violation], Statistics]:
    options = configuration.options
    return reporting.decide(reporting.with_unparsed(options) if _unparsed(checked) else options, checked)


def _unparsed(checked: Iterable[Checked]) -> list[str]:
    return [one.path for one in checked if any(row.code == UNPARSED for row in one.rows)]


def _unknown(checked: Iterable[Checked]) -> list[str]:
    """Return the files of which nothing is known."""
    return [one.path for one in checked if any(is_broken(row.code) for row in one.rows)]


def _remedies(findings: Sequence[Finding], order: Order, configuration: Configuration) -> dict[Finding, Remedy]:
    from flake8_celery_tasks.fixer import remedies as fixer_remedies

    paths = list(dict.fromkeys(finding.path for finding in findings))
    found = {
        (path, remedy.violation): remedy
        for path, remedies in spread(partial(fixer_remedies.remedies, order=order), paths, configuration, FEW)
        for remedy in remedies
    }
    keys = {finding: (finding.path, (finding.line, finding.column - 1, *finding[3:5])) for finding in findings}
    return {finding: found[key] for finding, key in keys.items() if key in found}


def check(configuration: Configuration, names: Sequence[str]) -> list[Checked]:
    """Return the findings in some files, known or not, selected or not; files that can't matter are left out."""
    run = configuration.run
    with regular.remembering():
        gated = passing(names, run)
        with contextlib.suppress(*errors.CAUGHT):  # it will be reported for the file
            session.expect(map(os.path.abspath, gated), run.options, run.excluded)
        return list(spread(partial(checker.check, configuration=configuration), gated, configuration))


# Known findings.


def _identities(checked: Checked) -> list[Identity]:
    # In the plugin's order: a file that could not be parsed has no other findings.
    return [baseline.identity(row.code, checked.scopes.get(row.line, ""), row.text) for row in checked.rows]


def _without_known(checked: Checked, known: Baseline | None) -> Checked:
    if known is None:
        return checked
    identities = _identities(checked)
    known.note(checked.path, identities)
    are_new = known.are_new(checked.path, identities)
    rows = [row for row, is_new in zip(checked.rows, are_new, strict=True) if is_new]
    return checked._replace(rows=rows)


class Written(NamedTuple):
    """How many findings a baseline contains, how many of them were kept, and what is reported of unknown files."""

    findings: int
    kept: int
    broken: list[Violation]


def write_baseline(parts: Sequence[Part], path: str, *, force: bool = False) -> Written:
    """Write the findings that would be reported to a baseline. Raises UsageError.

    The file's entries for other files that still exist, and for codes that are not selected, are kept, unless it is to
    be replaced as a whole. So are those for files of which nothing is known now.
    """
    folder = os.path.dirname(os.path.abspath(path))
    held = {} if force else _held(path)  # an invalid one is told of before anything is checked
    checked: list[Checked] = []
    reported = set()
    broken: list[Violation] = []
    for configuration, names, _ in parts:
        some = check(configuration, names)
        checked += some
        violations = _decide(configuration, some)[0]
        broken += (violation for violation in violations if is_broken(violation.code))
        for violation in violations:
            reported.add((violation.filename, violation.line_number, violation.code, violation.text))
    kept = _kept(held, folder, parts, _unknown(checked))
    none: Counter[Identity] = Counter()
    known: dict[str, Counter[Identity]] = {}
    for one in checked:
        counted = Counter(_identities(one))
        for row, identity in zip(one.rows, _identities(one), strict=True):
            if (
                (one.path, row.line, row.code, row.text) in reported
                and row.code.startswith(PREFIX)
                and not is_broken(row.code)
            ):
                # All of a kind: it is unknown which of them will be silenced on their lines when the baseline is
                # applied.
                known.setdefault(baseline.relative(one.path, folder), Counter())[identity] = counted[identity]
    try:
        written = baseline.write(path, {name: known.get(name, none) + kept.get(name, none) for name in known | kept})
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from None
    return Written(written, sum(counted.total() for counted in kept.values()), broken)


def _held(path: str) -> dict[str, Counter[Identity]]:
    """Return a baseline's entries. Raises UsageError if it is invalid."""
    if not os.path.isfile(path):  # it does not exist yet, or the target is a pipe
        return {}
    try:
        return baseline.load(path).known
    except baseline.BaselineError as error:
        raise UsageError(f"{error}; --force replaces it") from None


def _kept(
    held: dict[str, Counter[Identity]], folder: str, parts: Sequence[Part], unknown: Iterable[str]
) -> dict[str, Counter[Identity]]:
    """Return a baseline's entries that a run can't replace, for files that exist.

    These are the entries for files that it did not check, or of which it knows nothing, and for codes that are not
    reported.
    """
    names = {name: part.configuration for part in parts for name in part.names}
    checked = {baseline.relative(name, folder): name for name in names.keys() - set(unknown)}
    found = {}
    for name, counted in held.items():
        if name in checked:
            file = checked[name]
            codes = {code for code in {one.code for one in counted} if _is_left_out(code, file, names[file])}
            counted = Counter({one: count for one, count in counted.items() if one.code in codes})
        if counted and os.path.lexists(os.path.join(folder, name)):
            found[name] = counted
    return found


def _is_left_out(code: str, path: str, configuration: Configuration) -> bool:
    """Return whether there is a rule with a code, but its findings would not be reported in a file."""
    running = {rule.code for rule in loader.wanted(configuration.run.opted)}
    is_reported = code in running and reporting.are_selected(configuration.options, path, [code])
    return not is_reported and code in loader.codes()


def prune_baseline(outcome: Outcome, run: Run) -> list[Entry]:
    """Remove entries from the baseline that a run no longer found; return them. Raises UsageError."""
    listed = run.baseline
    assert listed is not None
    unknown = set(outcome.unknown)
    codes = {rule.code for rule in loader.wanted(run.opted)}
    gone = list(listed.outdated([name for name in outcome.files if name not in unknown], codes))
    if gone:
        try:
            listed.prune(gone)
        except OSError as error:
            raise UsageError(f"can't write {listed.path}: {error.strerror}") from None
    return gone


# The identity of findings.


def _findings(violations: Iterable[Violation], scopes: dict[str, dict[int, str]]) -> Iterator[Finding]:
    seen: Counter[tuple[str, Identity]] = Counter()
    for violation in violations:
        path, line = violation.filename, violation.line_number
        scope = scopes.get(path, {}).get(line, "")
        key = (path, baseline.identity(violation.code, scope, violation.text))
        yield Finding(path, line, violation.column_number, violation.code, violation.text, scope, seen[key])
        seen[key] += 1
