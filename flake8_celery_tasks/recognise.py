"""What is Celery's: apps, task decorators and the wrappers that projects make of them, task classes, definitions.

All of it works on symbols, so the file at hand and every other file of the project are read by the same code.
"""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.project import Called, Target, external
from flake8_celery_tasks.record import Record
from flake8_celery_tasks.symbols import Bound, Class, Function, Opaque, Params
from flake8_celery_tasks.values import MISSING, UNKNOWN, Invoke, Mapping, Member, Missing, Param, Ref, Unknown, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project

#: A name that counts as a Celery app where its module can't be read, and the last part that such a module has.
APP_NAMES: Final = frozenset({"app", "celery", "celery_app", "current_app"})
APP_MODULES: Final = frozenset({"celery", "celery_app", "celery_config", "celeryapp", "celeryconf"})

#: A name that says in any module that it is an app, where it is bound to a call that can't be read.
_SAYS_APP: Final = re.compile(r"(.+_)?celery(_app)?$")

#: Calls that give the current app.
APP_GETTERS: Final = frozenset({"celery.current_app", "celery._state.get_current_app", "celery.app.default_app"})

# How a task is defined.
SHARED: Final = "shared_task"
APP_TASK: Final = "app.task"
HOUSE: Final = "house decorator"  # read, or named by the option
OPAQUE: Final = "unread decorator"
CLASS_TASK: Final = "class"


class App(Record):
    """A Celery app. `task_cls` is the settled class that it was given, MISSING where it certainly has its own."""

    __slots__ = ("path", "task_cls")

    def __init__(self, path: str, task_cls: Any = UNKNOWN) -> None:
        self.path = path
        self.task_cls = task_cls


class Decorator(Record):
    """A task decorator: how it makes a task, and the keywords that it gives, each with the module they stand in."""

    __slots__ = ("app", "form", "keywords", "positional", "spread")

    def __init__(
        self,
        form: str,
        keywords: dict[str, tuple[Value, Module]] | None = None,
        spread: bool = False,
        app: App | None = None,
        positional: tuple[str, ...] = (),
    ) -> None:
        self.form = form
        self.keywords: dict[str, tuple[Value, Module]] = {} if keywords is None else keywords
        self.spread = spread
        self.app = app
        self.positional = positional


class Definition(Record):
    """A task definition, wherever it stands.

    `index` is that of the task decorator: those above it come first, those below after it. It is -1 for a class.
    """

    __slots__ = ("decorator", "index", "module", "symbol")

    def __init__(self, module: Module, symbol: Function | Class, decorator: Decorator, index: int = -1) -> None:
        self.module = module
        self.symbol = symbol
        self.decorator = decorator
        self.index = index

    @property
    def place(self) -> tuple[str, str, int]:
        """What tells the definition from others: its file, qualified name and line."""
        return self.module.place.path, self.symbol.qualname, self.symbol.line


def place_of(target: Target) -> tuple[str, str, int] | None:
    """Return the `place` of the definition that a name leads to, None where it leads to none.

    A file that is being checked may have been read before, for another file: then there are two symbols of one place.
    """
    if target.module is None or not isinstance(target.symbol, (Function, Class)):
        return None
    return target.module.place.path, target.symbol.qualname, target.symbol.line


def app_of(project: Project, target: Target) -> App | None:
    """Return the Celery app that a name leads to, None where there is no evidence that it is one."""
    key = ("app", target.path, target.module and target.module.place.path)
    if key not in project.memo:
        project.memo[key] = None  # an app that is made from itself
        project.memo[key] = _app_of(project, target)
    app: App | None = project.memo[key]
    return app


