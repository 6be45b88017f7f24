"""Settings that a project applies to all its tasks, wherever they may be written."""

from __future__ import annotations

import ast
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import last_name, walk
from flake8_celery_tasks.binding.scopes import ASSIGN, CLASS
from flake8_celery_tasks.binding.values import UNKNOWN
from flake8_celery_tasks.catalog.settings import SETTINGS
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


def spellings(name: str) -> tuple[str, ...]:
    """Return the names under which a setting may be written, in any namespace."""
    upper = name.upper()
    return tuple(dict.fromkeys((name, upper, f"CELERY_{upper}", SETTINGS[name].old)))


@query()
def setting_values(project: Project, name: str) -> list[Any]:
    """Return the settled values that the project gives to a setting of Celery, by its lower-case name.

    Every place that could set it counts, so the list may contain values for other environments. Tests are skipped.
    """
    return [UNKNOWN if module is None else project.settle(value, module) for value, module in given_to(project, name)]


#: Words in the names of settings modules and settings classes that no worker in production uses.
_PASSING: Final = frozenset(
    {
        "ci",
        "debug",
        "demo",
        "dev",
        "develop",
        "development",
        "example",
        "local",
        "localhost",
        "sandbox",
        "test",
        "testing",
    }
    | {"testapp", "testproject", "tests", "testutil", "testutils"}
)
_WORD: Final = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def is_passing(name: str) -> bool:
    """Return whether a module or class is for development or tests, judging by its name.

    >>> is_passing("shop.settings.local"), is_passing("shop.settings.DevelopmentConfig"), is_passing("shop.devices")
    (True, True, False)
    """
    parts = name.split(".")[-2:]
    return any(word.lower() in _PASSING for part in parts for word in _WORD.findall(part))


def given_to(project: Project, name: str, *, running: bool = False) -> Iterator[tuple[Value, Module | None]]:
    """Yield the values that modules outside tests give to a setting; None for a module that can't be read.

    With `running`, values that apply only to development or tests are skipped.
    """
    names = frozenset(spellings(name))
    for path in project.files.holding(*(item.encode() for item in sorted(names))):
        place = project.layout.place(path)
        if project.layout.is_test(place) or (running and is_passing(place.name)):
            continue
        if _only_calls(project.files.current(path) or b"", names):
            continue
        module = project.module(path)
        if module is None:
            yield UNKNOWN, None
            continue
        for value in given_in(module, names, running=running):
            yield value, module


def _only_calls(text: bytes, names: Iterable[str]) -> bool:
    """Return whether a text gives no value to any of some names: most files with `include` call Django's."""
    from flake8_celery_tasks.workspace.prescan import only_calls  # a warm run needs none of its patterns

    return bool(text) and all(only_calls(text, name.encode()) for name in names)


#: Functions and methods that set what an argument names, in front of its value: the position of that argument.
_KEYS: Final = {"setattr": 1, "setdefault": 0}


def given_in(module: Module, names: frozenset[str], *, running: bool = False) -> Iterator[Value]:
    """Yield the values of assignments, attributes, items, dict keys and keywords of some names.

    With `running`, classes for development or tests are skipped.
    """
    yield from _bound_in(module, names, running=running)
    written = _written_in(module)
    places = [place for name in names if name in written for place in written[name]]
    for _, node, scope in sorted(places, key=lambda place: place[0]):
        yield module.value(node, scope)


@cache
def _known() -> frozenset[str]:
    """Return all names under which a setting may be written."""
    return frozenset(spelling for name in SETTINGS for spelling in spellings(name))


@query()
def _written_in(module: Module) -> dict[str, list[tuple[int, ast.expr, Scope]]]:
    """Return the values of attributes, items, keywords, keys and arguments named as a setting, numbered in order."""
    found: dict[str, list[tuple[int, ast.expr, Scope]]] = {}
    known = _known()
    for number, (name, node, scope) in enumerate(_named_in(module)):
        if isinstance(name, str) and name in known:
            found.setdefault(name, []).append((number, node, scope))
    return found


