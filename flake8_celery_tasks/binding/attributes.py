"""Attributes that a module assigns, to whatever."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, IMPORT, MODULE, PARAM
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site


def is_assigned(module: Module, name: str) -> bool:
    """Return whether a module assigns an attribute of this name to anything."""
    assigned = _assigned(module)
    return name in assigned or None in assigned


@query()
def _assigned(module: Module) -> set[str | None]:
    """Return the attributes that a module assigns to anything, None for one that can't be told."""
    found: set[str | None] = {
        target.attr for _, target, _, _ in module.candidates.stores if isinstance(target, ast.Attribute)
    }
    for call, site in module.calls_of("setattr"):
        for arg in call.args[1:2] if isinstance(call.func, ast.Name) else ():
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                found.add(arg.value)
            elif _may_be_definition(call.args[0], site):
                found.add(None)
    return found


def _may_be_definition(node: ast.expr, site: Site) -> bool:
    """Return whether an expression may be a function or class of some module: no instance, and nothing inside one."""
    found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
    if found is None:
        return isinstance(node, ast.Name)
    owner, bindings = found
    if owner.kind in (MODULE, CLASS):
        return True
    return any(binding.kind in (IMPORT, FUNCTION, CLASS) or _is_any_parameter(binding) for binding in bindings)


def _is_any_parameter(binding: Binding) -> bool:
    """Return whether a binding is a parameter, and not the instance or class of a method."""
    function, outside = binding.site.node, binding.site.parent
    if binding.kind != PARAM or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return binding.kind == PARAM
    first = [*function.args.posonlyargs, *function.args.args][:1]
    is_method = outside is not None and isinstance(outside.node, ast.ClassDef)
    return not (is_method and binding.node in first)
