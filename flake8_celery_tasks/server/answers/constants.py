"""Constants that hold the name of a task: the task that is meant, and what else uses them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding import scopes
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.resolution.modules import parse
from flake8_celery_tasks.server.tasks import meaning
from flake8_celery_tasks.server.text import Span
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.server.desk import Sight
    from flake8_celery_tasks.server.tasks import Use
    from flake8_celery_tasks.workspace.source import Source


def use_at(sight: Sight, path: str, offset: int) -> Use | None:
    """Return a use through the constant whose string is at an offset, as if the string itself were that use."""
    module = sight.project.module(path)
    text = sight.text(path)
    if module is None or text is None:
        return None
    for _, name, span in _constants(module, text.source):
        if span.start <= offset <= span.end and tasks_of(sight.project).has(name):
            for use in sight.all_uses():
                if use.constant == span and use.name == name:
                    return use._replace(span=span, place=span, literal=span, constant=None)
    return None


def _constants(module: Module, source: Source) -> Iterator[tuple[str, str, Span]]:
    """Yield qualified name, value and place of the strings that a module binds to a name, exactly once."""
    for scope in module.candidates.all_scopes:
        if scope.kind not in (scopes.MODULE, scopes.CLASS):
            continue
        for name, bindings in scope.bindings.items():
            node = bindings[0].node
            if len(bindings) == 1 and isinstance(node, ast.Constant) and isinstance(node.value, str):
                span = Span(module.place.path, source.offset(*start_of(node)), source.end(node))
                yield scope.inner(name), node.value, span


def other_use(sight: Sight, constant: Span, known: Collection[Span]) -> Span | None:
    """Return a place that uses a constant and is not one of the known ones."""
    owner = sight.project.module(constant.path)
    text = sight.text(constant.path)
    if owner is None or text is None:
        return None
    names = [qualname for qualname, _, span in _constants(owner, text.source) if span == constant]
    for name in names:
        for path in dict.fromkeys((*sight.project.texts, *sight.project.layout.files())):
            for span in _references(sight, path, owner, name):
                if span not in known:
                    return span
    return None


def _references(sight: Sight, path: str, owner: Module, name: str) -> Iterator[Span]:
    """Yield the places in a file that read a constant of a module."""
    last = name.rpartition(".")[2]
    content = sight.project.files.read(path)
    tree = parse(content) if content is not None and last.encode() in content else None
    module, text = sight.project.module(path), sight.text(path)
    if tree is None or module is None or text is None:
        return
    imported = {one.name for one in module.candidates.imports if one.path.endswith((f":{last}", f".{last}"))}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
            continue
        if (node.id if isinstance(node, ast.Name) else node.attr) in {last, *imported}:
            first: ast.expr = node
            while isinstance(first, ast.Attribute):
                first = first.value
            around = [one for one in module.candidates.all_scopes if getattr(first, "id", "") in one.bindings]
            meant = [meaning(sight.project, module, node, scope) for scope in around]
            if any(one is not None and one.module is owner and one.path == f"{owner.prefix}{name}" for one in meant):
                yield Span(path, text.source.offset(*start_of(node)), text.source.end(node))
