"""Django's views: which functions are views, and whether requests are transactions."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import walk
from flake8_celery_tasks.binding.values import Const, Invoke, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


_SETTING: Final = b"ATOMIC_REQUESTS"
#: Words in the names of settings that apply only on a developer's machine or in a test run.
_ELSEWHERE: Final = frozenset({"ci", "debug", "dev", "develop", "development", "local", "test", "testing", "tests"})

#: The last parts of names of view classes, wherever they come from.
_VIEWS: Final = ("View", "ViewSet")
_MUTATIONS: Final = "graphene."
#: The methods of a view that Django or REST framework calls for a request.
_HANDLERS: Final = frozenset(
    {
        *("delete", "dispatch", "get", "head", "options", "patch", "post", "put", "trace"),
        *("create", "destroy", "list", "partial_update", "retrieve", "update"),
        *("form_invalid", "form_valid", "perform_create", "perform_destroy", "perform_update"),
    }
)
_MUTATING: Final = frozenset({"mutate", "mutate_and_get_payload", "processed_mutate"})
_MARKING: Final = frozenset({"rest_framework.decorators.action", "rest_framework.decorators.api_view"})
_NOT_ATOMIC: Final = "django.db.transaction.non_atomic_requests"
_ROUTES: Final = ("path", "re_path", "url")


@query()
def has_atomic_requests(project: Project) -> bool:
    """Return whether the project's settings make each request a transaction, without exception."""
    said: set[object] = set()
    for path in project.files.wording(_SETTING):
        place = project.layout.place(path)
        name = os.path.splitext(os.path.basename(path))[0]
        if not (project.layout.is_test(place) or name in _ELSEWHERE):
            module = project.module(path)
            said.update({None} if module is None else _said(module.candidates.scope.node))
    return said == {True}


def _said(tree: ast.AST) -> Iterator[object]:
    """Yield the values that a module gives to the setting: in a dict, as a keyword, or by assigning an item."""
    for node in walk(tree):
        pairs: list[tuple[ast.expr | None, ast.expr]] = []
        if isinstance(node, ast.Dict):
            pairs = list(zip(node.keys, node.values, strict=True))
        elif isinstance(node, ast.keyword):
            pairs = [(ast.Constant(node.arg), node.value)]
        elif isinstance(node, ast.Assign):
            pairs = [(target.slice, node.value) for target in node.targets if isinstance(target, ast.Subscript)]
        for key, value in pairs:
            if isinstance(key, ast.Constant) and key.value == _SETTING.decode():
                yield value.value if isinstance(value, ast.Constant) else None


def is_view_in_transaction(project: Project, module: Module, function: FunctionNode, outside: Site) -> bool:
    """Return whether a function is a view that runs in its request's transaction; `outside` is its site."""
    if not has_atomic_requests(project):
        return False
    decorators = [module.value(decorator, outside.scope) for decorator in function.decorator_list]
    paths = {path for value in decorators for path in _paths(project, module, value)}
    if _NOT_ATOMIC in paths:
        return False
    if isinstance(outside.node, ast.ClassDef) and outside.parent is not None:
        symbol = module.symbol_of(outside.node, outside.parent)
        cls = Target(f"{module.prefix}{symbol.qualname}", module, symbol)
        apart, unread = _apart(project)
        if (module.place.path, symbol.qualname) in apart or any(outside.node.name.encode() in text for text in unread):
            return False
        is_called = function.name in _HANDLERS or not _MARKING.isdisjoint(paths)
        return _is_view_class(project, cls, is_called, function.name in _MUTATING)
    symbol = module.symbol_of(function, outside)
    return not _MARKING.isdisjoint(paths) or (module.place.path, symbol.qualname) in _routed(project)


def _paths(project: Project, module: Module, value: Value) -> Iterator[str]:
    """Yield the path of a decorator, and those of a `method_decorator`'s arguments."""
    if isinstance(value, Invoke):
        for item in value.args[:1]:
            yield from (path for given in getattr(item, "items", (item,)) for path in _paths(project, module, given))
        value = value.func
    if isinstance(value, Ref):
        yield project.resolve(value.path, module).path


def _is_view_class(project: Project, cls: Target, is_called: bool, mutates: bool) -> bool:
    """Return whether a class is a view whose requests are transactions, judging by its ancestors."""
    found = is_known = False
    for base in project.line(cls):
        if not isinstance(base, Target):
            continue
        if base.module is None:
            name = base.path.rpartition(".")[2]
            found = found or (is_called and name.endswith(_VIEWS)) or (mutates and base.path.startswith(_MUTATIONS))
        else:
            decorators = [value for value in getattr(base.symbol, "decorators", ()) if _is_of_all(value)]
            methods = base.module.symbols(f"{getattr(base.symbol, 'qualname', '')}.dispatch")
            given = [value for method in methods for value in getattr(method, "decorators", ())]
            if not is_known and any(_NOT_ATOMIC in _paths(project, base.module, value) for value in decorators + given):
                return False
            is_known = is_known or bool(decorators or methods)  # the first `dispatch` is the one that counts
    return found


def _is_of_all(decorator: Value) -> bool:
    """Return whether a class decorator applies to all of the class's handlers."""
    return isinstance(decorator, Invoke) and Const("dispatch") in (
        *decorator.args[1:2],
        *(value for name, value in decorator.keywords if name == "name"),
    )


@query()
def _apart(project: Project) -> tuple[frozenset[tuple[str, str]], list[bytes]]:
    """Return file and qualified name of the classes whose `as_view()` is given to `non_atomic_requests`.

    With them come the texts of files that can't be parsed and may do the same with others.
    """
    found: set[tuple[str, str]] = set()
    unread: list[bytes] = []
    for path in project.files.calling("non_atomic_requests"):
        module = project.module(path)
        if module is None:
            unread.append(project.files.read(path) or b"")
            continue
        with project.holding(module):
            for call, site in module.calls_of("non_atomic_requests"):
                value = module.value(call.args[0], site.scope) if call.args else None
                made = getattr(value, "func", None)
                if isinstance(made, Ref) and made.path.endswith(".as_view"):
                    cls = project.resolve(made.path.rpartition(".")[0], module)
                    if cls.module is not None:
                        found.add((cls.module.place.path, getattr(cls.symbol, "qualname", "")))
    return frozenset(found), unread


@query()
def _routed(project: Project) -> frozenset[tuple[str, str]]:
    """Return the file and qualified name of each function that the project's `urlpatterns` use as a view."""
    found: set[tuple[str, str]] = set()
    for path in project.files.wording(b"urlpatterns"):
        module = None if project.layout.is_test(project.layout.place(path)) else project.module(path)
        if module is None:
            continue
        with project.holding(module):
            for call, site in (route for name in _ROUTES for route in module.calls_of(name)):
                for node in (*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "view")):
                    found.update(_views(project, module, module.value(node, site.scope)))
    return frozenset(found)


def _views(project: Project, module: Module, value: Value) -> Iterator[tuple[str, str]]:
    """Yield the function that a route names, directly or inside decorators that keep its transaction."""
    if isinstance(value, Invoke) and _NOT_ATOMIC not in _paths(project, module, value.func):
        for given in value.args[:1]:
            yield from _views(project, module, given)
    elif isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if target.module is not None and target.symbol is not None and not target.rest:
            yield target.module.place.path, getattr(target.symbol, "qualname", "")
