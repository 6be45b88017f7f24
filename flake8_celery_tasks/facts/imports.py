"""Imported names, and those through which tasks are sent."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import dotted
from flake8_celery_tasks.binding.scopes import IMPORT, is_none
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.resolver import external
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Binding, Scope, Site
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.context import FileContext


class Import:
    """An imported name."""

    def __init__(self, context: FileContext, binding: Binding) -> None:
        self.project = context.project
        self.module = context.module
        self.binding = binding

    @property
    def asked(self) -> str:
        """The dotted name that the import requests."""
        binding = self.binding
        if isinstance(binding.statement, ast.Import) and isinstance(binding.node, ast.alias):
            return binding.node.name
        return external(binding.path)


def names_imported(context: FileContext) -> Iterator[Import]:
    """Yield the imported names of a file."""
    for binding in context.module.candidates.imports:
        yield Import(context, binding)


class TaskImport:
    """An imported name through which tasks are sent.

    `sent` holds, for each task in the order of first use, its definition (None if its module can't be read), the last
    part of its path, and the first place where it is sent; `places` holds all of them.
    """

    def __init__(self, context: FileContext, binding: Binding) -> None:
        self.context = context
        self.project = context.project
        self.module = context.module
        self.binding = binding
        self.sent: dict[str, Sent] = {}
        self.places: list[Sent] = []

    @property
    def node(self) -> ast.AST:
        """The imported name."""
        return self.binding.node

    @property
    def makes_app(self) -> bool:
        """Whether the module creates a Celery app."""
        return self.context.makes_app

    @property
    def in_function(self) -> bool:
        """Whether the import runs when a function is called, not when the module is imported."""
        return self.binding.site.in_function()


class Sent:
    """A task that is sent through an import."""

    __slots__ = ("definition", "node", "path", "place", "site")

    def __init__(self, path: str, definition: Definition | None, place: str, node: ast.Attribute, site: Site) -> None:
        self.path = path
        self.definition = definition
        self.place = place  # the file of the definition, or of the module that can't be read
        self.node = node
        self.site = site


@query()
def imports_in(context: FileContext) -> list[TaskImport]:
    """Return the imported names through which tasks are sent."""
    found: dict[int, TaskImport] = {}
    for node, site in context.module.candidates.sends:
        root, attributes = dotted(node.value)
        if isinstance(root, ast.Call) and not attributes:  # Class().delay()
            root, attributes = dotted(root.func)
        if not isinstance(root, ast.Name):
            continue
        binding = _import(context, root.id, site.scope)
        if binding is None:
            continue
        sent = _sent(context, binding, attributes, node, site)
        if sent is not None:
            if id(binding) not in found:
                found[id(binding)] = TaskImport(context, binding)
            fact = found[id(binding)]
            fact.sent.setdefault(sent.path, sent)
            fact.places.append(sent)
    return sorted(found.values(), key=lambda fact: start_of(fact.node))


def _import(context: FileContext, name: str, scope: Scope) -> Binding | None:
    found = scope.find(name)
    return None if found is None else _imported(context, found[0], name)


@query()
def _imported(_context: FileContext, scope: Scope, name: str) -> Binding | None:
    """Return the first import of a name of a scope, None if it may be something else."""
    bindings = [binding for binding in scope.bindings[name] if not is_none(binding)]
    return bindings[0] if bindings and all(binding.kind == IMPORT for binding in bindings) else None


def _sent(
    context: FileContext, binding: Binding, attributes: tuple[str, ...], node: ast.Attribute, site: Site
) -> Sent | None:
    path = binding.path
    if attributes:
        path += ("" if path.endswith(":") else ".") + ".".join(attributes)
    target = context.project.resolve(path, context.module)
    definition = definitions.definition_of(context.project, target)
    if definition is not None and not context.project.layout.is_elsewhere(definition.module.place.path):
        return Sent(target.path, definition, definition.module.place.path, node, site)
    # A module of the project that is missing or can't be parsed.
    *folders, _ = target.path.split(".")
    if target.unread and "tasks" in folders:
        file = context.project.layout.find(".".join(folders), context.module.place.root) or ""
        return Sent(target.path, None, file if file.endswith(".py") else "", node, site)
    return None
