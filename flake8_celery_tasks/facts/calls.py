"""Calls that send, sign or control a task, as written in the file being checked."""

from __future__ import annotations

import ast
import bisect
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import branches
from flake8_celery_tasks.binding.scopes import FUNCTION, LAMBDA, TRY
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Ref
from flake8_celery_tasks.catalog.methods import CHAINS, DIRECT, INVOKING, SENDS, SENDS_ON_COMMIT, SIGNS, SPREADS
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.objects import CANVAS, AppThing, CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.context import Fact, FileContext
from flake8_celery_tasks.frameworks.django_transactions import is_on_commit
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: Celery's exceptions that control a task.
STEERING: Final = frozenset({"celery.exceptions.Retry", "celery.exceptions.Reject", "celery.exceptions.Ignore"})

_SIGNATURE: Final = "celery.signature"

#: Methods that tasks have and functions don't.
_METHODS: Final = SENDS | SENDS_ON_COMMIT | DIRECT

#: The functions that create signatures and canvases.
_SIGNING: Final = (*SIGNS, *SPREADS, *CHAINS, *(path.rpartition(".")[2] for path in CANVAS))


class TaskCall(Fact[ast.Call]):
    """A call of one of the task's own methods from inside the task: `self.retry(...)`, `self.replace(...)`.

    `task` is None in a helper method of a task class.
    """

    def __init__(self, context: FileContext, task: Task | None, node: ast.Call, site: Site) -> None:
        super().__init__(context, node, site)
        self.task = task

    @property
    def method(self) -> str:
        """The name of the method: `retry` or `replace`."""
        func = self.node.func
        assert isinstance(func, ast.Attribute)
        return func.attr

    @cached_property
    def options(self) -> list[ast.keyword]:
        """The keywords of the call, including those from a dict passed with `**`."""
        return _with_spread(self.project, self.module, self.node.keywords, self.site)

    def keyword(self, name: str) -> ast.keyword | None:
        """Return a keyword of the call."""
        return next((keyword for keyword in self.options if keyword.arg == name), None)

    def handlers(self) -> list[ast.ExceptHandler]:
        """Return the handlers around the call, innermost first."""
        return [
            # The last one that starts before the call: there may be as many handlers as calls.
            handlers[bisect.bisect_right(handlers, start_of(self.node), key=start_of) - 1]
            for around in self.site.chain()
            if around.kind == TRY and around.part == "handler"
            for handlers in (around.try_.handlers,)
        ]

    @property
    def has_spread(self) -> bool:
        """Whether `*` or `**` hides arguments."""
        return any(keyword.arg is None for keyword in self.node.keywords) or any(
            isinstance(arg, ast.Starred) for arg in self.node.args
        )

    def argument(self, name: str) -> Any:
        """Return the settled value of a keyword, MISSING if it is not given."""
        keyword = self.keyword(name)
        if keyword is None:
            return UNKNOWN if self.has_spread else MISSING
        return self.settled(keyword.value)


@query()
def task_calls_in(context: FileContext) -> list[TaskCall]:
    """Return the calls of `retry` and `replace` on a task, made from inside it."""
    found = []
    for call, site in context.module.candidates.calls:
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr not in ("retry", "replace"):
            continue
        if context.is_running_task(func.value, site):
            found.append(TaskCall(context, context.task_at(site), call, site))
    return found


class Raise:
    """A `raise` of a Celery exception in a task's body. `path` is its canonical name, `call` its call, if any."""

    def __init__(self, task: Task, node: ast.Raise, site: Site, path: str) -> None:
        self.project = task.project
        self.module = task.module
        self.task = task
        self.node = node
        self.site = site
        self.path = path

    @property
    def call(self) -> ast.Call | None:
        """The call that creates the exception, None if the class is raised."""
        return self.node.exc if isinstance(self.node.exc, ast.Call) else None

    def argument(self, name: str, index: int) -> Any:
        """Return a settled argument of the exception, MISSING if it is not given."""
        if self.call is None:
            return MISSING
        for keyword in self.call.keywords:
            if keyword.arg == name:
                return self.project.settle(self.module.value(keyword.value, self.site.scope), self.module)
        if any(keyword.arg is None for keyword in self.call.keywords):
            return UNKNOWN
        if any(isinstance(arg, ast.Starred) for arg in self.call.args):
            return UNKNOWN
        if len(self.call.args) > index:
            return self.project.settle(self.module.value(self.call.args[index], self.site.scope), self.module)
        return MISSING


