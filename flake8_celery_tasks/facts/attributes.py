"""Whether something may have an attribute that its class does not say: it is assigned, or looked for, elsewhere."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site


def is_assigned(module: Module, name: str) -> bool:
    """Return whether a module assigns an attribute of this name to anything."""
    assigned = module.once(_assigned)
    return name in assigned or None in assigned


def _assigned(module: Module) -> set[str | None]:
    """Return the attributes that a module assigns to anything, None for one that can't be told."""
    found: set[str | None] = {
        target.attr for _, target, _, _ in module.candidates.stores if isinstance(target, ast.Attribute)
    }
    for call, _ in module.calls_of("setattr"):
        for arg in call.args[1:2] if isinstance(call.func, ast.Name) else ():
            found.add(arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else None)
    return found


def is_looked_for(name: str, site: Site) -> bool:
    """Return whether the function around a place asks whether something has an attribute of this name."""
    around = site.function()
    return around is not None and any(
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Name)
        and inner.func.id in ("getattr", "hasattr")
        and any(isinstance(arg, ast.Constant) and arg.value == name for arg in inner.args)
        for inner in ast.walk(around)
    )
