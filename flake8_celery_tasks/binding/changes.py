"""Changes to lists, sets, dicts and other objects after they were created."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding import scopes

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.candidates import Candidates
    from flake8_celery_tasks.binding.scopes import Site

#: Methods that modify a list, a set or a dict.
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
    """Return the objects that are changed after creation, by scope and name, with the keys that are then set."""
    found: dict[tuple[str, str], set[object]] = {}

    def note(node: ast.expr, keys: list[ast.expr], site: Site) -> None:
        while isinstance(node, ast.Subscript):
            keys = [node.slice]
            node = node.value
        if not isinstance(node, ast.Name):
            return
        owner = site.scope.find(node.id)
        if owner is not None and (owner[0].kind == scopes.FUNCTION or not site.in_function()):
            known = found.setdefault((owner[0].qualname, node.id), set())
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
