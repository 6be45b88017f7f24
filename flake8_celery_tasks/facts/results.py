"""What a task returns, stores and waits for, and whether other code calls it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import dotted, last_name
from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, IMPORT, MODULE, Site
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import INVOKING
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.objects import ResultThing, TaskThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.context import Fact, FileContext
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


#: Methods of a result that wait.
_WAITS: Final = frozenset({"collect", "get", "join", "join_native", "wait"})


class Returned(Fact[ast.expr]):
    """An expression that a task may return.

    `node` is the returned expression, or one side of it for `a if x else b` or `a or b`. `values` are the expressions
    that it may stand for, each with its place: the expression itself or, for a local name, its assigned values; empty
    if the name may stand for something else.
    """

    def __init__(self, context: FileContext, task: Task, node: ast.expr, site: Site) -> None:
        super().__init__(context, node, site)
        self.task = task
        self.values = list(values_of(node, site))

    @property
    def name(self) -> str | None:
        """The local name that is returned, None for any other expression."""
        return self.node.id if isinstance(self.node, ast.Name) else None


def returned(context: FileContext) -> Iterator[Returned]:
    """Yield what the tasks of a file return, in source order. Coroutines and generators are skipped."""
    for task in context.tasks:
        function = task.function
        found = inside(context, function)
        if found.scope.yields or isinstance(function, ast.AsyncFunctionDef):
            continue
        for statement in found.scope.returns:
            if statement.value is not None:
                for node in _sides(statement.value):
                    yield Returned(context, task, node, found)


def inside(context: FileContext, function: FunctionNode) -> Site:
    """Return the place inside a function of the file, for nodes in it that have no place of their own."""
    return _insides(context)[id(function)]


@query()
def _insides(context: FileContext) -> dict[int, Site]:
    """Return the place inside each function, by the identity of its node."""
    return {id(node): Site(site, FUNCTION, node, scope) for node, site, scope in context.module.candidates.functions}


def _sides(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from _sides(node.body)
        yield from _sides(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _sides(value)
    elif isinstance(node, ast.NamedExpr):
        yield from _sides(node.value)
    else:
        yield node


def values_of(node: ast.expr, site: Site) -> Iterator[tuple[ast.expr, Site]]:
    """Yield what an expression may stand for, each with its place: a local name's assigned values, otherwise itself.

    Yields nothing for a name that may stand for something else too, such as a parameter.
    """
    yield from _values(node, site) or ()


#: How many names are followed, from one to the next.
_NAMES: Final = 5


def _values(node: ast.expr, site: Site) -> list[tuple[ast.expr, Site]] | None:
    """Return what `values_of` yields, None for what can't be told."""
    values: list[tuple[ast.expr, Site]] = []
    seen: set[tuple[int, str]] = set()
    pending = [(node, site, 0)]
    while pending:
        node, site, steps = pending.pop()
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if found is None or not isinstance(node, ast.Name) or found[0].kind != FUNCTION:
            values.append((node, site))
            continue
        key = id(found[0]), node.id
        if key in seen:
            continue  # `x = x or 1` adds nothing to what x may be
        seen.add(key)
        if steps == _NAMES or not all(binding.kind == ASSIGN for binding in found[1]):
            return None
        sides = [(side, binding.site, steps + 1) for binding in found[1] for side in _sides(binding.value)]
        pending += reversed(sides)
    return values


class DirectCall(Fact[ast.Call]):
    """A call of a task as a function: `task(1)`, `tasks.task(1)`. `defined` is the task's definition."""

    def __init__(self, context: FileContext, node: ast.Call, site: Site, definition: Definition) -> None:
        super().__init__(context, node, site)
        self.defined = Defined(context.project, definition)


def direct_calls(context: FileContext) -> Iterator[DirectCall]:
    """Yield the calls of tasks as functions, in source order, if the module has a name for the task."""
    known: dict[tuple[str, int], Definition | None] = {}
    for call, site in context.module.candidates.calls:
        root, attributes = dotted(call.func)
        if not isinstance(root, ast.Name) or (attributes and attributes[-1] in INVOKING):
            continue
        found = site.scope.find(root.id)
        if found is None:
            continue
        key = ".".join((root.id, *attributes)), id(found[0])
        if key not in known:
            may_be_task = all(_may_be_task(binding, attributes) for binding in found[1])
            known[key] = _task_behind(context, call.func, site) if may_be_task else None
        definition = known[key]
        if definition is not None:
            yield DirectCall(context, call, site, definition)


