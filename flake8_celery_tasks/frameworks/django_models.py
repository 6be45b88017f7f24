"""Django's models: which classes are models, and which names hold an instance."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import dotted, last_name
from flake8_celery_tasks.binding.scopes import ASSIGN, OTHER, PARAM
from flake8_celery_tasks.binding.symbols import Bound, Class
from flake8_celery_tasks.binding.values import Const, Invoke, Operation, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.frameworks.django_signals import received_here
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Scope, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


_MODELS: Final = frozenset(
    {
        "django.contrib.auth.base_user.AbstractBaseUser",
        "django.contrib.auth.models.AbstractBaseUser",
        "django.contrib.auth.models.AbstractUser",
        "django.contrib.auth.models.Group",
        "django.contrib.auth.models.Permission",
        "django.contrib.auth.models.User",
        "django.contrib.contenttypes.models.ContentType",
        "django.contrib.sites.models.Site",
        "django.db.models.Model",
        "django.db.models.base.Model",
    }
)

#: Methods of a queryset that return one instance, and those that return a queryset of instances.
_ONE: Final = frozenset({"create", "earliest", "first", "get", "last", "latest"})
_MANY: Final = frozenset(
    {
        "all",
        "annotate",
        "defer",
        "distinct",
        "exclude",
        "filter",
        "iterator",
        "only",
        "order_by",
        "prefetch_related",
        "reverse",
        "select_for_update",
        "select_related",
        "using",
    }
)

#: Functions that return a list of what they are given, or go over it.
_LISTING: Final = frozenset({"list", "reversed", "sorted", "tuple"})

#: Methods of a queryset that return another queryset, whatever it contains.
_ROWS: Final = _MANY | {
    "dates",
    "datetimes",
    "difference",
    "extra",
    "intersection",
    "none",
    "union",
    "values",
    "values_list",
}


#: Methods whose queryset contains something else than instances, or instances from several sources.
_OTHER: Final = frozenset(
    {"dates", "datetimes", "difference", "intersection", "none", "union", "values", "values_list"}
)

#: Methods of views that return a queryset.
_GIVING: Final = frozenset({"filter_queryset", "get_queryset"})

#: Signs that a project uses Django: a requirement, an import, one of its modules in a string, its environment variable.
_OF_DJANGO: Final = re.compile(
    rb"^[ \t]*[\"']?django\b|[\"']django[\w.:]*[\"'\[<>=~ ]|\b(?:from|import)[ \t]+django\b|DJANGO_SETTINGS_MODULE",
    re.MULTILINE | re.IGNORECASE,
)

#: Attributes of a model that are managers, and names for a model that are not written like a class.
_MANAGERS: Final = frozenset({"_base_manager", "_default_manager", "objects"})
_LIKE_MODELS: Final = frozenset({"cls", "model"})

#: How many names are followed, from one to its value.
_DEEP: Final = 5

#: The classes of a request with a user.
_REQUESTS: Final = re.compile(r"(django\.(http|core\.handlers)|rest_framework\.request)\.(.*\.)?\w*Request")

_QUERYSETS: Final = frozenset({"django.db.models.QuerySet", "django.db.models.query.QuerySet"})

#: Methods that give an instance, and whether they made it.
_PAIR: Final = frozenset({"get_or_create", "update_or_create"})


@query()
def is_django(project: Project) -> bool:
    """Return whether a project uses Django: it requires or imports it, or names its settings."""
    layout = project.layout
    wanting = [name for name in folders.entries(layout.root) if name.endswith((".toml", ".txt", ".cfg", ".in"))]
    paths = (*(os.path.join(layout.root, name) for name in wanting), *layout.files())
    return any(_OF_DJANGO.search(project.files.read(path) or b"") for path in paths)


def is_model(project: Project, target: Target) -> bool:
    """Return whether a class is a model, judging by its ancestors or its fields."""
    if target.path in _MODELS:
        return True
    symbol, module = target.symbol, target.module
    if not isinstance(symbol, Class) or module is None or target.rest:
        return False
    if any(isinstance(cls, Target) and cls.path in _MODELS for cls in project.line(target)):
        return True
    return _has_fields(module, project, symbol.qualname, symbol.line)


@query()
def _has_fields(module: Module, project: Project, qualname: str, line: int) -> bool:
    return any(
        isinstance(found, Bound) and _is_field(project, found.value, module)
        for cls in module.symbols(qualname)
        if isinstance(cls, Class) and cls.line == line
        for name in cls.names
        for found in module.symbols(f"{qualname}.{name}")
    )


def _is_field(project: Project, value: Value, module: Module) -> bool:
    path = project.path_of(value.func, module) if isinstance(value, Invoke) else ""
    return path.startswith("django.db.models.") and path.endswith(("Field", "ForeignKey"))


def class_of_method(module: Module, function: Site) -> Target | None:
    """Return the class that a function is a method of, given the site of its body; None if it is not a method."""
    owner = function.parent
    if owner is None or not isinstance(owner.node, ast.ClassDef) or owner.parent is None:
        return None
    symbol = module.symbol_of(owner.node, owner.parent)
    return Target(f"{module.prefix}{symbol.qualname}", module, symbol)


def is_method_of_model(project: Project, module: Module, function: Site) -> bool:
    """Return whether a function is a method of a model, given the site of its body."""
    cls = class_of_method(module, function)
    return cls is not None and is_model(project, cls)


def is_instance(project: Project, module: Module, node: ast.expr, site: Site, depth: int = 0) -> bool:
    """Return whether an expression is certainly an instance of a model."""
    if isinstance(node, ast.Name):
        found = site.scope.find(node.id) if depth <= _DEEP else None
        return found is not None and _all_hold(module, project, found[0], node.id, depth + 1)
    return _gives_one(project, module, node, site)


@query()
def _all_hold(module: Module, project: Project, scope: Scope, name: str, depth: int) -> bool:
    return all(_holds(project, module, binding, depth) for binding in scope.bindings[name])


def is_queryset(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is certainly a queryset, of instances or of something else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _GIVING:
        return True
    return (
        _is_rows(node, site, _OTHER | _MANY) or _is_of_action(node, site) or _is_annotated(project, module, node, site)
    )


def _is_annotated(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    """Return whether a name is a parameter that is annotated as a queryset."""
    found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
    values = (inference.annotation_of(module, binding) for binding in (found[1] if found else ()))
    return bool(found) and all(value is not None and project.path_of(value, module) in _QUERYSETS for value in values)


def _is_of_action(node: ast.expr, site: Site) -> bool:
    """Return whether a name is the queryset passed to an admin action."""
    found = site.scope.find(node.id) if isinstance(node, ast.Name) and node.id == "queryset" else None
    if found is None or len(found[1]) != 1 or found[1][0].kind != PARAM:
        return False
    arguments = getattr(found[1][0].site.node, "args", None)
    return isinstance(arguments, ast.arguments) and any(arg.arg == "request" for arg in arguments.args)


def holds_instances(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a list or dict of instances, created from a queryset or annotated as a list."""
    if isinstance(node, (ast.ListComp, ast.SetComp)):
        loop = node.generators[0]
        names = [getattr(one, "id", None) for one in (node.elt, loop.target)]
        return len(node.generators) == 1 and names[0] is not None and names[0] == names[1] and _lists(loop.iter, site)
    if isinstance(node, ast.Name):
        found = site.scope.find(node.id)
        items = (inference.items_annotation_of(module, binding) for binding in (found[1] if found else ()))
        if found and all(item is not None and _is_model_type(project, module, item) for item in items):
            return True
    return _asked(node, site) == "in_bulk" or (_lists(node, site) and not _is_rows(node, site))


