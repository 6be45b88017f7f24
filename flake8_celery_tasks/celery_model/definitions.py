"""Task definitions, recognised without their nodes."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import walk
from flake8_celery_tasks.binding.scopes import FUNCTION, IF, TRY
from flake8_celery_tasks.binding.symbols import Bound, Class, Function
from flake8_celery_tasks.binding.values import MISSING, Const, Invoke, Member, Ref
from flake8_celery_tasks.catalog.packages import REGISTERING
from flake8_celery_tasks.celery_model.apps import APP_GETTERS, is_readable, is_task_class
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK, OPAQUE, Decorator, decorator_of, with_keywords
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.decorators import keeps_name, renames
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.imports import names_imported_relatively
from flake8_celery_tasks.workspace.layout import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.workspace.layout import Place


#: Code that gives an app its own automatic names; a mere call of the method does not.
OWN_NAMES: Final = lazy_pattern(rb"def\s+gen_task_name\b|\bgen_task_name\b(?!\s*\()")


#: A dotted name that is imported, or that a string starts with. A pattern with a fixed start is found faster.
_NAMES: Final = tuple(
    lazy_pattern(before + rb"((?:[A-Za-z_]\w*\.)+[A-Za-z_]\w*)(?!/)")
    for before in (rb"from[ \t]+", rb"import[ \t]+", rb'"', rb"'")
)

#: The first two words of a dotted name in a statement that imports it.
_IMPORTED: Final = lazy_pattern(rb"^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*\.[A-Za-z_]\w*)", re.MULTILINE)


class Definition(Record):
    """A task definition anywhere in the project.

    `index` is the task decorator's: decorators above it have a lower index, those below a higher one. It is -1 for a
    class.
    """

    __slots__ = ("decorator", "index", "module", "symbol")

    def __init__(self, module: Module, symbol: Function | Class, decorator: Decorator, index: int = -1) -> None:
        self.module = module
        self.symbol = symbol
        self.decorator = decorator
        self.index = index

    @property
    def place(self) -> tuple[str, str, int]:
        """The identity of the definition: its file, qualified name and line."""
        return self.module.place.path, self.symbol.qualname, self.symbol.line

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names that a class-based task binds in its class; empty for a function."""
        return self.symbol.names if isinstance(self.symbol, Class) else ()


def place_of(target: Target) -> tuple[str, str, int] | None:
    """Return the `place` of the definition that a name leads to, None if it leads to none.

    A file that is being checked may already have been read for another file: then there are two symbols for one place.
    """
    if target.module is None or not isinstance(target.symbol, (Function, Class)):
        return None
    return target.module.place.path, target.symbol.qualname, target.symbol.line


# Definitions.


def definition_of(project: Project, target: Target) -> Definition | None:
    """Return the task definition that a name leads to, None if it is not a resolvable task."""
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
    """Return the task that a function's decorators make of it."""
    for index, value in enumerate(function.decorators):
        decorator = decorator_of(project, value, module)
        if decorator is not None:
            return Definition(module, function, decorator, index)
    return None


#: Modules whose calls make a field of a model, form or serializer, or a translated text, and never a task's name.
_FIELDS: Final = ("django.db.", "django.forms.", "django.utils.translation.", "rest_framework.", "sqlalchemy.")


def _has_field_for_name(project: Project, module: Module, cls: Class) -> bool:
    """Return whether a class's `name` shows that it is not a task, so that its bases need not be read."""
    for symbol in module.symbols(f"{cls.qualname}.name") if "name" in cls.names else ():
        if isinstance(symbol, Bound) and isinstance(symbol.value, Invoke) and isinstance(symbol.value.func, Ref):
            target = project.resolve(symbol.value.func.path, module)
            if target.foreign and target.path.startswith(_FIELDS):
                return True
    return False


def class_definition(project: Project, module: Module, cls: Class, *, inherits: bool = False) -> Definition | None:
    """Return the task that a class defines: it inherits from `celery.Task`, has `run`, and is not abstract.

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
    """Return the task that a call creates: `app.register_task(Class())`, or `decorator(...)(function)`."""
    return registered(project, call, module) if registers(call) else applied(project, call, module)


def registers(call: Invoke) -> bool:
    """Return whether a call is one of `register_task`, a method that only apps have."""
    func = call.func
    return isinstance(func, (Ref, Member)) and (
        func.attribute == "register_task" if isinstance(func, Member) else func.path.endswith(".register_task")
    )


def registered(project: Project, call: Invoke, module: Module) -> Definition | None:
    """Return the task passed to `app.register_task(...)`: a class of the project, or an instance of one."""
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

    They include classes with a `name` of their own that inherit `run`.
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
    """Return the name that a task is registered under, None if it is uncertain.

    `imported` is the dotted name that its module is imported by, if known.
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


