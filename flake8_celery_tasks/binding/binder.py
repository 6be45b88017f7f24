"""The single traversal of a tree: it collects the bindings of every scope, and the few nodes that may matter."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.candidates import Candidates
from flake8_celery_tasks.binding.nodes import PLAIN, is_on
from flake8_celery_tasks.binding.scopes import (
    ARGUMENT,
    ASSIGN,
    CLASS,
    COMPREHENSION,
    FUNCTION,
    IF,
    IMPORT,
    LAMBDA,
    LOOP,
    MODULE,
    OTHER,
    PARAM,
    TRY,
    WITH,
    Binding,
    Scope,
    Site,
)
from flake8_celery_tasks.catalog.methods import SENDING_ATTRIBUTES
from flake8_celery_tasks.workspace.imports import resolve_relative

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from flake8_celery_tasks.binding.scopes import FunctionNode


#: Functions that may bind names that no statement binds.
_BINDING: Final = frozenset({"exec", "globals", "vars"})

_SKIP: Final = frozenset({ast.Name, ast.Constant, ast.Pass, ast.Break, ast.Continue})
_NO_NODES: Final = PLAIN | {"name", "names", "type_params"}


class _Walk:
    """The state of one traversal. Handlers push the nodes below them; the main loop does the rest."""

    def __init__(self, tree: ast.Module, package: str, watched: Collection[str] = SENDING_ATTRIBUTES) -> None:
        self.package = package
        self.watched = watched
        self.found = Candidates(Scope(MODULE, tree, None, ""))
        self.calls = self.found.calls
        self.stack: list[tuple[ast.AST, Site]] = []

    def run(self, tree: ast.Module) -> Candidates:
        scope = self.found.scope
        self.push_all(tree.body, Site(None, MODULE, tree, scope))
        stack, handlers = self.stack, _HANDLERS
        while stack:
            node, site = stack.pop()
            handler = handlers.get(node.__class__)
            if handler is None:
                self.children(node, site)
            else:
                handler(self, node, site)
        return self.found

    # What goes on the stack. The last item pushed is visited first, hence the reversals.

    def children(self, node: ast.AST, site: Site) -> None:
        kind = node.__class__
        fields = _FIELDS.get(kind)
        if fields is None:
            fields = _FIELDS[kind] = tuple(name for name in reversed(kind._fields) if name not in _NO_NODES)
        stack = self.stack
        for name in fields:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for item in reversed(value):
                    if item.__class__ not in _SKIP and isinstance(item, ast.AST):
                        stack.append((item, site))
            elif value.__class__ not in _SKIP and isinstance(value, ast.AST):
                stack.append((value, site))

    def push(self, node: ast.AST | None, site: Site) -> None:
        if node is not None and node.__class__ not in _SKIP:
            self.stack.append((node, site))

    def push_all(self, nodes: list[ast.stmt] | list[ast.expr], site: Site) -> None:
        for node in reversed(nodes):
            if node.__class__ not in _SKIP:
                self.stack.append((node, site))

    def scope(self, kind: str, node: ast.AST, parent: Scope, qualname: str) -> Scope:
        scope = Scope(kind, node, parent, qualname)
        self.found.all_scopes.append(scope)
        return scope

    # Definitions.

    def function(self, node: FunctionNode, site: Site) -> None:
        outer = site.scope
        outer.bind(Binding(FUNCTION, node.name, node, site))
        qualname = outer.inner(node.name)
        scope = self.scope(FUNCTION, node, outer, qualname)
        self.found.scopes.setdefault(qualname, scope)
        self.found.functions.append((node, site, scope))
        if self.is_entered(node):
            inside = Site(site, FUNCTION, node, scope)
            self.type_parameters(node, inside)
            self.parameters(node.args, inside)
            self.push_all(node.body, inside)
        self.defaults(node.args, site)
        self.push_all(node.decorator_list, site)

    def type_parameters(self, node: FunctionNode | ast.ClassDef, site: Site) -> None:
        for parameter in getattr(node, "type_params", ()):
            site.scope.bindings[parameter.name] = [Binding(OTHER, parameter.name, parameter, site)]

    def is_entered(self, _node: FunctionNode) -> bool:
        """Return whether what is inside a function matters."""
        return True

    def lambda_(self, node: ast.Lambda, site: Site) -> None:
        scope = self.scope(FUNCTION, node, site.scope, site.scope.inner("<lambda>"))
        inside = Site(site, LAMBDA, node, scope)
        self.parameters(node.args, inside)
        self.push(node.body, inside)
        self.defaults(node.args, site)

    def parameters(self, args: ast.arguments, site: Site) -> None:
        bindings = site.scope.bindings  # nothing else is bound yet or declared to belong to another scope
        for arg in (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg):
            if arg is not None:
                bindings[arg.arg] = [Binding(PARAM, arg.arg, arg, site)]

    def defaults(self, args: ast.arguments, site: Site) -> None:
        if args.defaults or args.kw_defaults:
            for default in reversed((*args.defaults, *args.kw_defaults)):
                self.push(default, site)

    def classdef(self, node: ast.ClassDef, site: Site) -> None:
        outer = site.scope
        outer.bind(Binding(CLASS, node.name, node, site))
        qualname = outer.inner(node.name)
        if getattr(node, "type_params", ()):  # what methods see of the class
            outer = Scope(FUNCTION, node, outer, qualname)
            self.type_parameters(node, Site(site, CLASS, node, outer))
        scope = self.scope(CLASS, node, outer, qualname)
        self.found.scopes.setdefault(qualname, scope)
        self.found.classes.append((node, site, scope))
        self.push_all(node.body, Site(site, CLASS, node, scope))
        for keyword in reversed(node.keywords):
            self.push(keyword.value, site)
        self.push_all(node.bases, site)
        self.push_all(node.decorator_list, site)

    # Assignments.

    def target(self, target: ast.expr, site: Site, value: ast.expr | None, statement: ast.stmt | None) -> None:
        """Bind the names of a target; `value` is None if no single expression on the right side is its value."""
        if isinstance(target, ast.Name):
            kind = OTHER if value is None else ASSIGN
            site.scope.bind(Binding(kind, target.id, value or target, site, statement=statement))
        elif isinstance(target, (ast.Tuple, ast.List)):
            values: list[ast.expr] = []
            if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
                values = value.elts
            starred = any(isinstance(item, ast.Starred) for item in (*target.elts, *values))
            for index, item in enumerate(target.elts):
                self.target(item, site, values[index] if values and not starred else None, statement)
        elif isinstance(target, ast.Starred):
            self.target(target.value, site, None, statement)
        else:
            if value is not None and statement is not None:
                self.found.stores.append((statement, target, value, site))
            self.push(target, site)

    def assign(self, node: ast.Assign, site: Site) -> None:
        value = node.value
        if value.__class__ not in _SKIP:
            self.stack.append((value, site))
        for target in node.targets:
            if target.__class__ is ast.Name:
                site.scope.bind(Binding(ASSIGN, target.id, value, site, statement=node))
            else:
                self.target(target, site, value, node)

    def ann_assign(self, node: ast.AnnAssign, site: Site) -> None:
        self.push(node.value, site)
        if node.value is not None:
            self.target(node.target, site, node.value, node)

    def aug_assign(self, node: ast.AugAssign, site: Site) -> None:
        self.push(node.value, site)
        self.target(node.target, site, None, node)

    def named(self, node: ast.NamedExpr, site: Site) -> None:
        self.push(node.value, site)
        scope = site.scope
        while scope.kind == COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        scope.bind(Binding(ASSIGN, node.target.id, node.value, site))

    def type_alias(self, node: Any, site: Site) -> None:
        self.target(node.name, site, None, node)

    def delete(self, node: ast.Delete, site: Site) -> None:
        for target in node.targets:
            self.target(target, site, None, node)

    def capture(self, node: ast.MatchAs | ast.MatchStar | ast.MatchMapping, site: Site) -> None:
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name is not None:
            site.scope.bind(Binding(OTHER, name, node, site))
        self.children(node, site)

    def outside(self, node: ast.Global | ast.Nonlocal, site: Site) -> None:
        for name in node.names:
            scope = self.found.scope
            if isinstance(node, ast.Nonlocal) and site.scope.parent is not None:
                found = site.scope.parent.find(name)
                scope = found[0] if found else scope
            if scope is not site.scope:
                site.scope.outside[name] = scope

    # Imports.

    def import_(self, node: ast.Import, site: Site) -> None:
        for alias in node.names:
            if alias.asname:
                name, path = alias.asname, f"{alias.name}:"
            else:
                name = alias.name.partition(".")[0]
                path = f"{name}:"
            binding = Binding(IMPORT, name, alias, site, path, node)
            site.scope.bind(binding)
            self.found.imports.append(binding)

    def import_from(self, node: ast.ImportFrom, site: Site) -> None:
        module = resolve_relative(self.package, node.level, node.module)
        for alias in node.names:
            if alias.name == "*":
                if module is not None and site.scope.kind == MODULE:  # a syntax error elsewhere
                    self.found.stars.append(module)
                continue
            name = alias.asname or alias.name
            if module is None:
                site.scope.bind(Binding(OTHER, name, alias, site, statement=node))
                continue
            binding = Binding(IMPORT, name, alias, site, f"{module}:{alias.name}", node)
            site.scope.bind(binding)
            self.found.imports.append(binding)

    # Blocks.

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, site: Site) -> None:
        self.push_all(node.orelse, site)
        self.push_all(node.body, Site(site, LOOP, node, site.scope))
        if isinstance(node, ast.While):
            self.push(node.test, site)
        else:
            self.push(node.iter, site)
            self.target(node.target, site, None, node)

    def with_(self, node: ast.With | ast.AsyncWith, site: Site) -> None:
        self.push_all(node.body, Site(site, WITH, node, site.scope))
        for item in reversed(node.items):
            self.push(item.context_expr, site)
            if item.optional_vars is not None:
                self.target(item.optional_vars, site, None, node)

    def try_(self, node: ast.Try, site: Site) -> None:
        scope = site.scope
        self.push_all(node.finalbody, Site(site, TRY, node, scope, "finally"))
        self.push_all(node.orelse, Site(site, TRY, node, scope, "else"))
        for handler in reversed(node.handlers):
            inside = Site(site, TRY, node, scope, "handler")
            if handler.name:
                scope.bind(Binding(OTHER, handler.name, handler, inside))
            self.push_all(handler.body, inside)
            self.push(handler.type, site)
        self.push_all(node.body, Site(site, TRY, node, scope, "body"))

    def if_(self, node: ast.If, site: Site) -> None:
        if node.orelse:
            self.push_all(node.orelse, Site(site, IF, node, site.scope, "else"))
        self.push_all(node.body, Site(site, IF, node, site.scope, "body"))
        self.push(node.test, site)

    def match(self, node: ast.Match, site: Site) -> None:
        for index, case in reversed(list(enumerate(node.cases))):
            self.push_all(case.body, Site(site, IF, node, site.scope, f"case {index}"))
            self.push(case.guard, site)
            self.push(case.pattern, site)
        self.push(node.subject, site)

    def comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp, site: Site) -> None:
        scope = self.scope(COMPREHENSION, node, site.scope, site.scope.qualname)
        inside = Site(site, LOOP, node, scope)
        for generator in reversed(node.generators):
            self.push_all(generator.ifs, inside)
            self.push(generator.iter, site)
            self.target(generator.target, inside, None, None)
        if isinstance(node, ast.DictComp):
            self.push(node.value, inside)
            self.push(node.key, inside)
        else:
            self.push(node.elt, inside)

    # Expressions.

    def call(self, node: ast.Call, site: Site) -> None:
        self.calls.append((node, site))
        stack = self.stack
        for keyword in reversed(node.keywords):
            arg = keyword.value
            kind = arg.__class__
            if kind not in _SKIP:
                stack.append((arg, site if kind is not ast.Lambda else Site(site, ARGUMENT, node, site.scope)))
        for arg in reversed(node.args):
            kind = arg.__class__
            if kind not in _SKIP:
                # A lambda remembers the call that it is passed to, since that decides when it runs.
                stack.append((arg, site if kind is not ast.Lambda else Site(site, ARGUMENT, node, site.scope)))
        func = node.func
        if func.__class__ is ast.Attribute:
            self.attribute(func, site)
        elif func.__class__ is not ast.Name:
            stack.append((func, site))
        elif func.id in _BINDING and not (func.id == "vars" and node.args and node.args[0].__class__ is ast.Attribute):
            self.found.dynamic = True  # vars(x.y) gives the attributes of an object

    def attribute(self, node: ast.expr, site: Site) -> None:
        # Go straight down the chain: the links need not go through the stack one by one.
        while node.__class__ is ast.Attribute:
            if node.attr in self.watched:
                self.found.sends.append((node, site))
            node = node.value
        if node.__class__ not in _SKIP:
            self.stack.append((node, site))

    def subscript(self, node: ast.Subscript, site: Site) -> None:
        if node.value.__class__ is ast.Attribute and node.value.attr == "tasks":
            self.found.lookups.append((node, site))
        self.push(node.slice, site)
        self.push(node.value, site)

    def operation(self, node: ast.BinOp, site: Site) -> None:
        if node.op.__class__ is ast.BitOr:
            self.found.pipes.append((node, site))
        self.push(node.right, site)
        self.push(node.left, site)

    def expression(self, node: ast.Expr, site: Site) -> None:
        value = node.value
        self.found.statements.add(id(value))
        if value.__class__ is ast.Call:
            self.call(value, site)
        elif value.__class__ not in _SKIP:
            self.stack.append((value, site))

    def raise_(self, node: ast.Raise, site: Site) -> None:
        self.found.raises.append((node, site))
        self.push(node.cause, site)
        self.push(node.exc, site)

    def return_(self, node: ast.Return, site: Site) -> None:
        site.scope.returns.append(node)
        self.push(node.value, site)

    def yield_(self, node: ast.Yield | ast.YieldFrom, site: Site) -> None:
        scope = site.scope
        while scope.kind == COMPREHENSION and scope.parent is not None:
            scope = scope.parent
        scope.yields = True
        self.push(node.value, site)


class _SurfaceWalk(_Walk):
    """A traversal that skips function bodies in which nothing is visible from outside."""

    def __init__(self, tree: ast.Module, package: str, text: bytes, is_inner: Callable[[bytes], bool]) -> None:
        super().__init__(tree, package)
        self.is_inner = is_inner
        self.lines = text.splitlines(keepends=True)

    def is_entered(self, node: FunctionNode) -> bool:
        first: ast.stmt | ast.expr = node.body[0]
        if isinstance(first, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and first.decorator_list:
            first = first.decorator_list[0]  # the line of a definition is the line of its name
        return not self.is_inner(b"".join(self.lines[first.lineno - 1 : node.end_lineno]))


class _PartWalk(_Walk):
    """A traversal that skips the bodies of functions that are on none of some lines, given in order."""

    def __init__(self, tree: ast.Module, package: str, watched: Collection[str], lines: Sequence[int]) -> None:
        super().__init__(tree, package, watched)
        self.lines = lines

    def is_entered(self, node: FunctionNode) -> bool:
        return is_on(node, self.lines)


_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {}

_HANDLERS: Final[dict[type[ast.AST], Callable[..., None]]] = {
    ast.FunctionDef: _Walk.function,
    ast.AsyncFunctionDef: _Walk.function,
    ast.ClassDef: _Walk.classdef,
    ast.Assign: _Walk.assign,
    ast.AnnAssign: _Walk.ann_assign,
    ast.AugAssign: _Walk.aug_assign,
    ast.NamedExpr: _Walk.named,
    ast.For: _Walk.loop,
    ast.AsyncFor: _Walk.loop,
    ast.While: _Walk.loop,
    ast.With: _Walk.with_,
    ast.AsyncWith: _Walk.with_,
    ast.Try: _Walk.try_,
    ast.If: _Walk.if_,
    ast.Match: _Walk.match,
    ast.Import: _Walk.import_,
    ast.ImportFrom: _Walk.import_from,
    ast.Global: _Walk.outside,
    ast.Nonlocal: _Walk.outside,
    ast.Lambda: _Walk.lambda_,
    ast.ListComp: _Walk.comprehension,
    ast.SetComp: _Walk.comprehension,
    ast.DictComp: _Walk.comprehension,
    ast.GeneratorExp: _Walk.comprehension,
    ast.Call: _Walk.call,
    ast.Attribute: _Walk.attribute,
    ast.Subscript: _Walk.subscript,
    ast.BinOp: _Walk.operation,
    ast.Expr: _Walk.expression,
    ast.Raise: _Walk.raise_,
    ast.Return: _Walk.return_,
    ast.Yield: _Walk.yield_,
    ast.YieldFrom: _Walk.yield_,
    ast.Delete: _Walk.delete,
    ast.MatchAs: _Walk.capture,
    ast.MatchStar: _Walk.capture,
    ast.MatchMapping: _Walk.capture,
}
_NEWER: Final = {"TryStar": _Walk.try_, "TypeAlias": _Walk.type_alias}
_HANDLERS.update({getattr(ast, name): handler for name, handler in _NEWER.items() if hasattr(ast, name)})


def collect(tree: ast.Module, package: str = "") -> Candidates:
    """Return the candidates of a module.

    `package` is the dotted name of the package that relative imports start from. The tree is not modified.
    """
    return _Walk(tree, package).run(tree)


def attributes_on(
    tree: ast.Module, package: str, watched: Collection[str], lines: Sequence[int]
) -> list[tuple[ast.Attribute, Site]]:
    """Return the attributes with some names, in source order; `lines` are the lines that they may be on, in order.

    The names in scopes are complete, but for those that functions on other lines bind outside of themselves.
    """
    return _PartWalk(tree, package, watched, lines).run(tree).sends


def surface(tree: ast.Module, package: str, text: bytes) -> Candidates:
    """Return the candidates of a module that matter to other modules; `text` is the source that the tree was made from.

    Skips the bodies of functions that neither define a task nor bind a name of the module. Complete are: the bindings
    of the module and its classes, decorated functions, classes, and the calls that may create a task.
    """
    from flake8_celery_tasks.workspace import prescan  # a warm run needs none of its patterns

    if prescan.is_coded(text):
        return collect(tree, package)
    return _SurfaceWalk(tree, package, text, prescan.inner_test(text)).run(tree)
