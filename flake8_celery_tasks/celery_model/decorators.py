"""Decorators that create tasks: Celery's own, and a project's wrappers around them."""

from __future__ import annotations

import ast
import fnmatch
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name, walk
from flake8_celery_tasks.binding.symbols import Alias, Bound, Class, Function
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Mapping, Member, Param, Ref
from flake8_celery_tasks.catalog import packages
from flake8_celery_tasks.celery_model.apps import (
    App,
    app_made_by,
    app_of_attribute,
    is_base,
    is_named_like_app,
    may_be_base,
)
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.resolution import arity
from flake8_celery_tasks.resolution.resolver import external
from flake8_celery_tasks.workspace import gate
from flake8_celery_tasks.workspace.marks import BINDINGS, USES, is_interesting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


# The ways to define a task.
SHARED: Final = "shared_task"
APP_TASK: Final = "app.task"
HOUSE: Final = "house decorator"  # resolved, or named by the option
OPAQUE: Final = "unread decorator"
CLASS_TASK: Final = "class"


class Decorator(Record):
    """A task decorator: how it creates a task, and the keywords that it passes, each with the module they are in.

    For a decorator that can't be resolved, `hides_base` means that it may give its tasks another base class, or delay
    sending.
    """

    __slots__ = ("app", "form", "hides_base", "keywords", "positional", "spread")

    def __init__(
        self,
        form: str,
        keywords: dict[str, tuple[Value, Module]] | None = None,
        spread: bool = False,
        app: App | None = None,
        positional: tuple[str, ...] = (),
        hides_base: bool = True,
    ) -> None:
        self.form = form
        self.keywords: dict[str, tuple[Value, Module]] = {} if keywords is None else keywords
        self.spread = spread
        self.app = app
        self.positional = positional
        self.hides_base = hides_base


# Decorators.


def decorator_of(project: Project, value: Value, module: Module, depth: int = 0) -> Decorator | None:
    """Return the task decorator that a decorator expression stands for, None for any other decorator."""
    if depth > 5:
        return None
    if isinstance(value, Ref):
        return _bare(project, value, module, depth)
    if isinstance(value, Member) and value.attribute == "task":
        app = app_made_by(project, value.value, module)
        return None if app is None else Decorator(APP_TASK, app=app)
    if isinstance(value, Invoke) and isinstance(value.func, Member):
        inner = decorator_of(project, value.func, module, depth + 1)
        return inner and with_keywords(project, inner, value, module)
    if isinstance(value, Invoke) and isinstance(value.func, Ref):
        target = project.resolve(value.func.path, module)
        if target.path == "functools.partial" and value.args:
            inner = decorator_of(project, value.args[0], module, depth + 1)
            return inner and with_keywords(project, inner, value, module, positional=1)
        inner = _bare(project, value.func, module, depth)
        return inner and with_keywords(project, inner, value, module)
    return None


# A decorator may be defined in terms of itself.
@query(key=lambda ref, module, _depth: (ref.path, module.place.path), while_asking=None)
def _bare(project: Project, ref: Ref, module: Module, depth: int) -> Decorator | None:
    """Return the decorator that a name stands for, used as a decorator or called to create one."""
    if not (
        project.options.celery_task_decorators
        or project.leads_to_celery(ref.path, module)
        or ref.path.endswith(".task")
    ):
        return None
    target = project.resolve(ref.path, module)
    if target.path == "celery.shared_task":
        return Decorator(SHARED)
    if target.path == "celery.current_app.task":
        return Decorator(APP_TASK, app=App("celery.current_app"))
    if is_listed(project, target, ref):
        return Decorator(HOUSE)
    known = _of_package(target.path, module) if target.foreign else None
    if known is not None:
        return known
    app = app_of_attribute(project, target, "task")
    if app is not None:
        return Decorator(APP_TASK, app=app)
    symbol = target.symbol
    if target.module is None:
        return None
    if target.rest:
        return _method_of_instance(project, target)
    if isinstance(symbol, Class):
        return _class_wrapper(project, symbol, target.module)
    if isinstance(symbol, Bound):
        made = decorator_of(project, symbol.value, target.module, depth + 1)
        if made is not None and made.form == OPAQUE:
            return made
        return made and Decorator(HOUSE, made.keywords, made.spread, made.app, made.positional)
    if isinstance(symbol, Function):
        return _wrapper(project, symbol, target.module, depth)
    return None


def _of_package(path: str, module: Module) -> Decorator | None:
    """Return a known decorator from outside the project."""
    if path in packages.OLD_DECORATORS:
        return Decorator(HOUSE)
    if path in packages.DECORATORS:
        return Decorator(HOUSE, {"base": (Ref(packages.DECORATORS[path]), module)})
    return Decorator(OPAQUE, spread=True, hides_base=False) if path in packages.OPAQUE_DECORATORS else None


