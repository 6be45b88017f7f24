"""How a function comes to run in a transaction: through which callers, and where these are."""

from __future__ import annotations

import ast
import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from flake8_celery_tasks.binding.nodes import last_name, unparsed
from flake8_celery_tasks.binding.scopes import IF
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Member, Param, Ref
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.frameworks import (
    django_admin,
    django_models,
    django_signals,
    django_transactions,
    django_views,
)
from flake8_celery_tasks.frameworks.django_writes import writes_before
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


#: How many calls may lie between a function and the code that opens a transaction.
CALLS: Final = 3

#: A name that is called in more files than this is not followed: `run` and `handle` are too common.
FILES: Final = 30

#: Where a call is: in `atomic`, in a save by the admin, in a view whose request is a transaction, in a model's save.
ATOMIC: Final = "atomic"
ADMIN: Final = "admin"
REQUEST: Final = "request"
SAVE: Final = "save"


class Way(NamedTuple):
    """A call that runs a function in a transaction, or in a place that usually has one.

    `opener` opens the transaction (`ATOMIC`), `where` describes the place of the call (the others). `function` is the
    called function and `place` the place of the call; both are empty if the function itself is such a place. `written`
    is whether rows are certainly written before the call: a request's transaction is there for all requests, and
    harmless without that.
    """

    kind: str
    opener: ast.expr | None = None
    where: str = ""
    function: str = ""
    place: str = ""
    written: bool = True


class _Function(NamedTuple):
    """A function of the project: its file, qualified name and line."""

    path: str
    qualname: str
    line: int


class _Caller(NamedTuple):
    """A call of a function: its way into a transaction, or the function that contains it and writes rows before it."""

    way: Way | None
    outer: _Function | None
    written: bool = False


#: A call with its number among the calls of that name, and its place.
_Found: TypeAlias = tuple[int, ast.Call, "Site"]


def way_at(project: Project, module: Module, call: ast.Call, site: Site) -> Way | None:
    """Return the way in which a place runs in a transaction because of the code around it in its function."""
    found = _way_at(project, module, call, site)
    return found if found is not None and found.written else None


def _way_at(project: Project, module: Module, call: ast.Call, site: Site) -> Way | None:
    opener = django_transactions.around_change(project, module, site, call)
    if opener is not None:
        return Way(ATOMIC, opener)
    if django_transactions.is_settled(project, module, site):
        return None
    return _way_of_function(project, module, call, site)


def _way_of_function(project: Project, module: Module, call: ast.Call, site: Site) -> Way | None:
    found = _function_around(site)
    if found is None:
        return None
    function, inside = found
    outside = inside.parent
    assert outside is not None
    if not django_transactions.may_wait(project, module, site):
        if django_admin.is_in_transaction(project, module, inside):
            return Way(ADMIN, where=f"{function.name}()")
        if function.name in _SAVING and django_models.is_method_of_model(project, module, inside):
            return Way(SAVE, where=f"{function.name}()")
        signal = django_signals.signal_received(project, module, inside)
        if signal is not None:
            return Way(SAVE, where=f"a receiver of {signal}")
    if django_views.is_view_in_transaction(project, module, function, outside):
        return Way(REQUEST, where=f"{function.name}()", written=_writes_before(project, module, call, site))
    return None


