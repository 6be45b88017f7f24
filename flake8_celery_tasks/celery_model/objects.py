"""What an expression is in Celery's terms: a task, a signature, a canvas, a result, an app.

Like all code that follows names, it works on symbolic values, so an expression in another module is resolved the same
way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Union

from flake8_celery_tasks.binding.symbols import Bound, Class
from flake8_celery_tasks.binding.values import Invoke, Member, Operation, Param, Ref
from flake8_celery_tasks.catalog.methods import CHAINS, SENDS, SIGNS, SPREADS
from flake8_celery_tasks.celery_model import apps, definitions
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.celery_model.apps import App
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.resolution.project import Project


#: Canvas primitives.
CANVAS: Final = {
    "celery.chain": "chain",
    "celery.chord": "chord",
    "celery.group": "group",
    "celery.canvas._chain": "chain",
    "celery.canvas._chord": "chord",
    "celery.chunks": "chunks",
    "celery.task.chord": "chord",
    "celery.task.group": "group",
    "celery.xmap": "map",
    "celery.xstarmap": "starmap",
}

#: Result classes.
RESULTS: Final = frozenset(
    {
        "celery.result.AsyncResult",
        "celery.result.EagerResult",
        "celery.result.GroupResult",
        "celery.result.ResultSet",
    }
)


class TaskThing(Record):
    """A task: an object with `delay`. `definition` is None if only an annotation says so."""

    __slots__ = ("definition",)

    def __init__(self, definition: Definition | None) -> None:
        self.definition = definition


class SignatureThing(Record):
    """A signature of one task.

    It was created by `call` in `module`. `method` is the task's method (`s`, `si`, `signature`), or `signature` for one
    created by name, in which case `name` is the settled first argument.
    """

    __slots__ = ("call", "definition", "method", "module", "name")

    def __init__(
        self, definition: Definition | None, method: str, call: Invoke | None, module: Module, name: Any = None
    ) -> None:
        self.definition = definition
        self.method = method
        self.call = call
        self.module = module
        self.name = name


class CanvasThing(Record):
    """A chain, group, chord or the like, created by `call` in `module` (an operation for `a | b`)."""

    __slots__ = ("call", "kind", "module")

    def __init__(self, kind: str, call: Invoke | Operation, module: Module) -> None:
        self.kind = kind
        self.call = call
        self.module = module


class ResultThing(Record):
    """The result of sending something: a task, signature or canvas, or None if that is not known."""

    __slots__ = ("of",)

    def __init__(self, of: TaskThing | SignatureThing | CanvasThing | None) -> None:
        self.of = of


class AppThing(Record):
    """A Celery app."""

    __slots__ = ("app",)

    def __init__(self, app: App) -> None:
        self.app = app


Thing = Union[TaskThing, SignatureThing, CanvasThing, ResultThing, AppThing]  # noqa: UP007


def thing_of(project: Project, value: Value, module: Module, depth: int = 0) -> Thing | None:
    """Return what a value is in Celery's terms, None if there is no evidence that it is any of these."""
    if depth > 10:
        return None
    if isinstance(value, Ref):
        return _ref(project, value, module, depth)
    if isinstance(value, Param):
        return _annotated(project, value, module)
    if isinstance(value, Invoke):
        return _call(project, value, module, depth)
    if isinstance(value, Operation) and value.operator == "|":
        left = thing_of(project, value.operands[0], module, depth + 1)
        if isinstance(left, (SignatureThing, CanvasThing)):
            return CanvasThing("chain", value, module)
    return None


def _ref(project: Project, value: Ref, module: Module, depth: int) -> Thing | None:
    if not project.leads_to_celery(value.path, module):
        return None
    target = project.resolve(value.path, module)
    definition = definitions.definition_of(project, target)
    if definition is not None and target.symbol is not None:
        return TaskThing(definition)
    app = apps.app_of(project, target)
    if app is not None and not target.rest:
        return AppThing(app)
    if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
        return thing_of(project, target.symbol.value, target.module, depth + 1)
    if target.path == "celery.current_task":
        return TaskThing(None)
    return None


