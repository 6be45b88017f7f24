"""Where a project configures Celery, and its beat schedules: places in a file to `Setting` and `BeatEntry`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.catalog.crontab import FIELDS
from flake8_celery_tasks.catalog.settings import APP_ARGUMENTS, OLD_TO_NEW, SETTINGS, prefix_of, setting_of
from flake8_celery_tasks.collect import ASSIGN, FUNCTION, PARAM
from flake8_celery_tasks.facts import (
    CONF,
    DJANGO,
    LOOSE,
    OBJECT,
    BeatEntry,
    Crontab,
    Setting,
    SettingSource,
    Written,
    settled,
)
from flake8_celery_tasks.project import Table
from flake8_celery_tasks.symbols import Bound, Class
from flake8_celery_tasks.things import AppThing
from flake8_celery_tasks.values import UNKNOWN, Invoke, Mapping, Ref, dotted, last_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.collect import Binding, Scope, Site
    from flake8_celery_tasks.link import Facts
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project, Target
    from flake8_celery_tasks.values import Unknown

#: The namespace that nearly everyone uses.
USUAL: Final = "CELERY"

#: Names that the settings module of a Django project binds.
_DJANGO_NAMES: Final = frozenset({"INSTALLED_APPS", "MIDDLEWARE", "ROOT_URLCONF", "SECRET_KEY"})

_ON_AFTER: Final = "on_after_"


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


def read(facts: Facts) -> tuple[list[Setting], list[BeatEntry]]:
    """Return the settings and the beat entries of a file."""
    reader = _Reader(facts)
    reader.read()
    return reader.settings, list(reader.entries.values())


def configurations(project: Project) -> tuple[Configuration, ...]:
    """Return how the project, outside its tests, configures its apps."""
    if "configurations" not in project.memo:
        found: dict[Configuration, None] = {}
        for path in project.files_with(b"config_from_object", b"config_source"):
            if project.layout.is_test(project.layout.place(path)):
                continue
            module = project.module(path)
            if module is None:
                found[Configuration(UNKNOWN)] = None
                continue
            found.update(dict.fromkeys(_configured(project, module)))
        project.memo["configurations"] = tuple(found)
    known: tuple[Configuration, ...] = project.memo["configurations"]
    return known


def _configured(project: Project, module: Module) -> Iterator[Configuration]:
    """Yield the configurations that the calls in a module make."""
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "config_source":
                yield _configuration(project, module, keyword.value, site, _namespace(project, module, call, site))
        if last_name(call.func) == "config_from_object":
            node = _object(call)
            if node is not None:
                yield _configuration(project, module, node, site, _namespace(project, module, call, site))


def _object(call: ast.Call) -> ast.expr | None:
    """Return what `config_from_object` is given."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "obj"]
    return next(iter(given or call.args), None)


def _namespace(project: Project, module: Module, call: ast.Call, site: Site) -> str | Unknown | None:
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
    if _is_display(node):
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


def _source(kind: str, known: list[Configuration]) -> SettingSource:
    """Return a source for the configurations that apply to it."""
    namespaces = [item.namespace for item in known]
    readable = [item for item in dict.fromkeys(namespaces) if item is None or isinstance(item, str)]
    return SettingSource(kind, tuple(readable) or (None,), certain=len(readable) == len(set(namespaces)))


