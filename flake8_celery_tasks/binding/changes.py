"""What becomes of lists, sets, dicts and other objects after they were made."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding import scopes
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.candidates import Candidates
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site

#: Methods that change a list, a set or a dict.
_CHANGING: Final = frozenset(
    {
        "add",
        "append",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "setdefault",
        "update",
    }
)


def changes_in(candidates: Candidates) -> dict[tuple[str, str], set[object]]:
    """Return what is changed after it was made, by scope and name, with the keys that then get a value."""
    found: dict[tuple[str, str], set[object]] = {}

    def note(node: ast.expr, keys: list[ast.expr], site: Site) -> None:
        while isinstance(node, ast.Subscript):
            keys = [node.slice]
            node = node.value
        owner = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if owner is not None and (owner[0].kind == scopes.FUNCTION or not site.in_function()):
            known = found.setdefault((owner[0].qualname, node.id), set())  # type: ignore[attr-defined]
            known.update(key.value for key in keys if isinstance(key, ast.Constant))

    for _, target, _, site in candidates.stores:
        if isinstance(target, ast.Subscript):
            note(target, [], site)
    for call, site in candidates.calls:
        func = call.func
        if isinstance(func, ast.Attribute) and func.attr in _CHANGING:
            given = [key for arg in call.args for key in (*getattr(arg, "keys", ()), arg)]
            note(func.value, [*given, *(ast.Constant(keyword.arg) for keyword in call.keywords)], site)
    return found


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
