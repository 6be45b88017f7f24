"""Celery settings written in the file being checked, with their nodes."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import dotted, is_bare_class, last_name
from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, PARAM, Site
from flake8_celery_tasks.binding.values import UNKNOWN, Ref
from flake8_celery_tasks.catalog import OLDEST
from flake8_celery_tasks.catalog.setting_values import REMOVED
from flake8_celery_tasks.catalog.settings import APP_ARGUMENTS, OLD_TO_NEW, SETTINGS, prefix_of, setting_of
from flake8_celery_tasks.celery_model.configuration import (
    USUAL,
    Configuration,
    Written,
    bound_once,
    config_object,
    configurations,
    display,
    is_display,
    namespace_of,
    spreads_in,
)
from flake8_celery_tasks.celery_model.objects import AppThing
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured.schedules import PERIODIC, BeatEntry, is_of_entries
from flake8_celery_tasks.resolution.evaluation import settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Scope
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.resolution.project import Project


#: Names that a Django settings module binds.
_DJANGO_NAMES: Final = frozenset({"INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "SECRET_KEY"})

_ON_AFTER: Final = "on_after_"


@query()
def read(context: FileContext) -> tuple[list[Setting], list[BeatEntry]]:
    """Return the settings and the beat entries of a file."""
    reader = _Reader(context)
    reader.read()
    return reader.settings, list(reader.entries.values())


def _source(kind: str, known: list[Configuration]) -> SettingSource:
    """Return a source for the configurations that apply to it."""
    namespaces = [item.namespace for item in known]
    readable = [item for item in dict.fromkeys(namespaces) if item is None or isinstance(item, str)]
    return SettingSource(kind, tuple(readable) or (None,), certain=len(readable) == len(set(namespaces)))


#: How many names and functions deep a schedule is followed.
_DEEP: Final = 5


class _Reader:
    """Collects the settings and beat entries of one file."""

    def __init__(self, context: FileContext) -> None:
        self.context = context
        self.project = context.project
        self.module = context.module
        self.configurations = configurations(self.project)
        self.settings: list[Setting] = []
        self.entries: dict[int, BeatEntry] = {}
        self.schedules: set[tuple[int, str]] = set()  # names of schedules, with the identities of their scopes
        self.followed: set[tuple[int, str, int]] = set()  # the same, with how deep they were followed
        prefixes = {prefix_of(item.namespace) for item in self.configurations if isinstance(item.namespace, str)}
        self.beat_names = {"beat_schedule", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE"} | {
            f"{prefix}{'BEAT_SCHEDULE' if prefix.isupper() else 'beat_schedule'}" for prefix in prefixes
        }
        self.beat_names_here = {name for name in self.beat_names if self.module.source.may_hold(name)}

    def read(self) -> None:
        """Find all settings and entries."""
        self.conf = _source(CONF, list(self.configurations))
        self.loose = SettingSource(LOOSE, (*(self.conf.namespaces if self.conf.certain else ()), USUAL))
        self.stores()
        self.calls()
        self.bindings()
        for setting in self.settings:
            if setting.name == "beat_schedule":
                self.schedule(setting.value, setting.site)
        self.schedules_by_content()
        known = -1
        while known != len(self.schedules):  # a dict that it is updated with may be extended elsewhere
            known = len(self.schedules)
            self.beat_items()

    def add(self, source: SettingSource, key: str, node: ast.AST, value: ast.expr, site: Site) -> None:
        """Add a setting."""
        setting = Setting(self.project, self.module, key, node, value, site, source)
        source.keys.add(key)
        source.settings.append(setting)
        self.settings.append(setting)

    def add_loose(self, key: str, node: ast.AST, value: ast.expr, site: Site, *, celery: bool = False) -> None:
        """Add a setting recognised by its name; `celery` means that the names around it refer to Celery."""
        named = setting_of(key, USUAL) if key.startswith("CELERY_") else OLD_TO_NEW.get(key)
        if named is None or not key.startswith(("CELERY", "BROKER_")):
            named = key if key in self.beat_names or key in REMOVED or (celery and key in SETTINGS) else None
        if named is not None:
            self.add(self.loose, key, node, value, site)

    def add_loosely(self, key: str, node: ast.AST, value: ast.expr, site: Site, *, celery: bool = False) -> None:
        """Add a setting recognised by its name, or the content of a dict named like Celery's: `CELERY = {...}`."""
        self.add_loose(key, node, value, site, celery=celery)
        own = [item for item in self.configurations if item.key == key]
        if own:
            self.mapping(_source(OBJECT, own), value, site)
        elif (celery or "celery" in key.lower()) and is_display(value):
            pairs, _ = display(self.project, self.module, value, site) or ([], True)
            for name, written in pairs:
                if isinstance(name, str):
                    self.add_loose(name, written.key, written.value, written.site, celery=True)

    def is_app(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is a Celery app."""
        return isinstance(self.context.thing(node, site), AppThing)

    def is_conf(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is an app's configuration, or a name for it."""
        if isinstance(node, ast.Name):
            binding = bound_once(node, site)
            if binding is None:
                return False
            node, site = binding.value, binding.site
        return isinstance(node, ast.Attribute) and node.attr == "conf" and self.is_app(node.value, site)

    # `app.conf.x = `, `app.conf["x"] = `, `app.config["CELERY_X"] = `.

    def stores(self) -> None:
        for _, target, value, site in self.module.candidates.stores:
            if isinstance(target, ast.Attribute):
                if self.is_conf(target.value, site):
                    self.add(self.conf, target.attr, target, value, site)
                elif target.attr in self.beat_names:
                    self.add(self.loose, target.attr, target, value, site)
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                key = target.slice.value
                if isinstance(key, str):
                    if self.is_conf(target.value, site):
                        self.add(self.conf, key, target, value, site)
                    elif last_name(target.value) != "environ":  # environment variables are not settings
                        self.add_loosely(key, target, value, site)

    # `app.conf.update(...)`, `app.add_defaults(...)`, `Celery(x=)`, `app.config_from_object({...})`.

    def calls(self) -> None:
        for call, site in self.module.candidates.calls:
            func = call.func
            name = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
            if name in _METHODS:
                _METHODS[name](self, call, site)
            elif call.keywords and self.beat_names_here:
                for keyword in call.keywords:
                    if keyword.arg in self.beat_names_here:
                        self.add(self.loose, keyword.arg, keyword, keyword.value, site)

    def update(self, call: ast.Call, site: Site) -> None:
        if not isinstance(call.func, ast.Attribute) or not self.is_conf(call.func.value, site):
            self.loose_mapping(call, site)
            return
        for arg in call.args[:1]:
            self.mapping(self.conf, arg, site)
        for keyword in call.keywords:
            if keyword.arg is not None:
                self.add(self.conf, keyword.arg, keyword, keyword.value, site)
            else:
                self.mapping(self.conf, keyword.value, site)

    def setdefault(self, call: ast.Call, site: Site) -> None:
        if isinstance(call.func, ast.Attribute) and len(call.args) == 2 and self.is_conf(call.func.value, site):
            key = settled(self.project, self.module, call.args[0], site)
            if isinstance(key, str):
                self.add(self.conf, key, call.args[0], call.args[1], site)

    def add_defaults(self, call: ast.Call, site: Site) -> None:
        if call.args and isinstance(call.func, ast.Attribute) and self.is_app(call.func.value, site):
            self.mapping(self.conf, call.args[0], site)

    def config_from_object(self, call: ast.Call, site: Site) -> None:
        node = config_object(call)
        if node is not None and is_display(node):
            namespace = namespace_of(self.project, self.module, call, site)
            self.mapping(_source(OBJECT, [Configuration(namespace)]), node, site)

    def celery(self, call: ast.Call, site: Site) -> None:
        value = self.module.value(call.func, site.scope)
        if isinstance(value, Ref) and self.project.resolve(value.path, self.module).path == "celery.Celery":
            for keyword in call.keywords:
                if keyword.arg == "changes":
                    self.mapping(self.conf, keyword.value, site)
                elif keyword.arg is not None and keyword.arg not in APP_ARGUMENTS:
                    self.add(self.conf, keyword.arg, keyword, keyword.value, site)

    def loose_mapping(self, call: ast.Call, site: Site) -> None:
        """Add the entries with names of settings from the mapping given to some other configuration."""
        for arg in call.args[:1]:
            found = display(self.project, self.module, arg, site)
            for key, written in found[0] if found else ():
                if isinstance(key, str):
                    self.add_loosely(key, written.key, written.value, written.site)
        for keyword in call.keywords:
            if keyword.arg is not None:
                self.add_loosely(keyword.arg, keyword, keyword.value, site)

    def mapping(self, source: SettingSource, node: ast.expr, site: Site) -> None:
        """Add the keys of a dict that is written in this file."""
        found = display(self.project, self.module, node, site)
        if found is None:
            return
        pairs, complete = found
        source.complete = source.complete and complete
        for key, written in pairs:
            if isinstance(key, str):
                self.add(source, key, written.key, written.value, written.site)

    # The names in a module or class.

    def bindings(self) -> None:
        candidates = self.module.candidates
        here = [item for item in self.configurations if item.path == self.module.place.path]
        if not here and self.module.place.name == "celeryconfig":
            here = [Configuration(None, self.module.place.path)]  # what Celery reads by default
        django = [
            item
            for item in self.configurations
            if item.is_django or (not item.path and isinstance(item.namespace, str))
        ]
        settings_module = bool(django) and _is_settings_module(self.module)
        whole = [item for item in here if not item.qualname]
        scopes: list[tuple[str, Scope]] = [("", candidates.scope)]
        scopes.extend((scope.qualname, scope) for _, _, scope in candidates.classes)
        for qualname, scope in scopes:
            own = [item for item in here if item.qualname == qualname] if qualname else whole
            if own:
                source = _source(OBJECT, own)
                source.complete = not candidates.stars if not qualname else is_bare_class(scope.node)
                self.names(source, scope, lambda _: True)
            elif settings_module:
                self.names(_source(DJANGO, django), scope, str.isupper)
            else:
                celery = "celery" in (qualname or self.module.place.name).lower().rpartition(".")[2]
                self.loose_names(scope, celery=celery)
        for item in here:
            if item.qualname in candidates.scope.bindings and item.qualname not in candidates.scopes:
                source = _source(OBJECT, [other for other in here if other.qualname == item.qualname])
                for binding in candidates.scope.bindings[item.qualname]:
                    if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
                        self.mapping(source, binding.node, binding.site)
        # A local variable may be passed to an app later.
        for scope in candidates.scopes.values():
            if scope.kind == FUNCTION and not self.beat_names_here.isdisjoint(scope.bindings):
                self.loose_names(scope, only=self.beat_names_here)

    def names(self, source: SettingSource, scope: Scope, chosen: Callable[[str], bool]) -> None:
        for name, bindings in scope.bindings.items():
            if name.startswith("_") or not chosen(name):
                continue
            source.keys.add(name)
            for binding in bindings:
                if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
                    self.add(source, name, binding.statement or binding.node, binding.node, binding.site)

    def loose_names(self, scope: Scope, *, celery: bool = False, only: set[str] | None = None) -> None:
        for name, bindings in scope.bindings.items():
            if only is not None and name not in only:
                continue
            for binding in bindings:
                if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
                    self.add_loosely(name, binding.statement or binding.node, binding.node, binding.site, celery=celery)

    # Beat entries.

    def schedule(self, node: ast.expr, site: Site) -> None:
        """Add the entries of a whole schedule, wherever in this file its parts are written."""
        for part, place in self.parts(node, site):
            for key, written in (display(self.project, self.module, part, place) or ((), True))[0]:
                self.entry(key, written.key, written.value, written.site)

    def schedules_by_content(self) -> None:
        """Add a module's dicts whose members can only be beat entries: the settings may import them."""
        if not self.module.source.may_hold("crontab"):
            return
        for bindings in self.module.candidates.scope.bindings.values():
            for binding in bindings:
                node, is_assigned = binding.node, binding.kind == ASSIGN
                if is_assigned and isinstance(node, ast.Dict) and is_of_entries(self.context, node, binding.site):
                    self.schedule(node, binding.site)

    def parts(self, node: ast.expr, site: Site, depth: int = 0) -> Iterator[tuple[ast.expr, Site]]:
        """Yield the parts of a dict: branches, sides of `|`, values of names and results of functions, each once."""
        inner: list[tuple[ast.expr, Site]] = []
        if isinstance(node, ast.IfExp):
            inner = [(node.body, site), (node.orelse, site)]
        elif isinstance(node, ast.BoolOp):
            inner = [(value, site) for value in node.values]
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            inner = [(node.left, site), (node.right, site)]
        elif isinstance(node, ast.Name):
            owner, bindings = site.scope.find(node.id) or (site.scope, [])
            self.schedules.add((id(owner), node.id))  # it may be extended later
            if (id(owner), node.id, depth) in self.followed:
                return
            self.followed.add((id(owner), node.id, depth))
            inner = [(item.value, item.site) for item in bindings if item.kind == ASSIGN]
            inner += [(value, item.site) for item in bindings for value in _added(item)]
        elif is_display(node):
            inner = [(value, site) for value in spreads_in(node) if not isinstance(value, ast.Name)]
        elif isinstance(node, ast.Call):
            value = self.module.value(node.func, site.scope)
            name = value.path[1:] if isinstance(value, Ref) and value.path.startswith(":") else ""
            for function, outside, scope in self.module.functions_called(name):
                inside = Site(outside, FUNCTION, function, scope)
                inner += [(given.value, inside) for given in scope.returns if given.value is not None]
        if not inner or depth > _DEEP or is_display(node):
            yield node, site
        for part, place in inner if depth <= _DEEP else ():
            yield from self.parts(part, place, depth + 1)

    def entry(self, name: object, node: ast.AST, value: ast.expr, site: Site) -> None:
        found = display(self.project, self.module, value, site)
        if found is None:
            return
        pairs, complete = found
        given = {key: written for key, written in pairs if isinstance(key, str)}
        if "task" in given or "schedule" in given:
            entry = BeatEntry(self.context, node, site, name, given, complete=complete)
            self.entries.setdefault(id(node), entry)

    def is_schedule(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is named like a beat schedule, or refers to one."""
        found = site.scope.find(node.id) if isinstance(node, ast.Name) and self.schedules else None
        if found is not None and (id(found[0]), found[1][0].name) in self.schedules:
            return True
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return node.slice.value in self.beat_names
        return getattr(node, "attr", getattr(node, "id", None)) in self.beat_names

    def beat_items(self) -> None:
        for binding in _augmented(self.module):
            if self.is_schedule(binding.value, binding.site):
                for value in _added(binding):
                    self.schedule(value, binding.site)
        for _, target, value, site in self.module.candidates.stores:
            if isinstance(target, ast.Subscript) and self.is_schedule(target.value, site):
                self.entry(settled(self.project, self.module, target.slice, site), target, value, site)
        for call, site in self.module.candidates.calls:
            func = call.func
            if not isinstance(func, ast.Attribute):
                continue
            if func.attr == "update" and self.is_schedule(func.value, site):
                for arg in call.args[:1]:
                    self.schedule(arg, site)
                for keyword in call.keywords:
                    if keyword.arg is not None:
                        self.entry(keyword.arg, keyword, keyword.value, site)
            elif func.attr == "setdefault" and len(call.args) == 2 and self.is_schedule(func.value, site):
                name = settled(self.project, self.module, call.args[0], site)
                self.entry(name, call.args[0], call.args[1], site)
            elif func.attr == "add_periodic_task" and self.takes_periodic_tasks(func.value, site):
                self.periodic(call, site)

    def takes_periodic_tasks(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is an app, or the argument of a handler of `on_after_configure` and the like."""
        if self.is_app(node, site):
            return True
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if found is None or any(binding.kind != PARAM for binding in found[1]):
            return False
        for decorator in getattr(found[0].node, "decorator_list", ()):
            attributes = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)[1]
            if attributes[-1:] == ("connect",) and attributes[-2:-1] and attributes[-2].startswith(_ON_AFTER):
                return True
        return False

    def periodic(self, call: ast.Call, site: Site) -> None:
        given: dict[str, Written] = {}
        extra: dict[str, Written] = {}
        complete = True
        for name, arg in zip(PERIODIC, call.args, strict=False):
            if isinstance(arg, ast.Starred):
                complete = False
                break
            given[name] = Written(arg, arg, site)
        for keyword in call.keywords:
            if keyword.arg is None:
                complete = False
            else:
                name = "task" if keyword.arg == "sig" else keyword.arg
                (given if name in PERIODIC else extra)[name] = Written(keyword, keyword.value, site)
        named = given.pop("name", None)
        label = settled(self.project, self.module, named.value, site) if named else (None if complete else UNKNOWN)
        entry = BeatEntry(self.context, call, site, label, given, call=call, extra=extra, complete=complete)
        self.entries.setdefault(id(call), entry)


def _added(binding: Binding) -> list[ast.expr]:
    """Return what a binding adds to what its name holds: `schedule |= {...}`."""
    statement = binding.statement
    return [statement.value] if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.BitOr) else []