def _app_of(project: Project, target: Target) -> App | None:
    if target.path == "celery.current_app":
        return App(target.path)
    symbol, module = target.symbol, target.module
    if isinstance(symbol, Bound) and module is not None:
        app = app_made_by(project, symbol.value, module)
        if app is not None:
            # Two apps may be made by one factory, or in one module.
            return app if app.path in APP_GETTERS else App(target.path, app.task_cls)
        if isinstance(symbol.value, (Invoke, Unknown)) or not isinstance(symbol.value, (Ref, Param)):
            return _named_like_app(target.path) or _called_app(project, target.path, symbol.value, module)
        return None
    if isinstance(symbol, Opaque) or (symbol is None and not target.lost and not target.path.startswith("celery.")):
        return _named_like_app(target.path, foreign=target.foreign)
    return None


def _named_like_app(path: str, *, foreign: bool = False) -> App | None:
    *_, module, name = ("", "", *path.split("."))
    if name not in APP_NAMES or module not in APP_MODULES:
        return None
    return _far_app(path) if foreign else App(path)


def _called_app(project: Project, path: str, value: Value, module: Module) -> App | None:
    """Return the app that a call which can't be read makes, by the name that it is bound to."""
    if not isinstance(value, Invoke) or not _SAYS_APP.match(path.rpartition(".")[2]):
        return None
    target = project.resolve(value.func.path, module) if isinstance(value.func, Ref) else None
    if target is not None and isinstance(target.symbol, Class) and is_readable(project, target):
        return None
    return _far_app(path)


def _far_app(path: str) -> App:
    """Return an app that is made outside the project, or may be: so is the class of its tasks."""
    return App(path, Target(f"{path}.Task", foreign=True))


def app_made_by(project: Project, value: Value, module: Module, depth: int = 0) -> App | None:
    """Return the app that an expression makes: `Celery(...)`, a subclass of it, or a factory that returns one."""
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
    if isinstance(target.symbol, Class) and not target.rest:
        for cls in project.line(target):
            if isinstance(cls, Target) and cls.path == "celery.Celery":
                own = task_class(project, project.class_attribute(target, "task_cls"), module)
                given = _task_cls(project, value, module)
                found = own if given is MISSING else given
                # A class may give its apps a task class wherever it makes them: what the project says holds then.
                return App(target.path, UNKNOWN if found is MISSING else found)
    elif isinstance(target.symbol, Function) and target.module is not None and not target.rest:
        for returned in target.symbol.returns:
            made = app_made_by(project, returned, target.module, depth + 1)
            if made is None and isinstance(returned, Ref):
                made = app_of(project, project.resolve(returned.path, target.module))
            if made is not None:
                return made
    return None


def _task_cls(project: Project, call: Invoke, module: Module) -> Any:
    for name, value in call.keywords:
        if name == "task_cls":
            return task_class(project, project.settle(value, module), module)
        if name is None:
            return UNKNOWN
    return MISSING


def task_class(project: Project, given: Any, module: Module) -> Any:
    """Return the class that a settled `task_cls` stands for: by its name too, or by a function that makes one."""
    if isinstance(given, str):
        owner, _, name = given.rpartition(":" if ":" in given else ".")
        found = project.resolve(f"{owner}:{name}", module) if owner else None
        return UNKNOWN if found is None or found.lost else found
    maker = given.target if isinstance(given, Called) else None
    if isinstance(maker, Target) and isinstance(maker.symbol, Function) and maker.module is not None:
        made = [project.settle(value, maker.module) for value in maker.symbol.returns]
        return made[0] if len(made) == 1 and not maker.rest else UNKNOWN
    return given


# Decorators.


def decorator_of(project: Project, value: Value, module: Module, depth: int = 0) -> Decorator | None:
    """Return the task decorator that a decorator expression stands for, None for any other decorator."""
    if depth > 5:
        return None
    if isinstance(value, Ref):
        return _bare(project, value, module, depth)
    if isinstance(value, Member) and value.attribute == "task":
        app = app_made_by(project, value.value, module)
        return None if app is None else Decorator(APP_TASK, app=app)
    if isinstance(value, Invoke) and isinstance(value.func, Member):
        inner = decorator_of(project, value.func, module, depth + 1)
        return inner and _with_keywords(project, inner, value, module)
    if isinstance(value, Invoke) and isinstance(value.func, Ref):
        target = project.resolve(value.func.path, module)
        if target.path == "functools.partial" and value.args:
            inner = decorator_of(project, value.args[0], module, depth + 1)
            return inner and _with_keywords(project, inner, value, module, positional=1)
        inner = _bare(project, value.func, module, depth)
        return inner and _with_keywords(project, inner, value, module)
    return None


