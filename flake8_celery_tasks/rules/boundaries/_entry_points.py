"""Modules that people start: a module that no other module imports has no circular imports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed, walk
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.rules.boundaries._sender import imports_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.resolution.project import Project

#: Where Django looks for commands, and files that people run.
_COMMANDS: Final = "/management/commands/"
_FILES: Final = frozenset({"fabfile.py", "manage.py"})

#: Packages whose tasks people run by name, and words in decorators that create a command.
_RUNNERS: Final = frozenset({"fabric", "invoke"})
_COMMAND: Final = lazy_pattern(r"\b(?:command|cli)\b")


@query(key=lambda module: module.place.path)
def is_entry_point(project: Project, module: Module) -> bool:
    """Return whether people start a module from a command line, and only tests and such modules import it."""
    return _is_only_started(project, module, frozenset())


def _is_only_started(project: Project, module: Module, seen: frozenset[str]) -> bool:
    if not _is_started(module):
        return False
    seen |= {module.place.path}
    return all(_is_only_started(project, other, seen) for other in _importing(project, module, seen))


def _is_started(module: Module) -> bool:
    relative = f"/{module.place.relative}"
    return (
        _COMMANDS in relative
        or relative.rpartition("/")[2] in _FILES
        or any(binding.path.partition(":")[0].partition(".")[0] in _RUNNERS for binding in module.candidates.imports)
        or any(_starts(node) for node in getattr(module.candidates.scope.node, "body", ()))
    )


def _starts(node: ast.stmt) -> bool:
    """Return whether a statement of a module shows that people start it.

    It is `if __name__ == "__main__"`, a command of click or Flask, or tells Django where its settings are.
    """
    if isinstance(node, ast.If):
        return any(isinstance(inner, ast.Constant) and inner.value == "__main__" for inner in ast.walk(node.test))
    if isinstance(node, (ast.Assign, ast.Expr)):
        return any(isinstance(inner, ast.Constant) and inner.value == "DJANGO_SETTINGS_MODULE" for inner in walk(node))
    return any(_COMMAND.search(unparsed(decorator)) for decorator in getattr(node, "decorator_list", ()))


def _importing(project: Project, module: Module, seen: frozenset[str]) -> Iterator[Module]:
    """Yield the modules outside tests that import another one when they are imported."""
    layout, files = project.layout, project.files
    last = encoded(module.place.name.rpartition(".")[2])
    for path in layout.files():
        if path in seen or last not in (files.read(path) or b"") or layout.is_test(layout.place(path)):
            continue
        other = project.module(path)
        if other is not None and module.place.path in imports_of(project, path):
            yield other
