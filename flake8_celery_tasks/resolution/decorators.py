"""A project's own decorators: what they put in place of the decorated function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import hands_on, last_name, walk
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import Invoke, Param, Ref
from flake8_celery_tasks.catalog.packages import TRANSPARENT
from flake8_celery_tasks.core.memo import lazy_pattern, query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: Decorators that keep the function's name and module, as `functools.wraps` does.
_KEEPING: Final = TRANSPARENT | {
    "contextlib.asynccontextmanager",
    "contextlib.contextmanager",
    "django.db.transaction.non_atomic_requests",
    "typing.override",
    "typing_extensions.override",
    "warnings.deprecated",
}

#: Code that gives a function another name or module.
_RENAMING: Final = lazy_pattern(rb"\.__(?:name|module)__\s*=(?!=)")

#: What the automatic name of a task is made of.
NAMING: Final = frozenset({"__module__", "__name__"})

#: What a function tells of itself.
_ABOUT: Final = frozenset({"__doc__", "__module__", "__name__", "__qualname__", "__wrapped__"})

#: Functions that only display their arguments.
_SHOWING: Final = frozenset(
    {"critical", "debug", "error", "exception", "info", "len", "log", "print", "repr", "str", "warning"}
)


class Wrapper:
    """What a decorator puts in place of a function.

    `taken` is what it takes over of a function's `__name__` and `__module__`, `keeps_name` says whether it is all of
    the function itself, `passes` whether it hands every argument on and neither retries nor swallows. `qualname` is its
    own, `wrapped` the name under which it knows the function.
    """

    __slots__ = ("keeps_name", "passes", "qualname", "taken", "wrapped")

    def __init__(self, qualname: str, wrapped: str, *, taken: frozenset[str], keeps_name: bool, passes: bool) -> None:
        self.qualname = qualname
        self.wrapped = wrapped
        self.taken = taken
        self.keeps_name = keeps_name
        self.passes = passes

    @property
    def name(self) -> str:
        """The name of the wrapper."""
        return self.qualname.rpartition(".")[2]


def wrapper_in(project: Project, function: Function, module: Module, *, called: bool) -> Wrapper | None:
    """Return the wrapper that a decorator function makes, None if it can't be resolved.

    `called` means that the decorator is first called with arguments, so that the wrapper is nested one level deeper.
    """
    inner = _returned(function, module)
    if inner is None:
        return None
    outer = function
    if called:
        outer, inner = inner, _returned(inner, module)
        if inner is None:
            return None
    wrapped = next(iter(outer.params.ordered), "")
    naming = _naming(project, module, outer, inner, wrapped)
    if naming is None:
        return None
    taken, keeps = naming
    params = inner.params
    generic = bool(params.vararg and params.kwarg) and not params.ordered and not params.keyword_only
    passes = (
        taken == NAMING
        and generic
        and wrapped in inner.forwards
        and "retry" not in inner.attributes
        and not inner.is_async
        and not inner.yields
        and not _catches(module, inner)
        and not _looks_at_arguments(module, inner)
    )
    return Wrapper(inner.qualname, wrapped, taken=taken, keeps_name=keeps, passes=passes)


def _naming(
    project: Project, module: Module, outer: Function, inner: Function, wrapped: str
) -> tuple[frozenset[str], bool] | None:
    """Return what a wrapper takes over of `NAMING`, and whether it is the function's; None where it can't be told."""
    taken: frozenset[str] = frozenset()
    keeps = False
    for value in inner.decorators:
        func = getattr(value, "func", value)
        if not isinstance(func, Ref):
            return None
        if project.resolve(func.path, module).path not in ("functools.wraps", "wrapt.decorator"):
            return None
        # `wraps` of another function takes over that one's name.
        taken, keeps = NAMING, not isinstance(value, Invoke) or _are(value.args[:1], wrapped)
    if not taken:
        name = inner.qualname.rpartition(".")[2]
        given = {
            part: source
            for node, _, scope in module.functions_called(outer.qualname)
            for statement in node.body
            for part, source in _given(project, module, statement, scope, name)
        }
        taken = NAMING & given.keys()
        keeps = taken == NAMING and all(getattr(given[part], "id", "") == wrapped for part in NAMING)
    return taken, keeps


def _given(
    project: Project, module: Module, statement: ast.stmt, scope: Scope, wrapper: str
) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield what the statements of a decorator give its wrapper of `NAMING`, and what they take it from."""
    for node in walk(statement):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value, wrapper)
        elif isinstance(node, ast.Call) and last_name(node.func) in ("setattr", "update_wrapper"):
            by_name = {keyword.arg: keyword.value for keyword in node.keywords}
            first, second = (*node.args, *[None] * 2)[:2]
            if getattr(by_name.get("wrapper", first), "id", "") != wrapper:
                continue
            if project.path_of(module.value(node.func, scope), module) == "functools.update_wrapper":
                yield from ((part, by_name.get("wrapped", second)) for part in sorted(NAMING))
            elif isinstance(second, ast.Constant):
                yield str(second.value), None
            else:  # in a loop over their names
                yield from ((part, None) for part in sorted(NAMING))


