"""Candidates to facts, when all names of the module are known. Each kind of fact is made when a rule asks for it."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import INVOKING
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.celery_model.objects import AppThing, CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.facts import canvas, results, schedules, settings
from flake8_celery_tasks.facts.calls import (
    AppMade,
    Invocation,
    OnCommit,
    QueueUse,
    Raise,
    TaskCall,
    on_commits_in,
    queue_uses,
)
from flake8_celery_tasks.facts.canvas import Canvas
from flake8_celery_tasks.facts.context import FileContext
from flake8_celery_tasks.facts.imports import TaskImport, imports_in
from flake8_celery_tasks.facts.results import DirectCall, Returned
from flake8_celery_tasks.facts.schedules import BeatEntry, Crontab
from flake8_celery_tasks.facts.settings import Setting
from flake8_celery_tasks.facts.task import GoneTask, KeptTask, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.objects import Thing


#: Exceptions of Celery that steer a task.
STEERING: Final = frozenset({"celery.exceptions.Retry", "celery.exceptions.Reject", "celery.exceptions.Ignore"})


class Facts(FileContext):
    """The facts of one file, by their kinds."""

    def of(self, kind: type) -> Iterable[Any]:
        """Return the facts of a kind, in source order."""
        return KINDS[kind](self)

    @cached_property
    def task_calls(self) -> list[TaskCall]:
        """The calls of `retry` and `replace` on a task, from inside."""
        found = []
        for call, site in self.module.candidates.calls:
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr in ("retry", "replace"):
                task = self.task_at(site)
                if self._is_task(func.value, site, task):
                    found.append(TaskCall(self.project, self.module, task, call, site))
        return found

    @cached_property
    def raises(self) -> list[Raise]:
        """The `raise` statements in tasks that steer them: `Retry`, `Reject`, `Ignore`."""
        found = []
        for node, site in self.module.candidates.raises:
            exception = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if exception is None:
                continue
            value = self.module.value(exception, site.scope)
            if isinstance(value, Ref):
                target = self.project.resolve(value.path, self.module)
                task = self.task_at(site) if target.path in STEERING else None
                if task is not None:
                    found.append(Raise(task, node, site, target.path))
        return found

    @cached_property
    def invocations(self) -> list[Invocation]:
        """The calls that send a task or make a signature."""
        found = []
        by_function = {id(call) for call, _ in self.calls_named("signature", "subtask")}
        for call, site in self.calls_named(*INVOKING, "signature", "subtask"):
            func = call.func
            thing: Thing | None = None
            method = ""
            if isinstance(func, ast.Attribute) and func.attr in INVOKING:
                thing = self.thing(func.value, site)
                if _can(thing, func.attr):
                    method = func.attr
            if not method and id(call) in by_function:
                value = self.module.value(func, site.scope)
                if isinstance(value, Ref) and self.project.resolve(value.path, self.module).path == "celery.signature":
                    method, thing = "signature", None
            if method:
                statement = id(call) in self.module.candidates.statements
                task = self.task_at(site)
                found.append(
                    Invocation(self.project, self.module, call, site, method, thing, task, is_statement=statement)
                )
        return found

    @cached_property
    def canvases(self) -> list[Canvas]:
        """The chains, groups and chords that the file makes."""
        return canvas.canvases(self)

    @cached_property
    def canvas_at(self) -> dict[int, Canvas]:
        """The canvas that a call or `|` makes, by the identity of its node."""
        return {id(made.node): made for made in self.canvases}

    @cached_property
    def around_invocations(self) -> set[int]:
        """What stands around the calls that send or sign a task: the identities of statements, functions, lambdas."""
        return {id(around.node) for call in self.invocations for around in call.site.chain()}

    @cached_property
    def crontabs(self) -> list[Crontab]:
        """The calls of `crontab`."""
        return list(schedules.crontabs(self.project, self.module))

    @cached_property
    def configured(self) -> tuple[list[Setting], list[BeatEntry]]:
        """The places that configure Celery, and the entries of its beat schedules."""
        return settings.read(self)

    @cached_property
    def queue_uses(self) -> list[QueueUse]:
        """The places that name a queue."""
        return queue_uses(self, (*self.invocations, *self.task_calls), *self.configured)

    @cached_property
    def apps_made(self) -> list[AppMade]:
        """The calls that make a Celery app; what calls a factory of the project makes none, the factory does."""
        found = []
        # A class that inherits from `Celery` may be called anything.
        classes = self.calls_named(*(name for name in self._calls_by_name if name[:1].isupper()))
        for call, site in classes if self.module.source.may_hold("elery") else ():
            if not apps.makes_app(self.project, self.module, call, site):
                continue
            value = self.module.value(call.func, site.scope)
            target = self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None
            if target is not None and not isinstance(target.symbol, Function):
                found.append(AppMade(self.project, self.module, call, site))
        return found


def _can(thing: Thing | None, method: str) -> bool:
    """Return whether a thing has a method that sends or signs."""
    if isinstance(thing, AppThing):
        return method in ("send_task", "signature")
    if isinstance(thing, TaskThing):
        return method not in ("send_task", "set")
    return isinstance(thing, (SignatureThing, CanvasThing)) and method not in ("send_task", "s", "si", "signature")


def gone_tasks(facts: Facts) -> Iterator[GoneTask]:
    """Yield the recorded names that are gone and that the file tells of."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(facts.project)
    for gone in () if found is None else found.gone_in(facts.module.place.path):
        task = None if gone.entry is None else _task(facts, gone.entry.definition)
        yield GoneTask(facts.project, facts.module, gone, task)


def kept_tasks(facts: Facts) -> Iterator[KeptTask]:
    """Yield the recorded names that tasks of the file have."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(facts.project)
    for kept in () if found is None else found.kept_in(facts.module.place.path):
        if (task := _task(facts, kept.entry.definition)) is not None:
            yield KeptTask(kept, task)


def _task(facts: Facts, definition: Definition) -> Task | None:
    """Return the task of a definition in the file, with its nodes."""
    for task in facts.tasks:
        if task.definition.place == definition.place:
            return task
    # One that a call makes of a function, `app.task(function)`, or a class that inherits `run`.
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
    TaskCall: lambda facts: facts.task_calls,
    Raise: lambda facts: facts.raises,
    TaskImport: lambda facts: imports_in(facts),
    Invocation: lambda facts: facts.invocations,
    OnCommit: on_commits_in,
    Returned: results.returned,
    DirectCall: results.direct_calls,
    AppMade: lambda facts: facts.apps_made,
    Canvas: lambda facts: facts.canvases,
    Crontab: lambda facts: facts.crontabs,
    BeatEntry: lambda facts: facts.configured[1],
    QueueUse: lambda facts: facts.queue_uses,
    Setting: lambda facts: facts.configured[0],
    GoneTask: gone_tasks,
    KeptTask: kept_tasks,
    Facts: lambda facts: [facts],
}
