"""One file: its text, its place among the project's modules, and the values of its names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding import binder, scopes
from flake8_celery_tasks.binding.changes import changes_in
from flake8_celery_tasks.binding.nodes import attributes_in, hands_on, last_name, unsubscripted
from flake8_celery_tasks.binding.scopes import is_none, is_typing_only
from flake8_celery_tasks.binding.symbols import Alias, Body, Bound, Class, Function, Opaque, parameters
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Items, Mapping, Param, Reading, Ref
from flake8_celery_tasks.core.memo import Memo, query
from flake8_celery_tasks.workspace.layout import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.binding.candidates import Candidates
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode, Scope, Site
    from flake8_celery_tasks.binding.symbols import Symbol
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.workspace.layout import Place
    from flake8_celery_tasks.workspace.source import Source


class Module(Memo):
    """A parsed file. Everything but its place is computed on first use."""

    def __init__(
        self,
        place: Place,
        source: Source,
        tree: ast.Module | None,
        reread: Callable[[], ast.Module | None],
        *,
        summary: dict[str, Any] | None = None,
        text: bytes | None = None,
        is_from_disk: bool = True,
    ) -> None:
        super().__init__()
        self.place = place
        self.source = source
        self.tree = tree
        self._reread = reread
        self._summary = summary
        #: Whether this is the file on disk, not an editor buffer that replaces it.
        self.is_from_disk = is_from_disk
        #: Whether more is known about it than its summary contains.
        self.grown = summary is None
        self._deepened = False  # whether a body was read
        self.text = text  # the source of the tree, if other modules ask for it
        #: Whether the file will be checked, so that everything in its tree will be needed.
        self.is_expected = False
        self._surface: Candidates | None = None
        self._candidates: Candidates | None = None
        self._values: dict[int, Value] = {}
        self._reading = Reading()
        self._symbols: dict[str, tuple[Symbol, ...]] = {}
        self._made: tuple[Invoke, ...] | None = None
        self._functions: dict[int, Function] = {}
        self._classes: dict[int, Class] = {}
        self._inner: dict[int, list[tuple[ast.Call, Site]]] | None = None

    def knows_more(self, summary: dict[str, Any]) -> bool:
        """Return whether the module may have been asked for more than a summary contains."""
        return (
            self._deepened
            or not self._symbols.keys() <= summary["symbols"].keys()
            or (summary["made"] is None and self._made is not None)
        )

    @property
    def prefix(self) -> str:
        """The prefix for a name of this module in the path of a target.

        For a project package with the name of an installed one it starts with a dot, so that the two are not confused.
        """
        name = self.place.name
        return f".{name}." if name.partition(".")[0] in INSTALLED else f"{name}."

    @property
    def candidates(self) -> Candidates:
        """All that the traversal found."""
        if self._candidates is None:
            tree = self.tree or self._reread() or ast.Module([], [])
            self._candidates = binder.collect(tree, self.place.package)
        return self._candidates

    @property
    def surface(self) -> Candidates:
        """What the traversal found, possibly only the part that matters to other modules."""
        if self._candidates is not None or self.tree is None or self.text is None or self.is_expected:
            return self.candidates
        if self._surface is None:
            self._surface = binder.surface(self.tree, self.place.package, self.text)
        return self._surface

    def shed(self, summary: dict[str, Any] | None = None) -> list[Candidates]:
        """Drop the tree and everything that refers to it. A summary's contents stay; the rest is read again if needed.

        Returns what the traversal had found, to be released once nobody uses it any more.
        """
        dropped = [found for found in (self._surface, self._candidates) if found is not None]
        if summary is not None:
            self._summary = summary
            self.grown = self._deepened = False
        elif self._summary is None and dropped:
            self._summary = {**self.outline(), "made": None, "symbols": {}}
        self.tree = self.text = self._surface = self._candidates = self._inner = None
        # Their keys are identities of nodes that are gone now.
        self._values.clear()
        self._reading = Reading()
        self._functions.clear()
        self._classes.clear()
        self.answers.clear()
        return dropped

    def take_over(self, other: Module) -> None:
        """Take over another module's tree of the same text, and what its traversal has found."""
        if self._candidates is None and (self.tree is None or self.tree is other.tree):
            self.tree, self._candidates = other.tree, other._candidates

    # Queries that many facts use.

    def calls_of(self, name: str) -> list[tuple[ast.Call, Site]]:
        """Return the calls of a function or method by its last name: `name()`, `x.name()`."""
        return _calls_by_name(self).get(name, [])

    def functions_called(self, qualname: str) -> list[tuple[FunctionNode, Site, Scope]]:
        """Return the functions with a qualified name: more than one if it is defined more than once."""
        return _functions_by_name(self).get(qualname, [])

    def definitions_called(self, qualname: str) -> list[tuple[FunctionNode | ast.ClassDef, Site]]:
        """Return the functions and classes with a qualified name."""
        functions: list[tuple[FunctionNode | ast.ClassDef, Site]]
        functions = [(node, site) for node, site, _ in self.functions_called(qualname)]
        return functions + _classes_by_name(self).get(qualname, [])

    def outline(self) -> dict[str, Any]:
        """Return the part of a summary that follows directly from the candidates."""
        return {
            "package": self.place.package,
            "stars": self.stars,
            "dynamic": self.dynamic,
            "names": list(self.names()),
            "definable": [list(item) for item in self.definable()],
        }

    def summary(self) -> dict[str, Any]:
        """Return what is known about the module so far, as JSON. Raises ValueError for values that JSON can't hold."""
        from flake8_celery_tasks.binding.summary import dump, dump_symbol

        made = self.known_made()
        return {
            **self.outline(),
            "made": None if made is None else [dump(value) for value in made],
            "symbols": {
                name: [dump_symbol(symbol) for symbol in found] for name, found in self.known_symbols().items()
            },
        }

    # Values.

    def value(self, node: ast.expr, scope: Scope) -> Value:
        """Return the symbolic value of an expression, as seen from `scope`."""

        def name(identifier: str, depth: int) -> Value:
            return self._name(identifier, scope, depth)

        return self._reading.read(node, name)

    def _name(self, identifier: str, scope: Scope, depth: int) -> Value:
        found = scope.find(identifier)
        if found is None:
            return Ref(f":{identifier}" if self.stars else f"builtins:{identifier}")
        owner, bindings = found
        if owner.kind == scopes.MODULE:
            return Ref(f":{identifier}")
        if owner.kind == scopes.CLASS:
            return Ref(f":{owner.qualname}.{identifier}")
        binding = bindings[0]
        if len(bindings) > 1:
            decisive = owner.decisive(identifier)
            if decisive is None:
                return UNKNOWN
            binding = decisive
        if binding.kind == scopes.IMPORT:
            return Ref(binding.path)
        if binding.kind in (scopes.FUNCTION, scopes.CLASS):
            return Ref(f":{owner.inner(identifier)}")
        if binding.kind == scopes.PARAM:
            annotation = binding.annotation
            # An annotation is evaluated outside the function, whose parameters may have the same names.
            outside = owner.parent or owner
            return Param(identifier, None if annotation is None else self.value(annotation, outside))
        if binding.kind == scopes.ASSIGN:
            return self._assigned(binding, depth)
        return UNKNOWN

    def _assigned(self, binding: Binding, depth: int) -> Value:
        key = id(binding)
        if key not in self._values:
            self._values[key] = UNKNOWN  # in case a name is defined by itself

            def name(identifier: str, deeper: int) -> Value:
                return self._name(identifier, binding.site.scope, deeper)

            value = self._reading.read(binding.value, name, depth, key)
            if isinstance(value, (Items, Mapping)):
                keys = self.changed(binding)
                if keys is not None:
                    value = value.changed(keys)
            self._values[key] = value
        self._reading.take(key)
        return self._values[key]

    def changed(self, binding: Binding) -> set[object] | None:
        """Return the keys that are set later in the object that a name is bound to; None if nothing changes it.

        For a name of a module or class this covers only changes made there, not those made in functions.
        """
        found = (_changes if self._candidates is not None else _surface_changes)(self)
        return found.get((binding.site.scope.qualname, binding.name))

    # Symbols.

    @property
    def stars(self) -> list[str]:
        """The modules whose names are imported by `from module import *`."""
        stars: list[str] = self.surface.stars if self._summary is None else self._summary["stars"]
        return stars

    @property
    def dynamic(self) -> bool:
        """Whether there can be names that no statement binds, from `__getattr__` or from writing to `globals()`."""
        if self._summary is not None:
            return bool(self._summary["dynamic"])
        return self.surface.dynamic or "__getattr__" in self.surface.scope.bindings

    def names(self) -> tuple[str, ...]:
        """Return the names that the module binds."""
        return tuple(self.surface.scope.bindings if self._summary is None else self._summary["names"])

    def binds(self, name: str) -> bool:
        """Return whether the module binds a name."""
        return name in (self.surface.scope.bindings if self._summary is None else self._summary["names"])

    def definable(self) -> tuple[tuple[str, int], ...]:
        """Return the qualified name and line of anything that may define a task.

        These are functions with decorators, except for accessors and the like, and classes with bases that have `run`
        or a `name` of their own.
        """
        if self._summary is not None:
            return tuple((name, line) for name, line in self._summary["definable"])
        return _definable(self)

    def made(self) -> tuple[Invoke, ...]:
        """Return calls that may create a task without a decorator: `decorator(...)(function)`, `register_task(...)`.

        Such a call has one argument, and no keywords unless its function has the name of one of Celery's. Its function
        has the name of a task decorator or is the result of a call, or the call is the whole value of a module-level
        name.
        """
        if self._made is None:
            if self._summary is not None and self._summary["made"] is not None:
                from flake8_celery_tasks.binding.summary import load_made

                self._made = load_made(self._summary["made"])
            else:
                self._made = tuple(self._making())
                self.grown = True
        return self._made

    def known_made(self) -> tuple[Invoke, ...] | None:
        """Return the result of `made`, or None if nobody has asked for it yet, now or when the summary was created."""
        known = self._made is not None or (self._summary is not None and self._summary["made"] is not None)
        return self.made() if known else None

    def _making(self) -> Iterator[Invoke]:
        bound = {
            id(binding.node)
            for bindings in self.surface.scope.bindings.values()
            for binding in bindings
            if binding.kind == scopes.ASSIGN
        }
        for call, site in self.surface.calls:
            if len(call.args) != 1:
                continue
            func = call.func
            name = last_name(func)
            if call.keywords and name not in ("shared_task", "task"):
                continue
            if not (name == "register_task" or isinstance(call.args[0], (ast.Name, ast.Attribute))):
                continue
            if isinstance(func, ast.Call) or "task" in name or id(call) in bound:
                value = self.value(call, site.scope)
                if isinstance(value, Invoke):  # `dict(other)` is a mapping
                    yield value

    def known_symbols(self) -> dict[str, tuple[Symbol, ...]]:
        """Return the symbols that have been asked for so far, in this run or when the summary was created."""
        for name in self._summary["symbols"] if self._summary else ():
            self.symbols(name)
        return self._symbols

    def symbols(self, qualname: str) -> tuple[Symbol, ...]:
        """Return the symbols of a qualified name, one for each binding, in source order."""
        known = self._symbols.get(qualname)
        if known is None:
            if self._summary is not None and qualname in self._summary["symbols"]:
                known = self._from_summary(self._summary["symbols"][qualname])
            elif self._summary is not None and "." not in qualname and not self.binds(qualname):
                return ()
            else:
                known = tuple(self._symbol(binding) for binding in self.bindings(qualname) if not is_none(binding))
                self.grown = True
            self._symbols[qualname] = known
        return known

    def _from_summary(self, data: list[Any]) -> tuple[Symbol, ...]:
        from flake8_celery_tasks.binding.summary import load_symbol

        return tuple(load_symbol(item, self._body_of, self._attributes_of) for item in data)

    def _body_of(self, qualname: str, line: int) -> Body:
        self.grown = self._deepened = True
        for node, _, scope in self.functions_called(qualname):
            if node.lineno == line:
                return self._body(node, scope)
        return Body()

    def _attributes_of(self, qualname: str, line: int) -> tuple[str, ...]:
        self.grown = self._deepened = True
        for node, _ in self.definitions_called(qualname):
            if isinstance(node, ast.ClassDef) and node.lineno == line:
                return attributes_in(node)
        return ()

    def bindings(self, qualname: str) -> list[Binding]:
        """Return the bindings of a qualified name."""
        owner, _, name = qualname.rpartition(".")
        if not owner:
            return self.surface.scope.bindings.get(name, [])
        owner = owner.removesuffix(".<locals>")
        scope = self.surface.scopes.get(owner)
        if scope is None or scope.kind != scopes.CLASS:
            scope = self.candidates.scopes.get(owner)
        return [] if scope is None else scope.bindings.get(name, [])

    def _symbol(self, binding: Binding) -> Symbol:
        if binding.kind == scopes.IMPORT:
            return Alias(binding.path, typing=is_typing_only(binding.site))
        if binding.kind in (scopes.FUNCTION, scopes.CLASS):
            return self.symbol_of(binding.definition, binding.site)
        if binding.kind == scopes.ASSIGN:
            return Bound(self._assigned(binding, 0))
        return Opaque()

    def symbol_of(self, node: FunctionNode | ast.ClassDef, site: Site) -> Function | Class:
        """Return the symbol of a definition: always the same object."""
        return self.class_of(node, site) if isinstance(node, ast.ClassDef) else self.function_of(node, site)

    def function_of(self, node: FunctionNode, site: Site) -> Function:
        """Return the symbol of a function: always the same object."""
        if id(node) not in self._functions:
            self._functions[id(node)] = self._function(node, site)
        return self._functions[id(node)]

    def class_of(self, node: ast.ClassDef, site: Site) -> Class:
        """Return the symbol of a class: always the same object."""
        if id(node) not in self._classes:
            self._classes[id(node)] = self._class(node, site)
        return self._classes[id(node)]

    def _function(self, node: FunctionNode, site: Site) -> Function:
        scope = self.scope_of(node, site)
        qualname, line = scope.qualname, node.lineno  # the closure holds no node: symbols outlive the tree
        return Function(
            qualname,
            line,
            node.col_offset,
            tuple(self.value(decorator, site.scope) for decorator in node.decorator_list),
            parameters(node.args),
            lambda: self._body_of(qualname, line),
            is_async=isinstance(node, ast.AsyncFunctionDef),
            yields=scope.yields,
        )

    def _body(self, node: FunctionNode, scope: Scope) -> Body:
        mentions: list[str] = []
        forwards: list[str] = []
        attributes: set[str] = set()
        kwargs = node.args.kwarg
        changes = _changes(self).get((scope.qualname, kwargs.arg), ()) if kwargs else ()
        for call, inner in self.calls_in(node):
            func = self.value(call.func, inner.scope)
            if isinstance(func, Ref):
                mentions.append(func.path)
            if isinstance(call.func, ast.Attribute):
                attributes.add(call.func.attr)
            if isinstance(call.func, ast.Name) and hands_on(call, node.args):
                forwards.append(call.func.id)
        return Body(
            tuple(self.value(statement.value, scope) for statement in scope.returns if statement.value is not None),
            tuple(dict.fromkeys(mentions)),
            tuple(forwards),
            tuple(sorted(attributes)),
            tuple(sorted(key for key in changes if isinstance(key, str))),
        )

    def _class(self, node: ast.ClassDef, site: Site) -> Class:
        scope = self.scope_of(node, site)
        qualname, line = scope.qualname, node.lineno
        return Class(
            qualname,
            line,
            node.col_offset,
            tuple(self.value(decorator, site.scope) for decorator in node.decorator_list),
            tuple(self.value(unsubscripted(base), site.scope) for base in node.bases),
            tuple((keyword.arg, self.value(keyword.value, site.scope)) for keyword in node.keywords),
            tuple(scope.bindings),
            lambda: self._attributes_of(qualname, line),
        )

    def scope_of(self, node: FunctionNode | ast.ClassDef, site: Site) -> Scope:
        """Return the scope that a definition creates."""
        scope = self.surface.scopes.get(site.scope.inner(node.name))
        if scope is None or scope.node is not node:
            # For two definitions of one name, the table keeps the first.
            scope = (_scopes if self._candidates is not None else _surface_scopes)(self)[id(node)]
        return scope

    def calls_in(self, function: FunctionNode) -> list[tuple[ast.Call, Site]]:
        """Return the calls in a function's body, including those in nested functions."""
        if self._inner is None:
            self._inner = {}
            for call, site in self.candidates.calls:
                for around in site.chain():
                    if around.kind == scopes.FUNCTION:
                        self._inner.setdefault(id(around.node), []).append((call, site))
        return self._inner.get(id(function), [])


