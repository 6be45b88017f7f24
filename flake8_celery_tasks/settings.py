"""What a project sets for all its tasks, read from wherever it may be written."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.collect import ASSIGN
from flake8_celery_tasks.project import Target
from flake8_celery_tasks.values import MISSING, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project

#: The settings that rules ask for, with the names that they had before Celery 4.
OLD_NAMES: Final = {
    "task_acks_late": "CELERY_ACKS_LATE",
    "task_annotations": "CELERY_ANNOTATIONS",
    "task_track_started": "CELERY_TRACK_STARTED",
    "task_ignore_result": "CELERY_IGNORE_RESULT",
    "task_serializer": "CELERY_TASK_SERIALIZER",
}


def spellings(name: str) -> tuple[str, ...]:
    """Return the names under which a setting may be written, in whatever namespace."""
    upper = name.upper()
    names = (name, upper, f"CELERY_{upper}", OLD_NAMES.get(name, ""))
    return tuple(dict.fromkeys(item for item in names if item))


def values_of(project: Project, name: str) -> list[Any]:
    """Return the settled values that any module outside tests gives to a setting."""
    names = frozenset(spellings(name))
    found: list[Any] = []
    for path in project.files_with(*(item.encode() for item in sorted(names))):
        if project.layout.is_test(project.layout.place(path)):
            continue
        module = project.module(path)
        if module is None:
            found.append(UNKNOWN)
            continue
        found.extend(_given(project, module, names))
    return found


def _given(project: Project, module: Module, names: frozenset[str]) -> Iterator[Any]:
    """Yield the values of assignments, attributes, items, dict keys and keywords of some names."""
    candidates = module.candidates
    for scope in (candidates.scope, *candidates.scopes.values()):
        for name in names & scope.bindings.keys():
            for binding in scope.bindings[name]:
                if binding.kind == ASSIGN:
                    yield project.settle(module.value(binding.node, scope), module)  # type: ignore[arg-type]
                elif binding.kind == "other":
                    yield UNKNOWN
    for _, target, value, site in candidates.stores:
        written = getattr(target, "attr", None)
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            written = target.slice.value
        if written in names:
            yield project.settle(module.value(value, site.scope), module)
    for call, site in candidates.calls:
        for keyword in call.keywords:
            if keyword.arg in names:
                yield project.settle(module.value(keyword.value, site.scope), module)
    if module.tree is not None:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value in names:
                        yield project.settle(module.value(value, candidates.scope), module)


def task_cls(project: Project) -> Any:
    """Return the task class that the project's apps are given: settled, MISSING for none, UNKNOWN if unclear."""
    found: list[Any] = []
    for path in project.files_with(b"task_cls", b".Task ="):
        if project.layout.is_test(project.layout.place(path)):
            continue
        module = project.module(path)
        if module is None:
            found.append(UNKNOWN)
            continue
        found.extend(_task_classes(project, module))
    classes = [cls for cls in found if cls is not None and cls is not MISSING]
    if not classes:
        return MISSING
    first = classes[0]
    same = isinstance(first, Target) and all(isinstance(cls, Target) and cls.path == first.path for cls in classes)
    return first if same else UNKNOWN


def _task_classes(project: Project, module: Module) -> Iterator[Any]:
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "task_cls":
                yield project.settle(module.value(keyword.value, site.scope), module)
    for _, target, value, site in module.candidates.stores:
        if isinstance(target, ast.Attribute) and target.attr == "Task":
            yield project.settle(module.value(value, site.scope), module)
    for cls, _, scope in module.candidates.classes:
        if "task_cls" in scope.bindings and cls.bases:
            for binding in scope.bindings["task_cls"]:
                yield (
                    project.settle(module.value(binding.node, scope), module)  # type: ignore[arg-type]
                    if binding.kind == ASSIGN
                    else UNKNOWN
                )


def acks_late(project: Project) -> bool | None:
    """Return whether the project acknowledges late: True, False, or None where it can't be told."""
    if project.options.celery_acks_late:
        return True
    given = project.setting("task_acks_late")
    if any(value is True or value == 1 for value in given):
        return True
    return None if any(not isinstance(value, (bool, int, type(None))) for value in given) else False