def _assigned(target: ast.expr, value: ast.expr, wrapper: str) -> Iterator[tuple[str, ast.expr | None]]:
    """Yield what an assignment gives a wrapper of `NAMING`: `inner.__name__ = function.__name__`."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, other, wrapper)
    elif isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == wrapper:
        yield target.attr, value.value if isinstance(value, ast.Attribute) and value.attr == target.attr else None


def _looks_at_arguments(module: Module, inner: Function) -> bool:
    """Return whether a wrapper does more with its `*args, **kwargs` than pass them on and display them.

    It may remove some, add some, or use the task that comes first.
    """
    for node, _, _ in module.functions_called(inner.qualname):
        taken = {arg.arg for arg in (node.args.vararg, node.args.kwarg) if arg is not None}
        shown = {id(one) for call in walk(node) for one in _handed_on(call, node.args)}
        names = (one for one in walk(node) if isinstance(one, ast.Name) and one.id in taken)
        if any(id(name) not in shown for name in names):
            return True
    return False


def _handed_on(node: ast.AST, args: ast.arguments) -> Iterator[ast.expr]:
    """Yield the arguments that a call passes on unchanged, or only displays."""
    if isinstance(node, ast.FormattedValue):
        yield node.value
    elif isinstance(node, ast.Call):
        if hands_on(node, args):
            yield from (one.value for one in node.args if isinstance(one, ast.Starred))
            yield from (keyword.value for keyword in node.keywords)
        elif last_name(node.func) in _SHOWING:
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)


def only_calls(module: Module, wrapper: Wrapper) -> bool:
    """Return whether a wrapper only calls its function: it does not send it as a task, for example."""
    for node, _, _ in module.functions_called(wrapper.qualname):
        names = [inner for inner in walk(node) if getattr(inner, "id", None) == wrapper.wrapped]
        called = {id(inner.func) for inner in walk(node) if isinstance(inner, ast.Call)}
        asked = {id(inner.value) for inner in walk(node) if isinstance(inner, ast.Attribute) and inner.attr in _ABOUT}
        decorated = {id(inner) for decorator in node.decorator_list for inner in walk(decorator)}
        if any(id(name) not in called | asked | decorated for name in names):
            return False
    return True


def keeps_name(project: Project, decorator: Value, module: Module) -> bool:
    """Return whether a decorator of a module certainly keeps a function's name and module."""
    called = isinstance(decorator, Invoke)
    value = decorator.func if isinstance(decorator, Invoke) else decorator
    if not isinstance(value, Ref):
        return False
    target = project.resolve(value.path, module)
    if target.path in _KEEPING:
        return True
    symbol = target.symbol
    if not isinstance(symbol, Function) or target.module is None or target.rest or renames(project, target.module):
        return False
    maker = _returned(symbol, target.module) if called else symbol
    if maker is not None and _are(maker.returns, next(iter(maker.params.ordered), "")):
        return True  # it only notes the function, and returns it
    wrapper = wrapper_in(project, symbol, target.module, called=called)
    return wrapper is not None and wrapper.keeps_name


def _are(values: tuple[Value, ...], name: str) -> bool:
    """Return whether values are exactly one parameter."""
    return bool(values) and all(isinstance(value, Param) and value.name == name for value in values)


@query()
def renames(project: Project, module: Module) -> bool:
    """Return whether any code in a module gives functions other names."""
    return _RENAMING.search(project.files.read(module.place.path) or b"") is not None


def _returned(function: Function, module: Module) -> Function | None:
    """Return the inner function that a function returns in all cases."""
    inside = f":{function.qualname}.<locals>."
    if len(function.returns) != 1:
        return None
    value = function.returns[0]
    if not isinstance(value, Ref) or not value.path.startswith(inside):
        return None
    symbols = module.symbols(value.path[1:])
    return symbols[0] if len(symbols) == 1 and isinstance(symbols[0], Function) else None


def call_hands_on(cls: Target) -> bool:
    """Return whether the `__call__` of a task class passes exactly its `*args, **kwargs` to Celery's, or to `run`.

    Code for Flask pushes the application context like this around each run. Anything else that uses the arguments may
    change them.
    """
    assert cls.module is not None
    assert isinstance(cls.symbol, Class)
    name = f"{cls.symbol.qualname}.__call__"
    symbols = cls.module.symbols(name)
    if len(symbols) != 1 or not isinstance(symbols[0], Function) or symbols[0].decorators:
        return False
    if symbols[0].is_async or symbols[0].yields or _catches(cls.module, symbols[0]):
        return False
    for node, _, _ in cls.module.functions_called(name):
        ways = [call for call in walk(node) if isinstance(call, ast.Call) and _runs(call, node.args)]
        names = [inner.id for inner in walk(node) if isinstance(inner, ast.Name)]
        args, kwargs = node.args.vararg, node.args.kwarg
        if (
            not ways
            or args is None
            or kwargs is None
            or names.count(args.arg) + names.count(kwargs.arg) > 2 * len(ways)
        ):
            return False
    return True


def _runs(call: ast.Call, args: ast.arguments) -> bool:
    """Return whether a call is `self.run(*args, **kwargs)`, `super().__call__(...)` or `Task.__call__(self, ...)`."""
    func = call.func
    me = [arg.arg for arg in (*args.posonlyargs, *args.args)]
    if len(me) != 1 or args.kwonlyargs or not isinstance(func, ast.Attribute):
        return False
    if func.attr == "run":
        return getattr(func.value, "id", None) == me[0] and hands_on(call, args)
    if func.attr != "__call__":
        return False
    if isinstance(func.value, ast.Call):
        return getattr(func.value.func, "id", None) == "super" and hands_on(call, args)
    rest = ast.Call(func, call.args[1:], call.keywords)
    return bool(call.args) and getattr(call.args[0], "id", None) == me[0] and hands_on(rest, args)


def _catches(module: Module, function: Function) -> bool:
    """Return whether a function has a `try` with handlers: it may swallow exceptions."""
    return any(
        isinstance(inner, ast.Try) and inner.handlers
        for node, _, _ in module.functions_called(function.qualname)
        for inner in walk(node)
    )
