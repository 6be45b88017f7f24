"""Definitions of tasks, recognised without their nodes."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import FUNCTION, IF, TRY
from flake8_celery_tasks.binding.symbols import Bound, Class, Function
from flake8_celery_tasks.binding.values import MISSING, Const, Invoke, Member, Ref
from flake8_celery_tasks.catalog.packages import REGISTERING
from flake8_celery_tasks.celery_model.apps import APP_GETTERS, is_readable, is_task_class
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK, OPAQUE, Decorator, decorator_of, with_keywords
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.decorators import keeps_name, renames
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.imports import names_imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.workspace.layout import Place


#: What gives an app automatic names of its own; a call of the method does not.
OWN_NAMES: Final = re.compile(rb"def\s+gen_task_name\b|\bgen_task_name\b(?!\s*\()")


#: A dotted name that is imported, or is the beginning of a text.
_NAME: Final = rb"((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)(?!/)"
#: Three that begin with what they look for are faster than one that may begin anywhere.
_DOTTED: Final = tuple(re.compile(before + _NAME) for before in (rb"from[ \t]+", rb"import[ \t]+", rb"[\"']"))


class Definition(Record):
    """A task definition, wherever it is.

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

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names that a class-based task binds in its class; none of a function."""
        return self.symbol.names if isinstance(self.symbol, Class) else ()


def place_of(target: Target) -> tuple[str, str, int] | None:
    """Return the `place` of the definition that a name leads to, None where it leads to none.

    A file that is being checked may have been read before, for another file: then there are two symbols of one place.
    """
    if target.module is None or not isinstance(target.symbol, (Function, Class)):
        return None
    return target.module.place.path, target.symbol.qualname, target.symbol.line


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
    """Return the task that `decorator(...)(function)`, or `decorator(function, ...)`, makes of a function."""
    if len(call.args) != 1 or not isinstance(call.args[0], Ref):
        return None
    if not isinstance(call.func, (Ref, Invoke)):
        return None
    decorator = decorator_of(project, call.func, module)
    if decorator is None or (call.keywords and decorator.form == OPAQUE):
        return None
    if call.keywords:
        decorator = with_keywords(project, decorator, call, module, positional=1)
    target = project.resolve(call.args[0].path, module)
    if isinstance(target.symbol, Function) and target.module is not None and not target.rest:
        return Definition(target.module, target.symbol, decorator, -1)
    return None


def definitions(project: Project, module: Module) -> Iterator[Definition]:
    """Yield the task definitions of a module, in source order, functions before classes.

    Among them are classes with a name of their own that inherit `run`.
    """
    known: dict[str, dict[int, list[Function | Class]]] = {}
    for qualname, line in module.definable():
        if qualname not in known:
            by_line = known[qualname] = defaultdict(list)
            for one in module.symbols(qualname):
                if isinstance(one, (Function, Class)):
                    by_line[one.line].append(one)
        for symbol in known[qualname].get(line, ()):
            if isinstance(symbol, Function):
                made = definition(project, module, symbol)
            else:
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
        module = imported or place.name
        return f"{module}.{found.symbol.qualname.rpartition('.')[2]}"
    return name if isinstance(name, str) else None


def _shorter_name(project: Project, path: str, name: str) -> str:
    """Return the end of a module's dotted name that the project calls it by, in an import or a text; else nothing.

    Then a folder of it is on Python's path, and the task may be registered under the shorter name.
    """
    parts = name.split(".")
    ends = (".".join(parts[start:]) for start in range(1, len(parts) - 1))
    for end in ends:
        if end in _called(project) and project.layout.find(end, project.layout.root) in (None, path):
            return end
    return ""


@query(shared=True)
def _called(project: Project) -> frozenset[str]:
    """Return the dotted names in imports and texts of the project, and what they begin with."""
    found: set[bytes] = set()
    for path in project.files.disk.texts:
        text = project.files.read(path) or b""
        for dotted in _DOTTED:
            found.update(dotted.findall(text))
    names: set[str] = set()
    for name in found:
        parts = name.decode().split(".")
        names.update(".".join(parts[:end]) for end in range(2, len(parts) + 1))
    return frozenset(names)


def is_name_certain(project: Project, found: Definition, *, imported: str = "") -> bool:
    """Return whether the automatic name of a task is certain: see `doubt_of`."""
    return not doubt_of(project, found, imported=imported)


def doubt_of(project: Project, found: Definition, *, imported: str = "") -> str:
    """Return why the automatic name of a task is not certain, in words; nothing where it is.

    It is not where its module may be imported under several names and nobody knows one (`imported`), a decorator below
    the task decorator is not known to leave the function its name, something in the module gives functions other names,
    the project itself calls its module by a shorter name, or an app has names of its own.
    """
    if has_own_names(project):
        return "an app of the project may have a gen_task_name of its own"
    doubt = "" if imported else doubt_of_module(project, found.module.place)
    if doubt or not isinstance(found.symbol, Function):
        return doubt
    below = found.symbol.decorators[found.index + 1 :] if found.index >= 0 else ()
    if not all(keeps_name(project, value, found.module) for value in below):
        return "a decorator below the task decorator may give the function another name"
    return "something in the module gives functions other names" if renames(project, found.module) else ""


def doubt_of_module(project: Project, place: Place) -> str:
    """Return why the dotted name under which a module is imported is not certain, in words; nothing where it is.

    A folder without `__init__.py` inside a package is a part of the name where the project itself imports it so.
    """
    shorter = _shorter_name(project, place.path, place.name)
    if shorter:
        return f"the project also calls the module {shorter}"
    if place.certain or (is_in_package(project, place) and _is_imported(project, place)):
        return ""
    return project.layout.doubt(place)


def is_in_package(project: Project, place: Place) -> bool:
    """Return whether a module is in a folder without `__init__.py` that is inside a package of the project.

    It can be imported by its path only, from where the package is.
    """
    folder = os.path.dirname(place.path)
    while any(folder.startswith(source + os.sep) for source in project.layout.sources):
        if folders.is_regular(folder):
            while folders.is_regular(folder) and not folders.is_start(folder):
                folder = os.path.dirname(folder)
            return folder in project.layout.sources or folders.is_start(folder)
        folder = os.path.dirname(folder)
    return False


def _is_imported(project: Project, place: Place) -> bool:
    """Return whether the project imports a module, or from the folder that it is in, by its full dotted name."""
    names = {place.name, place.name.rpartition(".")[0]}
    return not names.isdisjoint(_called(project)) or not names.isdisjoint(_imported(project))


@query(shared=True)
def _imported(project: Project) -> frozenset[str]:
    """Return the dotted names that modules of the project with certain names import by relative imports."""
    found: set[str] = set()
    for path in project.files.disk.texts:
        text = project.files.read(path) or b""
        place = project.layout.place(path) if b"from ." in text else None
        if place is not None and place.certain:
            found.update(names_imported(place, text))
    return frozenset(found)


@query(shared=True)
def has_own_names(project: Project) -> bool:
    """Return whether some app of the project may make automatic names in its own way: by its own `gen_task_name`.

    An app that tests make names no task of others.
    """
    layout = project.layout
    return any(
        OWN_NAMES.search(project.files.read(path) or b"")
        for path in project.files.holding(b"gen_task_name")
        if not layout.is_test(layout.place(path))
    )


def is_registered(project: Project, found: Definition) -> bool:
    """Return whether a class-based task may be handed to `register_task`, in its module or in another."""
    own = Target(f"{found.module.prefix}{found.symbol.qualname}", found.module, found.symbol)
    if found.decorator.form != CLASS_TASK or any(
        isinstance(cls, Target) and cls.path in REGISTERING for cls in project.line(own)
    ):
        return True
    own_name = found.symbol.qualname.rpartition(".")[2]
    name = own_name.encode()
    return own_name in _registered(found.module) or any(
        name in (project.files.read(path) or b"") and _may_be_registered_in(project, path, found)
        for path in project.files.holding(b".register_task(")
        if path != found.module.place.path
    )


def _may_be_registered_in(project: Project, path: str, found: Definition) -> bool:
    """Return whether a file that names a class may register it, and not only classes that inherit from it.

    What tests register is for themselves, and a file that can't be parsed says nothing.
    """
    module = project.module(path)
    if module is None or project.is_test(module):
        return False
    calls = [call for call in module.made() if registers(call)]
    made = [registered(project, call, module) for call in calls]
    return not made or any(one is None or one.place == found.place for one in made)


@query()
def _registered(module: Module) -> set[str]:
    """Return the names in the calls that register a task in a module."""
    return {
        node.id
        for name in ("register_task", "register")
        for call, _ in module.calls_of(name)
        if isinstance(call.func, ast.Attribute)
        for node in ast.walk(call)
        if isinstance(node, ast.Name)
    }


def is_no_task(project: Project, target: Target) -> bool:
    """Return whether what a name leads to is certainly no task: a module, a bare function, a class nobody registers.

    In a loop, or in a list, a function may be made one.
    """
    symbol, module = target.symbol, target.module
    if target.rest or module is None:
        return False
    if symbol is None:
        return True
    if isinstance(symbol, Function):
        return not (symbol.decorators or _makes_any(project, module))
    if isinstance(symbol, Class):
        found = class_definition(project, module, symbol, inherits=True)
        if found is not None:
            return not is_registered(project, found)
        return is_readable(project, target) and is_task_class(project, target) is False
    return isinstance(symbol, Bound) and isinstance(symbol.value, Const)


@query()
def _makes_any(project: Project, module: Module) -> bool:
    """Return whether a module makes a task of what can't be told, with what may be a task decorator."""
    given = [call.args[0] for call in module.made() if not registers(call) and _may_decorate(project, call, module)]
    targets = [project.resolve(value.path, module) if isinstance(value, Ref) else None for value in given]
    return any(target is None or not isinstance(target.symbol, (Function, Class)) for target in targets)