@query()
def raises_in(context: FileContext) -> list[Raise]:
    """Return the `raise` statements in tasks that control them: `Retry`, `Reject`, `Ignore`."""
    found = []
    for node, site in context.module.candidates.raises:
        exception = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        if exception is None:
            continue
        value = context.module.value(exception, site.scope)
        if isinstance(value, Ref):
            target = context.project.resolve(value.path, context.module)
            task = context.task_at(site) if target.path in STEERING else None
            if task is not None:
                found.append(Raise(task, node, site, target.path))
    return found


def _with_spread(project: Project, module: Module, keywords: Iterable[ast.keyword], site: Site) -> list[ast.keyword]:
    """Return keywords, including those from dicts passed with `**`, as far as these can be resolved."""
    found: list[ast.keyword] = []
    for keyword in keywords:
        if keyword.arg is not None:
            found.append(keyword)
            continue
        filled = [branch for branch in branches(keyword.value) if getattr(branch, "keys", True)]
        pairs = (display(project, module, filled[0], site) if len(filled) == 1 else None) or ([], False)
        for name, written in pairs[0]:
            # The same name may mean something else at the place of the dict.
            is_here = written.site.scope is site.scope or isinstance(written.value, ast.Constant)
            if isinstance(name, str) and is_here:
                inside = filled[0] if isinstance(filled[0], ast.Name) else written.key
                found.append(ast.copy_location(ast.keyword(name, written.value), inside))
    return found


def trys_around(site: Site, function: ast.AST | None) -> Iterator[tuple[ast.Try, str]]:
    """Yield the `try` statements around a place within a function, innermost first, and the part it is in."""
    for around in site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            if around.node is function:
                return
            continue
        if around.kind == TRY:
            yield around.try_, around.part


class Invocation(Fact[ast.Call]):
    """A call that sends a task or creates a signature of one.

    `thing` is what the method is called on: a task, a signature, a canvas, an app (`send_task`, `signature`), or None
    for the function `celery.signature`. `task` is the task whose body contains the call, `is_statement` means that its
    value is discarded.
    """

    def __init__(
        self,
        context: FileContext,
        node: ast.Call,
        site: Site,
        method: str,
        thing: Thing | None,
        task: Task | None,
        *,
        is_statement: bool,
    ) -> None:
        super().__init__(context, node, site)
        self.method = method
        self.thing = thing
        self.task = task
        self.is_statement = is_statement

    @property
    def by_name(self) -> bool:
        """Whether the task is named by its first argument: `send_task`, `signature("name")`."""
        return self.method == "send_task" or (self.method == "signature" and not isinstance(self.thing, TaskThing))

    @cached_property
    def definition(self) -> Definition | None:
        """The definition of the task object that is sent; None for a name, a canvas or an unknown task."""
        return self.thing.definition if isinstance(self.thing, (TaskThing, SignatureThing)) else None

    @cached_property
    def defined(self) -> Defined | None:
        """The task definition, with its options and parameters."""
        return None if self.definition is None else Defined(self.project, self.definition)

    @cached_property
    def name(self) -> Any:
        """The settled name of a task that is called by name, MISSING if there is none."""
        if not self.by_name:
            return MISSING
        return self.argument("name" if self.method == "send_task" else "varargs", 0)

    @cached_property
    def options(self) -> list[ast.keyword]:
        """The message options that the call sets: its keywords, and those from dicts it is given.

        An option from a dict has the position of its key if the dict is written at the call, otherwise that of the
        dict's use.
        """
        if self.method in DIRECT:
            return []
        keywords = list(self.node.keywords)
        if self.method in ("signature", "subtask"):
            index = 3 if self.by_name else 2
            given = [keyword.value for keyword in keywords if keyword.arg == "options"]
            has_star = any(isinstance(arg, ast.Starred) for arg in self.node.args)
            given += [] if has_star else self.node.args[index : index + 1]
            keywords = [keyword for keyword in keywords if keyword.arg != "options"]
            keywords += [ast.copy_location(ast.keyword(None, value), value) for value in given]
        return _with_spread(self.project, self.module, keywords, self.site)

    def keyword(self, name: str) -> ast.keyword | None:
        """Return a keyword of the call as written, or an option from a dict it is given."""
        written = next((keyword for keyword in self.node.keywords if keyword.arg == name), None)
        return written or next((keyword for keyword in self.options if keyword.arg == name), None)

    def spread_keywords(self) -> dict[str, Any] | None:
        """Return the settled content of the call's `**spreads`; None if one of them can't be resolved."""
        found: dict[str, Any] = {}
        for keyword in self.node.keywords:
            if keyword.arg is None:
                value = self.settled(keyword.value)
                if not isinstance(value, Table) or not value.complete:
                    return None
                found.update({str(key): item for key, item in value.items()})
        return found

    def argument(self, name: str, index: int | None = None) -> Any:
        """Return a settled argument of the call by its keyword or position; MISSING if it is not given."""
        keyword = self.keyword(name)
        if keyword is not None:
            return self.settled(keyword.value)
        spread = self.spread_keywords()
        if spread is None:
            return UNKNOWN
        if name in spread:
            return spread[name]
        args = self.node.args
        if index is not None:
            if any(isinstance(arg, ast.Starred) for arg in args[: index + 1]):
                return UNKNOWN
            if len(args) > index:
                return self.settled(args[index])
        return MISSING


