"""Message options written in the calls, retries and beat entries of the file being checked, and queues by name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding import nodes
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import Invocation, TaskCall, invocations_in, task_calls_in
from flake8_celery_tasks.facts.configured import settings
from flake8_celery_tasks.facts.configured.schedules import BeatEntry, options_of
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.configuration import Written
    from flake8_celery_tasks.facts.configured.settings import Setting
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


class MessageOption:
    """An option of the message that a call, a retry or an entry of the beat schedule sends.

    `owner` is that call or entry. `node` is the keyword or the key that names the option, `value` is its value.
    """

    def __init__(
        self, owner: Invocation | TaskCall | BeatEntry, name: str, node: ast.AST, value: ast.expr, site: Site
    ) -> None:
        self.project = owner.project
        self.module = owner.module
        self.owner = owner
        self.name = name
        self.node = node
        self.value = value
        self.site = site

    @property
    def method(self) -> str:
        """The method that is called, an empty string for a beat entry."""
        return "" if isinstance(self.owner, BeatEntry) else self.owner.method

    @property
    def values(self) -> list[ast.expr]:
        """The possible values: in a call, each branch of a conditional expression."""
        return [self.value] if isinstance(self.owner, BeatEntry) else list(nodes.branches(self.value))

    def settled(self, node: ast.expr | None = None) -> Any:
        """Return the settled value of the option, or of another expression in its place."""
        return settled(self.project, self.module, self.value if node is None else node, self.site)

    def kind(self, node: ast.expr) -> str | None:
        """Return the kind of an expression in the place of the option, None if it can't be determined."""
        return inference.kind_of(self.project, self.module, node, self.site.scope)


@query()
def message_options(context: FileContext) -> list[MessageOption]:
    """Return the message options that a file spells out: of calls, of retries, then of beat entries."""
    calls: list[Invocation | TaskCall] = [*invocations_in(context), *task_calls_in(context)]
    found = [
        MessageOption(call, keyword.arg, keyword, keyword.value, call.site)
        for call in calls
        for keyword in call.options
        if keyword.arg is not None
    ]
    _, entries = settings.read(context)
    found += [
        MessageOption(entry, name, written.key, written.value, written.site)
        for entry in entries
        for name, written in options_of(entry)
    ]
    return found


class QueueUse:
    """A place that sends to a queue by its name: a call, a task, a beat entry, a route, or the default queue."""

    def __init__(self, project: Project, module: Module, node: ast.AST, name: str) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.name = name


def queue_uses(context: FileContext) -> list[QueueUse]:
    """Return the places in a file that name a queue, in source order, as far as the names can be resolved."""
    source = context.module.source
    if not any(source.may_hold(word) for word in ("queue", "QUEUE", "route", "ROUTE")):
        return []
    found = [
        QueueUse(context.project, context.module, node, name)
        for node, name in (
            *_queues_of_messages(message_options(context)),
            *_queues_of_tasks(context.tasks),
            *_queues_of_settings(context, settings.read(context)[0]),
        )
        if isinstance(name, str)
    ]
    return sorted(found, key=lambda use: start_of(use.node))


def _queues_of_messages(options: Iterable[MessageOption]) -> Iterator[tuple[ast.AST, Any]]:
    for option in options:
        if option.name == "queue" and option.method != "apply":
            yield option.value if isinstance(option.owner, BeatEntry) else option.node, option.settled()


def _queues_of_tasks(tasks: Iterable[Task]) -> Iterator[tuple[ast.AST, Any]]:
    for task in tasks:
        options = task.written(("queue",)) if task.is_class else task.stated()
        yield from ((node, task.option(name)) for name, node in options if name == "queue")


def _queues_of_settings(context: FileContext, given: Iterable[Setting]) -> Iterator[tuple[ast.AST, Any]]:
    for setting in given:
        if setting.name == "task_default_queue":
            yield setting.value, setting.settled
        elif setting.name == "task_routes":
            yield from _of_routes(context, setting, setting.value)


def _of_routes(context: FileContext, setting: Setting, node: ast.expr) -> Iterator[tuple[ast.AST, Any]]:
    """Yield the queues in a routing table, in the tables of a list, and in the pairs of a nested list."""
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


def _in_display(context: FileContext, node: ast.expr, site: Site) -> Iterator[tuple[ast.AST, Any]]:
    found = display(context.project, context.module, node, site)
    yield from (_written(context, written) for key, written in (found[0] if found else ()) if key == "queue")


def _written(context: FileContext, written: Written) -> tuple[ast.AST, Any]:
    return written.value, settled(context.project, context.module, written.value, written.site)
