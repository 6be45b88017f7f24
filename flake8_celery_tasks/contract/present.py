"""The current tasks of some projects, as seen by their senders."""

from __future__ import annotations

import ast
import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Ref
from flake8_celery_tasks.celery_model import definitions, objects
from flake8_celery_tasks.celery_model.objects import AppThing, TaskThing
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.contract.record import IGNORED, OPTIONS, STORED, UNCLEAR, Record, RecordedTask
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.registry import Unnamed
    from flake8_celery_tasks.resolution.project import Project

#: Texts that a file must contain to give a task another name.
_REGISTRY = (b".tasks[", b".tasks.register(")


class Entry(NamedTuple):
    """A task under one of its names: with `is_alias` it was only put into `app.tasks` under that name."""

    name: str
    project: Project
    definition: Definition
    is_alias: bool = False

    @property
    def module(self) -> str:
        """The dotted name of its module."""
        return self.definition.module.place.name

    @property
    def function(self) -> str:
        """The name of its function or class."""
        return self.definition.symbol.qualname.rpartition(".")[2]

    @property
    def path(self) -> str:
        """The file that defines it."""
        return self.definition.module.place.path

    @property
    def place(self) -> str:
        """The place of its definition, as `module:function`."""
        return f"{self.module}:{self.function}"

    def recorded(self, *, alone: bool = True) -> RecordedTask:
        """Return its entry in a record; `alone` means that no other task has its name."""
        unclear = RecordedTask(None, self.module, self.function, {}, UNCLEAR)
        try:
            defined = Defined(self.project, self.definition)
            return unclear._replace(
                signature=signature_of(defined) if alone else None,
                options={name: value for name, value in options_of(defined).items() if value is not UNKNOWN},
                result=result_of(defined),
            )
        except errors.CAUGHT as error:
            self.project.failures[self.path] = errors.internal(error)
            return unclear


class Present:
    """The tasks of some projects, without tests and migrations.

    `by_name` holds them by each certain name, the first one first; `unnamed` those with unknown names. `has_any_name`
    means that a task may have any other name as well.
    """

    def __init__(self, projects: Sequence[Project]) -> None:
        self.projects = tuple(projects)
        self.by_name: dict[str, list[Entry]] = {}
        self.unnamed: list[tuple[Project, Unnamed]] = []
        self.has_any_name = False
        #: The places of registered objects that can't be resolved.
        self._registering: list[str] = []
        self._unread_aliases: set[str] = set()  # names in `app.tasks` of which nothing else is known
        for project in self.projects:
            for name, found in tasks_of(project).by_name.items():
                for one in found:
                    if not project.is_test(one.module) and definitions.is_registered(project, one):
                        self._add(Entry(name, project, one))
            for unnamed in tasks_of(project).unnamed:
                self._add_unnamed(project, unnamed)
            for module, what in tasks_of(project).registering:
                self._registering.append(f"{module.place.name}:{what or 'register_task'}")
        for project in self.projects:
            self._add_aliases(project)
        for entries in self.by_name.values():
            entries.sort(key=lambda entry: (entry.is_alias, entry.module, entry.function, entry.definition.symbol.line))

    def _add(self, entry: Entry) -> None:
        known = self.by_name.setdefault(entry.name, [])
        if all(other.definition.place != entry.definition.place for other in known):
            known.append(entry)

    def _add_unnamed(self, project: Project, unnamed: Unnamed) -> None:
        """Add a task whose name is unknown to the index: in a subfolder of a package its name follows from its path."""
        found = unnamed.definition
        place = found.module.place
        if not place.certain and definitions.is_in_package(project, place):
            name = definitions.name_of(project, found, imported=place.name)
            if name is not None:
                self._add(Entry(name, project, found))
                return
        if definitions.is_registered(project, found):
            self.unnamed.append((project, unnamed))

    # Names in `app.tasks`.

    def _add_aliases(self, project: Project) -> None:
        for path in project.files.holding(*_REGISTRY):
            module = project.attempt(path)
            if module is not None and not project.is_test(module):
                try:
                    self._add_aliases_of(project, module)
                except errors.CAUGHT as error:
                    project.failures[path] = errors.internal(error)

    def _add_aliases_of(self, project: Project, module: Module) -> None:
        candidates = module.candidates
        for _, target, value, site in candidates.stores:
            if isinstance(target, ast.Subscript) and getattr(target.value, "attr", "") == "tasks":
                self._add_alias(project, module, target, value, site)
        for call, site in candidates.calls:
            func = call.func
            owner = func.value if isinstance(func, ast.Attribute) and func.attr == "register" else None
            if isinstance(owner, ast.Attribute) and owner.attr == "tasks":
                self._add_registered(project, module, call, site)

    def _add_alias(self, project: Project, module: Module, target: ast.Subscript, value: ast.expr, site: Site) -> None:
        assert isinstance(target.value, ast.Attribute)
        given = self._task(project, module, value, site)
        if given is None and not _is_app(project, module, target.value.value, site):
            return
        name = project.settle(module.value(target.slice, site.scope), module)
        if not isinstance(name, str):
            self.has_any_name = True
        elif given is None:
            self._unread_aliases.add(name)
        else:
            self._add(Entry(name, project, given, is_alias=True))

    def _task(self, project: Project, module: Module, node: ast.expr, site: Site) -> Definition | None:
        """Return the task that is put into `app.tasks`: by its name in the code, or taken from `app.tasks`."""
        if isinstance(node, ast.Subscript) and getattr(node.value, "attr", "") == "tasks":
            name = project.settle(module.value(node.slice, site.scope), module)
            entries = self.by_name.get(name, ()) if isinstance(name, str) else ()
            return entries[0].definition if len(entries) == 1 else None
        thing = objects.thing_of(project, module.value(node, site.scope), module)
        return thing.definition if isinstance(thing, TaskThing) else None

    def _add_registered(self, project: Project, module: Module, call: ast.Call, site: Site) -> None:
        """Add the argument of `app.tasks.register(...)`: a task, a task class or an instance of one."""
        assert isinstance(call.func, ast.Attribute)
        assert isinstance(call.func.value, ast.Attribute)
        if len(call.args) != 1 or not _is_app(project, module, call.func.value.value, site):
            return
        found = self._task(project, module, call.args[0], site)
        if found is None:
            made = call.args[0].func if isinstance(call.args[0], ast.Call) else call.args[0]
            value = module.value(made, site.scope)
            target = project.resolve(value.path, module) if isinstance(value, Ref) else Target("")
            found = definitions.definition_of(project, target)
        name = None if found is None else definitions.name_of(project, found)
        if found is None or name is None:
            self._registering.append(f"{module.place.name}:{_last_name(call.args[0]) or 'register'}")
        else:
            self._add(Entry(name, project, found))

    # Queries about names.

    def name_of(self, found: Definition) -> str | None:
        """Return the name in a task's messages, None if it can't be determined."""
        return self._names.get(found.place)

    @cached_property
    def _names(self) -> dict[tuple[str, str, int], str]:
        entries = (entry for entries in self.by_name.values() for entry in entries if not entry.is_alias)
        return {entry.definition.place: entry.name for entry in entries}

    def may_have(self, name: str, known: frozenset[str] = frozenset()) -> bool:
        """Return whether a task whose name can't be determined may have a name.

        `known` are places, as `module:function`, of tasks that had such names before, and of registered objects that
        can't be resolved: these are skipped.
        """
        return (
            self.has_any_name
            or name in self._unread_aliases
            or any(place not in known for place in self._registering)
            or any(place not in known and unnamed.may_have(name) for place, unnamed in self._unnamed_places)
        )

    @cached_property
    def _unnamed_places(self) -> list[tuple[str, Unnamed]]:
        return [(Entry("", project, unnamed.definition).place, unnamed) for project, unnamed in self.unnamed]

    @cached_property
    def record(self) -> Record:
        """The record of these tasks."""
        tasks = {name: found[0].recorded(alone=len(found) == 1) for name, found in self.by_name.items()}
        uncertain = {*self._registering, *(place for place, _ in self._unnamed_places)}
        return Record(tasks, tuple(sorted(uncertain)))


