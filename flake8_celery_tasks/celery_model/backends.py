"""Brokers and result backends that the project names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.values import Joined
from flake8_celery_tasks.celery_model.apps import makes_app, modules_with_apps
from flake8_celery_tasks.celery_model.configuration import configurations, display
from flake8_celery_tasks.celery_model.settings import given_in, given_to, setting_values, spellings
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
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
_DEFAULTS: Final = {"redis": 3600, "sqs": 1800}

#: Functions that read the environment and take a default.
_ENVIRONMENT: Final = ("environ.get", "getenv")


class Patience(NamedTuple):
    """A broker, and the seconds after which it delivers a message again that is not acknowledged."""

    broker: str
    seconds: float


@query()
def patience(project: Project) -> Patience | None:
    """Return how long the project's broker waits for an acknowledgement, None where it waits for ever or is not known.

    Where the settings give several timeouts the longest counts.
    """
    broker = project.options.celery_broker or _broker(project)
    if broker not in _DEFAULTS:
        return None
    timeouts: list[float] = []
    for options in setting_values(project, "broker_transport_options"):
        if not isinstance(options, Table) or not options.complete:
            return None
        timeout = options.get("visibility_timeout", _DEFAULTS[broker])
        if not isinstance(timeout, (int, float)):
            return None
        timeouts.append(timeout)
    if not timeouts and next(project.files.holding(b"visibility_timeout"), None) is not None:
        return None
    return Patience(broker, max(timeouts, default=_DEFAULTS[broker]))


def _broker(project: Project) -> str | None:
    """Return the broker that the project's settings agree on, None where one of them can't be read."""
    found: set[str | None] = set()
    for value, module in urls(project, "broker_url", "broker"):
        scheme = "" if module is None else _scheme(project, value, module)
        if scheme not in _PASSING:
            found.add(_TRANSPORTS.get(scheme))
    return found.pop() if len(found) == 1 else None


def urls(project: Project, setting: str, argument: str) -> Iterator[tuple[Value, Module | None]]:
    """Yield what the project gives to a setting, and to its apps as an argument; None for what can't be read."""
    yield from given_to(project, setting)
    # A configuration module of a few lines may hold no word of Celery.
    seen = set(project.files.holding(*(name.encode() for name in spellings(setting))))
    for path in sorted({item.path for item in configurations(project)} - seen - {""}):
        found = project.module(path)
        assert found is not None  # or it would not be known as the configuration
        yield from ((value, found) for value in given_in(found, frozenset(spellings(setting))))
    for module in modules_with_apps(project):
        for call, site in module.candidates.calls:
            for keyword in call.keywords:
                if keyword.arg == argument and makes_app(project, module, call, site):
                    yield module.value(keyword.value, site.scope), module


def written(project: Project, value: Value, module: Module) -> Any:
    """Return a URL as far as it is written: its first part, or the default of a variable; settled where it is none."""
    text: Any = project.settle(value.parts[0] if isinstance(value, Joined) else value, module)
    if isinstance(text, Called) and isinstance(text.target, Target) and text.target.path.endswith(_ENVIRONMENT):
        text = text.args[1] if len(text.args) > 1 else text.keywords.get("default", text)
    return text


def _scheme(project: Project, value: Value, module: Module) -> str:
    text = written(project, value, module)
    return text.partition("://")[0].partition("+")[0].lower() if isinstance(text, str) and "://" in text else ""


#: What switches results off, besides nothing at all (`celery/app/backends.py`).
_NONE: Final = frozenset({"", "disabled", "disabled://"})

#: What settings modules of Django hold.
_DJANGO: Final = b"INSTALLED_APPS"


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
    return False if None not in found and _is_all_read(project) else None


@query()
def is_all_parsed(project: Project) -> bool:
    """Return whether no file that can't be parsed could name a backend."""
    return all(project.module(path) is not None for path in project.files.holding(b"elery", b"ELERY"))


def _names_one(value: object) -> bool | None:
    if value is None:
        return False
    return value not in _NONE if isinstance(value, str) else None


def _is_all_read(project: Project) -> bool:
    """Return whether nothing of what configures the project's apps is out of reach."""
    modules = list(modules_with_apps(project))
    made = (makes_app(project, module, call, site) for module in modules for call, site in module.candidates.calls)
    return (
        any(made)
        and not any(_has_spread(project, module) for module in modules)
        and all(
            _has_django_settings(project) if item.is_django else bool(item.path) and _is_whole(project, item.path)
            for item in configurations(project)
        )
        and next(project.files.holding(b"config_from_envvar"), None) is None
    )


def _has_spread(project: Project, module: Module) -> bool:
    """Return whether a module configures an app, or makes it, with what can't be read."""
    for call, site in module.candidates.calls:
        owner = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "update" else None
        if isinstance(owner, ast.Attribute) and owner.attr == "conf":
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]
        elif makes_app(project, module, call, site):
            given = [keyword.value for keyword in call.keywords if keyword.arg in (None, "changes")]
        else:
            continue
        for node in given:
            shown = display(project, module, node, site)
            if shown is None or not shown[1]:
                return True
    return False


def _has_django_settings(project: Project) -> bool:
    """Return whether Django's settings are a part of the project: a package for other sites leaves them to these."""
    layout = project.layout
    return any(
        _DJANGO in (project.files.read(path) or b"")
        for path in layout.files()
        if not layout.is_test(layout.place(path))
    )


def _is_whole(project: Project, path: str) -> bool:
    """Return whether all names of a configuration module are bound in the project."""
    module = project.module(path)
    return module is not None and all(
        project.layout.find(star, module.place.root) is not None for star in module.candidates.stars
    )
