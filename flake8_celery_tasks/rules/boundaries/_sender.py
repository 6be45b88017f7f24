"""Which app sends a task, and under which name.

It is `current_app` if that is the project's app in every thread, otherwise the app itself.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.celery_model import apps, definitions
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.facts.imports import Sent, TaskImport
    from flake8_celery_tasks.resolution.project import Project


class Sender(NamedTuple):
    """An app, as a module imports it: `from module import name`."""

    module: str
    name: str


#: Celery's proxy of the current app.
CURRENT: Final = Sender("celery", "current_app")


def sender(project: Project, module: Module) -> Sender | None:
    """Return the app that a module sends with; None if there is none, or importing it would be circular."""
    if apps.is_current_everywhere(project):
        return CURRENT
    found = apps.own_apps(project)
    if len(found) != 1:
        return None
    (owner, name) = found[0]
    if not owner.place.certain or owner is module or module.place.path in _imported_with(project, owner):
        return None
    return Sender(owner.place.name, name)


@query(key=lambda module: module.place.path)
def _imported_with(project: Project, module: Module) -> frozenset[str]:
    """Return the files of the project that run when a module is imported."""
    found: set[str] = set()
    pending = [module.place.path]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += imports_of(project, path)
    return frozenset(found)


def imports_of(project: Project, path: str) -> Iterator[str]:
    """Yield the files of the project that a file imports when it is imported itself, with the packages around them."""
    module = project.module(path)
    if module is None:
        return
    names = [module.place.package, *module.candidates.stars]
    for binding in module.candidates.imports:
        if not binding.site.in_function():
            owner, _, attribute = binding.path.partition(":")
            names += (owner, f"{owner}.{attribute}") if attribute else (owner,)
            if isinstance(binding.statement, ast.Import) and isinstance(binding.node, ast.alias):
                names.append(binding.node.name)
    for name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            file = project.layout.find(".".join(parts[:end]), module.place.root) if name else None
            if file is not None and file.endswith(".py"):
                yield file


def name_of(fact: TaskImport, sent: Sent) -> str | None:
    """Return the name of a task; None if it is uncertain.

    An import from the task's module by its dotted name reveals the automatic name, wherever the module is located.
    """
    if sent.definition is None:
        return None
    source = ""
    if getattr(fact.binding.statement, "level", None) == 0:
        source = fact.binding.path.partition(":")[0]
        if fact.project.layout.find(source, fact.module.place.root) != sent.place:
            source = ""  # the name comes from elsewhere
    return definitions.name_of(fact.project, sent.definition, imported=source)
