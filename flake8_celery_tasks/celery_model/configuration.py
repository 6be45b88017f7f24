"""Places that configure Celery: assignments to an app's `conf`, settings modules, namespaces."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.symbols import Bound, Class
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Mapping, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.binding.values import Unknown
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: The namespace that nearly everyone uses.
USUAL: Final = "CELERY"


class Configuration(NamedTuple):
    """A call of `config_from_object`, or what stands for one.

    The object is a module or something in it (`path` of the file, `qualname`), Django's settings (`is_django`), what
    another configuration holds under a `key`, or can't be told (none of these).
    """

    namespace: str | Unknown | None
    path: str = ""
    qualname: str = ""
    is_django: bool = False
    key: str = ""


@query()
def configurations(project: Project) -> tuple[Configuration, ...]:
    """Return how the project, outside its tests, configures its apps."""
    found: dict[Configuration, None] = {}
    for path in project.files.holding(b"config_from_object", b"config_source"):
        if project.layout.is_test(project.layout.place(path)):
            continue
        module = project.module(path)
        if module is None:
            found[Configuration(UNKNOWN)] = None
            continue
        found.update(dict.fromkeys(_configured(project, module)))
    return tuple(found)


def _configured(project: Project, module: Module) -> Iterator[Configuration]:
    """Yield the configurations that the calls in a module make."""
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "config_source":
                yield _configuration(project, module, keyword.value, site, namespace_of(project, module, call, site))
        if last_name(call.func) == "config_from_object":
            node = config_object(call)
            if node is not None:
                yield _configuration(project, module, node, site, namespace_of(project, module, call, site))


def config_object(call: ast.Call) -> ast.expr | None:
    """Return what `config_from_object` is given."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "obj"]
    return next(iter(given or call.args), None)


def namespace_of(project: Project, module: Module, call: ast.Call, site: Site) -> str | Unknown | None:
    """Return the namespace that a call gives, or else a `Celery(namespace=)` in the same module."""
    given = [(keyword.value, site) for keyword in call.keywords if keyword.arg == "namespace"]
    if not given and last_name(call.func) == "config_from_object":
        given = [(node, site) for node in call.args[3:4]] or [
            (keyword.value, made_site)
            for made, made_site in module.calls_of("Celery")
            for keyword in made.keywords
            if keyword.arg == "namespace"
        ]
    if not given:
        return None
    prefix = settled(project, module, *given[0])
    return prefix or None if prefix is None or isinstance(prefix, str) else UNKNOWN


def _configuration(
    project: Project, module: Module, node: ast.expr, site: Site, namespace: str | Unknown | None
) -> Configuration:
    if is_display(node):
        return Configuration(namespace, module.place.path, "<dict>")
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return Configuration(namespace, key=node.slice.value)
    value = module.value(node, site.scope)
    if isinstance(value, Invoke) and isinstance(value.func, Ref):
        value = value.func  # an instance of a class
    target: Target | None = None
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
    text = settled(project, module, node, site)
    if isinstance(text, str):
        name, _, attribute = text.partition(":")
        target = project.resolve(f"{name}:{attribute}", module)
        if target.module is None and not attribute:
            owner, _, attribute = text.rpartition(".")
            target = project.resolve(f"{owner}:{attribute}", module) if owner else target
    if target is None:
        return Configuration(namespace)
    if target.path == "django.conf.settings":
        return Configuration(namespace, is_django=True)
    if target.module is None or target.rest:
        return Configuration(namespace)
    if target.symbol is None:
        return Configuration(namespace, target.module.place.path)
    if isinstance(target.symbol, Class):
        return Configuration(namespace, target.module.place.path, target.symbol.qualname)
    if isinstance(target.symbol, Bound) and isinstance(target.symbol.value, Mapping):
        return Configuration(namespace, target.module.place.path, target.path[len(target.module.prefix) :])
    return Configuration(namespace)


def is_display(node: ast.expr) -> bool:
    """Return whether an expression writes a dict: `{...}` or `dict(...)`."""
    return isinstance(node, ast.Dict) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict"
    )


def display(
    project: Project, module: Module, node: ast.expr, site: Site, depth: int = 0
) -> tuple[list[tuple[object, Written]], bool] | None:
    """Return the pairs of a dict that is written in this file, and whether these are all; None where it is not.

    A name counts as what it is bound to, without the keys that get a value elsewhere; a key is settled.
    """
    if depth > 5:
        return None
    if isinstance(node, ast.Name):
        return _named(project, module, node, site, depth)
    pairs: list[tuple[object, Written]] = []
    complete = True

    def spread(value: ast.expr) -> None:
        nonlocal complete
        below = display(project, module, value, site, depth + 1)
        if below is None:
            complete = False
        else:
            pairs.extend(below[0])
            complete = complete and below[1]

    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                spread(value)
            else:
                pairs.append((settled(project, module, key, site), Written(key, value, site)))
        return pairs, complete
    if is_display(node):
        assert isinstance(node, ast.Call)
        for arg in node.args:
            spread(arg)
        for keyword in node.keywords:
            if keyword.arg is None:
                spread(keyword.value)
            else:
                pairs.append((keyword.arg, Written(keyword, keyword.value, site)))
        return pairs, complete
    return None


def _named(
    project: Project, module: Module, node: ast.Name, site: Site, depth: int
) -> tuple[list[tuple[object, Written]], bool] | None:
    """Return what `display` does for a name."""
    binding = bound_once(node, site)
    if binding is None:
        return None
    made = display(project, module, binding.value, binding.site, depth + 1)
    changed = module.changed(binding)
    if made is None or changed is None:
        return made
    return [(key, written) for key, written in made[0] if not (isinstance(key, str) and key in changed)], False


def bound_once(node: ast.Name, site: Site) -> Binding | None:
    """Return the assignment that a name stands for, None where there are several, or something else binds it."""
    found = site.scope.find(node.id)
    if found is None or len(found[1]) != 1:
        return None
    return found[1][0] if found[1][0].kind == ASSIGN else None


class Written(NamedTuple):
    """A key of a dict display, or a keyword, as it is written: the node of the key, and of what it is given."""

    key: ast.AST
    value: ast.expr
    site: Site
