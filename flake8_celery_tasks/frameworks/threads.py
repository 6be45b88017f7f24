"""Functions that run in a different thread from the one that imported the modules: views, thread targets, executors."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple, Union

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, LAMBDA, Site
from flake8_celery_tasks.binding.symbols import Bound, Function
from flake8_celery_tasks.binding.values import Invoke, Param, Ref
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


#: Classes whose methods turn functions into views, by framework.
_FASTAPI: Final = frozenset({"fastapi.APIRouter", "fastapi.FastAPI", "fastapi.routing.APIRouter"})
_FLASK: Final = frozenset({"flask.Blueprint", "flask.Flask"})
#: Those of their methods that are decorators.
_VIEWS: Final = frozenset({"api_route", "delete", "get", "head", "options", "patch", "post", "put", "route"})

#: Calls that pass a function to another thread: the position and the keyword of the function.
_HANDING: Final[dict[str, tuple[int, str]]] = {
    "anyio.to_thread.run_sync": (0, "func"),
    "asyncio.to_thread": (0, "func"),
    "fastapi.Depends": (0, "dependency"),
    "fastapi.concurrency.run_in_threadpool": (0, "func"),
    "starlette.concurrency.run_in_threadpool": (0, "func"),
    "threading.Thread": (1, "target"),
    "threading.Timer": (1, "function"),
}
#: Methods that do so, and the classes that have them.
_METHODS: Final[dict[str, tuple[int, str, frozenset[str]]]] = {
    "add_api_route": (1, "endpoint", _FASTAPI),
    "add_task": (0, "func", frozenset({"fastapi.BackgroundTasks", "starlette.background.BackgroundTasks"})),
    "add_url_rule": (2, "view_func", _FLASK),
    "map": (0, "fn", frozenset({"concurrent.futures.ThreadPoolExecutor"})),
    "submit": (0, "fn", frozenset({"concurrent.futures.ThreadPoolExecutor"})),
}

#: Classes whose subclasses have methods that run in another thread, and these methods.
_VERBS: Final = ("delete", "get", "head", "options", "patch", "post", "put")
_BASES: Final = {
    "flask.views.MethodView": _VERBS,
    "flask.views.View": ("dispatch_request",),
    "flask_restful.Resource": _VERBS,
    "flask_restx.Resource": _VERBS,
    "threading.Thread": ("run",),
}

_WORDS: Final = (b"Thread", b"thread", b"executor", b"fastapi", b"flask")


class Threaded(NamedTuple):
    """A function, a lambda or another expression that another thread calls, with the module that contains it."""

    module: Module
    node: Union[FunctionNode, ast.expr]  # noqa: UP007
    site: Site


def may_run_threads(text: bytes) -> bool:
    """Return whether a text may contain functions that other threads run."""
    return any(word in text for word in _WORDS)


def threaded(project: Project, module: Module) -> Iterator[tuple[Threaded, Site]]:
    """Yield what other threads call, with the places that show it."""
    for node, site, scope in module.candidates.functions:
        if any(_makes_view(project, module, decorator, site, node) for decorator in node.decorator_list):
            yield Threaded(module, node, Site(site, FUNCTION, node, scope)), site
    yield from _methods(project, module)
    for call, site in module.candidates.calls:
        handed = _handed(project, module, call, site)
        if handed is not None:
            found = _function(project, module, handed, site)
            if found is not None:
                yield found, site


def _methods(project: Project, module: Module) -> Iterator[tuple[Threaded, Site]]:
    """Yield the methods of a module's classes that other threads call, with the places of the classes."""
    for node, site, scope in module.candidates.classes:
        values = [module.value(base, site.scope) for base in node.bases]
        bases = [project.resolve(value.path, module) for value in values if isinstance(value, Ref)]
        line = (cls for base in bases for cls in project.line(base))
        paths = [cls.path for cls in line if isinstance(cls, Target) and cls.path in _BASES]
        for name in _BASES[paths[0]] if paths else ():
            for method, at, inner in module.functions_called(f"{scope.qualname}.{name}"):
                yield Threaded(module, method, Site(at, FUNCTION, method, inner)), site