def _annotated(project: Project, value: Param, module: Module) -> Thing | None:
    if not isinstance(value.annotation, Ref):
        return None
    path = project.resolve(value.annotation.path, module).path
    if path == "celery.Task":
        return TaskThing(None)
    if path == "celery.Signature":
        return SignatureThing(None, "signature", None, module)
    if path == "celery.Celery":
        return AppThing(apps.App(path))
    if path in RESULTS:
        return ResultThing(None)
    return None


def _call(project: Project, value: Invoke, module: Module, depth: int) -> Thing | None:
    func = value.func
    if isinstance(func, Ref):
        if not project.leads_to_celery(func.path, module):
            return None
        target = project.resolve(func.path, module)
        if target.path in CANVAS:
            return CanvasThing(CANVAS[target.path], value, module)
        if target.path in ("celery.Signature", "celery.signature"):
            return _signature(project, value, module, depth)
        if target.path in RESULTS:
            return ResultThing(None)
        if target.rest and target.module is not None:
            owner = Target(target.path, target.module, target.symbol, target.rest[:-1])
            return of_method(project, _of_target(project, owner, depth), target.rest[-1], value, module, depth)
        if target.path.startswith("celery.current_app."):
            app: Thing = AppThing(apps.App("celery.current_app"))
            return of_method(project, app, target.path.rpartition(".")[2], value, module, depth)
        if target.symbol is None and not target.foreign and not target.lost and "." in target.path:
            owner_path, _, method = target.path.rpartition(".")
            found = apps.app_of(project, Target(owner_path))
            return None if found is None else of_method(project, AppThing(found), method, value, module, depth)
        made = apps.app_made_by(project, value, module)
        if made is not None:
            return AppThing(made)
        definition = definitions.definition_of(project, target)
        # Calling a class creates a task; calling the task made from it runs it.
        if definition is not None and isinstance(target.symbol, Class):
            return TaskThing(definition)
        return None
    if isinstance(func, Member):
        owner_thing = thing_of(project, func.value, module, depth + 1)
        return of_method(project, owner_thing, func.attribute, value, module, depth)
    called = thing_of(project, func, module, depth + 1) if isinstance(func, (Invoke, Operation)) else None
    if isinstance(called, (CanvasThing, SignatureThing)):
        # Calling a canvas sends it; calling a signature runs its task in this process.
        return ResultThing(called) if isinstance(called, CanvasThing) else None
    return None


def _of_target(project: Project, target: Target, depth: int) -> Thing | None:
    if target.rest:
        return None
    definition = definitions.definition_of(project, target)
    if definition is not None:
        return TaskThing(definition)
    app = apps.app_of(project, target)
    if app is not None:
        return AppThing(app)
    if isinstance(target.symbol, Bound) and target.module is not None:
        return thing_of(project, target.symbol.value, target.module, depth + 1)
    return None


def of_method(
    project: Project, owner: Thing | None, method: str, call: Invoke, module: Module, depth: int = 0
) -> Thing | None:
    """Return what calling a method of a Celery object returns."""
    if isinstance(owner, TaskThing):
        if method in SENDS or method == "apply":
            return ResultThing(owner)
        if method in SIGNS:
            return SignatureThing(owner.definition, method, call, module)
        if method in SPREADS:
            return CanvasThing(method, call, module)
        return ResultThing(None) if method == "AsyncResult" else None
    if isinstance(owner, (SignatureThing, CanvasThing)):
        if method in CHAINS:
            return owner
        return ResultThing(owner) if method in SENDS or method == "apply" else None
    if isinstance(owner, AppThing):
        if method == "send_task":
            return ResultThing(None)
        if method == "signature":
            return _signature(project, call, module, depth)
        if method in ("AsyncResult", "GroupResult", "ResultSet"):
            return ResultThing(None)
        if method in ("chain", "chord", "group"):
            return CanvasThing(method, call, module)
    return None


def _signature(project: Project, call: Invoke, module: Module, depth: int) -> SignatureThing | None:
    """Return the signature that `signature("name", ...)` creates, by name or from a task object."""
    if not call.args:
        return SignatureThing(None, "signature", call, module)
    first = thing_of(project, call.args[0], module, depth + 1)
    if isinstance(first, TaskThing):
        return SignatureThing(first.definition, "signature", call, module)
    return SignatureThing(None, "signature", call, module, project.settle(call.args[0], module))
