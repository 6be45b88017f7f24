"""Django's transactions: what opens one, what waits for its end, and which code is inside one."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import attributes_in, last_name, unparsed, walk
from flake8_celery_tasks.binding.scopes import LAMBDA
from flake8_celery_tasks.binding.symbols import Bound, Class, Function
from flake8_celery_tasks.binding.values import Const, Invoke, Param, Ref
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.frameworks.django_writes import may_write

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


ON_COMMIT: Final = frozenset({"django.db.transaction.on_commit", "django.db.connection.on_commit"})

_ATOMIC: Final = frozenset({"django.db.transaction.Atomic", "django.db.transaction.atomic"})
#: Other decorators that call the decorated function immediately, or leave it unchanged.
_AT_ONCE: Final = frozenset(
    {
        "builtins.classmethod",
        "builtins.staticmethod",
        "django.dispatch.receiver",
        "sentry_sdk.trace",
        "typing.override",
        "typing_extensions.override",
    }
)
#: Names of read-only databases.
_REPLICA: Final = lazy_pattern(
    r"(?:^|[^a-z])(?:follower|read(?:er|only|s)?|replica\w*|ro|secondary|slave|standby)(?:[^a-z]|$)", re.IGNORECASE
)
_CONNECTIONS: Final = frozenset({"django.db.connections", "django.db.transaction.get_connection"})
#: The methods of a view that its `dispatch` calls.
_HANDLERS: Final = frozenset({"delete", "get", "head", "options", "patch", "post", "put", "trace"})
_HANDED: Final = frozenset({"django.utils.decorators.method_decorator", "functools.partial"})


def is_on_commit(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a call is one of Django's `on_commit`: of `transaction`, or of a connection."""
    func = call.func
    if isinstance(func, ast.Attribute) and func.attr == "on_commit":
        owner = func.value
        if isinstance(owner, (ast.Subscript, ast.Call)):  # connections["default"], get_connection()
            made = owner.value if isinstance(owner, ast.Subscript) else owner.func
            return project.path_of(module.value(made, site.scope), module) in _CONNECTIONS
    elif not isinstance(func, ast.Name):
        return False
    return project.path_of(module.value(func, site.scope), module) in ON_COMMIT


def around(project: Project, module: Module, site: Site) -> ast.expr | None:
    """Return what opens a transaction around a place in its function: the manager of a `with`, or a decorator.

    Also None if the code checks whether it is in a transaction, and in a lambda, which may run later.
    """
    return next((opener for opener, _ in _openers(project, module, site)), None)


def around_change(project: Project, module: Module, site: Site, call: ast.Call) -> ast.expr | None:
    """Return what opens a transaction around a call, if that transaction may also write."""
    openers = _openers(project, module, site)
    for opener, place in openers:
        body: list[ast.stmt] = getattr(place.node, "body", [])
        if may_write(project, module, body, place.scope, call, visibly=is_replica(opener)):
            return openers[0][0]
    return None


def database(opener: ast.expr) -> ast.expr | None:
    """Return the database argument of `atomic`, None for the default or if it is hidden."""
    if not isinstance(opener, ast.Call):
        return None
    given = [keyword.value for keyword in opener.keywords if keyword.arg == "using"]
    if last_name(opener.func) in ("Atomic", "atomic"):
        given += opener.args[:1]
    return next((node for node in given if getattr(node, "value", "") not in (None, "default")), None)


def is_replica(opener: ast.expr) -> bool:
    """Return whether the database of an `atomic` has a name for a read-only one."""
    given = database(opener)
    return given is not None and _REPLICA.search(unparsed(given)) is not None


def _openers(project: Project, module: Module, site: Site) -> tuple[tuple[ast.expr, Site], ...]:
    """Return what opens transactions around a place in its function, each with its block or function."""
    return _standing(project, module, site).openers


class _Standing(NamedTuple):
    """What opens transactions around a place, innermost first, and whether code around it checks for one."""

    place: Site
    openers: tuple[tuple[ast.expr, Site], ...]
    asks: bool


def _standing(project: Project, module: Module, site: Site) -> _Standing:
    """Return the standing of a place; each enclosing place is visited once, however deep the nesting."""
    known = _known(module, project)
    new: list[Site] = []
    for place in site.chain():
        if id(place) in known:
            break
        new.append(place)
    for place in reversed(new):
        around = None if place.parent is None else known[id(place.parent)]
        known[id(place)] = _with(project, module, place, around)
    return known[id(site)]


@query()
def _known(_: Module, _project: Project) -> dict[int, _Standing]:
    return {}


def _with(project: Project, module: Module, place: Site, around: _Standing | None) -> _Standing:
    is_asking = asks(module, place)
    outer = () if around is None else around.openers
    is_any = is_asking or (around is not None and around.asks)
    if place.kind == LAMBDA or is_asking:
        return _Standing(place, (), is_any)
    own: list[tuple[ast.expr, Site]] = []
    if isinstance(place.node, (ast.With, ast.AsyncWith)):
        own = [
            (item.context_expr, place)
            for item in place.node.items
            if opens(project, module, module.value(item.context_expr, place.scope))
        ]
    if isinstance(place.node, (ast.FunctionDef, ast.AsyncFunctionDef)) and place.parent is not None:
        opener = _decorator(project, module, place.node, place.parent)
        return _Standing(place, () if opener is None else ((opener, place),), is_any)
    return _Standing(place, (*own, *outer), is_any)


