"""Imported names through which tasks are sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast

    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.facts import Facts


class TaskImport:
    """An imported name through which tasks are sent.

    `sent` holds, for each task in the order of first use, its definition (None where its module can't be read), the
    last part of its path, and the first place where it is sent; `places` holds all of them.
    """

    def __init__(self, facts: Facts, binding: Binding) -> None:
        self.facts = facts
        self.project = facts.project
        self.module = facts.module
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
        return self.facts.makes_app

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
