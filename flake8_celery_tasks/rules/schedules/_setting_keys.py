"""Mistakes in the key of a setting: it is misspelt, never read, or an old name among new ones."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.settings import EXTRA, FOREIGN_PREFIXES, OLD_TO_NEW, SETTINGS, prefix_of, setting_of
from flake8_celery_tasks.celery_model.apps import makes_app
from flake8_celery_tasks.celery_model.configuration import configurations
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import Words
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.facts.configured.settings import CONF, DJANGO, OBJECT

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode
    from flake8_celery_tasks.facts.configured.settings import Setting, SettingSource
    from flake8_celery_tasks.resolution.project import Project


#: Prefixes of names that are almost certainly settings of Celery.
TELLING: Final = ("BEAT_", "BROKER_", "CELERY", "RESULT_", "TASK_", "WORKER_")


#: Prefixes that name the part of Celery that a setting belongs to, including old ones.
_GROUPS: Final = ("beat_", "broker_", "celerybeat_", "celeryd_", "result_", "task_", "worker_")


#: Settings by the names of the app's arguments, or of the worker's options, that set them.
_SHORT: Final = {"backend": "result_backend", "broker": "broker_url", "concurrency": "worker_concurrency"}


#: The version that brought today's names and the namespace: older ones read other names.
_NAMES_SINCE: Final = (4, 0)


def _rest(name: str) -> str:
    """Return a name without its prefix for the part of Celery."""
    return next((name[len(group) :] for group in _GROUPS if name.startswith(group)), name)


@lru_cache(1)
def _words() -> Words:
    return Words(SETTINGS)


@lru_cache(1)
def _old_words() -> Words:
    return Words(OLD_TO_NEW)


def _meant(name: str) -> str | None:
    """Return the setting that a name misspells: in a letter or two, or in its prefix."""
    found = _SHORT.get(name) or _words().close_match(name)
    if found is None and "_" in _rest(name):
        rests = {_rest(name), _rest(_rest(name))}
        same = [known for known in SETTINGS if _rest(known) in rests]
        found = same[0] if len(same) == 1 else None
    return found


def misspelt(setting: Setting) -> str | None:
    """Return the key that Celery reads and that a key misspells; None for any other key."""
    key, source = setting.key, setting.source
    if _is_known(key, source):
        return None
    if not key.isupper():
        # Lower case is valid under any namespace.
        return _meant(key)
    for namespace in source.namespaces:
        prefix = prefix_of(namespace)
        if prefix and key.startswith(prefix):
            meant = _meant(key[len(prefix) :].lower()) or OLD_TO_NEW.get(_old_words().close_match(key) or "")
            return None if meant is None else prefix + meant.upper()
    if not key.startswith(TELLING) or source.namespaces != (None,):
        return None
    meant = _old_words().close_match(key)
    if meant is None and key.startswith("CELERY_"):
        name = _meant(key.removeprefix("CELERY_").lower())
        # Django has only upper case.
        meant = SETTINGS[name].old if name is not None and source.kind == DJANGO else name
    return meant


def _is_known(key: str, source: SettingSource) -> bool:
    """Return whether a key is a name of Celery's or of an extension, anywhere."""
    lower = key.lower()
    prefixes = ("", "celery_", *(prefix_of(namespace).lower() for namespace in source.namespaces))
    names = {lower.removeprefix(prefix) for prefix in prefixes}
    return key in OLD_TO_NEW or any(
        name in SETTINGS or name in EXTRA or name.startswith(FOREIGN_PREFIXES) for name in names
    )


def reads_old_names(setting: Setting) -> bool:
    """Return whether the project runs on a Celery that has only the old names, and some that no later one has."""
    return version_of(setting.project) < _NAMES_SINCE


def unread(setting: Setting) -> tuple[str, str] | None:
    """Return the place where Celery ignores a key that is a setting's name, and what to write instead."""
    key, source = setting.key, setting.source
    if not source.certain or not key.isupper() or not key.startswith(TELLING):
        return None
    if reads_old_names(setting):
        return None
    prefix = prefix_of(source.namespaces[0])
    name = OLD_TO_NEW.get(key)
    if name is not None and prefix and source.kind == CONF:
        return None  # an app also reads old names that it gets before it is configured
    if name is None:
        # An old name may also be written after the namespace: `CELERY_CELERYBEAT_SCHEDULER`.
        bare = key.removeprefix("CELERY_")
        name = next((lower for lower in (key.lower(), bare.lower()) if lower in SETTINGS), OLD_TO_NEW.get(bare))
    if name is None:
        return None
    if prefix:
        instead = prefix + name.upper() if prefix.isupper() else (prefix + name).lower()
        return f"under the namespace {prefix.rstrip('_')!r}", repr(instead)
    if source.kind != DJANGO:
        return "without a namespace", repr(name)
    # Django has only upper case; old names have no namespace.
    if key.startswith("CELERY_") and not any(_is_old(other) for other in source.keys):
        return "without a namespace", "namespace='CELERY' in config_from_object"
    return "without a namespace", repr(SETTINGS[name].old)


def _is_old(key: str) -> bool:
    """Return whether a key is a setting's old name, different from its name under the usual namespace."""
    return key in OLD_TO_NEW and key != f"CELERY_{OLD_TO_NEW[key].upper()}"