def _holds(project: Project, module: Module, binding: Binding, depth: int) -> bool:
    """Return whether a binding gives its name an instance of a model."""
    if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
        return is_instance(project, module, binding.node, binding.site, depth)
    if _is_row(binding):
        return True
    if binding.kind != PARAM or not isinstance(binding.node, ast.arg):
        return False
    function = binding.site.node
    if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    if binding.name == "instance" and received_here(project, module, binding.site) is not None:
        return True
    if binding.node in (function.args.vararg, function.args.kwarg):
        return False
    annotation = inference.annotation_of(module, binding)
    if annotation is not None:
        return _is_model_type(project, module, annotation)
    first = [*function.args.posonlyargs, *function.args.args][:1]
    is_first = binding.node in first and not function.decorator_list
    return is_first and is_method_of_model(project, module, binding.site)


def _is_model_type(project: Project, module: Module, annotation: Value) -> bool:
    """Return whether an annotation is a model, or a model or None."""
    if isinstance(annotation, Operation) and annotation.operator == "|":
        return any(_is_model_type(project, module, side) for side in annotation.operands) and all(
            side == Const(None) or _is_model_type(project, module, side) for side in annotation.operands
        )
    return isinstance(annotation, Ref) and is_model(project, project.resolve(annotation.path, module))


