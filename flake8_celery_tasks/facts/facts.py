"""Turns candidates into facts once all names of the module are known. Each kind is computed when a rule asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.facts import apps, calls, canvas, imports, options, results
from flake8_celery_tasks.facts.apps import AppMade, Connection, Discovery, TaskClass
from flake8_celery_tasks.facts.calls import (
    Dropped,
    Invocation,
    OnCommit,
    Raise,
    RaisedMethod,
    Retry,
    SendingMethod,
    TaskCall,
    TaskLookup,
)
from flake8_celery_tasks.facts.canvas import Callback, Canvas, Handed, Linking, Receiver
from flake8_celery_tasks.facts.configured import schedules, settings
from flake8_celery_tasks.facts.configured.schedules import BeatEntry, Crontab
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.context import FileContext
from flake8_celery_tasks.facts.imports import Import, TaskImport
from flake8_celery_tasks.facts.options import MessageOption, QueueUse
from flake8_celery_tasks.facts.results import AwaitedResult, DirectCall, GivingUp, Returned, StateChange
from flake8_celery_tasks.facts.task import GoneTask, KeptTask, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.contract.agreement import Agreement


class Facts(FileContext):
    """The facts of one file, by kind."""

    def of(self, kind: type) -> Iterable[Any]:
        """Return the facts of a kind, in source order."""
        return KINDS[kind](self)

    @property
    def invocations(self) -> list[Invocation]:
        """The calls that send a task or create a signature."""
        return calls.invocations_in(self)

    @property
    def canvases(self) -> list[Canvas]:
        """The chains, groups and chords that the file creates."""
        return canvas.canvases(self)

    @property
    def configured(self) -> tuple[list[Setting], list[BeatEntry]]:
        """The places that configure Celery, and the entries of its beat schedules."""
        return settings.read(self)


def gone_tasks(facts: Facts) -> Iterator[GoneTask]:
    """Yield the recorded names that are gone and that concern the file."""
    found = _agreement(facts)
    for gone in () if found is None else found.gone_in(facts.module.place.path):
        task = None if gone.entry is None else _task(facts, gone.entry.definition)
        yield GoneTask(facts.project, facts.module, gone, task)


def kept_tasks(facts: Facts) -> Iterator[KeptTask]:
    """Yield the recorded names that tasks in the file have."""
    found = _agreement(facts)
    for kept in () if found is None else found.kept_in(facts.module.place.path):
        if (task := _task(facts, kept.entry.definition)) is not None:
            yield KeptTask(kept, task)


def _agreement(facts: Facts) -> Agreement | None:
    if facts.project.agreement is None:  # most projects have no record, and need nothing of this
        return None
    from flake8_celery_tasks.contract.agreement import agreement_of

    return agreement_of(facts.project)


def _task(facts: Facts, definition: Definition) -> Task | None:
    """Return the task of a definition in the file, with its nodes."""
    known = facts.task_by_place.get(definition.place)
    if known is not None:
        return known
    # One that a call makes from a function, `app.task(function)`, or a class that inherits `run`.
    candidates = facts.module.candidates
    return next(
        (
            Task(facts.project, definition, node, site, scope)
            for node, site, scope in (*candidates.functions, *candidates.classes)
            if (scope.qualname, node.lineno) == definition.place[1:]
        ),
        None,
    )


KINDS: Final[dict[type, Callable[[Facts], Iterable[Any]]]] = {
    Task: lambda facts: facts.tasks,
    TaskCall: calls.task_calls_in,
    Retry: calls.retries_in,
    Raise: calls.raises_in,
    RaisedMethod: calls.raised_methods,
    Import: imports.names_imported,
    TaskImport: imports.imports_in,
    Invocation: calls.invocations_in,
    SendingMethod: calls.sending_methods,
    Dropped: calls.dropped_in,
    TaskLookup: calls.lookups_in,
    MessageOption: options.message_options,
    OnCommit: calls.on_commits_in,
    Returned: results.returned,
    DirectCall: results.direct_calls,
    StateChange: results.state_changes,
    AwaitedResult: results.awaited_results,
    GivingUp: results.giving_up,
    AppMade: apps.apps_made_in,
    Discovery: apps.discoveries,
    TaskClass: apps.task_classes,
    Connection: apps.connections,
    Canvas: canvas.canvases,
    Callback: canvas.callbacks,
    Linking: canvas.linking,
    Receiver: canvas.receivers,
    Handed: canvas.handed,
    Crontab: schedules.crontabs,
    BeatEntry: lambda facts: facts.configured[1],
    QueueUse: options.queue_uses,
    Setting: lambda facts: facts.configured[0],
    GoneTask: gone_tasks,
    KeptTask: kept_tasks,
    Facts: lambda facts: [facts],
}
