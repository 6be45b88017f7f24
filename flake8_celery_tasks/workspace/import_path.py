"""Folders that a project puts on Python's path itself: `sys.path.append(...)` in `manage.py` or in its settings."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core import regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Modules that are imported before the tasks and may change the path, by their names or the names of their folders.
_EARLY: Final = frozenset({"asgi", "celery", "celery_app", "celeryapp", "conf", "config", "manage", "settings", "wsgi"})
_SETTINGS: Final = frozenset({"conf", "config", "configs", "settings"})

_MARKS: Final = (b"sys.path", b"addsitedir")

#: Functions that return an equivalent path.
_SAME: Final = frozenset(
    {"Path", "abspath", "absolute", "as_posix", "fspath", "normpath", "realpath", "resolve", "str"}
)

_DEEPEST: Final = 20


def added(root: str, files: Iterable[str]) -> list[str]:
    """Return the folders inside a project's root that some of its files put on Python's path."""
    found: dict[str, None] = {}
    for path in files:
        folder, _, name = path.rpartition(os.sep)
        if name.removesuffix(".py") in _EARLY or folder.rpartition(os.sep)[2] in _SETTINGS:
            found.update(dict.fromkeys(_added_by(root, path)))
    return list(found)


def _added_by(root: str, path: str) -> Iterator[str]:
    try:
        content = regular.read(path)
        if not any(mark in content for mark in _MARKS):
            return
        tree = ast.parse(content)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    reading = _Reading(root, path, tree)
    for node in ast.walk(tree):
        for value in _put_on_path(node):
            folder = reading.folder(value)
            if folder is not None and folder.startswith(root + os.sep) and os.path.isdir(folder):
                yield folder


def _put_on_path(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the paths that a statement or call puts on Python's path."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        method = node.func.attr
        if method == "addsitedir":
            yield from _items(node.args[:1])
        elif method in ("append", "extend", "insert") and _is_path(node.func.value):
            yield from _items(node.args[-1:])
    elif isinstance(node, (ast.Assign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(map(_is_path, targets)):
            yield from _items([node.value])


def _is_path(node: ast.AST) -> bool:
    """Return whether an expression is `sys.path`, or a slice of it."""
    if isinstance(node, ast.Subscript):
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr == "path" and getattr(node.value, "id", "") == "sys"


def _items(nodes: Iterable[ast.expr]) -> Iterator[ast.expr]:
    for node in nodes:
        if isinstance(node, (ast.List, ast.Tuple)):
            yield from node.elts
        elif isinstance(node, ast.BinOp) and any(map(_is_several, (node.left, node.right))):
            yield from _items([node.left, node.right])
        else:
            yield node


def _is_several(node: ast.expr) -> bool:
    return isinstance(node, (ast.List, ast.Tuple)) or _is_path(node)


class _Reading:
    """The paths in a module, as far as they can be evaluated. An unresolved base is taken to be above the file."""

    def __init__(self, root: str, path: str, tree: ast.Module) -> None:
        self.root = root
        self.path = path
        self.bound: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.bound.setdefault(target.id, []).append(node.value)

    def folder(self, node: ast.expr) -> str | None:
        """Return the folder that an expression stands for, None if it is unknown."""
        base, parts = self._split(node, 0)
        if base is not None:
            return os.path.normpath(os.path.join(base, *parts))
        if not parts or parts[0].startswith("."):
            return None
        above = os.path.dirname(self.path)
        while above.startswith(self.root):
            folder = os.path.normpath(os.path.join(above, *parts))
            if os.path.isdir(folder):
                return folder
            above = os.path.dirname(above)
        return None

    def _split(self, node: ast.expr, depth: int) -> tuple[str | None, list[str]]:
        """Return the base of a path, None if it is unknown, and the parts after it."""
        if depth > _DEEPEST:
            return None, []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return None, [node.value]
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return self.path, []
            values = self.bound.get(node.id, [])
            return self._split(values[0], depth + 1) if len(values) == 1 else (None, [])
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            base, parts = self._split(node.left, depth + 1)
            return base, [*parts, *(part.strip("/") for part in self._split(node.right, depth + 1)[1])]
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return self._above(node.value, 1, depth)
        if isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "parents":
            return self._parents(node, depth)
        if isinstance(node, ast.Call):
            return self._called(node, depth)
        return None, []

    def _parents(self, node: ast.Subscript, depth: int) -> tuple[str | None, list[str]]:
        assert isinstance(node.value, ast.Attribute)
        number = node.slice.value if isinstance(node.slice, ast.Constant) else None
        return self._above(node.value.value, number + 1, depth) if isinstance(number, int) else (None, [])

    def _above(self, node: ast.expr, steps: int, depth: int) -> tuple[str | None, list[str]]:
        base, parts = self._split(node, depth + 1)
        while steps and parts:
            parts.pop()
            steps -= 1
        for _ in range(steps if base is not None else 0):
            base = os.path.dirname(base or "")
        return base, parts

    def _called(self, node: ast.Call, depth: int) -> tuple[str | None, list[str]]:
        func = node.func
        name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
        if name in ("join", "joinpath"):
            given = [func.value, *node.args] if name == "joinpath" and isinstance(func, ast.Attribute) else node.args
            base, parts = self._split(given[0], depth + 1) if given else (None, [])
            for more in given[1:]:
                parts = [*parts, *self._split(more, depth + 1)[1]]
            return base, parts
        if name == "dirname" and node.args:
            return self._above(node.args[0], 1, depth)
        if name == "getcwd":
            return self.root, []
        if name in _SAME:
            inner = node.args[0] if node.args else func.value if isinstance(func, ast.Attribute) else None
            return (None, []) if inner is None else self._split(inner, depth + 1)
        return None, []
