"""Decorators that make tasks: Celery's own, and wrappers that a project makes of them."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.symbols import Bound, Function
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Mapping, Member, Param, Ref
from flake8_celery_tasks.celery_model.apps import App, app_made_by, app_of_attribute
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.resolver import external

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


# How a task is defined.
SHARED: Final = "shared_task"
APP_TASK: Final = "app.task"
HOUSE: Final = "house decorator"  # read, or named by the option
OPAQUE: Final = "unread decorator"
CLASS_TASK: Final = "class"


class Decorator(Record):
    """A task decorator: how it makes a task, and the keywords that it gives, each with the module they stand in."""

    __slots__ = ("app", "form", "keywords", "positional", "spread")

    def __init__(
        self,
        form: str,
        keywords: dict[str, tuple[Value, Module]] | None = None,
        spread: bool = False,
        app: App | None = None,
        positional: tuple[str, ...] = (),
    ) -> None:
        self.form = form
        self.keywords: dict[str, tuple[Value, Module]] = {} if keywords is None else keywords
        self.spread = spread
        self.app = app
        self.positional = positional


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
        return inner and _with_keywords(project, inner, value, module)
    if isinstance(value, Invoke) and isinstance(value.func, Ref):
        target = project.resolve(value.func.path, module)
        if target.path == "functools.partial" and value.args:
            inner = decorator_of(project, value.args[0], module, depth + 1)
            return inner and _with_keywords(project, inner, value, module, positional=1)
        inner = _bare(project, value.func, module, depth)
        return inner and _with_keywords(project, inner, value, module)
    return None


# A decorator may be made from itself.
@query(key=lambda ref, module, _depth: (ref.path, module.place.path), while_asking=None)
def _bare(project: Project, ref: Ref, module: Module, depth: int) -> Decorator | None:
    """Return what a name that is used as a decorator, or called to make one, stands for."""
    if not project.leads_to_celery(ref.path, module) and not project.options.celery_task_decorators:
        return None
    target = project.resolve(ref.path, module)
    if target.path == "celery.shared_task":
        return Decorator(SHARED)
    if target.path == "celery.current_app.task":
        return Decorator(APP_TASK, app=App("celery.current_app"))
    if _is_listed(project, target, ref):
        return Decorator(HOUSE)
    app = app_of_attribute(project, target, "task")
    if app is not None:
        return Decorator(APP_TASK, app=app)
    symbol = target.symbol
    if target.module is None or target.rest:
        return None
    if isinstance(symbol, Bound):
        made = decorator_of(project, symbol.value, target.module, depth + 1)
        return made and Decorator(HOUSE, made.keywords, made.spread, made.app, made.positional)
    if isinstance(symbol, Function):
        return _wrapper(project, symbol, target.module, depth)
    return None


def _is_listed(project: Project, target: Target, ref: Ref) -> bool:
    return any(
        fnmatch.fnmatchcase(name, pattern)
        for pattern in project.options.celery_task_decorators
        for name in (target.path, external(ref.path))
    )


def _with_keywords(project: Project, inner: Decorator, call: Invoke, module: Module, positional: int = 0) -> Decorator:
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
    return Decorator(inner.form, keywords, spread, inner.app)


def _pairs(project: Project, value: Value, module: Module, depth: int = 0) -> dict[str, tuple[Value, Module]] | None:
    """Return the items of a `**spread` that is a dict display, here or elsewhere; None where it can't be read."""
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
    """Return what a project's own decorator makes.

    It is read where it only returns a call of a task decorator that is handed all its own arguments. If it is not so
    simple but task decorators are used in it, it makes tasks of which neither names nor parameters are known.
    """
    if len(function.returns) == 1 and isinstance(function.returns[0], Invoke):
        call = function.returns[0]
        if isinstance(call.func, Ref) and call.func.path != f":{function.qualname}":
            inner = decorator_of(project, call.func, module, depth + 1)
            if inner is not None and inner.form != OPAQUE and _hands_on(call, function):
                own: list[tuple[str | None, Value]] = []
                own.extend((name, UNKNOWN) for name in function.changes)
                for name, value in call.keywords:
                    if not isinstance(value, Param):
                        own.append((name, value))
                    elif name is not None and value.name != function.params.kwarg:
                        own.append((name, UNKNOWN))  # the parameter's default, where the caller gives none
                fixed = Invoke(call.func, (), tuple(own))
                made = _with_keywords(project, inner, fixed, module)
                return Decorator(HOUSE, made.keywords, made.spread, made.app, _positional(call, function.params))
    for mention in function.mentions:
        target = project.resolve(mention, module)
        if target.path == "celery.shared_task" or app_of_attribute(project, target, "task") is not None:
            return Decorator(OPAQUE, spread=True)
    for inner_function in _inner_functions(module, function):
        if any(decorator_of(project, value, module, depth + 1) for value in inner_function.decorators):
            return Decorator(OPAQUE, spread=True)
    return None


def _hands_on(call: Invoke, function: Function) -> bool:
    """Return whether a wrapper gives all that it takes, as it is and by the same names, to the decorator it calls."""
    params = function.params
    named = {value.name for name, value in call.keywords if isinstance(value, Param) and name in (None, value.name)}
    named.update(value.name for value in call.args if isinstance(value, Param))
    taken = {*params.ordered, *params.keyword_only, params.kwarg} - {None}
    # What it takes out of its keywords is for itself.
    return taken <= named and not ("pop" in function.attributes and function.changes)


def _positional(call: Invoke, params: Params) -> tuple[str, ...]:
    """Return the options that the positional parameters of a wrapper are handed on as, up to one that is none."""
    handed_on = {value.name: name for name, value in call.keywords if name is not None and isinstance(value, Param)}
    options = [handed_on.get(param) for param in params.ordered]
    return tuple(option for index, option in enumerate(options) if option and None not in options[:index])


def _inner_functions(module: Module, function: Function) -> Iterator[Function]:
    inside = f"{function.qualname}.<locals>."
    for qualname, _ in module.definable():
        if qualname.startswith(inside):
            for symbol in module.symbols(qualname):
                if isinstance(symbol, Function):
                    yield symbol
