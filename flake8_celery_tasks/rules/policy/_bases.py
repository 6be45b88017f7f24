"""Task classes that tasks inherit from: which tasks those are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.celery_model.apps import is_task_class
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.resolution.project import Project


class Base(NamedTuple):
    """A task class of the file at hand that is no task itself, and an attribute that it has: its node and value."""

    node: ast.ClassDef
    target: Target
    place: ast.AST
    value: Any


def bases_with(facts: Facts, attribute: str) -> Iterator[Base]:
    """Yield the task classes of a file that bind an attribute, and are no tasks themselves."""
    tasks = {id(task.node) for task in facts.tasks}
    for node, site, scope in facts.module.candidates.classes:
        bindings = [binding for binding in scope.bindings.get(attribute, ()) if binding.kind == ASSIGN]
        if not bindings or not node.bases or id(node) in tasks:
            continue
        symbol = facts.module.symbol_of(node, site)
        target = Target(f"{facts.module.prefix}{symbol.qualname}", facts.module, symbol)
        if is_task_class(facts.project, target) is True:
            binding = bindings[-1]
            yield Base(
                node, target, binding.statement or binding.node, facts.project.class_attribute(target, attribute)
            )


def heirs(project: Project, base: Target) -> Iterator[Defined]:
    """Yield the tasks of a project, those of tests left out, whose class is another one or inherits from it."""
    found: dict[tuple[str, str, int], Definition] = {}
    tasks = tasks_of(project)
    for name in tasks.by_name:
        found.update((item.place, item) for item in tasks.definitions(name))
    for definition in found.values():
        if not project.is_test(definition.module):
            task = Defined(project, definition)
            if task.inherits(base.path):
                yield task