def _named_in(module: Module) -> Iterator[tuple[object, ast.expr, Scope]]:
    candidates = module.candidates
    for _, target, value, site in candidates.stores:
        written: object = getattr(target, "attr", None)
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            written = target.slice.value
        yield written, value, site.scope
    for call, site in candidates.calls:
        for keyword in call.keywords:
            yield keyword.arg, keyword.value, site.scope
        key = _KEYS.get(last_name(call.func))
        if key is not None and len(call.args) > key + 1:
            name, given = call.args[key : key + 2]
            yield getattr(name, "value", None), given, site.scope
    # The module's own tree may have been dropped by now, or was never read.
    for node in walk(candidates.scope.node):
        if isinstance(node, ast.Dict):
            for item, value in zip(node.keys, node.values, strict=True):
                if isinstance(item, ast.Constant):
                    yield item.value, value, candidates.scope


def _bound_in(module: Module, names: frozenset[str], *, running: bool) -> Iterator[Value]:
    for scope in (module.candidates.scope, *module.candidates.scopes.values()):
        if running and scope.kind == CLASS and is_passing(scope.qualname):
            continue
        for name in names & scope.bindings.keys():
            for binding in scope.bindings[name]:
                if binding.kind == ASSIGN:
                    yield module.value(binding.value, scope)
                elif binding.kind == "other":
                    yield UNKNOWN


def acks_late(project: Project) -> bool | None:
    """Return whether the project acknowledges late: True, False, or None if it can't be determined."""
    if project.options.celery_acks_late:
        return True
    given = setting_values(project, "task_acks_late")
    if any(value is True or value == 1 for value in given):
        return True
    return None if any(not isinstance(value, (bool, int, type(None))) for value in given) else False


#: Schedulers of other packages, which accept more keys in a beat schedule entry than Celery's own.
_SCHEDULERS: Final = (
    b"celery_sqlalchemy_scheduler",
    b"celerybeatmongo",
    b"django_celery_beat",
    b"redbeat",
    b"sqlalchemy_celery_beat",
)


@query()
def has_celery_scheduler(project: Project) -> bool:
    """Return whether beat certainly runs Celery's own scheduler, as far as the project's files show."""
    given = setting_values(project, "beat_scheduler")
    own = all(isinstance(value, str) and value.startswith("celery.beat") for value in given)
    return own and not any(True for _ in project.files.holding(*_SCHEDULERS))


def routes_of(project: Project) -> list[Table] | None:
    """Return the tables in the project's `task_routes`, in order; None if one is a function or can't be resolved.

    A list of pairs in the list of routers is a table, too.
    """
    found: list[Table] = []
    for given in setting_values(project, "task_routes"):
        for router in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(router, (list, tuple)) and all(map(_is_pair, router)):
                router = Table(router)
            if isinstance(router, Table) and router.complete:
                found.append(router)
            elif router is not None:
                return None
    return found


def _is_pair(item: Any) -> bool:
    return isinstance(item, (list, tuple)) and len(item) == 2 and isinstance(item[0], str)


@query()
def queues_of(project: Project) -> frozenset[str] | None:
    """Return the names of the queues in the project's `task_queues`, None if one can't be resolved.

    The set is empty if the project doesn't set it.
    """
    found: set[str] = set()
    for given in setting_values(project, "task_queues"):
        names: list[Any]
        if isinstance(given, Table):
            names = list(given) if given.complete else [UNKNOWN]
        elif isinstance(given, (list, tuple, set)):
            names = [name for queue in given for name in _names_of(queue)]
        else:
            names = [] if given is None else [UNKNOWN]
        if not all(isinstance(name, str) for name in names):
            return None
        found.update(names)
    return frozenset(found)


def _names_of(queue: Any) -> list[Any]:
    """Return the settled name and alias of a queue that is created by a call."""
    if not isinstance(queue, Called) or not isinstance(queue.target, Target):
        return [queue]
    if not queue.target.path.startswith("kombu.") or None in queue.keywords:
        return [UNKNOWN]
    name = queue.args[0] if queue.args else queue.keywords.get("name", UNKNOWN)
    return [name, queue.keywords.get("alias", name)]