def _bare(project: Project, ref: Ref, module: Module, depth: int) -> Decorator | None:
    """Return what a name that is used as a decorator, or called to make one, stands for."""
    key = ("decorator", module.place.path, ref.path)
    if key not in project.memo:
        project.memo[key] = None  # a decorator that is made from itself
        project.memo[key] = _bare_unknown(project, ref, module, depth)
    found: Decorator | None = project.memo[key]
    return found


def _bare_unknown(project: Project, ref: Ref, module: Module, depth: int) -> Decorator | None:
    if not project.leads_to_celery(ref.path, module) and not project.options.celery_task_decorators:
        return None
    target = project.resolve(ref.path, module)
    if target.path == "celery.shared_task":
        return Decorator(SHARED)
    if target.path == "celery.current_app.task":
        return Decorator(APP_TASK, app=App("celery.current_app"))
    if _is_listed(project, target, ref):
        return Decorator(HOUSE)
    app = _app_of_attribute(project, target, "task")
    if app is not None:
        return Decorator(APP_TASK, app=app)
    symbol = target.symbol
    if target.module is None or target.rest:
        return None
    if isinstance(symbol, Bound):
        made = decorator_of(project, symbol.value, target.module, depth + 1)
        return made and Decorator(HOUSE, made.keywords, made.spread, made.app, made.positional)
    if isinstance(symbol, Function):
        return _wrapper(project, symbol, target.module, depth)
    return None


def _is_listed(project: Project, target: Target, ref: Ref) -> bool:
    return any(
        fnmatch.fnmatchcase(name, pattern)
        for pattern in project.options.celery_task_decorators
        for name in (target.path, external(ref.path))
    )


def _app_of_attribute(project: Project, target: Target, name: str) -> App | None:
    """Return the app for its `task`, or another attribute that only apps have."""
    if target.module is not None and target.rest == (name,) and target.symbol is not None:
        return app_of(project, Target(target.path, target.module, target.symbol))
    if isinstance(target.symbol, Bound) and len(target.rest) == 2 and target.rest[1] == name:
        # An extension that holds the app: `extension.celery.task`.
        return _far_app(target.path.removesuffix(f".{name}")) if _SAYS_APP.match(target.rest[0]) else None
    if target.symbol is None and not target.lost and target.path.endswith(f".{name}"):
        return app_of(project, Target(target.path.removesuffix(f".{name}"), foreign=target.foreign))
    return None


def _with_keywords(project: Project, inner: Decorator, call: Invoke, module: Module, positional: int = 0) -> Decorator:
    """Return a decorator with the keywords of a call added to its own."""
    keywords = dict(inner.keywords)
    given = call.args[positional:]
    spread = inner.spread or not call.complete or len(given) > len(inner.positional)
    keywords.update((name, (value, module)) for name, value in zip(inner.positional, given, strict=False))
    for name, value in call.keywords:
        if name is not None:
            keywords[name] = (value, module)
            continue
        found = _pairs(project, value, module)
        if found is None:
            spread = True
        else:
            keywords.update(found)
    return Decorator(inner.form, keywords, spread, inner.app)


def _pairs(project: Project, value: Value, module: Module, depth: int = 0) -> dict[str, tuple[Value, Module]] | None:
    """Return the items of a `**spread` that is a dict display, here or elsewhere; None where it can't be read."""
    if depth > 5:
        return None
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            return _pairs(project, target.symbol.value, target.module, depth + 1)
        return None
    if not isinstance(value, Mapping):
        return None
    found: dict[str, tuple[Value, Module]] = {}
    for key, item in value.pairs:
        if key is None:
            below = _pairs(project, item, module, depth + 1)
            if below is None:
                return None
            found.update(below)
            continue
        name = project.settle(key, module)
        if not isinstance(name, str):
            return None
        found[name] = (item, module)
    return found