def _decorator(project: Project, module: Module, function: FunctionNode, outside: Site) -> ast.expr | None:
    """Return the decorator that opens a transaction around a function: its own, or its class's with its name."""
    for decorator in function.decorator_list:
        if opens(project, module, module.value(decorator, outside.scope)):
            return decorator
    if isinstance(outside.node, ast.ClassDef):
        for decorator in outside.node.decorator_list:
            value = module.value(decorator, outside.scope.parent or outside.scope)
            if isinstance(value, Invoke) and _is_around(value, function.name) and opens(project, module, value):
                return decorator
    return None


def _is_around(decorator: Invoke, method: str) -> bool:
    """Return whether a view class's `method_decorator(..., name="post")` applies to one of its methods."""
    names = [*decorator.args[1:2], *(value for name, value in decorator.keywords if name == "name")]
    return Const(method) in names or (method in _HANDLERS and Const("dispatch") in names)


def asks(module: Module, place: Site) -> bool:
    """Return whether a place is under a condition on `connection.in_atomic_block`: if so, it decides when to send."""
    return isinstance(place.node, ast.If) and _asks(module, place.node)


@query()
def _asks(_: Module, node: ast.If) -> bool:
    return "in_atomic_block" in attributes_in(node.test)


def is_settled(project: Project, module: Module, site: Site) -> bool:
    """Return whether a place is in a transaction of its function, or its function checks whether it is in one."""
    standing = _standing(project, module, site)
    return standing.asks or bool(standing.openers)


def may_wait(project: Project, module: Module, site: Site) -> bool:
    """Return whether a decorator may delay the enclosing function until the commit, or can't be resolved."""
    function = site.function()
    return any(
        _waits(project, module, module.value(decorator, place.parent.scope))
        for place in site.bodies()
        if place.node is function and place.parent is not None
        for decorator in place.node.decorator_list
    )


def _waits(project: Project, module: Module, decorator: Value) -> bool:
    value = decorator.func if isinstance(decorator, Invoke) else decorator
    if not isinstance(value, Ref):
        return True
    target = project.resolve(value.path, module)
    symbol = target.symbol
    if isinstance(symbol, Function) and target.module is not None and not target.rest:
        called = {project.resolve(path, target.module).path for path in symbol.mentions}
        return "on_commit" in symbol.attributes or not ON_COMMIT.isdisjoint(called)
    return target.path not in _AT_ONCE


def opens(project: Project, module: Module, value: Value) -> bool:
    """Return whether a context manager or decorator opens a transaction: Django's `atomic`, or one built from it."""
    if isinstance(value, Invoke):
        if isinstance(value.func, Invoke):
            return opens(project, module, value.func)
        if project.path_of(value.func, module) in _HANDED:
            handed = [given for first in value.args[:1] for given in getattr(first, "items", (first,))]
            return any(opens(project, module, given) for given in handed)
        value = value.func
    if not isinstance(value, Ref):
        return False
    target = project.resolve(value.path, module)
    if target.path in _ATOMIC:
        return True
    return target.module is not None and not target.rest and _opens(project, target, target.module)


# One may be defined in terms of itself.
@query(key=lambda target, module: (target.path, module.place.path), while_asking=False)
def _opens(project: Project, target: Target, module: Module) -> bool:
    symbol = target.symbol
    if isinstance(symbol, Bound):
        return opens(project, module, symbol.value)
    if isinstance(symbol, Class):
        return any(getattr(cls, "path", "") in _ATOMIC for cls in project.line(target))
    if not isinstance(symbol, Function):
        return False
    if any(project.path_of(value, module) == "contextlib.contextmanager" for value in symbol.decorators):
        return _in_with(project, module, symbol, None)
    return _wraps(project, module, symbol, frozenset(symbol.params.ordered))


def _wraps(project: Project, module: Module, function: Function, wrapped: frozenset[str]) -> bool:
    """Return whether a decorator runs the wrapped function (one of its parameters) in a transaction."""
    for value in function.returns:
        if isinstance(value, Invoke) and any(isinstance(given, Param) for given in value.args):
            return opens(project, module, value.func)
        for symbol in module.symbols(value.path[1:]) if isinstance(value, Ref) and value.path.startswith(":") else ():
            if isinstance(symbol, Function) and symbol.qualname.startswith(f"{function.qualname}.<locals>."):
                return (
                    any(opens(project, module, decorator) for decorator in symbol.decorators)
                    or _in_with(project, module, symbol, wrapped)
                    or _wraps(project, module, symbol, wrapped | set(symbol.params.ordered))
                )
    return False


def _in_with(project: Project, module: Module, function: Function, called: frozenset[str] | None) -> bool:
    """Return whether a function has a `yield`, or a call of one of some names, in a transaction that it opens."""
    for node, _, scope in module.functions_called(function.qualname):
        for block in walk(node) if node.lineno == function.line else ():
            if isinstance(block, ast.With) and any(
                opens(project, module, module.value(item.context_expr, scope)) for item in block.items
            ):
                for inner in walk(block):
                    if isinstance(inner, (ast.Yield, ast.YieldFrom)) if called is None else _calls(inner, called):
                        return True
    return False


def _calls(node: ast.AST, names: frozenset[str]) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names