def _may_decorate(project: Project, call: Invoke, module: Module) -> bool:
    """Return whether what is called may be a task decorator: `logging.getLogger` and readable functions are none."""
    func = call.func
    if not isinstance(func, Ref) or decorator_of(project, func, module) is not None:
        return True
    target = project.resolve(func.path, module)
    is_readable_here = target.module is not None and isinstance(target.symbol, Function)
    return not is_readable_here and target.path.partition(".")[0] not in sys.stdlib_module_names


def are_together(one: Definition, other: Definition) -> bool:
    """Return whether two definitions are both there when their modules are imported: they are no alternatives."""
    mine, theirs = (_branches(found) for found in (one, other))
    if one.module.place.path != other.module.place.path:
        return all((kind, part) == (TRY, "body") for kind, _, part in mine + theirs)
    shorter, longer = sorted((mine, theirs), key=len)
    return longer[: len(shorter)] == shorter and all(kind != FUNCTION for kind, _, _ in longer[len(shorter) :])


def are_apart(project: Project, one: Definition, other: Definition) -> bool:
    """Return whether two tasks belong to different apps, and may never be in one process.

    In one process an app has the tasks of the others too, those with `shared=False` excepted.
    """
    apps = [found.decorator.app for found in (one, other)]
    paths = {app.path for app in apps if app is not None and app.path not in APP_GETTERS}
    if len(paths) < 2:
        return False
    given = [found.decorator.keywords.get("shared") for found in (one, other)]
    own = any(value is not None and project.settle(*value) is not True for value in given)
    return own or one.module.place.path != other.module.place.path


def by_position(found: Definition) -> tuple[Value, ...]:
    """Return what a task decorator is given by position: one of it may be the task's name."""
    value = found.symbol.decorators[found.index] if found.index >= 0 else None
    return value.args if isinstance(value, Invoke) else ()


@query()
def _sites(module: Module) -> dict[tuple[str, int], list[Site]]:
    """Return where functions and classes are, by qualified name and line: many may have one name."""
    found = defaultdict(list)
    for node, site, scope in (*module.candidates.functions, *module.candidates.classes):
        found[scope.qualname, node.lineno].append(site)
    return found


def _branches(found: Definition) -> list[tuple[str, int, str]]:
    """Return what must be entered to get to a definition, outermost first: kind, line and part of each statement."""
    sites = _sites(found.module).get((found.symbol.qualname, found.symbol.line), ())
    branches = []
    for around in (around for site in sites for around in site.chain()):
        line: int = getattr(around.node, "lineno", 0)
        if around.kind in (FUNCTION, IF):
            branches.append((around.kind, line, around.part))
        elif around.kind == TRY and around.part != "finally":
            branches.append((TRY, line, around.part.replace("else", "body")))
    return branches[::-1]