def mixed(setting: Setting) -> tuple[str, str] | None:
    """Return a new name that is mixed with old ones, and the new name of the first old one; None for other keys."""
    source = setting.source
    if source.namespaces != (None,) or not source.certain or not source.complete or setting.key not in OLD_TO_NEW:
        return None
    if source.kind == OBJECT:
        found = _first_mixed(setting.project, source)
    elif source.kind == CONF and not configurations(setting.project):
        found = _set_together(setting.project, source, setting.module).get((setting.site.function(), setting.node))
    else:
        return None
    return (found[1], OLD_TO_NEW[setting.key]) if found is not None and found[0] == setting.key else None


@query()
def _first_mixed(_project: Project, source: SettingSource) -> tuple[str, str] | None:
    return _first_names(source, source.settings)


def _first_names(source: SettingSource, beside: list[Setting]) -> tuple[str, str] | None:
    """Return the first old and the first new name of some settings; None if Celery allows them together."""
    old = [item.key for item in beside if item.key in OLD_TO_NEW]
    new = [item.key for item in beside if item.key in SETTINGS]
    if not new or not old:
        return None
    # Celery allows names of the smaller group that are also in the other group.
    few, convert = (new, {name: SETTINGS[name].old for name in new}) if len(old) > len(new) else (old, OLD_TO_NEW)
    return None if all(convert[key] in source.keys for key in few) else (old[0], new[0])


@query()
def _apps_made(project: Project, module: Module) -> list[ast.Call]:
    return [call for call, site in module.candidates.calls if makes_app(project, module, call, site)]


@query()
def _set_together(
    project: Project, source: SettingSource, module: Module
) -> dict[tuple[FunctionNode | None, ast.AST], tuple[str, str] | None]:
    """Return the first mixed names of what the same function or module gives to an app before it is configured.

    It is by the functions and nodes of settings. The arguments of the app itself and of `add_defaults` are left out.
    Empty if several apps may be meant.
    """
    made = _apps_made(project, module)
    if len(made) != 1 or module.calls_of("add_defaults"):
        return {}
    keywords = {id(keyword) for keyword in made[0].keywords}
    groups: dict[FunctionNode | None, list[Setting]] = {}
    for item in source.settings:
        if id(item.node) not in keywords:
            groups.setdefault(item.site.function(), []).append(item)
    found = {function: _first_names(source, beside) for function, beside in groups.items()}
    return {(function, item.node): found[function] for function, beside in groups.items() for item in beside}


def is_read(setting: Setting) -> bool:
    """Return whether something in the project reads a name: it is the project's own constant or key."""
    key, module = setting.key, setting.module
    text = module.source.text
    is_once = text.isascii() and text.count(key) == 1
    loads = set() if is_once else _loaded(module).get(key, set())
    if loads and not _feeds_others(setting, loads):
        return True
    read = (
        rf"\.{key}\b(?!\s*=[^=])",
        rf"[\"']{key}[\"'](?!\s*:|\]\s*=[^=])",
        rf"\bimport\b[^\n]{{0,500}}\b{key}\b",
        rf"^\s+{key},$",  # a line of an import in parentheses
    )
    pattern = re.compile(encoded("|".join(read)), re.MULTILINE)
    return any(
        pattern.search(setting.project.files.read(path) or b"")
        for path in setting.project.files.holding(encoded(key))
        if path != module.place.path
    )


def _feeds_others(setting: Setting, loads: set[str | None]) -> bool:
    """Return whether only other settings of Celery read a name, and the name is meant to be one too.

    A name is a constant if its own setting reads it: `CELERY_BROKER_URL = BROKER_URL`.
    """
    own = _meaning(setting.project, setting)
    given, right = _settings_by_key(setting.project, setting.source)
    meanings = {name: _meaning(setting.project, given[name]) for name in loads if name in given and name != setting.key}
    return own not in right and all(name is not None and meanings.get(name) not in (None, own) for name in loads)


@query()
def _settings_by_key(_project: Project, source: SettingSource) -> tuple[dict[str | None, Setting], set[str | None]]:
    """Return the last setting of each key, and the settings that keys are."""
    return {item.key: item for item in source.settings}, {item.name for item in source.settings}


@query()
def _meaning(_project: Project, setting: Setting) -> str | None:
    """Return the setting that a key is, or is meant to be."""
    if setting.name is not None:
        return setting.name
    key, namespaces = setting.key, setting.source.namespaces
    meant = misspelt(setting)
    if meant is None:
        lower = key.lower()
        named = (OLD_TO_NEW.get(key, ""), lower, lower.removeprefix("celery_"))
        return next((name for name in named if name in SETTINGS), None)
    found = (setting_of(meant, namespace) for namespace in (*namespaces, None))
    return next((name for name in found if name is not None), OLD_TO_NEW.get(meant))


@query()
def _loaded(module: Module) -> dict[str, set[str | None]]:
    """Return the names and attributes that a module reads, each with the names assigned from it; None for others."""
    found: dict[str, set[str | None]] = {}
    assert module.tree is not None
    pending: list[tuple[ast.AST, str | None]] = [(module.tree, None)]
    while pending:
        node, target = pending.pop()
        if isinstance(getattr(node, "ctx", None), ast.Load):
            name = getattr(node, "id", getattr(node, "attr", None))
            if name is not None:
                found.setdefault(name, set()).add(target)
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            target = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None
        pending.extend((child, target) for child in ast.iter_child_nodes(node))
    return found