def _wrapper(project: Project, function: Function, module: Module, depth: int) -> Decorator | None:
    """Return what a project's own decorator makes.

    It is read where it only returns a call of a task decorator that is handed all its own arguments. If it is not so
    simple but task decorators are used in it, it makes tasks of which neither names nor parameters are known.
    """
    if len(function.returns) == 1 and isinstance(function.returns[0], Invoke):
        call = function.returns[0]
        if isinstance(call.func, Ref) and call.func.path != f":{function.qualname}":
            inner = decorator_of(project, call.func, module, depth + 1)
            if inner is not None and inner.form != OPAQUE and _hands_on(call, function):
                own: list[tuple[str | None, Value]] = []
                own.extend((name, UNKNOWN) for name in function.changes)
                for name, value in call.keywords:
                    if not isinstance(value, Param):
                        own.append((name, value))
                    elif name is not None and value.name != function.params.kwarg:
                        own.append((name, UNKNOWN))  # the parameter's default, where the caller gives none
                fixed = Invoke(call.func, (), tuple(own))
                made = _with_keywords(project, inner, fixed, module)
                return Decorator(HOUSE, made.keywords, made.spread, made.app, _positional(call, function.params))
    for mention in function.mentions:
        target = project.resolve(mention, module)
        if target.path == "celery.shared_task" or _app_of_attribute(project, target, "task") is not None:
            return Decorator(OPAQUE, spread=True)
    for inner_function in _inner_functions(module, function):
        if any(decorator_of(project, value, module, depth + 1) for value in inner_function.decorators):
            return Decorator(OPAQUE, spread=True)
    return None


def _hands_on(call: Invoke, function: Function) -> bool:
    """Return whether a wrapper gives all that it takes, as it is and by the same names, to the decorator it calls."""
    params = function.params
    named = {value.name for name, value in call.keywords if isinstance(value, Param) and name in (None, value.name)}
    named.update(value.name for value in call.args if isinstance(value, Param))
    taken = {*params.ordered, *params.keyword_only, params.kwarg} - {None}
    # What it takes out of its keywords is for itself.
    return taken <= named and not ("pop" in function.attributes and function.changes)


def _positional(call: Invoke, params: Params) -> tuple[str, ...]:
    """Return the options that the positional parameters of a wrapper are handed on as, up to one that is none."""
    handed_on = {value.name: name for name, value in call.keywords if name is not None and isinstance(value, Param)}
    options = [handed_on.get(param) for param in params.ordered]
    return tuple(option for index, option in enumerate(options) if option and None not in options[:index])


def _inner_functions(module: Module, function: Function) -> Iterator[Function]:
    inside = f"{function.qualname}.<locals>."
    for qualname, _ in module.definable():
        if qualname.startswith(inside):
            for symbol in module.symbols(qualname):
                if isinstance(symbol, Function):
                    yield symbol


# Classes.


def base_given_by(project: Project, app: App | None) -> Target | Missing | Unknown:
    """Return the class that an app gives its tasks: MISSING for Celery's own, UNKNOWN where it can't be told."""
    if project.options.celery_custom_task_class:
        return UNKNOWN
    found = project.task_cls if app is None or app.task_cls is UNKNOWN else app.task_cls
    if found is MISSING:
        found = project.assigned_task_cls
    if found is MISSING or found is None:
        return MISSING
    return found if isinstance(found, Target) else UNKNOWN


