"""Places of a file that name a queue."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.catalog.methods import DIRECT
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.facts.schedules import options_of
from flake8_celery_tasks.resolution.evaluation import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.configuration import Written
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.facts.settings import Setting
    from flake8_celery_tasks.resolution.project import Project


class QueueUse:
    """A place that sends to a queue by its name: a call, a task, a beat entry, a route, or the default queue."""

    def __init__(self, project: Project, module: Module, node: ast.AST, name: str) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.name = name


def queue_uses(facts: Facts) -> list[QueueUse]:
    """Return the places of a file that name a queue, in source order, as far as the names can be read."""
    source = facts.module.source
    if not any(source.may_hold(word) for word in ("queue", "QUEUE", "route", "ROUTE")):
        return []
    found = [
        QueueUse(facts.project, facts.module, node, name)
        for node, name in (*_of_calls(facts), *_of_tasks(facts), *_of_settings(facts))
        if isinstance(name, str)
    ]
    return sorted(found, key=lambda use: (use.node.lineno, use.node.col_offset))  # type: ignore[attr-defined]


def _of_calls(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    calls = [(call.node, call.site) for call in facts.invocations if call.method not in DIRECT]
    calls += [(call.node, call.site) for call in facts.task_calls]
    for node, site in calls:
        for keyword in node.keywords:
            if keyword.arg == "queue":
                yield keyword, settled(facts.project, facts.module, keyword.value, site)
            elif keyword.arg in ("options", None):
                yield from _in_display(facts, keyword.value, site)


def _in_display(facts: Facts, node: ast.expr, site: Site) -> Iterator[tuple[ast.AST, Any]]:
    found = display(facts.project, facts.module, node, site)
    yield from (_written(facts, written) for key, written in (found[0] if found else ()) if key == "queue")


def _written(facts: Facts, written: Written) -> tuple[ast.AST, Any]:
    return written.value, settled(facts.project, facts.module, written.value, written.site)


def _of_tasks(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    for task in facts.tasks:
        for name, node in task.written(("queue",)):
            yield node, task.option(name)


def _of_settings(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    settings, entries = facts.configured
    for setting in settings:
        if setting.name == "task_default_queue":
            yield setting.value, setting.settled
        elif setting.name == "task_routes":
            yield from _of_routes(facts, setting, setting.value)
    for entry in entries:
        yield from (_written(facts, written) for name, written in options_of(entry) if name == "queue")


def _of_routes(facts: Facts, setting: Setting, node: ast.expr) -> Iterator[tuple[ast.AST, Any]]:
    """Yield the queues in a map of routes, in the maps of a list, and in the pairs of a list in a list."""
    found = display(facts.project, facts.module, node, setting.site)
    if found is not None:
        for _, written in found[0]:
            yield from _of_route(facts, written.value, written.site)
        return
    for item in getattr(node, "elts", ()):
        elements = getattr(item, "elts", None)
        if elements is None:
            yield from _of_routes(facts, setting, item)
            continue
        for pair in elements:
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                yield from _of_route(facts, pair.elts[1], setting.site)


def _of_route(facts: Facts, node: ast.expr, site: Site) -> Iterator[tuple[ast.AST, Any]]:
    value = settled(facts.project, facts.module, node, site)
    if isinstance(value, str):
        yield node, value
    else:
        yield from _in_display(facts, node, site)