def _shorter_name(project: Project, place: Place) -> str:
    """Say by which shorter name, if any, the project calls a module or its neighbours: then it starts further down."""
    parts, layout = place.name.split("."), project.layout
    path = os.path.dirname(place.path) if place.is_package else place.path
    for start in range(1, len(parts) - 1):
        ends = parts[start:]
        end = ".".join(ends)
        if end in _called(project) and layout.find(end, layout.root) in (None, place.path):
            return f"the project also calls the module {end}"
        if ends[0] not in INSTALLED and layout.find(ends[0], layout.root) is None:
            folder = path.removesuffix(os.sep.join(("", *path.split(os.sep)[-len(ends) :])))
            imported = _imported_from(project, folder, ".".join(parts[:start]), ends[0])
            if imported:
                return imported
    return ""


@query(shared=True)
def _imported_from(project: Project, folder: str, before: str, top: str) -> str:
    """Say what in a folder's package the project imports without what comes before it, and never with it."""
    held = {f"{top}.{name.partition('.')[0]}" for name in folders.entries(os.path.join(folder, top))} & _called(project)
    found = _inside(project).get(top, ()) if held else ()  # most projects write no such name, and none is searched for
    names = (name for name in found if name in held and f"{before}.{name}" not in _called(project))
    return next((f"the project imports {name} without {before!r}" for name in names), "")


@query(shared=True)
def _inside(project: Project) -> dict[str, list[str]]:
    """Return the first two words of the dotted names that the project imports outside tests, by the first ones."""
    paths = [path for path in project.files.disk.texts if not project.layout.is_test(project.layout.place(path))]
    names: dict[str, list[str]] = defaultdict(list)
    for name in sorted({name for path in paths for name in _IMPORTED.findall(project.files.read(path) or b"")}):
        names[name.decode().partition(".")[0]].append(name.decode())
    return names


@query(shared=True)
def _called(project: Project) -> frozenset[str]:
    """Return the dotted names in the project's imports and strings, with all their prefixes."""
    found: set[bytes] = set()
    for path in project.files.disk.texts:
        text = project.files.read(path) or b""
        for pattern in _NAMES:
            found.update(pattern.findall(text))
    names = (accumulate(name.decode().split("."), "{}.{}".format) for name in found)
    return frozenset(name for prefixes in names for name in prefixes if "." in name)


def is_name_certain(project: Project, found: Definition, *, imported: str = "") -> bool:
    """Return whether the automatic name of a task is certain: see `doubt_of`."""
    return not doubt_of(project, found, imported=imported)


def doubt_of(project: Project, found: Definition, *, imported: str = "") -> str:
    """Return why the automatic name of a task is uncertain, in words; an empty string if it is certain.

    It is uncertain if its module may be imported under several names and none is known to be used (`imported`), if a
    decorator below the task decorator may not keep the function's name, if code in the module renames functions, if the
    project itself refers to its module by a shorter name, or if an app generates names of its own.
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
    """Return why a module's dotted name is uncertain, in words; an empty string if it is certain.

    A folder without `__init__.py` inside a package is part of the name if the project itself imports it that way.
    """
    shorter = _shorter_name(project, place)
    if shorter or place.certain or (is_in_package(project, place) and _is_imported(project, place)):
        return shorter
    return project.layout.doubt(place)


def is_in_package(project: Project, place: Place) -> bool:
    """Return whether a module is in a folder without `__init__.py` that is inside a package of the project.

    It can be imported only by its path from the folder that contains the package.
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
    """Return whether the project imports a module, or something from its folder, by the full dotted name."""
    names = {place.name, place.name.rpartition(".")[0]}
    return not names.isdisjoint(_called(project)) or not names.isdisjoint(_imported(project))


@query(shared=True)
def _imported(project: Project) -> frozenset[str]:
    """Return the dotted names that modules whose own names are certain import by relative imports."""
    found: set[str] = set()
    for path in project.files.disk.texts:
        text = project.files.read(path) or b""
        place = project.layout.place(path) if b"from ." in text else None
        if place is not None and place.certain:
            found.update(names_imported_relatively(place, text))
    return frozenset(found)