def app_behind(project: Project, base: Value, module: Module) -> App | None:
    """Return the app for its `Task`, the base of its tasks; None for any other class."""
    if isinstance(base, Ref):
        return _app_of_attribute(project, project.resolve(base.path, module), "Task")
    if not isinstance(base, Member) or base.attribute != "Task":
        return None
    key = ("app behind", module.place.path, repr(base))
    if key not in project.memo:
        project.memo[key] = None  # an app whose class inherits from the app's own tasks
        project.memo[key] = app_made_by(project, base.value, module)
    app: App | None = project.memo[key]
    return app


def is_task_class(project: Project, target: Target) -> bool | Unknown:
    """Return whether a class inherits from `celery.Task`; UNKNOWN where its line can't be read to the end."""
    unread = False
    for cls in project.line(target):
        if isinstance(cls, Unknown):
            unread = True
        elif cls.path == "celery.Task":
            return True
    return UNKNOWN if unread else False


#: Bases outside the project that add nothing to a task that a rule asks for.
PLAIN_BASES: Final = frozenset(
    {
        "abc.ABC",
        "builtins.object",
        "celery.Task",
        "celery.contrib.django.task.DjangoTask",
        "typing.Generic",
        "typing.Protocol",
    }
)


def is_readable(project: Project, target: Target) -> bool:
    """Return whether every class that a task class inherits from can be read."""
    return all(
        isinstance(cls, Target) and (cls.module is not None or cls.path in PLAIN_BASES) for cls in project.line(target)
    )


# Definitions.


def definition_of(project: Project, target: Target) -> Definition | None:
    """Return the task definition that a name leads to, None where it is no task that can be read."""
    symbol, module = target.symbol, target.module
    if module is None or target.rest:
        return None
    if isinstance(symbol, Function):
        return definition(project, module, symbol)
    if isinstance(symbol, Class):
        return class_definition(project, module, symbol)
    if isinstance(symbol, Bound) and isinstance(symbol.value, Invoke):
        return made_by(project, symbol.value, module)
    return None


def definition(project: Project, module: Module, function: Function) -> Definition | None:
    """Return the task that a function is by its decorators."""
    for index, value in enumerate(function.decorators):
        decorator = decorator_of(project, value, module)
        if decorator is not None:
            return Definition(module, function, decorator, index)
    return None


#: Whose calls make no name of a task, but a field of a model, form or serializer, or a text for people.
_FIELDS: Final = ("django.db.", "django.forms.", "django.utils.translation.", "rest_framework.", "sqlalchemy.")


def _has_field_for_name(project: Project, module: Module, cls: Class) -> bool:
    """Return whether the `name` of a class shows that it is no task, so that its bases need not be read for that."""
    for symbol in module.symbols(f"{cls.qualname}.name") if "name" in cls.names else ():
        if isinstance(symbol, Bound) and isinstance(symbol.value, Invoke) and isinstance(symbol.value.func, Ref):
            target = project.resolve(symbol.value.func.path, module)
            if target.foreign and target.path.startswith(_FIELDS):
                return True
    return False


def class_definition(project: Project, module: Module, cls: Class, *, inherits: bool = False) -> Definition | None:
    """Return the task that a class is: it inherits from `celery.Task`, has `run`, and is not abstract.

    With `inherits` a base may have `run`.
    """
    if not cls.bases or ("run" not in cls.names and not inherits) or _has_field_for_name(project, module, cls):
        return None
    target = Target(f"{module.prefix}{cls.qualname}", module, cls)
    if is_task_class(project, target) is not True:
        return None
    if "run" not in cls.names and project.class_attribute(target, "run") is MISSING:
        return None
    keywords: dict[str, tuple[Value, Module]] = {}
    spread = not is_readable(project, target)
    for name in cls.names:
        for symbol in module.symbols(f"{cls.qualname}.{name}"):
            if isinstance(symbol, Bound):
                keywords[name] = (symbol.value, module)
    for keyword, value in cls.keywords:
        if keyword is not None and keyword != "metaclass":
            keywords.setdefault(keyword, (value, module))
    if "abstract" in keywords and project.settle(*keywords["abstract"]) is not False:
        return None
    return Definition(module, cls, Decorator(CLASS_TASK, keywords, spread))


