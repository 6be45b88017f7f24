"""The result of traversing a tree: scopes, and the few nodes that may matter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.workspace.marks import ACCESSORS

if TYPE_CHECKING:
    import ast

    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode, Scope, Site


class Candidates(Record):
    """What one traversal found, in source order."""

    __slots__ = (
        "all_scopes",
        "calls",
        "classes",
        "dynamic",
        "functions",
        "imports",
        "lookups",
        "pipes",
        "raises",
        "scope",
        "scopes",
        "sends",
        "stars",
        "statements",
        "stores",
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.all_scopes = [scope]
        self.scopes: dict[str, Scope] = {}
        self.functions: list[tuple[FunctionNode, Site, Scope]] = []
        self.classes: list[tuple[ast.ClassDef, Site, Scope]] = []
        self.calls: list[tuple[ast.Call, Site]] = []
        self.sends: list[tuple[ast.Attribute, Site]] = []
        self.pipes: list[tuple[ast.BinOp, Site]] = []
        self.raises: list[tuple[ast.Raise, Site]] = []
        self.stores: list[tuple[ast.stmt, ast.expr, ast.expr, Site]] = []
        self.lookups: list[tuple[ast.Subscript, Site]] = []
        self.imports: list[Binding] = []
        self.stars: list[str] = []
        self.statements: set[int] = set()
        self.dynamic = False  # whether a call may bind names

    def definable(self) -> tuple[tuple[str, int], ...]:
        """Return the qualified name and line of what may define a task: decorated functions, classes with bases."""
        accessors = ACCESSORS.difference(self.scope.bindings)
        functions = [
            (scope.qualname, node.lineno)
            for node, _, scope in self.functions
            if any(last_name(decorator) not in accessors for decorator in node.decorator_list)
        ]
        classes = [
            (scope.qualname, node.lineno)
            for node, _, scope in self.classes
            if node.bases and ("run" in scope.bindings or "name" in scope.bindings)
        ]
        return (*functions, *classes)

    def release(self) -> None:
        """Drop everything: scopes and their bindings form cycles that only the garbage collector would find."""
        for scope in self.all_scopes:
            scope.bindings.clear()
