"""Scopes of a module, their bindings, and the position of nodes in them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, Union, cast

from flake8_celery_tasks.binding.nodes import dotted

if TYPE_CHECKING:
    from collections.abc import Iterator


FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]  # noqa: UP007

# The kinds of bindings.
IMPORT: Final = "import"
FUNCTION: Final = "function"
CLASS: Final = "class"
ASSIGN: Final = "assign"
PARAM: Final = "parameter"
OTHER: Final = "other"

# The kinds of sites.
MODULE: Final = "module"
LAMBDA: Final = "lambda"
LOOP: Final = "loop"
WITH: Final = "with"
TRY: Final = "try"
IF: Final = "if"
ARGUMENT: Final = "argument"
COMPREHENSION: Final = "comprehension"


class Binding:
    """One place where a name gets a value.

    `node` is the alias, definition, value expression or parameter; for an import, `path` is the imported target.
    """

    __slots__ = ("kind", "name", "node", "path", "site", "statement")

    def __init__(
        self, kind: str, name: str, node: ast.AST, site: Site, path: str = "", statement: ast.stmt | None = None
    ) -> None:
        self.kind = kind
        self.name = name
        self.node = node
        self.site = site
        self.path = path
        self.statement = statement

    @property
    def value(self) -> ast.expr:
        """The assigned expression, for an assignment."""
        return cast("ast.expr", self.node)

    @property
    def definition(self) -> FunctionNode | ast.ClassDef:
        """The definition, for a function or class."""
        return cast("FunctionNode | ast.ClassDef", self.node)

    @property
    def annotation(self) -> ast.expr | None:
        """The annotation, for a parameter."""
        return cast("ast.arg", self.node).annotation


class Scope:
    """A namespace: module, class or function (also a lambda's or comprehension's)."""

    __slots__ = ("_decisive", "bindings", "kind", "node", "outside", "parent", "qualname", "returns", "yields")

    def __init__(self, kind: str, node: ast.AST, parent: Scope | None, qualname: str) -> None:
        self.kind = kind
        self.node = node
        self.parent = parent
        self.qualname = qualname
        self.bindings: dict[str, list[Binding]] = {}
        self.outside: dict[str, Scope] = {}  # names declared global or nonlocal
        self.returns: list[ast.Return] = []
        self.yields = False
        self._decisive: dict[str, Binding | None] | None = None

    def bind(self, binding: Binding) -> None:
        """Add a binding, in the scope that the name belongs to."""
        scope = self.outside.get(binding.name, self) if self.outside else self
        known = scope.bindings.get(binding.name)
        if known is None:
            scope.bindings[binding.name] = [binding]
        else:
            known.append(binding)

    def decisive(self, name: str) -> Binding | None:
        """Return the binding that decides what a name of this scope stands for, None if several may.

        A function may bind and read a name thousands of times: that is found out once, after the traversal.
        """
        if self._decisive is None:
            self._decisive = {}
        if name not in self._decisive:
            some = self.bindings[name]
            real = [binding for binding in some if not is_none(binding)] or some
            is_clear = len(real) == 1 or all(binding.kind == IMPORT for binding in real)
            self._decisive[name] = real[0] if is_clear else None
        return self._decisive[name]

    def inner(self, name: str) -> str:
        """Return the qualified name of a definition in this scope, as Python forms it."""
        if self.kind == MODULE:
            return name
        return f"{self.qualname}.{name}" if self.kind == CLASS else f"{self.qualname}.<locals>.{name}"

    def find(self, name: str) -> tuple[Scope, list[Binding]] | None:
        """Return the scope that `name` is looked up in from here, and its bindings there; None for a builtin."""
        scope: Scope | None = self
        innermost = True
        while scope is not None:
            # Functions in a class don't see the class's names.
            if scope.kind != CLASS or innermost:
                found = scope.bindings.get(name)
                if found:
                    return scope, found
            innermost = innermost and scope.kind == COMPREHENSION
            scope = scope.parent
        return None


class Site:
    """Where a node is: a chain of the constructs around it, innermost first, shared by everything inside them."""

    __slots__ = ("_body", "kind", "node", "parent", "part", "scope")

    def __init__(self, parent: Site | None, kind: str, node: ast.AST, scope: Scope, part: str = "") -> None:
        self.parent = parent
        self.kind = kind
        self.node = node
        self.scope = scope
        self.part = part
        self._body = None if parent is None else parent.body

    @property
    def body(self) -> Site | None:
        """The innermost function or lambda of the chain: it saves climbing a long chain of `elif`."""
        return self if self.kind in (FUNCTION, LAMBDA) else self._body

    def chain(self) -> Iterator[Site]:
        """Yield this site and the enclosing ones, innermost first, up to the module."""
        site: Site | None = self
        while site is not None:
            yield site
            site = site.parent

    def bodies(self) -> Iterator[Site]:
        """Yield the functions and lambdas around this place, innermost first."""
        body = self.body
        while body is not None:
            yield body
            body = None if body.parent is None else body.parent.body

    def function(self) -> FunctionNode | None:
        """Return the innermost function (not lambda) around this place."""
        found = next((body for body in self.bodies() if body.kind == FUNCTION), None)
        return None if found is None else cast("FunctionNode", found.node)

    @property
    def try_(self) -> ast.Try:
        """The statement, for a `try` (including `except*`)."""
        return cast("ast.Try", self.node)

    @property
    def test(self) -> ast.expr:
        """The condition, for an `if`; for a `match`, its subject."""
        return self.node.subject if isinstance(self.node, ast.Match) else cast("ast.If", self.node).test

    @property
    def items(self) -> list[ast.withitem]:
        """The items, for a `with`."""
        return cast("ast.With", self.node).items

    def in_function(self) -> bool:
        """Return whether this place is inside a function or lambda."""
        return self.body is not None


_TYPE_CHECKING: Final = frozenset({"TYPE_CHECKING"})


def is_none(binding: Binding) -> bool:
    """Return whether a binding only reserves a name, as in `app = None`."""
    return binding.kind == ASSIGN and isinstance(binding.node, ast.Constant) and binding.node.value is None


def is_typing_only(site: Site) -> bool:
    """Return whether only type checkers see a place."""
    return any(
        around.kind == IF
        and around.part == "body"
        and isinstance(around.node, ast.If)
        and (dotted(around.node.test)[1] or (getattr(around.node.test, "id", ""),))[-1] in _TYPE_CHECKING
        for around in site.chain()
    )


def is_script(site: Site) -> bool:
    """Return whether a place runs only if its file is run as a script: `if __name__ == "__main__"`."""
    return any(
        isinstance(around.node, ast.If)
        and any(isinstance(node, ast.Constant) and node.value == "__main__" for node in ast.walk(around.node.test))
        for around in site.chain()
    )