def _last_name(node: ast.expr) -> str:
    """Return the name of a registered class, or of an instance's class; an empty string for anything else."""
    made = node.func if isinstance(node, ast.Call) else node
    return str(getattr(made, "attr", getattr(made, "id", "")))


def _is_app(project: Project, module: Module, node: ast.expr, site: Site) -> bool:
    return isinstance(objects.thing_of(project, module.value(node, site.scope), module), AppThing)


# What a sender sees of a task.


def signature_of(defined: Defined) -> Params | None:
    """Return the parameters that are left to a sender, None if they can't be determined."""
    params = defined.accepts
    if params is None or not defined.hands_on_calls or defined.overrides("__call__", handing_on=True) is not False:
        return None
    return params


def options_of(defined: Defined) -> dict[str, Any]:
    """Return the options that a sender adds to a task's messages.

    None means that the value is given but unknown, UNKNOWN that the option may be given.
    """
    found: dict[str, Any] = {}
    for name in OPTIONS:
        value = defined.effective(name)
        if value is UNKNOWN and not defined.states(name):
            found[name] = UNKNOWN
        elif value is not MISSING and value is not None:
            found[name] = _plain(name, value)
    return found


def _plain(name: str, value: Any) -> str | int | float | None:
    """Return the value of an option as JSON represents it, None if it is unknown or has no such form."""
    if isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    if name in ("priority", "expires"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
        return (int(value) if value == int(value) else value) if is_number else None
    return value if isinstance(value, str) else None


def result_of(defined: Defined) -> str:
    """Return what happens to a task's result, according to the task or the project."""
    own = defined.effective("ignore_result")
    given = [own]
    if own is MISSING or own is None:
        given = [value for value in setting_values(defined.project, "task_ignore_result") if value is not None] or [
            False
        ]
    if not all(isinstance(value, (bool, int)) for value in given) or len({bool(value) for value in given}) > 1:
        return UNCLEAR
    return IGNORED if given[0] else STORED
