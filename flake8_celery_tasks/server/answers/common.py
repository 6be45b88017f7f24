"""Finding the task at a position, and describing it."""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.definitions import name_of
from flake8_celery_tasks.celery_model.objects import AppThing, thing_of
from flake8_celery_tasks.engine.survey.inventory import Entry, entry_of
from flake8_celery_tasks.server.answers import constants
from flake8_celery_tasks.server.tasks import DEFINED, SENT, key_of, task_of
from flake8_celery_tasks.server.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.server.desk import Sight
    from flake8_celery_tasks.server.tasks import Use


def use_at(sight: Sight, path: str, offset: int) -> Use | None:
    """Return the innermost use of a task at an offset, or the use of the constant there."""
    around = [use for use in sight.uses(path) if use.span.start <= offset <= use.span.end]
    if not around:
        return constants.use_at(sight, path, offset)
    return min(around, key=lambda use: use.span.end - use.span.start)


def meant(sight: Sight, use: Use) -> list[Definition]:
    """Return the definitions of the task that a use refers to; more than one if several have the name."""
    if use.key is not None:
        found = sight.definitions.get(use.key)
        return [] if found is None else [found]
    return sight.called(use.name) if use.name is not None else []


def settings_read(facts: Facts) -> Iterator[ast.Attribute]:
    """Yield the attributes in a file that are read from the configuration of an app: `app.conf.timezone`."""
    module = facts.module
    for node in ast.walk(module.tree or ast.Module([], [])):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        conf = node.value
        if isinstance(conf, ast.Attribute) and conf.attr == "conf":
            first: ast.expr = conf.value
            while isinstance(first, ast.Attribute):
                first = first.value
            for scope in module.candidates.all_scopes:
                if getattr(first, "id", "") in scope.bindings:
                    thing = thing_of(facts.project, module.value(conf.value, scope), module)
                    if isinstance(thing, AppThing):
                        yield node
                        break


def uses_of(sight: Sight, definition: Definition) -> list[Use]:
    """Return all uses of a task, in the order of files and lines."""
    key, name = key_of(definition), name_of(sight.project, definition)
    return sorted(use for use in sight.all_uses() if use.is_of(key, name))


def span_of(sight: Sight, definition: Definition) -> Span | None:
    """Return the span of the name of a task's function or class."""
    key = key_of(definition)
    found = [use.place for use in sight.uses(key[0]) if use.kind == DEFINED and use.key == key]
    if found:
        return found[0]
    text = sight.text(key[0])  # a function that a call makes a task of
    if text is None:
        return None
    start = text.source.line_offset(definition.symbol.line)
    return Span(key[0], start, start)


def entry(sight: Sight, task: Task) -> Entry:
    """Return the inventory's entry for a task, in words and numbers."""
    places = set()
    for use in uses_of(sight, task.definition):
        if use.kind == SENT and use.line:
            place = sight.project.layout.place(use.span.path)
            if not sight.project.layout.is_test(place):
                places.add((place.relative, use.line, use.what))
    return entry_of(sight.project, task, places)


def task(sight: Sight, definition: Definition) -> Task | None:
    """Return a task with its nodes."""
    return task_of(sight.project, definition)


def signature(task: Task) -> str:
    """Return how a task is called: the parameters that are left to the caller, and what it returns."""
    function = task.function
    args = copy.deepcopy(function.args)
    if task.is_class or task.bound is True:
        first = args.posonlyargs or args.args
        if len(args.defaults) == len(args.posonlyargs) + len(args.args):
            args.defaults = args.defaults[1:]
        del first[:1]
    returns = f" -> {ast.unparse(function.returns)}" if function.returns is not None else ""
    return f"({ast.unparse(args)}){returns}"


def place_of(sight: Sight, definition: Definition) -> str:
    """Return the file and line of a definition, relative to the project's root."""
    return f"{sight.project.layout.place(definition.place[0]).relative}:{definition.symbol.line}"