def _writes_before(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether rows are certainly written before a call in its function."""
    found = _function_around(site)
    return found is not None and writes_before(project, module, found[0].body, found[1].scope, call)


_SAVING: Final = frozenset({"delete", "save"})


def _function_around(site: Site) -> tuple[FunctionNode, Site] | None:
    """Return the function that a place runs in, and its body's site; None in a lambda, which may run later."""
    body = site.body
    if body is None or not isinstance(body.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    return body.node, body


def ways_to(project: Project, module: Module, call: ast.Call, site: Site) -> tuple[Way, ...]:
    """Return the ways in which callers of the enclosing function run a call in a transaction, nearest first."""
    function = _called_function(project, module, site)
    ways = () if function is None else _ways(project, function, CALLS)
    if all(way.written for way in ways) or _writes_before(project, module, call, site):
        return ways
    return tuple(way for way in ways if way.written)


def _called_function(project: Project, module: Module, site: Site) -> _Function | None:
    """Return the function that a place runs in when called; None if it may run later, or can't be called."""
    found = _function_around(site)
    if found is None or django_transactions.is_settled(project, module, site):
        return None
    function, inside = found
    if "<locals>" in inside.scope.qualname or django_transactions.may_wait(project, module, site):
        return None
    return _Function(module.place.path, inside.scope.qualname, function.lineno)


# Functions may call each other.
@query(while_asking=())
def _ways(project: Project, function: _Function, left: int) -> tuple[Way, ...]:
    callers = list(_callers(project, function))
    found = [caller.way for caller in callers if caller.way is not None]
    outer: dict[_Function, bool] = {}
    for caller in callers if left > 1 else ():
        if caller.outer is not None and caller.outer != function:
            outer[caller.outer] = outer.get(caller.outer, False) or caller.written
    for one, written in outer.items():
        found += [way._replace(written=way.written or written) for way in _ways(project, one, left - 1)]
    return tuple(found)


def _callers(project: Project, function: _Function) -> Iterator[_Caller]:
    name = function.qualname.rpartition(".")[2]
    calling = (path for path in project.files.calling(name) if not project.layout.is_test(project.layout.place(path)))
    paths = list(itertools.islice(calling, FILES + 1))
    for path in paths if len(paths) <= FILES else ():
        if not _is_called_in(project, path, name):
            continue
        module = project.module(path)
        if module is not None:
            with project.holding(module):
                calls = _calls_of(project, module, function)
                found = [_caller(project, module, call, site) for call, site in calls]
            yield from found


def _is_called_in(project: Project, path: str, name: str) -> bool:
    """Return whether a file's text calls a name in a way that is followed."""
    return _calling(project, project.files.current(path) or b"").has(name.encode())


class _Calling:
    """What a text calls in a way that is followed: not by `super()`, and not its definition.

    Most files that call a common method, such as `form_valid`, only pass the call on to their base class.
    """

    #: For how many names a text is searched, before all names that it calls are collected.
    MOST: Final = 20

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._searched = 0

    def has(self, name: bytes) -> bool:
        """Return whether the text may call a name."""
        self._searched += 1
        return name in self._all if self._searched > self.MOST else self._finds(name + b"(")

    def _finds(self, called: bytes) -> bool:
        position = self.text.find(called)
        while position >= 0 and self.text.endswith((b"super().", b"def "), 0, position):
            position = self.text.find(called, position + len(called))
        return position >= 0

    @cached_property
    def _all(self) -> set[bytes]:
        return {*_CALLED.findall(self.text)}


#: A call of a name, if it is no definition and not passed on to the base class.
_CALLED: Final = lazy_pattern(rb"(?<!def )(?<!super\(\)\.)(?<![\w\x80-\xff])[\w\x80-\xff]+(?=\()")


@query()
def _calling(_project: Project, text: bytes) -> _Calling:
    return _Calling(text)


def _caller(project: Project, module: Module, call: ast.Call, site: Site) -> _Caller:
    way = _way_at(project, module, call, site)
    if way is not None:
        if way.kind == ATOMIC and _is_chosen(project, module, call, site):
            return _Caller(None, None)
        place = f"{module.place.relative}:{call.lineno}"
        way = way._replace(function=last_name(call.func), place=place)
        if way.written:
            return _Caller(way, None)
    written = django_views.has_atomic_requests(project) and _writes_before(project, module, call, site)
    return _Caller(way, _called_function(project, module, site), written)


def _is_chosen(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a function calls something in a transaction under a condition, and else without: it chooses."""
    around = itertools.takewhile(lambda one: one is not site.body, site.chain())
    called = site.scope.qualname, unparsed(call.func)
    return any(one.kind == IF for one in around) and called in _called_outside(module, project, last_name(call.func))


@query()
def _called_outside(module: Module, project: Project, name: str) -> frozenset[tuple[str, str]]:
    """Return the functions, by their qualified names, that call what has a name outside transactions, and that."""
    return frozenset(
        (site.scope.qualname, unparsed(call.func))
        for call, site in module.calls_of(name)
        if not django_transactions.is_settled(project, module, site)
    )


# Which function a call calls.


class _Calls:
    """The calls of a name in a module, by what they call: a function, a method, or that of a subclass of a class.

    `unclear` are calls of methods of unknown objects.
    """

    def __init__(self, project: Project, module: Module, name: str) -> None:
        self.of_function: dict[_Function, list[_Found]] = {}
        self.of_method: dict[tuple[str, str], list[_Found]] = {}
        self.of_class: dict[str, list[tuple[_Found, Target]]] = {}
        self.unclear: list[_Found] = []
        for number, (call, site) in enumerate(module.calls_of(name)):
            self._add(project, module, name, (number, call, site))

    def _add(self, project: Project, module: Module, name: str, found: _Found) -> None:
        _, call, site = found
        value = module.value(call.func, site.scope)
        if isinstance(value, Ref):
            target = project.resolve(value.path, module)
            function = _function_of(target)
            cls = _class_of(project, target) if target.rest else None
            if function is not None and not target.rest:
                self.of_function.setdefault(function, []).append(found)
        else:
            owner = value.value if isinstance(value, Member) and value.attribute == name else UNKNOWN
            cls = _class_behind(project, module, owner, site)
            if cls is not None:
                self.of_class.setdefault(cls.path, []).append((found, cls))
            elif isinstance(call.func, ast.Attribute):
                self.unclear.append(found)
        method = None if cls is None else _method(project, cls, name)
        if method is not None:
            self.of_method.setdefault(method, []).append(found)


@query()
def _calls_by_name(module: Module, project: Project, name: str) -> _Calls:
    return _Calls(project, module, name)


def _calls_of(project: Project, module: Module, function: _Function) -> list[tuple[ast.Call, Site]]:
    """Return the calls of a function in a module, in source order."""
    owner, _, name = function.qualname.rpartition(".")
    calls = _calls_by_name(module, project, name)
    found = [*calls.of_function.get(function, ()), *calls.of_method.get(function[:2], ())]
    if owner and "_" in name.strip("_") and project.files.times_defined(name) == 1:
        found += calls.unclear  # it is the project's only method of that name, a rare one
    if owner and calls.of_class:
        found += _overridden(project, calls, function)
    return [(call, site) for _, call, site in sorted(found, key=lambda one: one[0])]


def _function_of(target: Target) -> _Function | None:
    if target.module is None or not isinstance(target.symbol, Function):
        return None
    return _Function(target.module.place.path, target.symbol.qualname, target.symbol.line)


def _method(project: Project, cls: Target, name: str) -> tuple[str, str] | None:
    """Return the file and the qualified name of a class's method: its own or an inherited one."""
    for found in project.line(cls):
        if not isinstance(found, Target):
            return None
        if isinstance(found.symbol, Class) and name in found.symbol.names and found.module is not None:
            return found.module.place.path, f"{found.symbol.qualname}.{name}"
    return None


def _overridden(project: Project, calls: _Calls, function: _Function) -> Iterator[_Found]:
    """Yield the calls in methods that the class of a function inherits, of what it overrides by that function."""
    module = project.module(function.path)
    assert module is not None, "the function is in it"
    owner, _, name = function.qualname.rpartition(".")
    symbols = [one for one in module.symbols(owner) if isinstance(one, Class)]
    if len(symbols) != 1:
        return
    subclass = Target(f"{module.prefix}{owner}", module, symbols[0])
    for path in dict.fromkeys(getattr(one, "path", "") for one in project.line(subclass)):
        for found, cls in calls.of_class.get(path, ()) if path != subclass.path else ():
            around = _function_around(found[2])
            assert cls.module is not None, "its method is called"
            if around is None or _method(project, cls, name) == function[:2]:
                continue
            caller = around[1].scope.qualname
            if caller.rpartition(".")[0] == getattr(cls.symbol, "qualname", "") and (
                _method(project, subclass, around[0].name) == (cls.module.place.path, caller)
            ):
                yield found


def _class_behind(project: Project, module: Module, owner: Value, site: Site) -> Target | None:
    """Return the class of the object that a method is called on: `self`, a local instance, an annotated name."""
    if isinstance(owner, Param):
        if owner.annotation is not None:
            return _class(project, owner.annotation, module)
        found = _function_around(site)
        if found is None:
            return None
        function, inside = found
        first = [arg.arg for arg in (*function.args.posonlyargs, *function.args.args)][:1]
        return django_models.class_of_method(module, inside) if first == [owner.name] else None
    if isinstance(owner, Invoke):
        return _class(project, owner.func, module)
    return None


def _class(project: Project, value: Value, module: Module) -> Target | None:
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    return target if target is not None and isinstance(target.symbol, Class) and not target.rest else None


def _class_of(project: Project, target: Target) -> Target | None:
    """Return the class of an instance that a name of a module holds."""
    value = getattr(target.symbol, "value", None)
    if len(target.rest) != 1 or target.module is None or not isinstance(value, Invoke):
        return None
    return _class(project, value.func, target.module)
