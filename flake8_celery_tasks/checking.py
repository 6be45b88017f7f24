"""One run of `check`: the files that pass the gate, in several processes where there are many, and what is new."""

from __future__ import annotations

import contextlib
import gc
import itertools
import multiprocessing
import os
import signal
import sys
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from flake8_celery_tasks import baseline, engine, front, layout, project
from flake8_celery_tasks.errors import UsageError
from flake8_celery_tasks.options import Options
from flake8_celery_tasks.plugin import Plugin

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flake8.statistics import Statistics
    from flake8.violation import Violation

    from flake8_celery_tasks.baseline import Entry, Identity
    from flake8_celery_tasks.fixing import Order, Remedy
    from flake8_celery_tasks.front import Checked

#: From how many files on that pass the gate other processes are worth their start.
LARGE: Final = 64

#: The same for work that takes longer.
FEW: Final = 8

#: After how many files a process looks for garbage after all.
_COLLECTED: Final = 250

Done = TypeVar("Done")

_turns = itertools.count(1)

#: How many files one process gets at a time: neighbours ask for the same modules.
_CHUNK: Final = 4


class Finding(NamedTuple):
    """One report: line and column from 1. `scope` is the definition that it stands in, `number` counts equal ones."""

    path: str
    line: int
    column: int
    code: str
    text: str
    scope: str
    number: int = 0


class Outcome(NamedTuple):
    """What a run has found: what is reported, as flake8 keeps it and as we do, and the files that it looked at."""

    violations: list[Violation]
    statistics: Statistics
    findings: list[Finding]
    files: list[str]
    #: How to mend them, where that was asked for.
    remedies: dict[Finding, Remedy]


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Leave the garbage be: to look for it among the nodes of many trees takes as long as everything else."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def run(options: Namespace, order: Order | None = None) -> Outcome:
    """Check the files of the options; `order` asks for the fixes too. Raises UsageError."""
    names = front.files(options)
    checked = check(options, names)
    scopes = {one.path: one.scopes for one in checked}
    violations, statistics = front.decide(options, [_without_known(one) for one in checked])
    findings = list(_findings(violations, scopes))
    return Outcome(violations, statistics, findings, names, _remedies(findings, order, options) if order else {})


def _remedies(findings: Sequence[Finding], order: Order, options: Namespace) -> dict[Finding, Remedy]:
    from flake8_celery_tasks import fixing

    paths = list(dict.fromkeys(finding.path for finding in findings))
    found = {
        (path, remedy.violation): remedy
        for path, remedies in spread(partial(fixing.remedies, order=order), paths, options, FEW)
        for remedy in remedies
    }
    keys = {finding: (finding.path, (finding.line, finding.column - 1, *finding[3:5])) for finding in findings}
    return {finding: found[key] for finding, key in keys.items() if key in found}


def check(options: Namespace, names: Sequence[str]) -> list[Checked]:
    """Return what is found in some files, known or not, selected or not; files without any are left out."""
    return [one for one in spread(partial(front.check, options=options), front.passing(names), options) if one.rows]


def spread(work: Callable[[str], Done], names: Sequence[str], options: Namespace, large: int = LARGE) -> Iterator[Done]:
    """Yield what comes of some work on each file, in any order; in several processes where there are many files."""
    jobs = min(front.jobs(options), len(names))
    if jobs < 2 or len(names) < large:
        for name in names:
            _take_turn()
            yield work(name)
        return
    # What all processes would find out, each for itself.
    known = project.project_of(os.path.abspath(names[0]), Plugin.options or Options(), Plugin.excluded)
    context = _context()
    known.is_saved_later = context.get_start_method() == "fork"  # others read what is saved
    _ = known.tasks, engine.rules()
    with contextlib.ExitStack() as stack:
        with _uninterrupted():
            pool = stack.enter_context(context.Pool(jobs, _start, (work, options)))
        found = pool.imap_unordered(_call, names, _CHUNK)
        known.save()
        yield from found


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put off interruption: a pool that is made by half can hang, and processes that start have much to say of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _context() -> multiprocessing.context.BaseContext:
    # On macOS a fork can hang in the system's libraries.
    fork = sys.platform != "darwin" and "fork" in multiprocessing.get_all_start_methods()
    return multiprocessing.get_context("fork" if fork else None)


_work: Callable[[str], Any] | None = None  # of this process


def _start(work: Callable[[str], Any], options: Namespace) -> None:
    """Make a process ready."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()
    _work = work
    if Plugin.options is None:  # it was not forked
        front.adopt(options)


def _call(name: str) -> Any:
    assert _work is not None
    _take_turn()
    return _work(name)


def _take_turn() -> None:
    if next(_turns) % _COLLECTED == 0:
        gc.collect()


# What is known.


def _identities(checked: Checked) -> list[Identity]:
    # In the order of the plugin: what could not be parsed stands alone.
    return [baseline.identity(row.code, checked.scopes.get(row.line, ""), row.text) for row in checked.rows]


def _without_known(checked: Checked) -> Checked:
    if Plugin.baseline is None:
        return checked
    unknown = Plugin.baseline.unknown(checked.path, _identities(checked))
    rows = [row for row, is_new in zip(checked.rows, unknown, strict=True) if is_new]
    return checked._replace(rows=rows)


def write_baseline(options: Namespace, path: str) -> int:
    """Write what would be reported into a baseline; return how many findings are in it."""
    checked = check(options, front.files(options))
    folder = os.path.dirname(os.path.abspath(path))
    reported = set()
    for violation in front.decide(options, checked)[0]:
        reported.add((violation.filename, violation.line_number, violation.code, violation.text))
    known: dict[str, Counter[Identity]] = {}
    for one in checked:
        counted = Counter(_identities(one))
        for row, identity in zip(one.rows, _identities(one), strict=True):
            if (one.path, row.line, row.code, row.text) in reported and row.code.startswith(front.PREFIX):
                # All of a kind: whether one of them is silenced in its line is not known where the baseline is applied.
                known.setdefault(baseline.relative(one.path, folder), Counter())[identity] = counted[identity]
    try:
        return baseline.write(path, known)
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}") from None


def prune_baseline(outcome: Outcome) -> list[Entry]:
    """Drop from the baseline what a run has not found any more; return it. Raises UsageError."""
    listed = Plugin.baseline
    assert listed is not None
    broken = {finding.path for finding in outcome.findings if finding.code.startswith(front.BROKEN)}
    codes = {rule.code for rule in engine.wanted(Plugin.opted)}
    gone = list(listed.outdated([name for name in outcome.files if name not in broken], codes))
    if gone:
        try:
            listed.prune(gone)
        except OSError as error:
            raise UsageError(f"can't write {listed.path}: {error.strerror}") from None
    return gone


# What is told apart.


def _findings(violations: Iterable[Violation], scopes: dict[str, dict[int, str]]) -> Iterator[Finding]:
    seen: Counter[tuple[str, Identity]] = Counter()
    for violation in violations:
        path, line = violation.filename, violation.line_number
        scope = scopes.get(path, {}).get(line, "")
        key = (path, baseline.identity(violation.code, scope, violation.text))
        yield Finding(path, line, violation.column_number, violation.code, violation.text, scope, seen[key])
        seen[key] += 1


def fingerprint(finding: Finding) -> str:
    """Return a digest that stays the same when lines move, and is no other finding's."""
    import hashlib

    path = os.path.abspath(finding.path)
    root = layout.find_root(os.path.dirname(path)) or os.getcwd()
    code, scope, text = baseline.identity(finding.code, finding.scope, finding.text)
    parts = (baseline.relative(path, root), code, scope, text, str(finding.number))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
