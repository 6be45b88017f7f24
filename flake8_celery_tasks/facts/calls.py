"""Calls that send, sign or steer a task, as the file at hand writes them."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.scopes import FUNCTION, LAMBDA, TRY
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.methods import DIRECT
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.objects import SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.schedules import options_of
from flake8_celery_tasks.frameworks.django_transactions import is_on_commit
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.configuration import Written
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.facts.schedules import BeatEntry
    from flake8_celery_tasks.facts.settings import Setting
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


class TaskCall:
    """A call of one of the task's own methods from inside: `self.retry(...)`, `self.replace(...)`.

    `task` is None in a helper method of a task class.
    """

    def __init__(self, project: Project, module: Module, task: Task | None, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.task = task
        self.node = node
        self.site = site

    @property
    def method(self) -> str:
        """The name of the method: `retry` or `replace`."""
        func = self.node.func
        assert isinstance(func, ast.Attribute)
        return func.attr

    @cached_property
    def options(self) -> list[ast.keyword]:
        """The keywords of the call, with those that a dict holds which it is given by `**`."""
        return _with_spread(self.project, self.module, self.node.keywords, self.site)

    def keyword(self, name: str) -> ast.keyword | None:
        """Return a keyword of the call."""
        return next((keyword for keyword in self.options if keyword.arg == name), None)

    def handlers(self) -> list[ast.ExceptHandler]:
        """Return the handlers that the call stands in, innermost first."""
        return [
            handler
            for around in self.site.chain()
            if around.kind == TRY and around.part == "handler"
            for handler in around.try_.handlers
            if any(node is self.node for node in ast.walk(handler))
        ]

    @property
    def has_spread(self) -> bool:
        """Whether `*` or `**` hides arguments."""
        return any(keyword.arg is None for keyword in self.node.keywords) or any(
            isinstance(arg, ast.Starred) for arg in self.node.args
        )

    def argument(self, name: str) -> Any:
        """Return the settled value of a keyword, MISSING where it is not given."""
        keyword = self.keyword(name)
        if keyword is None:
            return UNKNOWN if self.has_spread else MISSING
        return self.project.settle(self.module.value(keyword.value, self.site.scope), self.module)


class Raise:
    """A `raise` of something of Celery's in a task's body. `path` is its canonical name, `call` the call if any."""

    def __init__(self, task: Task, node: ast.Raise, site: Site, path: str) -> None:
        self.project = task.project
        self.module = task.module
        self.task = task
        self.node = node
        self.site = site
        self.path = path

    @property
    def call(self) -> ast.Call | None:
        """The call that makes the exception, None where the class is raised."""
        return self.node.exc if isinstance(self.node.exc, ast.Call) else None

    def argument(self, name: str, index: int) -> Any:
        """Return a settled argument of the exception, MISSING where it is not given."""
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


def _with_spread(project: Project, module: Module, keywords: Iterable[ast.keyword], site: Site) -> list[ast.keyword]:
    """Return keywords, with those that stand in dicts which can be read in place of a `**`."""
    found: list[ast.keyword] = []
    for keyword in keywords:
        if keyword.arg is not None:
            found.append(keyword)
            continue
        pairs = display(project, module, keyword.value, site) or ([], False)
        for name, written in pairs[0]:
            # A name that stands elsewhere may be another one here.
            is_here = written.site.scope is site.scope or isinstance(written.value, ast.Constant)
            if isinstance(name, str) and is_here:
                inside = keyword.value if isinstance(keyword.value, ast.Name) else written.key
                found.append(ast.copy_location(ast.keyword(name, written.value), inside))
    return found


def trys_around(site: Site, function: ast.AST | None) -> Iterator[tuple[ast.Try, str]]:
    """Yield the `try` statements around a place within a function, innermost first, and the part it stands in."""
    for around in site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            if around.node is function:
                return
            continue
        if around.kind == TRY:
            yield around.try_, around.part


class Invocation:
    """A call that sends a task or makes a signature of one.

    `thing` is what the method is called on: a task, a signature, a canvas, an app (`send_task`, `signature`), or None
    for the function `celery.signature`. `task` is the task in whose body the call stands, `is_statement` says that
    its value is thrown away.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.Call,
        site: Site,
        method: str,
        thing: Thing | None,
        task: Task | None,
        *,
        is_statement: bool,
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
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
        """The definition of the task object that is sent; None where it is named, a canvas, or not known."""
        return self.thing.definition if isinstance(self.thing, (TaskThing, SignatureThing)) else None

    @cached_property
    def defined(self) -> Defined | None:
        """What that definition says."""
        return None if self.definition is None else Defined(self.project, self.definition)

    @cached_property
    def name(self) -> Any:
        """The settled name of a task that is called by name, MISSING where there is none."""
        if not self.by_name:
            return MISSING
        return self.argument("name" if self.method == "send_task" else "varargs", 0)

    @cached_property
    def options(self) -> list[ast.keyword]:
        """The options of the message that the call gives: its keywords, and what dicts hold that it is given for that.

        One that a dict holds stands where its key does if the dict is written at the call, else where that is given.
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
        """Return a keyword of the call as it is written, or an option that it is given in a dict."""
        written = next((keyword for keyword in self.node.keywords if keyword.arg == name), None)
        return written or next((keyword for keyword in self.options if keyword.arg == name), None)

    def settled(self, node: ast.expr) -> Any:
        """Return the settled value of an expression at this place."""
        return self.project.settle(self.module.value(node, self.site.scope), self.module)

    def spread_keywords(self) -> dict[str, Any] | None:
        """Return what the call's `**spreads` hold, settled; None where one of them can't be read."""
        found: dict[str, Any] = {}
        for keyword in self.node.keywords:
            if keyword.arg is None:
                value = self.settled(keyword.value)
                if not isinstance(value, Table) or not value.complete:
                    return None
                found.update({str(key): item for key, item in value.items()})
        return found

    def argument(self, name: str, index: int | None = None) -> Any:
        """Return a settled argument of the call by its keyword, or position; MISSING where it is not given."""
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


class AppMade:
    """A call that makes a Celery app outside of any task: of `Celery`, or of a class that inherits from it."""

    def __init__(self, project: Project, module: Module, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site


class OnCommit:
    """A call of Django's `on_commit`."""

    def __init__(self, node: ast.Call, site: Site) -> None:
        self.node = node
        self.site = site

    @property
    def callback(self) -> ast.expr | None:
        """The callback as it is written, None where it is hidden."""
        for keyword in self.node.keywords:
            if keyword.arg == "func":
                return keyword.value
        args = self.node.args
        return args[0] if args and not isinstance(args[0], ast.Starred) else None


