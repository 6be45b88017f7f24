"""Places that configure Celery: assignments to an app's `conf`, settings modules, namespaces."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.symbols import Bound, Class
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Mapping, Ref
from flake8_celery_tasks.celery_model.apps import makes_app, modules_with_apps
from flake8_celery_tasks.celery_model.settings import given_in, given_to, is_passing, spellings
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import settled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.binding.values import Unknown, Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: The namespace that nearly everyone uses.
USUAL: Final = "CELERY"


class Configuration(NamedTuple):
    """A call of `config_from_object`, or what stands for one.

    The object is a module or something in it (`path` of the file, `qualname`), Django's settings (`is_django`), what
    another configuration holds under a `key`, or can't be told (none of these). `is_broken` says that it is in a file
    that can't be parsed.
    """

    namespace: str | Unknown | None
    path: str = ""
    qualname: str = ""
    is_django: bool = False
    key: str = ""
    is_broken: bool = False


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
        return Configuration(namespace, is_broken=_is_broken(project, module, target.path))
    if target.symbol is None:
        return Configuration(namespace, target.module.place.path)
    if isinstance(target.symbol, Class):
        return Configuration(namespace, target.module.place.path, target.symbol.qualname)
    if isinstance(target.symbol, Bound) and isinstance(target.symbol.value, Mapping):
        return Configuration(namespace, target.module.place.path, target.path[len(target.module.prefix) :])
    return Configuration(namespace)


def _is_broken(project: Project, module: Module, path: str) -> bool:
    """Return whether a dotted path leads into a file that can't be parsed."""
    for name in (path, path.rpartition(".")[0]):
        file = project.layout.find(name, module.place.root) if name else None
        if file is not None and file.endswith(".py") and project.module(file) is None:
            return True
    return False


def is_display(node: ast.expr) -> bool:
    """Return whether an expression writes a dict: `{...}` or `dict(...)`."""
    return isinstance(node, ast.Dict) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict"
    )


def spreads_in(node: ast.expr) -> list[ast.expr]:
    """Return what the display of a dict takes in: behind `**`, or given to `dict()`."""
    if isinstance(node, ast.Dict):
        return [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
    call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
    return [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]


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


# What is certain of all that configures the project.

#: What settings modules of Django hold.
_DJANGO: Final = b"INSTALLED_APPS"


@query()
def is_all_parsed(project: Project) -> bool:
    """Return whether no file that can't be parsed could hold a setting."""
    return all(project.module(path) is not None for path in project.files.holding(b"elery", b"ELERY")) and not any(
        item.is_broken for item in configurations(project)
    )


def is_all_read(project: Project) -> bool:
    """Return whether nothing of what configures the project's apps is out of reach."""
    modules = list(modules_with_apps(project))
    made = (makes_app(project, module, call, site) for module in modules for call, site in module.candidates.calls)
    return (
        any(made)
        and not any(_has_spread(project, module) for module in modules)
        and all(
            _are_django_settings_whole(project) if item.is_django else bool(item.path) and _is_whole(project, item.path)
            for item in configurations(project)
        )
        and next(project.files.holding(b"config_from_envvar"), None) is None
    )


def _has_spread(project: Project, module: Module) -> bool:
    """Return whether a module configures an app, or makes it, with what can't be read."""
    for call, site in module.candidates.calls:
        owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "update" else None
        if isinstance(owner, ast.Attribute) and owner.attr == "conf":
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]
        elif makes_app(project, module, call, site):
            given = [keyword.value for keyword in call.keywords if keyword.arg in (None, "changes")]
        else:
            continue
        for node in given:
            shown = display(project, module, node, site)
            if shown is None or not shown[1]:
                return True
    return False


def _are_django_settings_whole(project: Project) -> bool:
    """Return whether Django's settings are a part of the project, and take in nothing that is not.

    A package for other sites leaves its settings to these, and a site may have a file of its own that is not kept.
    """
    layout = project.layout
    paths = [
        path
        for path in layout.files()
        if _DJANGO in (project.files.read(path) or b"") and not layout.is_test(layout.place(path))
    ]
    return bool(paths) and all(_is_whole(project, path) for path in paths)


def _is_whole(project: Project, path: str) -> bool:
    """Return whether all names of a configuration module are bound in the project, or by Django itself."""
    module = project.module(path)
    return module is not None and all(
        star.startswith("django.conf.") or project.layout.find(star, module.place.root) is not None
        for star in module.candidates.stars
    )


@query()
def is_unset(project: Project, name: str) -> bool:
    """Return whether certainly nothing in the project gives a value to a setting, by its lower-case name."""
    return next(places_of(project, name), None) is None and is_all_parsed(project) and is_all_read(project)


def places_of(project: Project, name: str, *, running: bool = False) -> Iterator[tuple[Value, Module | None]]:
    """Yield what the project gives to a setting; None for a module that can't be read.

    With `running`, what is for development or tests only is left out.
    """
    yield from given_to(project, name, running=running)
    # A configuration module of a few lines may hold no word of Celery.
    seen = set(project.files.holding(*(item.encode() for item in spellings(name))))
    for path in sorted({item.path for item in configurations(project)} - seen - {""}):
        found = project.module(path)
        assert found is not None  # or it would not be known as the configuration
        if not (running and is_passing(found.place.name)):
            yield from ((value, found) for value in given_in(found, frozenset(spellings(name)), running=running))


def is_passing_place(module: Module, site: Site) -> bool:
    """Return whether a place is read in development or tests only, by the names of its module and its classes."""
    return is_passing(module.place.name) or any(
        isinstance(around.node, ast.ClassDef) and is_passing(around.node.name) for around in site.chain()
    )
