"""The brokers and result backends that the project names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.symbols import Bound
from flake8_celery_tasks.binding.values import Invoke, Joined, Ref
from flake8_celery_tasks.celery_model.apps import makes_app, modules_with_apps, own_apps
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


#: The URL schemes of kombu's transports, with the broker behind each.
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

#: Transports for tests and development, which say nothing about the broker in production.
_PASSING: Final = frozenset({"filesystem", "memory"})

#: Seconds after which a message that was not acknowledged is redelivered, by kombu's defaults.
DEFAULTS: Final = {"redis": 3600, "sqs": 1800}

#: Functions that read an environment variable and accept a default.
_ENVIRONMENT: Final = ("decouple.config", "environ.get", "getenv")
_READERS: Final = frozenset({"environ.Env", "environ.FileAwareEnv", "environs.Env"})

#: Functions that convert their argument to another type.
_CONVERSIONS: Final = frozenset({"builtins.bool", "builtins.str", "distutils.util.strtobool"})


class Patience(NamedTuple):
    """A broker, and the number of seconds after which it redelivers an unacknowledged message."""

    broker: str
    seconds: float


@query()
def patience(project: Project) -> Patience | None:
    """Return how long the project's broker waits for an acknowledgement, None if it waits forever or is not known.

    If the settings give several timeouts, the longest applies.
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
    """Return the broker that the project's settings agree on, None if they disagree or can't be resolved."""
    found: set[str | None] = set()
    for value, module in urls(project, "broker_url", "broker", running=True):
        scheme = "" if module is None else _scheme(project, value, module)
        if scheme not in _PASSING:
            found.add(_TRANSPORTS.get(scheme))
    return found.pop() if len(found) == 1 else None


def urls(
    project: Project, setting: str, argument: str, *, running: bool = False
) -> Iterator[tuple[Value, Module | None]]:
    """Yield the values of a setting, and of the same argument of the project's apps; None for one that can't be read.

    With `running`, values that apply only to development or tests are skipped.
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
    """Return as much of a URL as is written in the code: its first part, a variable's default, or the settled value."""
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
    """Return a call's result if its environment variable is not set; None if it reads none, or fails without it."""
    if not isinstance(call.func, Ref):
        return None
    target = project.resolve(call.func.path, module)
    if target.path in _CONVERSIONS:
        return call.args[0] if len(call.args) == 1 else None
    if not target.path.endswith(_ENVIRONMENT) and not _is_reader(project, target):
        return None
    return call.args[1] if len(call.args) > 1 else dict(call.keywords).get("default")


def _is_reader(project: Project, target: Target) -> bool:
    """Return whether a name leads to an `Env()` of django-environ or environs, or to one of its methods."""
    made = target.symbol.value if isinstance(target.symbol, Bound) and len(target.rest) <= 1 else None
    if not isinstance(made, Invoke) or not isinstance(made.func, Ref) or target.module is None:
        return False
    return project.resolve(made.func.path, target.module).path in _READERS


def _scheme(project: Project, value: Value, module: Module) -> str:
    text = written(project, value, module)
    return text.partition("://")[0].partition("+")[0].lower() if isinstance(text, str) and "://" in text else ""


#: Values that switch results off, apart from None (`celery/app/backends.py`).
_NONE: Final = frozenset({"", "disabled", "disabled://"})


@query()
def backend(project: Project) -> bool | None:
    """Return whether results are stored anywhere, None if it can't be determined.

    One place that names a backend is enough. Their absence is certain only if the project creates its apps itself and
    all of their configuration can be resolved. The environment variable `CELERY_RESULT_BACKEND` can still override it.
    """
    found = _named(project)
    if True in found:
        return True
    return False if None not in found and is_all_read(project) else None


def has_sign_of_backend(project: Project) -> bool:
    """Return whether something says that results are stored: a backend is named, or another project has the app."""
    return not _named(project) <= {False} or not own_apps(project)


@query()
def _named(project: Project) -> frozenset[bool | None]:
    """Return for each place that may name a result backend whether it does, None if it can't be determined."""
    return frozenset(
        None if module is None else _names_one(written(project, value, module))
        for value, module in urls(project, "result_backend", "backend")
    )


#: Result backends whose chords also count results that are not stored.
_COUNTING: Final = frozenset({"redis", "rediss", "sentinel", "valkey", "valkeys"})


@query()
def may_count_ignored(project: Project) -> bool:
    """Return whether the project's result backend may be one whose chords do not wait for stored results.

    True if a URL is a Redis URL or can't be resolved; false if the project names no backend.
    """
    found = ((value, module) for value, module in urls(project, "result_backend", "backend"))
    schemes = {None if module is None else _scheme(project, value, module) for value, module in found}
    return None in schemes or "" in schemes or not schemes.isdisjoint(_COUNTING)


def _names_one(value: object) -> bool | None:
    if value is None:
        return False
    return value not in _NONE if isinstance(value, str) else None


#: Backends that keep results in a table and check nothing before they store another one.
_TABLES: Final = ("database", "db+", "django-db", "django_celery_results.backends.database")


@query()
def may_be_database(project: Project) -> bool:
    """Return whether the project, outside development and tests, may name a database as its result backend.

    True if a file that names the backend can't be parsed.
    """
    given = urls(project, "result_backend", "backend", running=True)
    names = ("database" if module is None else written(project, value, module) for value, module in given)
    return any(isinstance(name, str) and name.startswith(_TABLES) for name in names)