@query()
def invocations_in(context: FileContext) -> list[Invocation]:
    """Return the calls that send a task or create a signature."""
    found = []
    by_function = {id(call) for call, _ in context.calls_named("signature", "subtask")}
    for call, site in context.calls_named(*INVOKING, "signature", "subtask"):
        func = call.func
        thing: Thing | None = None
        method = ""
        if isinstance(func, ast.Attribute) and func.attr in INVOKING:
            thing = context.thing(func.value, site)
            if _can(thing, func.attr):
                method = func.attr
        if not method and id(call) in by_function:
            value = context.module.value(func, site.scope)
            if isinstance(value, Ref) and context.project.resolve(value.path, context.module).path == _SIGNATURE:
                method, thing = "signature", None
        if method:
            statement = id(call) in context.module.candidates.statements
            found.append(Invocation(context, call, site, method, thing, context.task_at(site), is_statement=statement))
    return found


def _can(thing: Thing | None, method: str) -> bool:
    """Return whether an object has a method that sends or signs."""
    if isinstance(thing, AppThing):
        return method in ("send_task", "signature")
    if isinstance(thing, TaskThing):
        return method not in ("send_task", "set")
    return isinstance(thing, (SignatureThing, CanvasThing)) and method not in ("send_task", "s", "si", "signature")


@query()
def signing_calls(context: FileContext) -> dict[int, Invocation]:
    """Return the calls that create a task's signature, by the identities of their nodes."""
    return {id(call.node): call for call in invocations_in(context) if call.method in SIGNS}


@query()
def around_invocations(context: FileContext) -> set[int]:
    """Return the identities of the statements, functions and lambdas around calls that send or sign."""
    return {id(around.node) for call in invocations_in(context) for around in call.site.chain()}


class OnCommit(Fact[ast.Call]):
    """A call of Django's `on_commit`."""

    @property
    def callback(self) -> ast.expr | None:
        """The callback as written, None if it is hidden."""
        for keyword in self.node.keywords:
            if keyword.arg == "func":
                return keyword.value
        args = self.node.args
        return args[0] if args and not isinstance(args[0], ast.Starred) else None