@query(shared=True)
def has_own_names(project: Project) -> bool:
    """Return whether some app of the project may generate names with its own `gen_task_name`.

    An app in tests names only their own tasks.
    """
    layout = project.layout
    return any(
        OWN_NAMES.search(project.files.read(path) or b"")
        for path in project.files.holding(b"gen_task_name")
        if not layout.is_test(layout.place(path))
    )


def is_registered(project: Project, found: Definition) -> bool:
    """Return whether a class-based task may be passed to `register_task`, in its module or in another."""
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

    Tests register tasks only for themselves, and a file that can't be parsed gives no evidence.
    """
    module = project.module(path)
    if module is None or project.is_test(module):
        return False
    calls = [call for call in module.made() if registers(call)]
    made = [registered(project, call, module) for call in calls]
    return not made or any(one is None or one.place == found.place for one in made)


@query()
def _registered(module: Module) -> set[str]:
    """Return the names in a module's calls that register a task."""
    return {
        node.id
        for name in ("register_task", "register")
        for call, _ in module.calls_of(name)
        if isinstance(call.func, ast.Attribute)
        for node in walk(call)
        if isinstance(node, ast.Name)
    }


def is_no_task(project: Project, target: Target) -> bool:
    """Return whether a name certainly leads to something else than a task: a module, function, or unregistered class.

    A function may become a task in a loop, or as an item of a list.
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
    """Return whether a module applies what may be a task decorator to something that can't be resolved."""
    given = [call.args[0] for call in module.made() if not registers(call) and _may_decorate(project, call, module)]
    targets = [project.resolve(value.path, module) if isinstance(value, Ref) else None for value in given]
    return any(target is None or not isinstance(target.symbol, (Function, Class)) for target in targets)


def _may_decorate(project: Project, call: Invoke, module: Module) -> bool:
    """Return whether a call may be one of a task decorator: `logging.getLogger` and resolvable functions are not."""
    func = call.func
    if not isinstance(func, Ref) or decorator_of(project, func, module) is not None:
        return True
    target = project.resolve(func.path, module)
    is_readable_here = target.module is not None and isinstance(target.symbol, Function)
    return not is_readable_here and target.path.partition(".")[0] not in sys.stdlib_module_names


def are_together(one: Definition, other: Definition) -> bool:
    """Return whether two definitions both take effect when their modules are imported, and are not alternatives."""
    mine, theirs = (_branches(found.module, found.symbol.qualname, found.symbol.line) for found in (one, other))
    if one.module.place.path != other.module.place.path:
        return all((kind, part) == (TRY, "body") for kind, _, part in mine + theirs)
    shorter, longer = sorted((mine, theirs), key=len)
    return longer[: len(shorter)] == shorter and all(kind != FUNCTION for kind, _, _ in longer[len(shorter) :])


def are_apart(project: Project, one: Definition, other: Definition) -> bool:
    """Return whether two tasks belong to different apps, and may never share a process.

    Within one process an app also has the tasks of the others, except for those with `shared=False`.
    """
    apps = [found.decorator.app for found in (one, other)]
    paths = {app.path for app in apps if app is not None and app.path not in APP_GETTERS}
    if len(paths) < 2:
        return False
    given = [found.decorator.keywords.get("shared") for found in (one, other)]
    own = any(value is not None and project.settle(*value) is not True for value in given)
    return own or one.module.place.path != other.module.place.path


def by_position(found: Definition) -> tuple[Value, ...]:
    """Return the positional arguments of a task decorator: one of them may be the task's name."""
    value = found.symbol.decorators[found.index] if found.index >= 0 else None
    return value.args if isinstance(value, Invoke) else ()


@query()
def _sites(module: Module) -> dict[tuple[str, int], list[Site]]:
    """Return where functions and classes are, by qualified name and line: many may have one name."""
    found = defaultdict(list)
    for node, site, scope in (*module.candidates.functions, *module.candidates.classes):
        found[scope.qualname, node.lineno].append(site)
    return found


@query()
def _branches(module: Module, qualname: str, line: int) -> list[tuple[str, int, str]]:
    """Return the blocks around a definition, outermost first: kind, line and part of each statement."""
    sites = _sites(module).get((qualname, line), ())
    branches = []
    for around in (around for site in sites for around in site.chain()):
        first: int = getattr(around.node, "lineno", 0)
        if around.kind in (FUNCTION, IF):
            branches.append((around.kind, first, around.part))
        elif around.kind == TRY and around.part != "finally":
            branches.append((TRY, first, around.part.replace("else", "body")))
    return branches[::-1]