def is_listed(project: Project, target: Target, ref: Ref) -> bool:
    """Return whether the option `celery-task-decorators` names a decorator."""
    return any(
        fnmatch.fnmatchcase(name, pattern)
        for pattern in project.options.celery_task_decorators
        for name in (target.path, external(ref.path))
    )


def with_keywords(project: Project, inner: Decorator, call: Invoke, module: Module, positional: int = 0) -> Decorator:
    """Return a decorator with the keywords of a call added to its own."""
    keywords = dict(inner.keywords)
    given = call.args[positional:]
    spread = inner.spread or not call.complete or len(given) > len(inner.positional)
    keywords.update((name, (value, module)) for name, value in zip(inner.positional, given, strict=False))
    for name, value in call.keywords:
        if name is not None:
            keywords[name] = (value, module)
            continue
        found = _pairs(project, value, module)
        if found is None:
            spread = True
        else:
            keywords.update(found)
    return Decorator(inner.form, keywords, spread, inner.app, hides_base=inner.hides_base)


def _pairs(project: Project, value: Value, module: Module, depth: int = 0) -> dict[str, tuple[Value, Module]] | None:
    """Return the items of a `**spread` that is a dict display, here or elsewhere; None if it can't be resolved."""
    if depth > 5:
        return None
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            return _pairs(project, target.symbol.value, target.module, depth + 1)
        return None
    if not isinstance(value, Mapping):
        return None
    found: dict[str, tuple[Value, Module]] = {}
    for key, item in value.pairs:
        if key is None:
            below = _pairs(project, item, module, depth + 1)
            if below is None:
                return None
            found.update(below)
            continue
        name = project.settle(key, module)
        if not isinstance(name, str):
            return None
        found[name] = (item, module)
    return found


def _wrapper(project: Project, function: Function, module: Module, depth: int) -> Decorator | None:
    """Return the task decorator that a project's own function is.

    It is resolved if it only returns a call of a task decorator that gets all its arguments. If it is more complex but
    uses task decorators, the names and parameters of its tasks are unknown.
    """
    made = _handing_on(project, function, module, depth)
    if made is not None:
        return made
    return _unread(module, [function]) if _makes_tasks(project, function, module, depth) else None


def _handing_on(project: Project, function: Function, module: Module, depth: int) -> Decorator | None:
    """Return the decorator of a function that only returns a call of a task decorator, None for any other function."""
    if len(function.returns) == 1 and isinstance(function.returns[0], Invoke):
        call = function.returns[0]
        if isinstance(call.func, Ref) and call.func.path != f":{function.qualname}":
            inner = decorator_of(project, call.func, module, depth + 1)
            if inner is not None and inner.form != OPAQUE and arity.hands_on(call, function):
                own: list[tuple[str | None, Value]] = []
                own.extend((name, UNKNOWN) for name in function.changes)
                for name, value in arity.flat(call.keywords):
                    if not isinstance(value, Param):
                        own.append((name, value))
                    elif name is not None and value.name != function.params.kwarg:
                        own.append((name, UNKNOWN))  # the parameter's default, if the caller gives none
                fixed = Invoke(call.func, (), tuple(own))
                made = with_keywords(project, inner, fixed, module)
                return Decorator(HOUSE, made.keywords, made.spread, made.app, arity.positional(call, function.params))
    return None


def _makes_tasks(project: Project, function: Function, module: Module, depth: int) -> bool:
    """Return whether a function uses task decorators."""
    for mention in function.mentions:
        target = project.resolve(mention, module)
        if target.path == "celery.shared_task" or app_of_attribute(project, target, "task") is not None:
            return True
    if any(
        decorator_of(project, value, module, depth + 1)
        for inner_function in _inner_functions(module, function)
        for value in inner_function.decorators
    ):
        return True
    # An app that is a parameter, an attribute, or the result of a lookup.
    return "task" in function.attributes and any(
        isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Attribute)
        and inner.func.attr == "task"
        and is_named_like_app(last_name(inner.func.value))
        for node, _, _ in module.functions_called(function.qualname)
        for inner in walk(node)
    )


def _class_wrapper(project: Project, cls: Class, module: Module) -> Decorator | None:
    """Return the decorator that a class is, if its instances are called with the function."""
    functions = _called_with_function(cls, module)
    makes = any(_makes_tasks(project, function, module, 0) for function in functions)
    return _unread(module, functions) if makes else None


