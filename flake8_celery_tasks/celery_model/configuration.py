"""The places that configure Celery: assignments to an app's `conf`, settings modules, namespaces."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.symbols import Bound, Class, Function
from flake8_celery_tasks.binding.values import UNKNOWN, Invoke, Mapping, Ref
from flake8_celery_tasks.celery_model.apps import APP_GETTERS, app_of, makes_app, modules_with_apps
from flake8_celery_tasks.celery_model.settings import given_in, given_to, is_passing, spellings
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.binding.values import Unknown, Value
    from flake8_celery_tasks.resolution.project import Project


#: The namespace that nearly every project uses.
USUAL: Final = "CELERY"


class Configuration(NamedTuple):
    """A call of `config_from_object`, or an equivalent.

    The object is a module or something in it (`path` of the file, `qualname`), Django's settings (`is_django`), another
    configuration's value under a `key`, or unknown (none of these). `is_broken` means that it is in a file that can't
    be parsed.
    """

    namespace: str | Unknown | None
    path: str = ""
    qualname: str = ""
    is_django: bool = False
    key: str = ""
    is_broken: bool = False


@query()
def configurations(project: Project) -> tuple[Configuration, ...]:
    """Return the ways in which the project, outside its tests, configures its apps."""
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
    """Yield the configurations that the calls in a module apply."""
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "config_source":
                yield _configuration(project, module, keyword.value, site, namespace_of(project, module, call, site))
        if last_name(call.func) == "config_from_object":
            node = config_object(call)
            if node is not None:
                yield _configuration(project, module, node, site, namespace_of(project, module, call, site))


def config_object(call: ast.Call) -> ast.expr | None:
    """Return the argument of `config_from_object`."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "obj"]
    return next(iter(given or call.args), None)


def namespace_of(project: Project, module: Module, call: ast.Call, site: Site) -> str | Unknown | None:
    """Return the namespace that a call gives, or the `Celery(namespace=)` in the same module."""
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
    """Return whether an expression is a literal dict: `{...}` or `dict(...)`."""
    return isinstance(node, ast.Dict) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict"
    )