@query()
def _definable(module: Module) -> tuple[tuple[str, int], ...]:
    return module.surface.definable()


@query()
def _calls_by_name(module: Module) -> dict[str, list[tuple[ast.Call, Site]]]:
    found: dict[str, list[tuple[ast.Call, Site]]] = {}
    for call, site in module.candidates.calls:
        name = last_name(call.func)
        if name:
            found.setdefault(name, []).append((call, site))
    return found


@query()
def _functions_by_name(module: Module) -> dict[str, list[tuple[FunctionNode, Site, Scope]]]:
    found: dict[str, list[tuple[FunctionNode, Site, Scope]]] = {}
    for node, site, scope in module.candidates.functions:
        found.setdefault(scope.qualname, []).append((node, site, scope))
    return found


@query()
def _classes_by_name(module: Module) -> dict[str, list[tuple[FunctionNode | ast.ClassDef, Site]]]:
    found: dict[str, list[tuple[FunctionNode | ast.ClassDef, Site]]] = {}
    for node, site, scope in module.candidates.classes:
        found.setdefault(scope.qualname, []).append((node, site))
    return found


@query()
def _scopes(module: Module) -> dict[int, Scope]:
    """Return the scopes of all definitions, by the identity of their nodes."""
    return {id(node): scope for node, _, scope in (*module.candidates.functions, *module.candidates.classes)}


@query()
def _surface_scopes(module: Module) -> dict[int, Scope]:
    """Return the scopes of the definitions that other modules can see, by the identity of their nodes."""
    return {id(node): scope for node, _, scope in (*module.surface.functions, *module.surface.classes)}


@query()
def _changes(module: Module) -> dict[tuple[str, str], set[object]]:
    """Return the objects that are changed after creation, by scope and name, with the keys that are then set."""
    return changes_in(module.candidates)


@query()
def _surface_changes(module: Module) -> dict[tuple[str, str], set[object]]:
    """Return the same as `_changes`, limited to what other modules can see."""
    return changes_in(module.surface)