def _makes_view(project: Project, module: Module, decorator: ast.expr, site: Site, node: FunctionNode) -> bool:
    """Return whether a decorator turns a function into a view, which another thread then runs."""
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(func, ast.Attribute) or func.attr not in _VIEWS:
        return False
    made_by = _class_of(project, module.value(func.value, site.scope), module)
    return made_by in _FLASK or (made_by in _FASTAPI and isinstance(node, ast.FunctionDef))


def _class_of(project: Project, value: Value, module: Module) -> str:
    """Return the class whose call created a value, or that annotates it."""
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if not isinstance(target.symbol, Bound) or target.module is None or target.rest:
            return ""
        value, module = target.symbol.value, target.module
    named = value.func if isinstance(value, Invoke) else value.annotation if isinstance(value, Param) else None
    return project.resolve(named.path, module).path if isinstance(named, Ref) else ""


def _handed(project: Project, module: Module, call: ast.Call, site: Site) -> ast.expr | None:
    """Return the function expression that a call passes to another thread."""
    name = last_name(call.func)
    if name == "run_in_executor" and len(call.args) > 1:
        is_default = isinstance(call.args[0], ast.Constant) or last_name(call.args[0]) == ""
        return call.args[1] if is_default or "process" not in last_name(call.args[0]).lower() else None
    if name in _METHODS and isinstance(call.func, ast.Attribute):
        index, keyword, classes = _METHODS[name]
        owner = _class_of(project, _managed(module, call.func.value, site), module)
        return _argument(call, index, keyword) if owner in classes else None
    if not any(path.endswith(f".{name}") for path in _HANDING):
        return None
    value = module.value(call.func, site.scope)
    path = project.resolve(value.path, module).path if isinstance(value, Ref) else ""
    if path not in _HANDING:
        return None
    return _argument(call, *_HANDING[path])


def _argument(call: ast.Call, index: int, keyword: str) -> ast.expr | None:
    given = [item.value for item in call.keywords if item.arg == keyword]
    return next(iter(given or call.args[index : index + 1]), None)


def _managed(module: Module, node: ast.expr, site: Site) -> Value:
    """Return the value of an expression; for a name bound by a `with`, that of its context manager."""
    name = node.id if isinstance(node, ast.Name) else None
    for around in site.chain() if name is not None else ():
        for item in getattr(around.node, "items", ()) if isinstance(around.node, (ast.With, ast.AsyncWith)) else ():
            if getattr(item.optional_vars, "id", "") == name:
                return module.value(item.context_expr, around.scope)
    return module.value(node, site.scope)


def _function(project: Project, module: Module, node: ast.expr, site: Site) -> Threaded | None:
    """Return the project's function that an expression stands for, also through `partial`; otherwise the expression."""
    if isinstance(node, ast.Call):
        is_partial = last_name(node.func) == "partial" and node.args
        return _function(project, module, node.args[0], site) if is_partial else None
    if isinstance(node, ast.Lambda):
        scope = next(scope for scope in module.candidates.all_scopes if scope.node is node)
        return Threaded(module, node, Site(site, LAMBDA, node, scope))
    called = function_of(project, module, node, site)
    return called or Threaded(module, node, site)


def function_of(project: Project, module: Module, node: ast.expr, site: Site) -> Threaded | None:
    """Return the function of the project that a name leads to, None where it leads to something else.

    `self.name` leads to the method of the class that it is in.
    """
    method = _own_method(module, node, site)
    if method is not None:
        return method
    value = module.value(node, site.scope)
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    if target is None or not isinstance(target.symbol, Function) or target.module is None or target.rest:
        return None
    line, home = target.symbol.line, target.module
    defined = home.functions_called(target.symbol.qualname)
    found = (
        Threaded(home, node, Site(at, FUNCTION, node, scope)) for node, at, scope in defined if node.lineno == line
    )
    return next(found, None)


def _own_method(module: Module, node: ast.expr, site: Site) -> Threaded | None:
    """Return the method of the same class that a method names by its first parameter."""
    body = site.body
    if body is None or body.parent is None or not isinstance(body.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    owner = body.parent.scope
    parameters = [*body.node.args.posonlyargs, *body.node.args.args]
    if owner.kind != CLASS or not parameters or not isinstance(node, ast.Attribute):
        return None
    if getattr(node.value, "id", None) != parameters[0].arg:
        return None
    methods = module.functions_called(f"{owner.qualname}.{node.attr}")
    return next((Threaded(module, method, Site(at, FUNCTION, method, inner)) for method, at, inner in methods), None)