def _gives_one(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is one instance: `X.objects.get(...)`, `get_object_or_404(...)`, `Model(...)`."""
    if isinstance(node, ast.Attribute):
        return _is_user(project, module, node, site)
    if isinstance(node, ast.Subscript):
        index = node.slice.value if isinstance(node.slice, ast.Constant) else None
        is_first = index == 0 and _gives_pair(node.value, site)
        return is_first or (isinstance(index, int) and _lists(node.value, site))
    call = _awaited(node)
    if call is None:
        return False
    if _asked(node, site) in _ONE:
        return True
    value = module.value(call.func, site.scope)
    if not isinstance(value, Ref):
        return False
    target = project.resolve(value.path, module)
    if isinstance(node, ast.Await):
        return target.path == "django.shortcuts.aget_object_or_404"
    return target.path == "django.shortcuts.get_object_or_404" or is_model(project, target)


def _awaited(node: ast.expr) -> ast.Call | None:
    """Return the call that an expression is, or awaits."""
    call = node.value if isinstance(node, ast.Await) else node
    return call if isinstance(call, ast.Call) else None


def _asked(node: ast.expr, site: Site) -> str:
    """Return the method that is called on a manager or queryset of instances: `get`, also for `await rows.aget()`."""
    call = _awaited(node)
    func = None if call is None else call.func
    if not isinstance(func, ast.Attribute) or not (_is_manager(func.value) or _is_rows(func.value, site)):
        return ""
    if isinstance(node, ast.Await):
        return func.attr[1:] if func.attr[:1] == "a" else ""
    return func.attr


def _gives_pair(node: ast.expr, site: Site) -> bool:
    """Return whether an expression is an instance and whether it was created: `X.objects.get_or_create(...)`."""
    return _asked(node, site) in _PAIR


def _is_manager(node: ast.expr) -> bool:
    """Return whether an expression is `X.objects`, for a name that looks like a class or means a model."""
    root, attributes = dotted(node)
    names = (getattr(root, "id", ""), *attributes)
    if len(names) < 2 or names[-1] not in _MANAGERS:
        return False
    is_user = isinstance(root, ast.Call) and last_name(root.func) == "get_user_model" and len(names) == 2
    return is_user or names[-2][:1].isupper() or names[-2] in _LIKE_MODELS


def gives_rows(node: ast.expr) -> bool:
    """Return whether an expression is certainly an unevaluated queryset, of instances or of values."""
    base = _base_of(node, _ROWS)
    return base is not node and _is_manager(base)


def _is_rows(node: ast.expr, site: Site, methods: frozenset[str] = _MANY) -> bool:
    """Return whether an expression is a queryset that some methods return, or a name for nothing else."""
    return _rows(node, site, methods) == {True}


def _lists(node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a queryset of instances or a list of one, or a name for nothing else."""
    return _rows(node, site, _MANY, lists=True) == {True}


#: A name with more values than this is not followed: each use of it would ask for all of them.
_VALUES: Final = 50


def _rows(node: ast.expr, site: Site, methods: frozenset[str], *, lists: bool = False) -> set[bool]:
    """Return whether the possible values of an expression are rows."""
    kinds: set[bool] = set()
    seen: set[tuple[int, str]] = set()  # `rows = rows.filter(...)` is the same as `rows`
    pending = [(node, site, 0)]
    while pending:
        node, site, steps = pending.pop()
        base = _base_of(node, methods, lists=lists)
        if not isinstance(base, ast.Name):
            is_made = base is not node and _is_manager(base)
            kinds.add(is_made or (lists and _asked(base, site) == "bulk_create"))
            continue
        found = site.scope.find(base.id)
        if found is None or steps > _DEEP or len(found[1]) > _VALUES or any(one.kind != ASSIGN for one in found[1]):
            return {False}
        if (id(found[0]), base.id) not in seen:
            seen.add((id(found[0]), base.id))
            pending += [(one.value, one.site, steps + 1) for one in found[1]]
    return kinds


def _base_of(node: ast.expr, methods: frozenset[str], *, lists: bool = False) -> ast.expr:
    """Return what some methods of querysets, slices, and with `lists` functions that list it, are applied to."""
    while True:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            node = node.value
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            node = node.func.value
        elif lists and isinstance(node, ast.Call) and getattr(node.func, "id", "") in _LISTING and node.args:
            node = node.args[0]
        else:
            return node


def _is_row(binding: Binding) -> bool:
    """Return whether a binding gives its name a row of a queryset: in a loop, or by `get_or_create`."""
    statement = binding.statement
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        return binding.node in getattr(target, "elts", ())[:1] and _gives_pair(statement.value, binding.site)
    loops: list[tuple[ast.expr, ast.expr]] = []
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        loops = [(statement.target, statement.iter)]
    elif statement is None and binding.kind == OTHER:
        loops = [(loop.target, loop.iter) for loop in getattr(binding.site.node, "generators", ())]
    return any(_goes_over_rows(binding, *loop) for loop in loops)


def _goes_over_rows(binding: Binding, target: ast.expr, source: ast.expr) -> bool:
    called = getattr(source.func, "id", "") if isinstance(source, ast.Call) else ""
    if isinstance(source, ast.Call) and called in ("enumerate", "zip"):
        elements: list[ast.expr] = getattr(target, "elts", [])
        sources = source.args if called == "zip" else [ast.Constant(0), *source.args[:1]]
        return len(elements) == len(sources) and any(
            binding.node is element and _lists(given, binding.site)
            for element, given in zip(elements, sources, strict=True)
        )
    return binding.node is target and _lists(source, binding.site)


def _is_user(project: Project, module: Module, node: ast.Attribute, site: Site) -> bool:
    """Return whether an expression is the user of a view's request: `request.user`, `self.request.user`."""
    if node.attr != "user":
        return False
    owner = node.value
    if isinstance(owner, ast.Subscript):  # in a serializer: self.context["request"].user
        return isinstance(owner.slice, ast.Constant) and owner.slice.value == "request"
    if isinstance(owner, ast.Name):
        found = site.scope.find(owner.id)
        return found is not None and all(_is_request(project, module, item) for item in found[1])
    return isinstance(owner, ast.Attribute) and owner.attr == "request" and getattr(owner.value, "id", "") == "self"


def _is_request(project: Project, module: Module, binding: Binding) -> bool:
    """Return whether a parameter is a view's request: by its annotation, by its name where it has none."""
    if binding.kind != PARAM or getattr(binding.node, "annotation", None) is None:
        return binding.kind == PARAM and binding.name == "request"
    value = inference.annotation_of(module, binding)
    if not isinstance(value, Ref):
        return False
    target = project.resolve(value.path, module)
    line = project.line(target) if isinstance(target.symbol, Class) else (target,)
    return any(isinstance(cls, Target) and _REQUESTS.fullmatch(cls.path) is not None for cls in line)