class _Reader:
    """The settings and beat entries of one file, being found."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.project = facts.project
        self.module = facts.module
        self.configurations = configurations(self.project)
        self.settings: list[Setting] = []
        self.entries: dict[int, BeatEntry] = {}
        prefixes = {prefix_of(item.namespace) for item in self.configurations if isinstance(item.namespace, str)}
        self.beat_names = {"beat_schedule", "CELERYBEAT_SCHEDULE", "CELERY_BEAT_SCHEDULE"} | {
            f"{prefix}{'BEAT_SCHEDULE' if prefix.isupper() else 'beat_schedule'}" for prefix in prefixes
        }
        self.beat_names_here = {name for name in self.beat_names if self.module.source.may_hold(name)}

    def read(self) -> None:
        """Find all there is."""
        self.conf = _source(CONF, list(self.configurations))
        self.loose = SettingSource(LOOSE, (None, USUAL))
        self.stores()
        self.calls()
        self.bindings()
        self.beat_items()
        for setting in self.settings:
            if setting.name == "beat_schedule":
                self.schedule(setting.value, setting.site)

    def add(self, source: SettingSource, key: str, node: ast.AST, value: ast.expr, site: Site) -> None:
        """Add a setting."""
        setting = Setting(self.project, self.module, key, node, value, site, source)
        source.keys.add(key)
        source.settings.append(setting)
        self.settings.append(setting)

    def add_loose(self, key: str, node: ast.AST, value: ast.expr, site: Site, *, celery: bool = False) -> None:
        """Add what is called like a setting; `celery` says that the names around it speak of Celery."""
        named = setting_of(key, USUAL) if key.startswith("CELERY_") else OLD_TO_NEW.get(key)
        if named is None or not key.startswith(("CELERY", "BROKER_")):
            named = key if key in self.beat_names or (celery and key in SETTINGS) else None
        if named is not None:
            self.add(self.loose, key, node, value, site)

    def add_loosely(self, key: str, node: ast.AST, value: ast.expr, site: Site, *, celery: bool = False) -> None:
        """Add what is called like a setting, and what a dict that is called like Celery holds: `CELERY = {...}`."""
        self.add_loose(key, node, value, site, celery=celery)
        own = [item for item in self.configurations if item.key == key]
        if own:
            self.mapping(_source(OBJECT, own), value, site)
        elif (celery or "celery" in key.lower()) and _is_display(value):
            pairs, _ = display(self.project, self.module, value, site) or ([], True)
            for name, written in pairs:
                if isinstance(name, str):
                    self.add_loose(name, written.key, written.value, written.site, celery=True)

    def is_app(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is a Celery app."""
        return isinstance(self.facts.thing(node, site), AppThing)

    def is_conf(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is the configuration of an app, or a name for it."""
        if isinstance(node, ast.Name):
            binding = _bound_once(node, site)
            if binding is None:
                return False
            node, site = binding.node, binding.site  # type: ignore[assignment]
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
                    else:
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

    def add_defaults(self, call: ast.Call, site: Site) -> None:
        if call.args and isinstance(call.func, ast.Attribute) and self.is_app(call.func.value, site):
            self.mapping(self.conf, call.args[0], site)

    def config_from_object(self, call: ast.Call, site: Site) -> None:
        node = _object(call)
        if node is not None and _is_display(node):
            namespace = _namespace(self.project, self.module, call, site)
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
        """Take what is called like a setting from the mapping that some other configuration is given."""
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

    # The names of a module or class.

    def bindings(self) -> None:
        candidates = self.module.candidates
        here = [item for item in self.configurations if item.path == self.module.place.path]
        if not here and self.module.place.name == "celeryconfig":
            here = [Configuration(None, self.module.place.path)]  # what Celery looks at unless it is told otherwise
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
                source.complete = not candidates.stars and not qualname
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
        # A local variable may be on its way to an app.
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
        """Take the entries of a whole schedule."""
        found = display(self.project, self.module, node, site)
        for key, written in found[0] if found else ():
            self.entry(key, written.key, written.value, written.site)

    def entry(self, name: object, node: ast.AST, value: ast.expr, site: Site) -> None:
        found = display(self.project, self.module, value, site)
        if found is None:
            return
        pairs, complete = found
        given = {key: written for key, written in pairs if isinstance(key, str)}
        if "task" in given or "schedule" in given:
            self.entries.setdefault(
                id(node), BeatEntry(self.project, self.module, node, site, name, given, complete=complete)
            )

    def is_schedule(self, node: ast.expr) -> bool:
        """Return whether an expression is called like a beat schedule."""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return node.slice.value in self.beat_names
        return getattr(node, "attr", getattr(node, "id", None)) in self.beat_names

    def beat_items(self) -> None:
        for _, target, value, site in self.module.candidates.stores:
            if isinstance(target, ast.Subscript) and self.is_schedule(target.value):
                self.entry(settled(self.project, self.module, target.slice, site), target, value, site)
        for call, site in self.module.candidates.calls:
            func = call.func
            if not isinstance(func, ast.Attribute):
                continue
            if func.attr == "update" and self.is_schedule(func.value):
                for arg in call.args[:1]:
                    self.schedule(arg, site)
                for keyword in call.keywords:
                    if keyword.arg is not None:
                        self.entry(keyword.arg, keyword, keyword.value, site)
            elif func.attr == "setdefault" and len(call.args) == 2 and self.is_schedule(func.value):
                name = settled(self.project, self.module, call.args[0], site)
                self.entry(name, call.args[0], call.args[1], site)
            elif func.attr == "add_periodic_task" and self.takes_periodic_tasks(func.value, site):
                self.periodic(call, site)

    def takes_periodic_tasks(self, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is an app, or what a handler of `on_after_configure` and the like is given."""
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
        for name, arg in zip(_PERIODIC, call.args, strict=False):
            if isinstance(arg, ast.Starred):
                complete = False
                break
            given[name] = Written(arg, arg, site)
        for keyword in call.keywords:
            if keyword.arg is None:
                complete = False
            else:
                name = "task" if keyword.arg == "sig" else keyword.arg
                (given if name in _PERIODIC else extra)[name] = Written(keyword, keyword.value, site)
        named = given.pop("name", None)
        label = settled(self.project, self.module, named.value, site) if named else (None if complete else UNKNOWN)
        entry = BeatEntry(
            self.project, self.module, call, site, label, given, call=call, extra=extra, complete=complete
        )
        self.entries.setdefault(id(call), entry)


#: The parameters of `add_periodic_task`, by position; the second is called `sig` there.
_PERIODIC: Final = ("schedule", "task", "args", "kwargs", "name")

_METHODS: Final[dict[str, Callable[[_Reader, ast.Call, Site], None]]] = {
    "update": _Reader.update,
    "from_mapping": _Reader.loose_mapping,
    "add_defaults": _Reader.add_defaults,
    "config_from_object": _Reader.config_from_object,
    "Celery": _Reader.celery,
}


def crontabs(project: Project, module: Module) -> Iterator[Crontab]:
    """Yield the calls of `crontab` in a file."""
    if not module.source.may_hold("crontab") and not module.source.may_hold("from_string"):
        return
    names = {binding.name for binding in module.candidates.imports if binding.path.endswith(":crontab")}
    for call, site in module.candidates.calls:
        name = last_name(call.func)
        if name not in ("crontab", "from_string") and name not in names:
            continue
        value = module.value(call.func, site.scope)
        path = project.resolve(value.path, module).path if isinstance(value, Ref) else ""
        if path in ("celery.schedules.crontab", "celery.schedules.crontab.from_string"):
            yield _crontab(project, module, call, site, from_line=path.endswith(".from_string"))


def _crontab(project: Project, module: Module, call: ast.Call, site: Site, *, from_line: bool) -> Crontab:
    given: dict[str, ast.expr] = {}
    spread: dict[str, Any] = {}
    complete = not any(isinstance(arg, ast.Starred) for arg in call.args)
    positional = len(call.args) if complete else 0
    if complete and not from_line:
        given.update(zip((field.name for field in FIELDS), call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = keyword.value
        else:
            table = settled(project, module, keyword.value, site)
            found = display(project, module, keyword.value, site)
            complete = complete and isinstance(table, Table) and table.complete
            for key, written in found[0] if found else ():
                if isinstance(key, str):
                    given[key] = written.value
            if found is None and isinstance(table, Table):
                spread.update({str(key): value for key, value in table.items()})
                given.update(dict.fromkeys(spread, keyword.value))
    return Crontab(
        project, module, call, site, given, positional, complete=complete, from_line=from_line, spread=spread
    )


def _is_settings_module(module: Module) -> bool:
    """Return whether a module looks like the settings of a Django project, or of a framework alike."""
    parts = module.place.name.lower().split(".")[-2:]
    return any("settings" in part or "config" in part for part in parts) or not _DJANGO_NAMES.isdisjoint(module.names())


def _is_display(node: ast.expr) -> bool:
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
    if _is_display(node):
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
    binding = _bound_once(node, site)
    if binding is None:
        return None
    made = display(project, module, binding.node, binding.site, depth + 1)  # type: ignore[arg-type]
    changed = module.changed(binding)
    if made is None or changed is None:
        return made
    return [(key, written) for key, written in made[0] if not (isinstance(key, str) and key in changed)], False


def _bound_once(node: ast.Name, site: Site) -> Binding | None:
    """Return the assignment that a name stands for, None where there are several, or something else binds it."""
    found = site.scope.find(node.id)
    if found is None or len(found[1]) != 1:
        return None
    return found[1][0] if found[1][0].kind == ASSIGN else None


def options_of(entry: BeatEntry) -> list[tuple[str, Written]]:
    """Return the options of the message that an entry of the beat schedule spells out in this file."""
    options = entry.given.get("options")
    if entry.call is not None or options is None:
        return list(entry.extra.items())
    found = display(entry.project, entry.module, options.value, options.site)
    return [(name, written) for name, written in found[0] if isinstance(name, str)] if found else []