def _may_be_task(binding: Binding, attributes: tuple[str, ...]) -> bool:
    """Return whether a name with attributes is worth following in search of a task."""
    if binding.kind == FUNCTION:
        return not attributes and bool(binding.definition.decorator_list)
    return binding.kind == IMPORT or (binding.kind == ASSIGN and isinstance(binding.node, (ast.Name, ast.Attribute)))


def _task_behind(context: FileContext, func: ast.expr, site: Site) -> Definition | None:
    """Return the function-based task that an expression names."""
    value = context.module.value(func, site.scope)
    if not isinstance(value, Ref) or not context.project.leads_to_celery(value.path, context.module):
        return None
    target = context.project.resolve(value.path, context.module)
    return definitions.definition_of(context.project, target) if isinstance(target.symbol, Function) else None


def is_called(task: Task) -> bool:
    """Return whether code outside tests may call a task as a function, and so use what it returns."""
    project, name = task.project, task.node.name
    for path in project.layout.files():
        if path == task.module.place.path or name.encode() in (project.files.read(path) or b""):
            called = _called_in(project, task.module, path)
            if called is None or task.definition.place in called.places or name in called.lost:
                return True
    return False


class _Called(NamedTuple):
    """What a file calls as functions: the places of tasks, and the names that can't be resolved."""

    places: set[tuple[str, str, int]]
    lost: set[str]


@query(key=lambda module, path: (module.place.path, path))
def _called_in(project: Project, module: Module, path: str) -> _Called | None:
    """Return the tasks of a module that a file may call: `task(1)`, `task.run(1)`, `map(task, x)`; None if broken.

    Calls in tests don't count.
    """
    found = module if path == module.place.path else project.module(path)
    if found is None:
        return None
    called = _Called(set(), set())
    if project.is_test(found):
        return called
    context = FileContext(project, found)
    names = {qualname.rpartition(".")[2] for qualname, _ in module.definable()}
    # A reference to an instance of a class may have any name.
    has_classes = any(isinstance(symbol, Class) for name, _ in module.definable() for symbol in module.symbols(name))
    calls = found.candidates.calls if has_classes else context.calls_named(*names, *_RUNS)
    for call, site in calls:
        _note(context, call.func, site, called)
    for call, site in found.candidates.calls:
        is_registered = last_name(call.func) in ("register", "register_task")
        for given in () if is_registered else (*call.args, *(keyword.value for keyword in call.keywords)):
            if isinstance(given, (ast.Name, ast.Attribute)) and last_name(given) in names:
                _note(context, given, site, called)
    return called


#: What runs a task here, besides a call of the task itself.
_RUNS: Final = ("__wrapped__", "apply", "run")


def _note(context: FileContext, func: ast.expr, site: Site, called: _Called) -> None:
    """Record what is called, or whose `run` is called. Calling a class creates an instance."""
    if isinstance(func, ast.Attribute) and func.attr in _RUNS:
        func = func.value
    value = context.module.value(func, site.scope)
    if isinstance(value, Ref):
        target = context.project.resolve(value.path, context.module)
        if target.unread:
            called.lost.add(target.path.rpartition(".")[2])
        if target.unread or isinstance(target.symbol, Class):
            return
    # A name with several values may be any of them.
    found = site.scope.find(func.id) if isinstance(func, ast.Name) else None
    bound = [(binding.value, binding.site) for binding in found[1] if binding.kind == ASSIGN] if found else []
    for node, place in ((func, site), *bound):
        thing = context.thing(node, place)
        if isinstance(thing, TaskThing) and thing.definition is not None:
            called.places.add(thing.definition.place)


# What is stored while the task runs, and what it waits for.


