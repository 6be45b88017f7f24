"""Brokers and result backends that the project names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.symbols import Bound
from flake8_celery_tasks.binding.values import Invoke, Joined, Ref
from flake8_celery_tasks.celery_model.apps import makes_app, modules_with_apps
from flake8_celery_tasks.celery_model.configuration import display, is_all_read, places_of
from flake8_celery_tasks.celery_model.settings import is_passing, setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.resolution.resolver import HOPS, Target

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


#: The transport of a URL, and the broker behind it, by kombu's names.
_TRANSPORTS: Final = {
    "amqp": "amqp",
    "amqps": "amqp",
    "librabbitmq": "amqp",
    "pyamqp": "amqp",
    "redis": "redis",
    "rediss": "redis",
    "sentinel": "redis",
    "sqs": "sqs",
    "valkey": "redis",
    "valkeys": "redis",
}

#: Transports of tests and of development, which say nothing of the broker that a project runs on.
_PASSING: Final = frozenset({"filesystem", "memory"})

#: Seconds after which a message that is not acknowledged is delivered again, by kombu's defaults.
DEFAULTS: Final = {"redis": 3600, "sqs": 1800}

#: Functions that read the environment and take a default.
_ENVIRONMENT: Final = ("decouple.config", "environ.get", "getenv")
_READERS: Final = frozenset({"environ.Env", "environ.FileAwareEnv", "environs.Env"})

#: Functions that change the type of what they are given.
_CONVERSIONS: Final = frozenset({"builtins.bool", "builtins.str", "distutils.util.strtobool"})


class Patience(NamedTuple):
    """A broker, and the seconds after which it delivers a message again that is not acknowledged."""

    broker: str
    seconds: float


@query()
def patience(project: Project) -> Patience | None:
    """Return how long the project's broker waits for an acknowledgement, None where it waits forever or is not known.

    Where the settings give several timeouts the longest counts.
    """
    broker = project.options.celery_broker or _broker(project)
    if broker not in DEFAULTS:
        return None
    timeouts: list[float] = []
    for options in setting_values(project, "broker_transport_options"):
        if not isinstance(options, Table) or not options.complete:
            return None
        timeout = options.get("visibility_timeout", DEFAULTS[broker])
        if not isinstance(timeout, (int, float)):
            return None
        timeouts.append(timeout)
    if not timeouts and next(project.files.holding(b"visibility_timeout"), None) is not None:
        return None
    return Patience(broker, max(timeouts, default=DEFAULTS[broker]))


def _broker(project: Project) -> str | None:
    """Return the broker that the project's settings agree on, None where one of them can't be read."""
    found: set[str | None] = set()
    for value, module in urls(project, "broker_url", "broker", running=True):
        scheme = "" if module is None else _scheme(project, value, module)
        if scheme not in _PASSING:
            found.add(_TRANSPORTS.get(scheme))
    return found.pop() if len(found) == 1 else None


def urls(
    project: Project, setting: str, argument: str, *, running: bool = False
) -> Iterator[tuple[Value, Module | None]]:
    """Yield what the project gives to a setting, and to its apps as an argument; None for what can't be read.

    With `running`, what is for development or tests only is left out.
    """
    yield from places_of(project, setting, running=running)
    for module in modules_with_apps(project):
        if running and is_passing(module.place.name):
            continue
        for call, site in module.candidates.calls:
            given = list(_given(project, module, call, site, argument))
            if given and makes_app(project, module, call, site):
                yield from ((module.value(node, place.scope), module) for node, place in given)


#: The positions of arguments of `Celery(...)`.
_POSITIONS: Final = {"backend": 2, "broker": 9}


def _given(
    project: Project, module: Module, call: ast.Call, site: Site, argument: str
) -> Iterator[tuple[ast.expr, Site]]:
    """Yield what a call gives to a parameter of `Celery`: by name, by position, in a dict that is spread."""
    index = _POSITIONS[argument]
    if len(call.args) > index and last_name(call.func) == "Celery":
        yield call.args[index], site
    for keyword in call.keywords:
        if keyword.arg == argument:
            yield keyword.value, site
        elif keyword.arg is None:
            shown = display(project, module, keyword.value, site)
            pairs = () if shown is None else shown[0]
            yield from ((written.value, written.site) for key, written in pairs if key == argument)


def written(project: Project, value: Value, module: Module) -> Any:
    """Return a URL as far as it is written: its first part, or the default of a variable; settled where it is none."""
    for _ in range(HOPS):
        if isinstance(value, Joined):
            value = value.parts[0]
            continue
        target = project.resolve(value.path, module) if isinstance(value, Ref) else None
        if target is not None and isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            value, module = target.symbol.value, target.module
            continue
        default = _default(project, value, module) if isinstance(value, Invoke) else None
        if default is None:
            break
        value = default
    return project.settle(value, module)


def _default(project: Project, call: Invoke, module: Module) -> Value | None:
    """Return what a call gives where a variable of the environment is not set, None where it reads none, or fails."""
    if not isinstance(call.func, Ref):
        return None
    target = project.resolve(call.func.path, module)
    if target.path in _CONVERSIONS:
        return call.args[0] if len(call.args) == 1 else None
    if not target.path.endswith(_ENVIRONMENT) and not _is_reader(project, target):
        return None
    return call.args[1] if len(call.args) > 1 else dict(call.keywords).get("default")


def _is_reader(project: Project, target: Target) -> bool:
    """Return whether a name leads to an `Env()` of django-environ or environs, or to a method of it."""
    made = target.symbol.value if isinstance(target.symbol, Bound) and len(target.rest) <= 1 else None
    if not isinstance(made, Invoke) or not isinstance(made.func, Ref) or target.module is None:
        return False
    return project.resolve(made.func.path, target.module).path in _READERS


def _scheme(project: Project, value: Value, module: Module) -> str:
    text = written(project, value, module)
    return text.partition("://")[0].partition("+")[0].lower() if isinstance(text, str) and "://" in text else ""


#: What switches results off, besides nothing at all (`celery/app/backends.py`).
_NONE: Final = frozenset({"", "disabled", "disabled://"})


@query()
def backend(project: Project) -> bool | None:
    """Return whether results are stored anywhere, None where it can't be told.

    One place that names a backend is enough. None is certain only where the project makes its apps itself, and all
    that configures them can be read. An environment variable, `CELERY_RESULT_BACKEND`, may still say otherwise.
    """
    found = {
        None if module is None else _names_one(written(project, value, module))
        for value, module in urls(project, "result_backend", "backend")
    }
    if True in found:
        return True
    return False if None not in found and is_all_read(project) else None


#: Result backends whose chords count results that are not stored too.
_COUNTING: Final = frozenset({"redis", "rediss", "sentinel", "valkey", "valkeys"})


@query()
def may_count_ignored(project: Project) -> bool:
    """Return whether the project's result backend may be one whose chords do not wait for results that are stored.

    It may where a URL is of Redis or can't be read, and not where the project names none.
    """
    found = ((value, module) for value, module in urls(project, "result_backend", "backend"))
    schemes = {None if module is None else _scheme(project, value, module) for value, module in found}
    return None in schemes or "" in schemes or not schemes.isdisjoint(_COUNTING)


def _names_one(value: object) -> bool | None:
    if value is None:
        return False
    return value not in _NONE if isinstance(value, str) else None


#: Backends that keep results in a table, and look at nothing before they store another one.
_TABLES: Final = ("database", "db+", "django-db", "django_celery_results.backends.database")


@query()
def may_be_database(project: Project) -> bool:
    """Return whether the project, outside development and tests, may name a database as its result backend.

    It may where a file that names the backend can't be parsed.
    """
    given = urls(project, "result_backend", "backend", running=True)
    names = ("database" if module is None else written(project, value, module) for value, module in given)
    return any(isinstance(name, str) and name.startswith(_TABLES) for name in names)
