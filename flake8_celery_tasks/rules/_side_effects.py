"""Calls of a task that reach the outside world, and whether it is safe to repeat them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.nodes import walk
from flake8_celery_tasks.binding.values import MISSING, Invoke, Param
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.frameworks.http_mail import MAIL, outbound
from flake8_celery_tasks.resolution.evaluation import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.frameworks.http_mail import Outbound
    from flake8_celery_tasks.resolution.project import Project


def outbound_calls(task: Task) -> Iterator[Outbound]:
    """Yield the calls in a task's own body that reach outside the process, in source order."""
    for call, site in task.calls():
        found = outbound(task.project, task.module, call, site)
        if found is not None:
            yield found


def idempotent(task: Task, call: Outbound) -> bool:
    """Return whether a request has, or may have, an idempotency key, so that the other side drops a repeated one."""
    if any("idempoten" in word.lower() for word in _words(task.function)):
        return True
    if call.kind == MAIL:
        return False
    if any(keyword.arg is None for keyword in call.node.keywords):
        return True
    headers = next((keyword.value for keyword in call.node.keywords if keyword.arg == "headers"), None)
    project, module = task.project, task.module
    if headers is not None and _may_hold_key(project.settle(module.value(headers, call.site.scope), module)):
        return True
    return call.client is not None and _session_may_hold_key(project, task.module, *call.client)


def _session_may_hold_key(project: Project, here: Module, made: Value, module: Module) -> bool:
    """Return whether a session may add the key to each request, through its constructor or a later change."""
    for name, value in made.keywords if isinstance(made, Invoke) else ():
        if name is None or (name == "headers" and _may_hold_key(project.settle(value, module))):
            return True
    if isinstance(made, Param):
        return True
    return _adds_key(here, project) or _adds_key(module, project)


@query()
def _adds_key(place: Module, project: Project) -> bool:
    """Return whether something in a module may add the key to the headers of a session."""
    for call, site in place.calls_of("update"):
        func = call.func
        if isinstance(func, ast.Attribute) and _is_headers(func.value):
            given = [project.settle(place.value(arg, site.scope), place) for arg in call.args]
            if call.keywords or any(_may_hold_key(value) for value in given):
                return True
    for _, target, value_node, site in place.candidates.stores:
        if _is_headers(target) and _may_hold_key(project.settle(place.value(value_node, site.scope), place)):
            return True
        if isinstance(target, ast.Subscript) and _is_headers(target.value):
            key = project.settle(place.value(target.slice, site.scope), place)
            if not isinstance(key, str) or "idempoten" in key.lower():
                return True
    return False


def _is_headers(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "headers"


def _may_hold_key(headers: Any) -> bool:
    if headers is None or headers is MISSING:
        return False
    if not isinstance(headers, Table) or not headers.complete:
        return True
    return any(not isinstance(name, (str, bytes)) or "idempoten" in str(name).lower() for name in headers)


def _words(function: ast.AST) -> Iterator[str]:
    """Yield the names and strings in a function."""
    for node in walk(function):
        for field in ("id", "attr", "arg", "value"):
            word = getattr(node, field, None)
            if isinstance(word, str):
                yield word