@query()
def on_commits_in(context: FileContext) -> list[OnCommit]:
    """Return the calls of Django's `on_commit` in a file."""
    return [
        OnCommit(call, site)
        for call, site in context.calls_named("on_commit")
        if is_on_commit(context.project, context.module, call, site)
    ]


class QueueUse:
    """A place that sends to a queue by its name: a call, a task, a beat entry, a route, or the default queue."""

    def __init__(self, project: Project, module: Module, node: ast.AST, name: str) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.name = name


def queue_uses(
    context: FileContext,
    calls: Iterable[Invocation | TaskCall],
    settings: Iterable[Setting],
    entries: Iterable[BeatEntry],
) -> list[QueueUse]:
    """Return the places of a file that name a queue, in source order, as far as the names can be read."""
    source = context.module.source
    if not any(source.may_hold(word) for word in ("queue", "QUEUE", "route", "ROUTE")):
        return []
    found = [
        QueueUse(context.project, context.module, node, name)
        for node, name in (
            *_queues_of_calls(context, calls),
            *_queues_of_tasks(context.tasks),
            *_queues_of_settings(context, settings, entries),
        )
        if isinstance(name, str)
    ]
    return sorted(found, key=lambda use: start_of(use.node))


def _queues_of_calls(context: FileContext, calls: Iterable[Invocation | TaskCall]) -> Iterator[tuple[ast.AST, Any]]:
    for call in calls:
        for keyword in call.options if call.method != "apply" else ():
            if keyword.arg == "queue":
                yield keyword, settled(context.project, context.module, keyword.value, call.site)


def _in_display(context: FileContext, node: ast.expr, site: Site) -> Iterator[tuple[ast.AST, Any]]:
    found = display(context.project, context.module, node, site)
    yield from (_written(context, written) for key, written in (found[0] if found else ()) if key == "queue")


def _written(context: FileContext, written: Written) -> tuple[ast.AST, Any]:
    return written.value, settled(context.project, context.module, written.value, written.site)


def _queues_of_tasks(tasks: Iterable[Task]) -> Iterator[tuple[ast.AST, Any]]:
    for task in tasks:
        options = task.written(("queue",)) if task.is_class else task.stated()
        yield from ((node, task.option(name)) for name, node in options if name == "queue")


def _queues_of_settings(
    context: FileContext, settings: Iterable[Setting], entries: Iterable[BeatEntry]
) -> Iterator[tuple[ast.AST, Any]]:
    for setting in settings:
        if setting.name == "task_default_queue":
            yield setting.value, setting.settled
        elif setting.name == "task_routes":
            yield from _of_routes(context, setting, setting.value)
    for entry in entries:
        yield from (_written(context, written) for name, written in options_of(entry) if name == "queue")


def _of_routes(context: FileContext, setting: Setting, node: ast.expr) -> Iterator[tuple[ast.AST, Any]]:
    """Yield the queues in a map of routes, in the maps of a list, and in the pairs of a list in a list."""
    found = display(context.project, context.module, node, setting.site)
    if found is not None:
        for _, written in found[0]:
            yield from _of_route(context, written.value, written.site)
        return
    for item in getattr(node, "elts", ()):
        elements = getattr(item, "elts", None)
        if elements is None:
            yield from _of_routes(context, setting, item)
            continue
        for pair in elements:
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                yield from _of_route(context, pair.elts[1], setting.site)


def _of_route(context: FileContext, node: ast.expr, site: Site) -> Iterator[tuple[ast.AST, Any]]:
    value = settled(context.project, context.module, node, site)
    if isinstance(value, str):
        yield node, value
    else:
        yield from _in_display(context, node, site)
