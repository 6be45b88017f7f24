"""What one run of the linter was told: a value that is handed down from flake8, or from the command."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.core import options as core_options
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.engine.baseline import Baseline


class Run(NamedTuple):
    """Our options; flake8's patterns of what it excludes; prefixes of codes that switch opt-in rules on; the rest."""

    options: Options = Options()
    excluded: tuple[str, ...] = ()
    opted: tuple[str, ...] = ()
    #: What a file must hold to be looked at.
    marks: tuple[str, ...] = gate.MARKS
    #: The findings that are known.
    baseline: Baseline | None = None


_beginnings: list[Callable[[], None]] = []


def at_beginning(call: Callable[[], None]) -> None:
    """Have a function called when a run begins: this process may have done one before, as an editor's does."""
    _beginnings.append(call)


def begin(namespace: argparse.Namespace, arguments: Sequence[str]) -> Run:
    """Begin a run with the options that flake8 has parsed, and return what they say.

    `arguments` are those of the command line. Raises ValueError, with a message that names the option, for a value that
    an option does not take.
    """
    options = core_options.from_namespace(namespace)
    for call in _beginnings:
        call()
    baseline = None
    if options.celery_baseline:
        from flake8_celery_tasks.engine.baseline import BaselineError, load

        try:
            baseline = load(options.celery_baseline)
        except BaselineError as error:
            raise ValueError(f"argument --celery-baseline: {error}") from None
    return Run(
        options,
        (*(namespace.exclude or ()), *(namespace.extend_exclude or ())),
        core_options.opted(namespace, arguments),
        gate.marks_of(options.celery_task_decorators),
        baseline,
    )
