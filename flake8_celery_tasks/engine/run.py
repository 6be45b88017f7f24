"""The parameters of one run of the linter: a value that is passed down from flake8 or from the command."""

from __future__ import annotations

import contextlib
import gc
import os
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.core import options as core_options
from flake8_celery_tasks.core import spelling
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.core.violation import INTERNAL, PREFIX, UNUSED
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flake8_celery_tasks.contract.record import Record
    from flake8_celery_tasks.engine.baseline import Baseline


class Run(NamedTuple):
    """Our options, flake8's patterns of excluded files, prefixes of codes that switch opt-in rules on, and the rest."""

    options: Options = Options()
    excluded: tuple[str, ...] = ()
    opted: tuple[str, ...] = ()
    #: The texts that make a file worth checking.
    marks: tuple[str, ...] = gate.MARKS
    #: The known findings.
    baseline: Baseline | None = None
    #: The last parts of the names of modules that a record names: their files matter, whatever they contain now.
    recorded: frozenset[str] = frozenset()
    #: The codes of the only rules that run, if not all do.
    codes: frozenset[str] = frozenset()

    def passes(self, filename: str, text: str) -> bool:
        """Return whether a file's text makes it worth traversing; `concern` also considers its decorators."""
        return gate.passes(text, self.marks) or (
            bool(self.recorded) and gate.holds_module(os.path.abspath(filename), self.recorded)
        )

    def by_record(self, record: Record, codes: Iterable[str] = ()) -> Run:
        """Return a run that checks the files of the modules that a record names, with only some rules if given."""
        ends = frozenset(".".join(task.module.split(".")[-2:]) for task in record.tasks.values())
        return self._replace(recorded=ends, codes=frozenset(codes))


_beginnings: list[Callable[[], None]] = []


def at_beginning(call: Callable[[], None]) -> None:
    """Register a function to be called when a run begins: this process may have done one before, as in an editor."""
    _beginnings.append(call)


def begin(namespace: argparse.Namespace, arguments: Sequence[str]) -> Run:
    """Begin a run with the options that flake8 has parsed, and return it.

    `arguments` are the command line's. Raises ValueError, with a message that names the option, for a value that an
    option does not accept.
    """
    options = core_options.from_namespace(namespace)
    _check_codes(namespace, arguments)
    for call in _beginnings:
        call()
    baseline = None
    if options.celery_baseline:
        from flake8_celery_tasks.engine.baseline import BaselineError, load

        try:
            baseline = load(options.celery_baseline)
        except BaselineError as error:
            raise ValueError(f"argument --celery-baseline: {error}") from None
    run = Run(
        options,
        (*(namespace.exclude or ()), *(namespace.extend_exclude or ())),
        core_options.opted(namespace, arguments),
        gate.marks_of(options.celery_task_decorators),
        baseline,
    )
    return _with_records(run) if options.celery_contract or options.celery_known_tasks else run


def _check_codes(namespace: argparse.Namespace, arguments: Sequence[str]) -> None:
    """Raise ValueError if flake8's options name a code, or code prefix, of ours that doesn't exist."""
    for option, code in core_options.codes_given(namespace, arguments):
        if problem := unknown(code):
            raise ValueError(f"argument --{option}: {problem}")


def unknown(code: str) -> str:
    """Return the message for a code, or code prefix, of ours that doesn't exist, an empty string for one that does.

    >>> unknown("CLY10"), unknown("CLY4033")
    ('', 'there is no rule CLY4033, did you mean CLY403?')
    """
    if code in (PREFIX, core_options.OPT_IN):
        return ""
    from flake8_celery_tasks.engine import loader

    known = (*loader.codes(), INTERNAL, UNUSED)
    if any(one.startswith(code) for one in known):
        return ""
    meant = spelling.close_match(code, known)
    return f"there is no rule {code}" + (f", did you mean {meant}?" if meant else "")


def _with_records(run: Run) -> Run:
    """Return a run with the records that its options name. Raises ValueError for one that is invalid."""
    from flake8_celery_tasks.contract import known, record

    option = "celery-known-tasks"
    try:
        known.load(run.options.celery_known_tasks)
        option = "celery-contract"
        return run.by_record(record.load(run.options.celery_contract)) if run.options.celery_contract else run
    except record.RecordError as error:
        raise ValueError(f"argument --{option}: {error}") from None


_is_settled = False


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Switch the garbage collector off: searching the nodes of many trees takes as long as everything else."""
    global _is_settled
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if not _is_settled:  # what has been imported by now stays, and need not be searched either
                _is_settled = True
                gc.freeze()
            gc.enable()