@query()
def on_commits_in(context: FileContext) -> list[OnCommit]:
    """Return the calls of Django's `on_commit` in a file."""
    return [
        OnCommit(context, call, site)
        for call, site in context.calls_named("on_commit")
        if is_on_commit(context.project, context.module, call, site)
    ]


class Retry(Fact[ast.Call]):
    """A call of any method called `retry`. `own` is set if it is the running task's method."""

    def __init__(self, context: FileContext, node: ast.Call, site: Site, own: TaskCall | None) -> None:
        super().__init__(context, node, site)
        self.own = own

    @property
    def receiver(self) -> ast.expr:
        """The object whose `retry` is called."""
        assert isinstance(self.node.func, ast.Attribute)
        return self.node.func.value

    @property
    def options(self) -> list[ast.keyword]:
        """The keywords of the call, including those from dicts if it is the running task's method."""
        return self.node.keywords if self.own is None else self.own.options


def retries_in(context: FileContext) -> Iterator[Retry]:
    """Yield the calls of a method `retry` in a file."""
    own = {id(call.node): call for call in task_calls_in(context) if call.task is not None}
    for node, site in context.calls_named("retry"):
        if isinstance(node.func, ast.Attribute):
            yield Retry(context, node, site, own.get(id(node)))


class RaisedMethod:
    """A `raise` of a method of the running task that is not called: `raise self.retry`."""

    def __init__(self, context: FileContext, node: ast.Raise, method: ast.Attribute) -> None:
        self.module = context.module
        self.node = node
        self.method = method


def raised_methods(context: FileContext) -> Iterator[RaisedMethod]:
    """Yield the places where a file raises a method of the running task."""
    for node, site in context.module.candidates.raises:
        method = node.exc
        if isinstance(method, ast.Attribute) and context.is_running_task(method.value, site):
            yield RaisedMethod(context, node, method)


class TaskLookup(Fact[ast.Subscript]):
    """A place that looks up a task by name in an app: `app.tasks["shop.pay"]`."""

    @property
    def name(self) -> Any:
        """The settled name."""
        return self.settled(self.node.slice)


def lookups_in(context: FileContext) -> Iterator[TaskLookup]:
    """Yield the places where a file looks up a task by name."""
    for node, site in context.module.candidates.lookups:
        if isinstance(node.ctx, ast.Load):
            thing = context.thing(getattr(node.value, "value", node.value), site)
            if isinstance(thing, AppThing):
                yield TaskLookup(context, node, site)


class SendingMethod(Fact[ast.Attribute]):
    """A method that sends or signs tasks, of an object that a name refers to. `target` is what the name means."""

    def __init__(self, context: FileContext, node: ast.Attribute, site: Site, target: Target) -> None:
        super().__init__(context, node, site)
        self.target = target


def sending_methods(context: FileContext) -> Iterator[SendingMethod]:
    """Yield the uses in a file of methods that send or sign tasks, of names that modules of the project bind."""
    for node, site in context.module.candidates.sends:
        value = context.module.value(node.value, site.scope) if node.attr in _METHODS else None
        target = context.project.resolve(value.path, context.module) if isinstance(value, Ref) else None
        if target is not None and target.module is not None:
            yield SendingMethod(context, node, site, target)


class Dropped(Fact[ast.Attribute | ast.BinOp | ast.Call]):
    """An expression that may send or sign a task and whose value is discarded.

    It is a statement, or the result of a lambda that Django's `on_commit` calls.
    """


def dropped_in(context: FileContext) -> Iterator[Dropped]:
    """Yield the discarded expressions in a file that may send or sign a task."""
    candidates = context.module.candidates
    lambdas = [call.callback for call in on_commits_in(context) if isinstance(call.callback, ast.Lambda)]
    dropped = {*candidates.statements, *(id(callback.body) for callback in lambdas)}
    places: list[tuple[ast.Attribute | ast.BinOp | ast.Call, Site]] = [
        *context.calls_named(*_SIGNING),
        *candidates.pipes,
        *candidates.sends,
    ]
    for node, site in places:
        if id(node) in dropped:
            yield Dropped(context, node, site)
