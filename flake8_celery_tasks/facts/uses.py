"""What a module does with tasks by their names: it registers, retries and reads them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.task import TASK_NAME
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.resolution.project import Project


class Use:
    """One use of a name in a task's body: one of its attributes, or itself (`attribute` is None).

    A call of the name itself counts as one of its attribute `__call__`.
    """

    __slots__ = ("attribute", "name", "node")

    def __init__(self, name: str, attribute: str | None, node: ast.expr) -> None:
        self.name = name
        self.attribute = attribute
        self.node = node


@query()
def registered_in(module: Module) -> set[str]:
    """Return the names in the calls that register a task in a module."""
    return {
        node.id
        for name in ("register_task", "register")
        for call, _ in module.calls_of(name)
        if isinstance(call.func, ast.Attribute)
        for node in ast.walk(call)
        if isinstance(node, ast.Name)
    }


@query()
def retried_in(module: Module, project: Project) -> set[tuple[str, str, int] | None]:
    """Return the places of the tasks that a module retries by their names, None for the one that runs."""
    found: set[tuple[str, str, int] | None] = set()
    for call, site in module.calls_of("retry"):
        value = module.value(call.func.value, site.scope) if isinstance(call.func, ast.Attribute) else None
        if isinstance(value, Ref):
            target = project.resolve(value.path, module)
            place = definitions.place_of(target)
            if place is not None or target.path == "celery.current_task":
                found.add(place)
    return found


@query()
def readers_in(module: Module) -> dict[str, set[str | None]]:
    """Return what each attribute is read from in a module: names that end so, None for what may be any task."""
    found: dict[str, set[str | None]] = {}
    for node in () if module.tree is None else ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", None)
            is_any = last is None or last == "sender" or TASK_NAME.match(last) is not None
            found.setdefault(node.attr, set()).add(None if is_any else last)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            for arg in node.args:
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                    found.setdefault(arg.value, set()).add(None)
    return found


def uses_of(node: ast.AST, names: set[Any]) -> Iterator[Use]:
    """Yield the loads of some names below a node, each with the attribute that is taken from it.

    Where a function inside has a parameter of that name, the name is another there.
    """
    stack = [(node, names)]
    while stack:
        node, names = stack.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names:
                yield Use(node.value.id, node.attr, node)
            continue
        if isinstance(node, ast.Name):
            if node.id in names and isinstance(node.ctx, ast.Load):
                yield Use(node.id, None, node)
            continue
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in names:
                yield Use(node.func.id, "__call__", node.func)
            children.remove(node.func)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inner = names - {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
            body = node.body if isinstance(node.body, list) else [node.body]
            stack.extend((child, inner) for child in body)
            children = [child for child in children if child not in body]
        stack.extend((child, names) for child in children)