def made_by(project: Project, call: Invoke, module: Module) -> Definition | None:
    """Return the task that a call makes: `app.register_task(Class())`, or `decorator(...)(function)`."""
    return registered(project, call, module) if registers(call) else applied(project, call, module)


def registers(call: Invoke) -> bool:
    """Return whether a call is one of `register_task`, a method of apps only."""
    func = call.func
    return isinstance(func, (Ref, Member)) and (
        func.attribute == "register_task" if isinstance(func, Member) else func.path.endswith(".register_task")
    )


def registered(project: Project, call: Invoke, module: Module) -> Definition | None:
    """Return the task that `app.register_task(...)` is given: a class of the project, or an instance of one."""
    if len(call.args) != 1:
        return None
    made: Value | None = call.args[0]
    if isinstance(made, Ref):
        target = project.resolve(made.path, module)
        if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            made, module = target.symbol.value, target.module
    ref = made.func if isinstance(made, Invoke) else made
    if isinstance(ref, Ref):
        target = project.resolve(ref.path, module)
        if isinstance(target.symbol, Class) and target.module is not None and not target.rest:
            return class_definition(project, target.module, target.symbol, inherits=True)
    return None


def applied(project: Project, call: Invoke, module: Module) -> Definition | None:
    """Return the task that `decorator(...)(function)`, or `decorator(function)`, makes of a function."""
    if len(call.args) != 1 or call.keywords or not isinstance(call.args[0], Ref):
        return None
    if not isinstance(call.func, (Ref, Invoke)):
        return None
    decorator = decorator_of(project, call.func, module)
    if decorator is None:
        return None
    target = project.resolve(call.args[0].path, module)
    if isinstance(target.symbol, Function) and target.module is not None and not target.rest:
        return Definition(target.module, target.symbol, decorator, -1)
    return None


def definitions(project: Project, module: Module) -> Iterator[Definition]:
    """Yield the task definitions of a module, in source order, functions before classes.

    Among them are classes with a name of their own that inherit `run`.
    """
    for qualname, line in module.definable():
        for symbol in module.symbols(qualname):
            made = None
            if isinstance(symbol, Function) and symbol.line == line:
                made = definition(project, module, symbol)
            elif isinstance(symbol, Class) and symbol.line == line:
                made = class_definition(project, module, symbol, inherits="name" in symbol.names)
            if made is not None:
                yield made


def name_of(project: Project, found: Definition, *, imported: str = "") -> str | None:
    """Return the name that a task is registered under, None where it can't be told.

    `imported` is the dotted name that its module is imported by, where that is known.
    """
    given = found.decorator.keywords.get("name")
    name = project.settle(*given) if given else None
    if found.decorator.form == CLASS_TASK:
        own = Target(f"{found.module.prefix}{found.symbol.qualname}", found.module, found.symbol)
        name = project.class_attribute(own, "name")
        name = None if name is MISSING else name
    if name is None or name == "":
        if found.decorator.spread or not is_name_certain(project, found, imported=imported):
            return None
        place = found.module.place
        module = place.name if place.certain else imported
        return f"{module}.{found.symbol.qualname.rpartition('.')[2]}"
    return name if isinstance(name, str) else None


def is_name_certain(project: Project, found: Definition, *, imported: str = "") -> bool:
    """Return whether the automatic name of a task is certain.

    It is not where its module may be imported under several names and nobody knows one (`imported`), a decorator below
    the task decorator is of a module of the project that can't be read (it may give the function another name), or an
    app has names of its own.
    """
    if project.has_own_names:
        return False
    certain = found.module.place.certain or bool(imported)
    if not certain or not isinstance(found.symbol, Function):
        return certain
    below = found.symbol.decorators[found.index + 1 :] if found.index >= 0 else ()
    names = (value.func if isinstance(value, Invoke) else value for value in below)
    return not any(isinstance(name, Ref) and project.resolve(name.path, found.module).unread for name in names)