def _called_with_function(cls: Class, module: Module) -> list[Function]:
    """Return the functions that run if a class is used as a decorator and its instances are called."""
    if "__call__" not in cls.names:
        return []
    names = [f"{cls.qualname}.{name}" for name in ("__call__", "__init__", "__new__")]
    return [symbol for name in names for symbol in module.symbols(name) if isinstance(symbol, Function)]


def _method_of_instance(project: Project, target: Target) -> Decorator | None:
    """Return the decorator that a method is, as in `jobs.job` for an instance that the project creates."""
    value = getattr(target.symbol, "value", None)
    if (
        len(target.rest) != 1
        or target.module is None
        or not isinstance(value, Invoke)
        or not isinstance(value.func, Ref)
    ):
        return None
    made = project.resolve(value.func.path, target.module)
    if not isinstance(made.symbol, Class) or made.module is None or made.rest:
        return None
    module = made.module
    for symbol in module.symbols(f"{made.symbol.qualname}.{target.rest[0]}"):
        if isinstance(symbol, Function) and _makes_tasks(project, symbol, module, 0):
            return _unread(module, [symbol])
    return None


#: Names in a decorator which suggest that it may set another base class or delay sending.
_HIDING: Final = frozenset({"Task", "apply_async", "base", "on_commit"})


def _unread(module: Module, functions: list[Function]) -> Decorator:
    """Return a decorator that creates tasks in a way that can't be resolved."""
    words = {
        getattr(inner, field, None)
        for function in functions
        for node, _, _ in module.functions_called(function.qualname)
        for inner in walk(node)
        for field in ("arg", "attr", "id", "value")
        if isinstance(getattr(inner, field, None), str)
    }
    return Decorator(OPAQUE, spread=True, hides_base=not _HIDING.isdisjoint(words))


# The names of a project's own decorators, and of its own classes of tasks and apps.


#: The names of the decorators and classes that a project's own ones are built from.
_MAKERS: Final = frozenset(
    path.rpartition(".")[2]
    for path in ("celery.shared_task", *packages.DECORATORS, *packages.OLD_DECORATORS, *packages.OPAQUE_DECORATORS)
)

#: How many names are searched for: each of them takes a search in all files.
_MOST: Final = 500

#: How many decorators or classes deep the search goes: each step takes a search in all files.
_STEPS: Final = 25

#: How the names of most classes of tasks and apps end. All modules that build on such a class are found together.
_LIKE_BASES: Final = ("Celery", "Task")


def own_marks(project: Project) -> tuple[bytes, ...]:
    """Return the marks of files that use what `own_names` returns, as far as this is known."""
    own = sorted(name for name in own_names(project) if not is_interesting(encoded(name)))
    listed = gate.marks_of(project.options.celery_task_decorators)[len(gate.MARKS) :]
    return (*(USES + encoded(name) for name in own), *map(encoded, listed))


def own_names(project: Project) -> frozenset[str]:
    """Return the names by which the project's modules know its own task decorators, including methods, and classes.

    Those are the classes that are tasks or apps: other modules may define tasks with them.

    During the search these are the names found so far.
    """
    if project.own_names is not None:
        return project.own_names
    project.own_names = frozenset()
    project.files.is_settled = False
    try:
        pending = list(project.files.holding(BINDINGS))
        for _ in range(_STEPS):
            new = sorted(_names_made(project, pending) - project.own_names)[: _MOST - len(project.own_names)]
            if not new:
                break
            project.own_names |= {*new}
            marks = [BINDINGS + encoded(name) for name in new if not name.endswith(_LIKE_BASES)]
            pending = list(project.files.holding(*marks)) if marks else []
    finally:
        project.files.is_settled = True
        # A name that was not a decorator before may be built from one that was found later.
        for asked in [asked for asked, answer in project.answers.items() if answer is None and _is_of_name(asked)]:
            del project.answers[asked]
    return project.own_names


def _is_of_name(asked: object) -> bool:
    return isinstance(asked, tuple) and asked[0] is _bare.__wrapped__  # type: ignore[attr-defined]


def _names_made(project: Project, paths: Iterable[str]) -> set[str]:
    """Return the names by which modules bind decorators and classes built from Celery's, or from known ones."""
    known = project.own_names or frozenset()
    wanted = _MAKERS | known
    made: set[str] = set()
    for path, module in project.modules_of(paths):
        if module is not None:
            try:
                # Modules that bind Celery's decorators may use them inside functions. Most other files only use a
                # decorator.
                has_bodies = not known or _mentions_inside(project, path, wanted)
                made.update(_names_in(project, module, wanted, has_bodies=has_bodies))
            except errors.CAUGHT as error:
                project.failures[path] = errors.internal(error)
    return made