def _augmented(module: Module) -> Iterator[Binding]:
    for scope in module.candidates.all_scopes:
        yield from (item for items in scope.bindings.values() for item in items if _added(item))


_METHODS: Final[dict[str, Callable[[_Reader, ast.Call, Site], None]]] = {
    "update": _Reader.update,
    "from_mapping": _Reader.loose_mapping,
    "add_defaults": _Reader.add_defaults,
    "setdefault": _Reader.setdefault,
    "config_from_object": _Reader.config_from_object,
    "Celery": _Reader.celery,
}


def _is_settings_module(module: Module) -> bool:
    """Return whether a module looks like the settings of a Django project, or of a similar framework."""
    parts = module.place.name.lower().split(".")[-3:]  # `settings.components.celery`
    return any("settings" in part or "config" in part for part in parts) or not _DJANGO_NAMES.isdisjoint(module.names())


class Setting:
    """A place that gives a value to a key of Celery's configuration.

    `key` is written at `node`, `value` is its value. `source` is what it belongs to.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        key: str,
        node: ast.AST,
        value: ast.expr,
        site: Site,
        source: SettingSource,
    ) -> None:
        self.project = project
        self.module = module
        self.key = key
        self.node = node
        self.value = value
        self.site = site
        self.source = source

    @cached_property
    def name(self) -> str | None:
        """The setting that Celery reads from the key, None if it doesn't read the key."""
        for namespace in self.source.namespaces:
            name = setting_of(self.key, namespace, OLDEST)
            if name is None and setting_of(self.key, namespace) is not None:
                name = setting_of(self.key, namespace, version_of(self.project))
            if name is not None:
                return name
        return None

    @property
    def settled(self) -> Any:
        """The settled value."""
        return settled(self.project, self.module, self.value, self.site)


# What settings belong to.
CONF: Final = "app.conf"  # an app: `app.conf.x = `, `app.conf.update()`, `Celery(x=)`
OBJECT: Final = "object"  # the module, class or dict passed to `config_from_object`
DJANGO: Final = "Django"  # the settings of Django, or of a framework like it
LOOSE: Final = "loose"  # recognised by the names only


class SettingSource:
    """One object that contains settings.

    `namespaces` are the ones under which Celery reads it, None for none; `certain` is false if there may be more of
    them. `keys` are all its keys, settings or not; `complete` is false if it may have others.
    """

    def __init__(
        self, kind: str, namespaces: tuple[str | None, ...], *, certain: bool = True, complete: bool = True
    ) -> None:
        self.kind = kind
        self.namespaces = namespaces
        self.certain = certain
        self.complete = complete
        self.keys: set[str] = set()
        self.settings: list[Setting] = []
