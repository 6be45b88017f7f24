"""Attributes that a module assigns, to whatever."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module


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
    for call, _ in module.calls_of("setattr"):
        for arg in call.args[1:2] if isinstance(call.func, ast.Name) else ():
            found.add(arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None)
    return found
