"""What the traversal of a tree leaves: scopes, and the few nodes that may matter."""

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

    def __init__(
        self,
        scope: Scope,
        scopes: dict[str, Scope] | None = None,
        functions: list[tuple[FunctionNode, Site, Scope]] | None = None,
        classes: list[tuple[ast.ClassDef, Site, Scope]] | None = None,
        calls: list[tuple[ast.Call, Site]] | None = None,
        sends: list[tuple[ast.Attribute, Site]] | None = None,
        pipes: list[tuple[ast.BinOp, Site]] | None = None,
        raises: list[tuple[ast.Raise, Site]] | None = None,
        stores: list[tuple[ast.stmt, ast.expr, ast.expr, Site]] | None = None,
        lookups: list[tuple[ast.Subscript, Site]] | None = None,
        imports: list[Binding] | None = None,
        stars: list[str] | None = None,
        statements: set[int] | None = None,
    ) -> None:
        self.scope = scope
        self.scopes: dict[str, Scope] = {} if scopes is None else scopes
        self.functions: list[tuple[FunctionNode, Site, Scope]] = [] if functions is None else functions
        self.classes: list[tuple[ast.ClassDef, Site, Scope]] = [] if classes is None else classes
        self.calls: list[tuple[ast.Call, Site]] = [] if calls is None else calls
        self.sends: list[tuple[ast.Attribute, Site]] = [] if sends is None else sends
        self.pipes: list[tuple[ast.BinOp, Site]] = [] if pipes is None else pipes
        self.raises: list[tuple[ast.Raise, Site]] = [] if raises is None else raises
        self.stores: list[tuple[ast.stmt, ast.expr, ast.expr, Site]] = [] if stores is None else stores
        self.lookups: list[tuple[ast.Subscript, Site]] = [] if lookups is None else lookups
        self.imports: list[Binding] = [] if imports is None else imports
        self.stars: list[str] = [] if stars is None else stars
        self.statements: set[int] = set() if statements is None else statements
        self.all_scopes = [scope]
        self.dynamic = False  # whether something is called that may bind names

    def definable(self) -> tuple[tuple[str, int], ...]:
        """Return qualified name and line of what may define a task: decorated functions, classes with bases."""
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
        """Let go of everything: scopes and what they bind go in circles, that only the garbage collector would find."""
        for scope in self.all_scopes:
            scope.bindings.clear()
