"""Decorators of the project's own: what they put in the place of the function that they decorate."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.symbols import Function
from flake8_celery_tasks.values import Ref

if TYPE_CHECKING:
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project

#: Decorators that hand every argument on and let every exception through, so that what is below the task decorator
#: can be judged as if they were not there.
TRANSPARENT: Final = frozenset(
    {
        "builtins.staticmethod",
        "django.db.transaction.atomic",
        "django.utils.decorators.method_decorator",
        "sentry_sdk.trace",
        "typing.no_type_check",
        "newrelic.agent.background_task",
        "newrelic.agent.function_trace",
    }
)


class Wrapper:
    """What a decorator puts in the place of a function.

    `wraps` says whether it takes over the function's name, `passes` whether it hands every argument on and neither
    retries nor swallows.
    """

    __slots__ = ("name", "passes", "wraps")

    def __init__(self, name: str, *, wraps: bool, passes: bool) -> None:
        self.name = name
        self.wraps = wraps
        self.passes = passes


def wrapper_in(project: Project, function: Function, module: Module, *, called: bool) -> Wrapper | None:
    """Return the wrapper that a decorator function makes, None where it can't be read.

    `called` says that the decorator is called with arguments first, so that the wrapper is one level further in.
    """
    inner = _returned(function, module)
    if inner is None:
        return None
    outer = function
    if called:
        outer, inner = inner, _returned(inner, module)
        if inner is None:
            return None
    wraps = False
    for value in inner.decorators:
        func = getattr(value, "func", value)
        if not isinstance(func, Ref):
            return None
        if project.resolve(func.path, module).path not in ("functools.wraps", "wrapt.decorator"):
            return None
        wraps = True
    params = inner.params
    generic = bool(params.vararg and params.kwarg) and not params.ordered and not params.keyword_only
    wrapped = outer.params.ordered[:1]
    passes = (
        wraps
        and generic
        and bool(wrapped)
        and wrapped[0] in inner.forwards
        and "retry" not in inner.attributes
        and not inner.is_async
        and not inner.yields
        and not _catches(module, inner)
    )
    return Wrapper(inner.qualname.rpartition(".")[2], wraps=wraps, passes=passes)


def _returned(function: Function, module: Module) -> Function | None:
    """Return the inner function that a function returns and nothing else."""
    inside = f":{function.qualname}.<locals>."
    if len(function.returns) != 1:
        return None
    value = function.returns[0]
    if not isinstance(value, Ref) or not value.path.startswith(inside):
        return None
    symbols = module.symbols(value.path[1:])
    return symbols[0] if len(symbols) == 1 and isinstance(symbols[0], Function) else None


def _catches(module: Module, function: Function) -> bool:
    """Return whether a function has a `try` with handlers: it may swallow."""
    return any(
        isinstance(inner, ast.Try) and inner.handlers
        for node, _, _ in module.functions_called(function.qualname)
        for inner in ast.walk(node)
    )
