"""Celery apps, and the base classes that they give their tasks."""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import unsubscripted, walk
from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.symbols import Bound, Class, Function, Opaque
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Invoke, Member, Missing, Param, Ref, Unknown
from flake8_celery_tasks.catalog import packages
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace.marks import is_interesting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Scope, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


def modules_with_apps(project: Project) -> Iterator[Module]:
    """Yield the modules outside tests that may create an app."""
    for path in project.files.holding(b"elery("):
        module = None if project.layout.is_test(project.layout.place(path)) else project.module(path)
        if module is not None:
            yield module


def makes_app(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a call creates an app that other code can see, not a temporary one as in a health check."""
    func = module.value(unsubscripted(call.func), site.scope)  # not yet the values of all arguments
    if not isinstance(func, Ref) or not _may_make_app(project.resolve(func.path, module)):
        return False
    app = app_made_by(project, module.value(call, site.scope), module)
    return app is not None and app.path not in APP_GETTERS and not _is_for_a_moment(module, call, site)


def _may_make_app(target: Target) -> bool:
    """Return whether a call of something may create an app: of `Celery`, a project's own class or factory."""
    if target.path == "celery.Celery" or (target.foreign and packages.is_app(target.path)):
        return True
    return isinstance(target.symbol, (Class, Function)) and not target.rest


#: Attributes that make an app visible to other code even if only its own function names it.
_LASTING: Final = frozenset(
    {
        *("Beat", "Task", "Worker", "add_periodic_task", "autodiscover_tasks", "finalize", "on_after_configure"),
        *("on_after_finalize", "register_task", "set_current", "set_default", "start", "task", "worker_main"),
    }
)


def _is_for_a_moment(module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether an app is created in a function, has no tasks there, and is not passed on."""
    function = site.function()
    if function is None:
        return False
    names = _names_of_values(module, site.scope).get(id(call), set())
    read, uses = _uses_in(module, function)
    attributes = [read.get(id(call)), *(attribute for name in names for attribute in uses.get(name, ()))]
    # Discount the call itself, which is the bound value.
    handed_on = attributes.count(None) - bool(names)
    return handed_on <= 0 and _LASTING.isdisjoint(attributes)


@query()
def _names_of_values(_module: Module, scope: Scope) -> dict[int, set[str]]:
    """Return the names that a scope binds to each value in it: a function may create as many apps as it has lines."""
    found: dict[int, set[str]] = {}
    for name, bindings in scope.bindings.items():
        for binding in bindings if name not in scope.outside else ():
            found.setdefault(id(binding.node), set()).add(name)
    return found


@query()
def _uses_in(_module: Module, function: FunctionNode) -> tuple[dict[int, str], dict[str, set[str | None]]]:
    """Return the attributes that are read from each node in a function, and from each name; None if it is passed on."""
    read = {id(node.value): node.attr for node in walk(function) if isinstance(node, ast.Attribute)}
    uses: dict[str, set[str | None]] = {}
    for node in walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            uses.setdefault(node.id, set()).add(read.get(id(node)))
    return read, uses


#: Code that makes the project's app current in all threads: Celery does so for Django, or the project does it itself.
_MAKES_CURRENT: Final = lazy_pattern(
    rb"(?:\A|[\r\n;])[ \t]*(?:from|import)[ \t]+django\b|DJANGO_SETTINGS_MODULE|\.set_default\(\)"
)


@query()
def is_current_everywhere(project: Project) -> bool:
    """Return whether `current_app` is the project's app in every thread: with Django, or after `app.set_default()`.

    Otherwise that is so only in the thread that created the app: others get a default app of Celery's own.
    """
    return any(
        _MAKES_CURRENT.search(project.files.read(path) or b"") is not None
        and not project.layout.is_test(project.layout.place(path))
        for path in project.layout.files()
    )


@query()
def own_apps(project: Project) -> tuple[tuple[Module, str], ...]:
    """Return the apps that the project's modules bind to names, as pairs of module and name."""
    found: list[tuple[Module, str]] = []
    for module in modules_with_apps(project):
        for name, bindings in module.candidates.scope.bindings.items():
            if len(bindings) == 1 and bindings[0].kind == ASSIGN:
                found += ((module, name) for symbol in module.symbols(name) if _is_app(project, symbol, module))
    return tuple(found)


def _is_app(project: Project, symbol: object, module: Module) -> bool:
    made = app_made_by(project, symbol.value, module) if isinstance(symbol, Bound) else None
    return made is not None and made.path not in APP_GETTERS


#: Names that count as a Celery app if their module can't be read, and the last parts that such a module's name has.
APP_NAMES: Final = frozenset({"app", "celery", "celery_app", "current_app"})
APP_MODULES: Final = frozenset({"celery", "celery_app", "celery_config", "celeryapp", "celeryconf"})

#: A name that marks an app in any module, if it is bound to a call that can't be resolved.
_SAYS_APP: Final = lazy_pattern(r"(.+_)?celery(_app)?$")

#: Calls that return the current app.
APP_GETTERS: Final = frozenset({"celery.current_app", "celery._state.get_current_app", "celery.app.default_app"})


class App(Record):
    """A Celery app. `task_cls` is the settled class that it was given, MISSING if it certainly uses the default."""

    __slots__ = ("path", "task_cls")

    def __init__(self, path: str, task_cls: Any = UNKNOWN) -> None:
        self.path = path
        self.task_cls = task_cls


# An app may be defined in terms of itself.
@query(key=lambda target: (target.path, target.module and target.module.place.path), while_asking=None)
def app_of(project: Project, target: Target) -> App | None:
    """Return the Celery app that a name leads to, None if there is no evidence that it is one."""
    if target.path == "celery.current_app":
        return App(target.path)
    if target.foreign and packages.is_app(target.path):
        return App(target.path, _class_of_package(target.path))
    symbol, module = target.symbol, target.module
    if isinstance(symbol, Bound) and module is not None:
        app = app_made_by(project, symbol.value, module)
        if app is not None:
            # Two apps may come from one factory or one module.
            return app if app.path in APP_GETTERS else App(target.path, _class_beside(project, module, app.task_cls))
        if isinstance(symbol.value, (Invoke, Unknown)) or not isinstance(symbol.value, (Ref, Param)):
            return _named_like_app(target.path) or _called_app(project, target.path, symbol.value, module)
        return None
    if isinstance(symbol, Opaque) or (symbol is None and not target.lost and not target.path.startswith("celery.")):
        return _named_like_app(target.path, foreign=target.foreign)
    return None


def _class_beside(project: Project, module: Module, given: Any) -> Any:
    """Return the class of an app's tasks: outside the project, its own module may assign another than the given one."""
    if given is not MISSING or not project.layout.is_elsewhere(module.place.path):
        return given
    return _one_of(_assigned(project, module))


def _named_like_app(path: str, *, foreign: bool = False) -> App | None:
    *_, module, name = ("", "", *path.split("."))
    if name not in APP_NAMES or module not in APP_MODULES:
        return None
    return _far_app(path) if foreign else App(path)


def is_named_like_app(name: str) -> bool:
    """Return whether a variable or attribute has a name that is typical of apps."""
    return name in APP_NAMES or _SAYS_APP.match(name) is not None


def _called_app(project: Project, path: str, value: Value, module: Module) -> App | None:
    """Return the app created by a call that can't be resolved, recognised by the name that it is bound to."""
    if not isinstance(value, Invoke) or not _SAYS_APP.match(path.rpartition(".")[2]):
        return None
    target = project.resolve(value.func.path, module) if isinstance(value.func, Ref) else None
    if target is not None and isinstance(target.symbol, Class) and is_readable(project, target):
        return None
    return _far_app(path)


def _far_app(path: str) -> App:
    """Return an app that is created outside the project, or may be; the same goes for the class of its tasks."""
    return App(path, Target(f"{path}.Task", foreign=True))


def app_made_by(project: Project, value: Value, module: Module, depth: int = 0) -> App | None:
    """Return the app that an expression creates: `Celery(...)`, a subclass of it, or a factory that returns one."""
    if isinstance(value, Param):
        if isinstance(value.annotation, Ref):
            target = project.resolve(value.annotation.path, module)
            if target.path == "celery.Celery":
                return App(target.path)
        return None
    if not isinstance(value, Invoke) or not isinstance(value.func, Ref) or depth > 5:
        return None
    target = project.resolve(value.func.path, module)
    if target.path in APP_GETTERS:
        return App(target.path)
    if target.path == "celery.Celery":
        return App(module.place.name, _task_cls(project, value, module))
    if target.foreign and packages.is_app(target.path):
        given = _task_cls(project, value, module)
        return App(target.path, _class_of_package(target.path) if given is MISSING else given)
    if isinstance(target.symbol, Class) and not target.rest:
        return _made_by_class(project, target, value, module)
    if isinstance(target.symbol, Function) and target.module is not None and not target.rest:
        return _returned(project, target.symbol, target.module, depth)
    return None


# Each of a function's many results may be that of another such function.
@query(key=lambda function, module, depth: (module.place.path, function.qualname, depth))
def _returned(project: Project, function: Function, module: Module, depth: int) -> App | None:
    for value in function.returns:
        made = app_made_by(project, value, module, depth + 1)
        if made is None and isinstance(value, Ref):
            made = app_of(project, project.resolve(value.path, module))
        if made is not None:
            return made
    return None


def _made_by_class(project: Project, target: Target, value: Invoke, module: Module) -> App | None:
    """Return the app that calling a class creates, None for a class that is not an app."""
    for cls in project.line(target):
        if isinstance(cls, Target) and (cls.path == "celery.Celery" or packages.is_app(cls.path)):
            own = task_class(project, project.class_attribute(target, "task_cls"), module)
            given = _task_cls(project, value, module)
            found = own if given is MISSING else given
            if found is MISSING:
                # A class may set its apps' task class anywhere it creates them: then the project's own settings apply.
                found = _class_of_package(cls.path) if packages.is_app(cls.path) else UNKNOWN
            return App(target.path, found)
    return None


def _class_of_package(path: str) -> Target | Missing:
    """Return the class that a package's app gives its tasks, MISSING for Celery's own."""
    given = packages.class_of_app(path)
    return MISSING if given is None else Target(given, foreign=True)


def _task_cls(project: Project, call: Invoke, module: Module) -> Any:
    for name, value in call.keywords:
        if name == "task_cls":
            return task_class(project, project.settle(value, module), module)
        if name is None:
            return UNKNOWN
    return MISSING


def task_class(project: Project, given: Any, module: Module) -> Any:
    """Return the class that a settled `task_cls` stands for: a class, its name, or a function that creates one."""
    if isinstance(given, str):
        owner, _, name = given.rpartition(":" if ":" in given else ".")
        found = project.resolve(f"{owner}:{name}", module) if owner else None
        return UNKNOWN if found is None or found.lost else found
    maker = given.target if isinstance(given, Called) else None
    if isinstance(maker, Target) and isinstance(maker.symbol, Function) and maker.module is not None:
        made = [project.settle(value, maker.module) for value in maker.symbol.returns]
        return made[0] if len(made) == 1 and not maker.rest else UNKNOWN
    return given


def app_of_attribute(project: Project, target: Target, name: str) -> App | None:
    """Return the app whose `task`, or another attribute that only apps have, is named."""
    if target.module is not None and target.rest == (name,) and target.symbol is not None:
        return app_of(project, Target(target.path, target.module, target.symbol))
    if isinstance(target.symbol, Bound) and len(target.rest) == 2 and target.rest[1] == name:
        # An extension that contains the app: `extension.celery.task`.
        return _far_app(target.path.removesuffix(f".{name}")) if _SAYS_APP.match(target.rest[0]) else None
    if target.symbol is None and not target.lost and target.path.endswith(f".{name}"):
        return app_of(project, Target(target.path.removesuffix(f".{name}"), foreign=target.foreign))
    return None


# Classes.


def base_given_by(project: Project, app: App | None) -> Target | Missing | Unknown:
    """Return the class that an app gives its tasks: MISSING for Celery's own, UNKNOWN if it can't be determined."""
    if project.options.celery_custom_task_class:
        return UNKNOWN
    found = task_cls_of(project) if app is None or app.task_cls is UNKNOWN else app.task_cls
    if found is MISSING:
        found = assigned_task_cls_of(project)
    if found is MISSING or found is None:
        return MISSING
    return found if isinstance(found, Target) else UNKNOWN


def app_behind(project: Project, base: Value, module: Module) -> App | None:
    """Return the app if a base is its `Task`, the base class of its tasks; None for any other class."""
    if isinstance(base, Ref):
        return app_of_attribute(project, project.resolve(base.path, module), "Task")
    if not isinstance(base, Member) or base.attribute != "Task":
        return None
    return _app_made_by(project, base.value, module)


# An app's class may inherit from the app's own tasks.
@query(key=lambda value, module: (repr(value), module.place.path), while_asking=None)
def _app_made_by(project: Project, value: Value, module: Module) -> App | None:
    return app_made_by(project, value, module)


def bases_of(project: Project, base: Value, module: Module) -> list[Target | Unknown] | None:
    """Return the classes that a base `app.Task` stands for: the class that the app gives its tasks, and Celery's own.

    None for any other base.
    """
    target = project.resolve(base.path, module) if isinstance(base, Ref) else None
    if target is not None:
        may_be_of_app = "Task" in (*target.rest, target.path.rpartition(".")[2]) and target.path != "celery.Task"
    else:
        may_be_of_app = isinstance(base, Member) and base.attribute == "Task"
    app = app_behind(project, base, module) if may_be_of_app else None
    if app is None:
        return None
    given = base_given_by(project, app)
    return [*(() if isinstance(given, Missing) else (given,)), Target("celery.Task", foreign=True)]


def is_task_class(project: Project, target: Target) -> bool | Unknown:
    """Return whether a class inherits from `celery.Task`; UNKNOWN if one of its ancestors can't be resolved."""
    unread, foreign = False, set()
    known, others = _task_classes(project)
    if _is_one_of(project, target, others):
        return False
    for cls in project.line(target):
        if isinstance(cls, Unknown):
            unread = True
        elif cls.path in known:
            known.add(target.path)
            return True
        elif cls.foreign:
            foreign.add(cls.path)
    if unread:
        return UNKNOWN
    others |= foreign
    _is_one_of(project, target, others)
    return False


def _is_one_of(project: Project, target: Target, others: set[str]) -> bool:
    """Return whether all bases of a class are some classes: then it is one of them too."""
    bases = project.bases(target) if isinstance(target.symbol, Class) and not target.rest else [UNKNOWN]
    if not all(isinstance(base, Target) and base.path in others for base in bases):
        return False
    others.add(target.path)
    return True


@query()
def _task_classes(_project: Project) -> tuple[set[str], set[str]]:
    """Return the classes that are known to inherit from `celery.Task`, or not to: others may be derived from them."""
    return {"celery.Task"}, set()


def is_base(project: Project, name: str, module: Module) -> bool:
    """Return whether a name of a module is certainly a class of tasks or apps."""
    if app_behind(project, Ref(f":{name}"), module) is not None:
        return True
    line = project.line(project.resolve(f":{name}", module))
    return any(isinstance(cls, Target) and cls.path in ("celery.Celery", "celery.Task") for cls in line)


def may_be_base(project: Project, module: Module, cls: Class) -> bool:
    """Return whether a class of tasks or apps may be there to derive others from, in files that show nothing else.

    A class whose method is called by the `run` that it inherits is a task itself.
    """
    from flake8_celery_tasks.workspace import prescan  # a warm run needs none of its patterns

    symbols = {name: module.symbols(f"{cls.qualname}.{name}") for name in cls.names}
    methods = [name for name, some in symbols.items() if any(isinstance(one, Function) for one in some)]
    if is_interesting(encoded(cls.qualname)) or not prescan.may_be_base(cls.names, methods):
        return False
    return not (prescan.needs_run(cls.names, methods) and _inherits_run(project, module, cls))


#: How many ancestors of a class are asked for `run`.
_NEAR: Final = 8


def _inherits_run(project: Project, module: Module, cls: Class) -> bool:
    """Return whether one of the next ancestors of a class that are in the project has a `run`."""
    pending = [(base, module) for base in cls.bases]
    for base, origin in islice(pending, _NEAR):
        target = project.resolve(base.path, origin) if isinstance(base, Ref) else None
        if target is not None and target.module is not None and isinstance(target.symbol, Class):
            if "run" in target.symbol.names:
                return True
            above = target.module
            pending += [(inner, above) for inner in target.symbol.bases]
    return False


def is_readable(project: Project, target: Target) -> bool:
    """Return whether every ancestor of a task class can be resolved."""
    return all(
        isinstance(cls, Target)
        and (cls.module is not None or cls.path in packages.PLAIN_BASES or packages.task_class(cls.path) is not None)
        for cls in project.line(target)
    )


@query()
def task_cls_of(project: Project) -> Any:
    """Return the task class that the project's apps are given: settled, MISSING for none, UNKNOWN if unclear."""
    return _configured_task_cls(project, (b"task_cls", _ASSIGNED), _given)


@query()
def assigned_task_cls_of(project: Project) -> Any:
    """Return the task class that is assigned to an app's `Task`; the result is as in `task_cls_of`."""
    return _configured_task_cls(project, (_ASSIGNED,), _assigned)


_ASSIGNED: Final = b".Task ="


def _configured_task_cls(
    project: Project, marks: tuple[bytes, ...], found_in: Callable[[Project, Module], Iterator[Any]]
) -> Any:
    found: list[Any] = []
    for path in project.files.holding(*marks):
        if project.layout.is_test(project.layout.place(path)):
            continue
        module = project.module(path)
        if module is None:
            found.append(UNKNOWN)
            continue
        found.extend(found_in(project, module))
    return _one_of(found)


def _one_of(found: Iterable[Any]) -> Any:
    """Return the only class among task classes, MISSING if there is none, UNKNOWN if there are several."""
    classes = [cls for cls in found if cls is not None and cls is not MISSING]
    if not classes:
        return MISSING
    first = classes[0]
    same = isinstance(first, Target) and all(isinstance(cls, Target) and cls.path == first.path for cls in classes)
    return first if same else UNKNOWN


def _given(project: Project, module: Module) -> Iterator[Any]:
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "task_cls":
                yield _task_class(project, module, keyword.value, site.scope)
    yield from _assigned(project, module)
    for cls, _, scope in module.candidates.classes:
        if "task_cls" in scope.bindings and cls.bases:
            for binding in scope.bindings["task_cls"]:
                yield _task_class(project, module, binding.value, scope) if binding.kind == ASSIGN else UNKNOWN


def _assigned(project: Project, module: Module) -> Iterator[Any]:
    for _, target, value, site in module.candidates.stores:
        if isinstance(target, ast.Attribute) and target.attr == "Task" and _may_be_app(project, module, target, site):
            yield _task_class(project, module, value, site.scope)


def _may_be_app(project: Project, module: Module, target: ast.Attribute, site: Site) -> bool:
    """Return whether an attribute's owner may be an app: not a module, and not something unrelated to apps."""
    owner = module.value(target.value, site.scope)
    found = project.resolve(owner.path, module) if isinstance(owner, Ref) else None
    return found is None or found.symbol is not None or found.unread or app_of(project, found) is not None


def _task_class(project: Project, module: Module, node: ast.expr, scope: Scope) -> Any:
    return task_class(project, project.settle(module.value(node, scope), module), module)
