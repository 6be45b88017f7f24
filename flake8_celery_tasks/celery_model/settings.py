"""What a project sets for all its tasks, read from wherever it may be written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.catalog.settings import SETTINGS
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


def spellings(name: str) -> tuple[str, ...]:
    """Return the names under which a setting may be written, in whatever namespace."""
    upper = name.upper()
    return tuple(dict.fromkeys((name, upper, f"CELERY_{upper}", SETTINGS[name].old)))


@query()
def setting_values(project: Project, name: str) -> list[Any]:
    """Return the settled values that the project gives to a setting of Celery, by its lower-case name.

    Every place that could set it counts, so the list may hold values of other environments. Tests don't count.
    """
    return [UNKNOWN if module is None else project.settle(value, module) for value, module in given_to(project, name)]


def given_to(project: Project, name: str) -> Iterator[tuple[Value, Module | None]]:
    """Yield what modules outside tests give to a setting; None for a module that can't be read."""
    names = frozenset(spellings(name))
    for path in project.files.holding(*(item.encode() for item in sorted(names))):
        if project.layout.is_test(project.layout.place(path)):
            continue
        module = project.module(path)
        if module is None:
            yield UNKNOWN, None
            continue
        for value in given_in(module, names):
            yield value, module


def given_in(module: Module, names: frozenset[str]) -> Iterator[Value]:
    """Yield the values of assignments, attributes, items, dict keys and keywords of some names."""
    candidates = module.candidates
    for scope in (candidates.scope, *candidates.scopes.values()):
        for name in names & scope.bindings.keys():
            for binding in scope.bindings[name]:
                if binding.kind == ASSIGN:
                    yield module.value(binding.value, scope)
                elif binding.kind == "other":
                    yield UNKNOWN
    for _, target, value, site in candidates.stores:
        written = getattr(target, "attr", None)
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            written = target.slice.value
        if written in names:
            yield module.value(value, site.scope)
    for call, site in candidates.calls:
        for keyword in call.keywords:
            if keyword.arg in names:
                yield module.value(keyword.value, site.scope)
    # The tree of the module itself may be dropped by now, or was never read.
    for node in ast.walk(candidates.scope.node):
        if isinstance(node, ast.Dict):
            yield from (module.value(value, candidates.scope) for value in _under(node, names))


def _under(node: ast.Dict, names: frozenset[str]) -> Iterator[ast.expr]:
    """Yield the values that a dict display has under some keys."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value in names:
            yield value


def acks_late(project: Project) -> bool | None:
    """Return whether the project acknowledges late: True, False, or None where it can't be told."""
    if project.options.celery_acks_late:
        return True
    given = setting_values(project, "task_acks_late")
    if any(value is True or value == 1 for value in given):
        return True
    return None if any(not isinstance(value, (bool, int, type(None))) for value in given) else False


#: Schedulers of other packages, which take more keys in an entry of the beat schedule than Celery's own.
_SCHEDULERS: Final = (
    b"celery_sqlalchemy_scheduler",
    b"celerybeatmongo",
    b"django_celery_beat",
    b"redbeat",
    b"sqlalchemy_celery_beat",
)


@query()
def has_celery_scheduler(project: Project) -> bool:
    """Return whether beat certainly runs Celery's own scheduler, as far as the project's files tell."""
    given = setting_values(project, "beat_scheduler")
    own = all(isinstance(value, str) and value.startswith("celery.beat") for value in given)
    return own and not any(True for _ in project.files.holding(*_SCHEDULERS))