def spreads_in(node: ast.expr) -> list[ast.expr]:
    """Return what the display of a dict takes in: behind `**`, or given to `dict()`."""
    if isinstance(node, ast.Dict):
        return [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
    return spreads_of(node) if isinstance(node, ast.Call) else []


def spreads_of(call: ast.Call) -> list[ast.expr]:
    """Return what a call such as `dict()` or `conf.update()` takes in whole: its positional and `**` arguments."""
    return [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]


def display(
    project: Project, module: Module, node: ast.expr, site: Site, depth: int = 0
) -> tuple[list[tuple[object, Written]], bool] | None:
    """Return the pairs of a dict written in this file, and whether these are all of them; None if it is not one.

    A name stands for its value, without the keys that are set elsewhere; keys are settled.
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
    """Return the result of `display` for a name."""
    binding = bound_once(node, site)
    if binding is None:
        return None
    made = display(project, module, binding.value, binding.site, depth + 1)
    changed = module.changed(binding)
    if made is None or changed is None:
        return made
    return [(key, written) for key, written in made[0] if not (isinstance(key, str) and key in changed)], False


def bound_once(node: ast.Name, site: Site) -> Binding | None:
    """Return the assignment that a name stands for, None if it has several bindings or one of another kind."""
    found = site.scope.find(node.id)
    if found is None or len(found[1]) != 1:
        return None
    return found[1][0] if found[1][0].kind == ASSIGN else None


class Written(NamedTuple):
    """A key of a dict display, or a keyword, as written: the nodes of the key and of its value."""

    key: ast.AST
    value: ast.expr
    site: Site


# What is certain about the project's configuration as a whole.

#: A name that Django settings modules contain.
_DJANGO: Final = b"INSTALLED_APPS"


@query()
def is_all_parsed(project: Project) -> bool:
    """Return whether no file that can't be parsed could hold a setting."""
    return all(project.module(path) is not None for path in project.files.holding(b"elery", b"ELERY")) and not any(
        item.is_broken for item in configurations(project)
    )


#: Words of files that may configure an app which another file makes.
_CONFIGURES: Final = (b"add_defaults(", b"conf.update(", b"conf[", b"conf,")


def is_all_read(project: Project) -> bool:
    """Return whether all of the configuration of the project's apps can be resolved."""
    modules = list(modules_with_apps(project))
    made = (makes_app(project, module, call, site) for module in modules for call, site in module.candidates.calls)
    return (
        any(made)
        and not any(_is_handed_on(project, module) for module in modules)
        and not _is_configured_far(project)
        and all(
            _are_django_settings_whole(project) if item.is_django else bool(item.path) and _is_whole(project, item)
            for item in configurations(project)
        )
        and next(project.files.holding(b"config_from_envvar", b"config_from_cmdline"), None) is None
    )


@query()
def _is_configured_far(project: Project) -> bool:
    """Return whether a module outside tests configures or creates an app with values that can't be resolved."""
    for path in project.files.holding(b"elery(", *_CONFIGURES):
        module = None if project.layout.is_test(project.layout.place(path)) else project.module(path)
        if module is not None and (
            any(_is_far_call(project, module, call, site) for call, site in module.candidates.calls)
            or any(_is_far_store(target, site) for _, target, _, site in module.candidates.stores)
        ):
            return True
    return False


def _is_far_call(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a call gives an app settings that can't be read."""
    name = last_name(call.func)
    if name == "setattr" and len(call.args) > 1 and _is_conf(call.args[0], site):
        return not isinstance(call.args[1], ast.Constant)
    if isinstance(call.func, ast.Attribute) and (
        name == "add_defaults" or (name == "update" and _is_conf(call.func.value, site))
    ):
        given = spreads_of(call)
    else:
        given = [keyword.value for keyword in call.keywords if keyword.arg in (None, "changes")]
        loaders = [keyword.value for keyword in call.keywords if keyword.arg == "loader"]
        is_loaded = any(not isinstance(node, ast.Constant) or node.value not in _LOADERS for node in loaders)
        if not (given or is_loaded) or not makes_app(project, module, call, site):
            return False
        if is_loaded:
            return True
    shown = (display(project, module, node, site) for node in given)
    return any(found is None or not found[1] for found in shown)


#: Celery's own loaders, which configure nothing.
_LOADERS: Final = (None, "app", "celery.loaders.app:AppLoader")


def _is_far_store(target: ast.AST, site: Site) -> bool:
    """Return whether an assignment sets an item of an app's configuration whose name is not written, or a backend."""
    if isinstance(target, ast.Subscript):
        return not isinstance(target.slice, ast.Constant) and _is_conf(target.value, site)
    return getattr(target, "attr", "") in ("backend", "backend_cls")


def _is_conf(node: ast.expr, site: Site) -> bool:
    """Return whether an expression is the configuration of an app: `app.conf`, or a name that it is bound to."""
    binding = bound_once(node, site) if isinstance(node, ast.Name) else None
    node = node if binding is None else binding.value
    return isinstance(node, ast.Attribute) and node.attr == "conf"


@query()
def _is_handed_on(project: Project, module: Module) -> bool:
    """Return whether a module gives its app, or the app's configuration, to a function that can't be read."""
    for call, site in module.candidates.calls:
        for node in (*call.args, *(keyword.value for keyword in call.keywords)):
            inner = node.value if isinstance(node, ast.Attribute) and node.attr == "conf" else node
            if _is_own_app(project, module, inner, site) and not _is_harmless(project, module, call, site):
                return True
    return False


def _is_own_app(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    if isinstance(node, ast.Call):
        return makes_app(project, module, node, site)
    value = module.value(node, site.scope) if isinstance(node, (ast.Name, ast.Attribute)) else None
    app = app_of(project, project.resolve(value.path, module)) if isinstance(value, Ref) else None
    return app is not None and app.path not in APP_GETTERS


def _is_harmless(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a function that is given an app leaves its configuration alone, or can be read."""
    value = module.value(call.func, site.scope)
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    if target is None or target.rest:
        return False
    return isinstance(target.symbol, (Class, Function)) or target.path.startswith(("builtins.", "celery."))


def _are_django_settings_whole(project: Project) -> bool:
    """Return whether Django's settings are part of the project, and import nothing from outside it.

    A reusable package leaves its settings to the sites that use it, and a site may have a local file that is not
    committed.
    """
    layout = project.layout
    paths = [
        path
        for path in layout.files()
        if _DJANGO in (project.files.read(path) or b"") and not layout.is_test(layout.place(path))
    ]
    return bool(paths) and all(_is_whole_module(project, path) for path in paths)


#: Packages that take settings from further files, which a repository may not have.
_READERS: Final = lazy_pattern(rb"\b(split_settings|dynaconf)\b")


def _is_whole_module(project: Project, path: str) -> bool:
    """Return whether all names of a configuration module are bound in the project, or by Django itself."""
    module = project.module(path)
    if module is None or module.dynamic or _READERS.search(project.files.read(path) or b""):
        return False
    return all(
        star.startswith("django.conf.") or project.layout.find(star, module.place.root) is not None
        for star in module.candidates.stars
    )


def _is_whole(project: Project, item: Configuration) -> bool:
    """Return whether a configuration is all bound in the project: its module, and what its class inherits from."""
    module = project.module(item.path)
    assert module is not None  # or it would not be known as the configuration
    if not _is_whole_module(project, item.path):
        return False
    target = project.resolve(f"{module.place.name}:{item.qualname}", module) if item.qualname else None
    return (
        target is None
        or not isinstance(target.symbol, Class)
        or all(
            isinstance(cls, Target) and (cls.module is not None or cls.path == "builtins.object")
            for cls in project.line(target)
        )
    )


@query()
def is_unset(project: Project, name: str) -> bool:
    """Return whether it is certain that nothing in the project sets a setting, given its lower-case name."""
    return next(places_of(project, name), None) is None and is_all_parsed(project) and is_all_read(project)


def places_of(project: Project, name: str, *, running: bool = False) -> Iterator[tuple[Value, Module | None]]:
    """Yield the values that the project gives to a setting; None for a module that can't be read.

    With `running`, values that apply only to development or tests are skipped.
    """
    yield from given_to(project, name, running=running)
    # A short configuration module may not mention Celery at all.
    seen = set(project.files.holding(*(item.encode() for item in spellings(name))))
    for path in sorted({item.path for item in configurations(project)} - seen - {""}):
        found = project.module(path)
        assert found is not None  # otherwise it would not be known as the configuration
        if not (running and is_passing(found.place.name)):
            yield from ((value, found) for value in given_in(found, frozenset(spellings(name)), running=running))


def is_passing_place(module: Module, site: Site) -> bool:
    """Return whether a place is used in development or tests only, judging by the names of its module and classes."""
    return is_passing(module.place.name) or any(
        isinstance(around.node, ast.ClassDef) and is_passing(around.node.name) for around in site.chain()
    )