def _mentions_inside(project: Project, path: str, names: frozenset[str]) -> bool:
    from flake8_celery_tasks.workspace.prescan import mentions_inside  # a warm run needs none of its patterns

    return mentions_inside(project.files.read(path) or b"", map(encoded, names))


def _names_in(project: Project, module: Module, wanted: frozenset[str], *, has_bodies: bool) -> Iterator[str]:
    ends = tuple(f"{before}{name}" for before in ".:" for name in wanted)

    def makes(function: Function) -> bool:
        # Check without the nodes first: a warm run has none.
        return _is_made_of(module, function, wanted) and (
            _handing_on(project, function, module, 0) is not None or _makes_tasks(project, function, module, 0)
        )

    bases: set[str] = set()  # the classes of this module that are tasks or apps
    for name in module.names():
        for symbol in module.symbols(name):
            if isinstance(symbol, Alias):
                is_renamed = symbol.path.endswith((*ends, *_LIKE_BASES)) and _parts(symbol.path)[-1] != name
                is_made = is_renamed and _is_made(project, name, module)
            elif isinstance(symbol, Bound):
                is_made = _mentions(symbol.value, wanted) and _is_made(project, name, module)
            elif isinstance(symbol, Function):
                is_made = has_bodies and makes(symbol)
            elif isinstance(symbol, Class):
                # Each line of a file may derive a class from the one before: none asks for its ancestors again.
                if any(isinstance(base, Ref) and base.path in bases for base in symbol.bases) or (
                    any(_mentions(base, wanted) for base in symbol.bases) and is_base(project, name, module)
                ):
                    bases.add(f":{name}")
                is_made = (f":{name}" in bases and may_be_base(project, module, symbol)) or (
                    has_bodies and any(map(makes, _called_with_function(symbol, module)))
                )
                if has_bodies:
                    yield from _members_in(project, module, symbol, wanted, makes)
            else:
                is_made = False
            if is_made:
                yield name


def _members_in(
    project: Project, module: Module, cls: Class, wanted: frozenset[str], makes: Callable[[Function], bool]
) -> Iterator[str]:
    """Yield the members of a class that are task decorators, or classes of tasks or apps."""
    for name in cls.names:
        if name.startswith("__"):
            continue
        path = f"{cls.qualname}.{name}"
        for symbol in module.symbols(path):
            if isinstance(symbol, Function):
                is_made = makes(symbol)
            else:
                values = symbol.bases if isinstance(symbol, Class) else [getattr(symbol, "value", UNKNOWN)]
                is_made = any(_mentions(value, wanted) for value in values) and _is_made(project, path, module)
            if is_made:
                yield name


def _is_made(project: Project, name: str, module: Module) -> bool:
    """Return whether a name of a module is a task decorator, or a class of tasks or apps."""
    return _bare(project, Ref(f":{name}"), module, 0) is not None or (
        not is_interesting(encoded(name)) and is_base(project, name, module)
    )


def _is_made_of(module: Module, function: Function, wanted: frozenset[str]) -> bool:
    """Return whether a function has a return value, and calls or decorates with one of some names."""
    return bool(function.returns) and (
        not wanted.isdisjoint(function.attributes)
        or any(not wanted.isdisjoint(_parts(path)) for path in function.mentions)
        or any(_mentions(value, wanted) for inner in _inner_functions(module, function) for value in inner.decorators)
    )


def _mentions(value: Value, wanted: frozenset[str]) -> bool:
    """Return whether a name, an attribute or a call mentions one of some names."""
    if isinstance(value, Ref):
        return value.path.endswith(_LIKE_BASES) or not wanted.isdisjoint(_parts(value.path))
    if isinstance(value, Member):
        return value.attribute in wanted or value.attribute in _LIKE_BASES or _mentions(value.value, wanted)
    return isinstance(value, Invoke) and any(_mentions(one, wanted) for one in (value.func, *value.args))


def _parts(path: str) -> list[str]:
    return path.replace(":", ".").split(".")


def _inner_functions(module: Module, function: Function) -> Iterator[Function]:
    for qualname in _names_inside(module).get(function.qualname, ()):
        for symbol in module.symbols(qualname):
            if isinstance(symbol, Function):
                yield symbol


@query()
def _names_inside(module: Module) -> dict[str, list[str]]:
    """Return the names defined inside a module's functions at any depth, by the functions' qualified names."""
    found: dict[str, list[str]] = {}
    for qualname, _ in module.definable():
        end = qualname.find(_LOCALS)
        while end >= 0:
            found.setdefault(qualname[:end], []).append(qualname)
            end = qualname.find(_LOCALS, end + 1)
    return found


_LOCALS: Final = ".<locals>."