class StateChange(Fact[ast.Call]):
    """A call of `update_state`, and its arguments by name."""

    def __init__(self, context: FileContext, node: ast.Call, site: Site) -> None:
        super().__init__(context, node, site)
        assert isinstance(node.func, ast.Attribute)
        self.owner = node.func.value
        self.given = {keyword.arg: keyword.value for keyword in node.keywords}
        self.given.update(zip(("task_id", "state", "meta"), node.args, strict=False))

    @property
    def state(self) -> str | None:
        """The state that it sets, as a string or from `celery.states`; None if it can't be determined."""
        if "state" not in self.given:
            return None
        value = self.settled(self.given["state"])
        if isinstance(value, Target):
            owner, _, name = value.path.rpartition(".")
            value = name if owner == "celery.states" else None
        return value if isinstance(value, str) else None

    @property
    def is_of_running_task(self) -> bool:
        """Whether it is a method of the running task."""
        return self.context.is_running_task(self.owner, self.site)

    @property
    def is_of_task(self) -> bool:
        """Whether it is a method of a task."""
        return self.is_of_running_task or isinstance(self.context.thing(self.owner, self.site), TaskThing)

    @property
    def lacks_type(self) -> bool:
        """Whether `meta` is certainly a non-empty dict without `exc_type`."""
        node, site = self.given.get("meta"), self.site
        meta = None if node is None else self.settled(node)
        if not isinstance(meta, Table) or not meta.complete or not meta or "exc_type" in meta:
            return False
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(node, ast.Name) or found is None or found[0].kind == MODULE:
            return True
        # A dict with a local name may be filled later.
        loads = [inner for inner in ast.walk(found[0].node) if isinstance(inner, ast.Name) and inner.id == node.id]
        return len([inner for inner in loads if isinstance(inner.ctx, ast.Load)]) == 1


def state_changes(context: FileContext) -> Iterator[StateChange]:
    """Yield the calls of `update_state` in a file, in source order."""
    for call, site in context.calls_named("update_state"):
        if isinstance(call.func, ast.Attribute):
            yield StateChange(context, call, site)


class AwaitedResult(Fact[ast.Call]):
    """A call in a task's body that waits for the result of another task: `result.get()`."""

    def __init__(
        self, context: FileContext, node: ast.Call, site: Site, method: str, task: Task, result: ResultThing
    ) -> None:
        super().__init__(context, node, site)
        self.method = method
        self.task = task
        self.result = result


def awaited_results(context: FileContext) -> Iterator[AwaitedResult]:
    """Yield the calls in task bodies that wait for a result."""
    for call, site in context.module.candidates.calls:
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr not in _WAITS:
            continue
        task = context.task_at(site)
        result = None if task is None else context.thing(func.value, site)
        if task is not None and isinstance(result, ResultThing):
            yield AwaitedResult(context, call, site, func.attr, task, result)


class GivingUp:
    """A `try` in a task's function with handlers for `MaxRetriesExceededError`. `caught` are the handled types."""

    def __init__(self, context: FileContext, task: Task, node: ast.Try, caught: list[ast.expr]) -> None:
        self.context = context
        self.module = context.module
        self.task = task
        self.node = node
        self.caught = caught


def giving_up(context: FileContext) -> Iterator[GivingUp]:
    """Yield the `try` statements in a file's tasks that handle `MaxRetriesExceededError`."""
    for task in context.tasks if context.module.source.may_hold("MaxRetriesExceededError") else ():
        site = inside(context, task.function)
        for node in _try_statements(task.function):
            types = [handler.type for handler in node.handlers if handler.type is not None]
            caught = [item for item in types if is_max_retries(context, item, site)]
            if caught:
                yield GivingUp(context, task, node, caught)


def is_max_retries(context: FileContext, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is `MaxRetriesExceededError`, Celery's or a task's."""
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return False
    if isinstance(node, ast.Attribute) and node.attr == "MaxRetriesExceededError":
        return True  # `self.MaxRetriesExceededError` is the same
    value = settled(context.project, context.module, node, site)
    return isinstance(value, Target) and value.path == exceptions.MAX_RETRIES


def _try_statements(function: FunctionNode) -> Iterator[ast.Try]:
    """Yield the `try` statements of a function, but not those of nested functions."""
    pending: list[ast.AST] = [*function.body]
    while pending:
        node = pending.pop(0)
        if isinstance(node, exceptions.TRIES):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            pending[:0] = ast.iter_child_nodes(node)
