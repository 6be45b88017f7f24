"""The broker of a project: which one it is, and how long it holds a message back that is not acknowledged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.configuration import configurations
from flake8_celery_tasks.project import Called, Table, Target
from flake8_celery_tasks.recognise import APP_GETTERS, app_made_by
from flake8_celery_tasks.settings import given_in, given_to, spellings
from flake8_celery_tasks.values import Joined

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.collect import Site
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project
    from flake8_celery_tasks.values import Value

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


def patience(project: Project) -> Patience | None:
    """Return how long the project's broker waits for an acknowledgement, None where it waits for ever or is not known.

    Where the settings give several timeouts the longest counts.
    """
    if "patience" not in project.memo:
        project.memo["patience"] = _patience(project)
    known: Patience | None = project.memo["patience"]
    return known


def _patience(project: Project) -> Patience | None:
    broker = project.options.celery_broker or _broker(project)
    if broker not in _DEFAULTS:
        return None
    timeouts: list[float] = []
    for options in project.setting("broker_transport_options"):
        if not isinstance(options, Table) or not options.complete:
            return None
        timeout = options.get("visibility_timeout", _DEFAULTS[broker])
        if not isinstance(timeout, (int, float)):
            return None
        timeouts.append(timeout)
    if not timeouts and next(project.files_with(b"visibility_timeout"), None) is not None:
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
    seen = set(project.files_with(*(name.encode() for name in spellings(setting))))
    for path in sorted({item.path for item in configurations(project)} - seen - {""}):
        found = project.module(path)
        assert found is not None  # or it would not be known as the configuration
        yield from ((value, found) for value in given_in(found, frozenset(spellings(setting))))
    for module in modules_with_apps(project):
        for call, site in module.candidates.calls:
            for keyword in call.keywords:
                if keyword.arg == argument and makes_app(project, module, call, site):
                    yield module.value(keyword.value, site.scope), module


def modules_with_apps(project: Project) -> Iterator[Module]:
    """Yield the modules outside tests that may make an app."""
    for path in project.files_with(b"elery("):
        module = None if project.layout.is_test(project.layout.place(path)) else project.module(path)
        if module is not None:
            yield module


def makes_app(project: Project, module: Module, call: ast.Call, site: Site) -> bool:
    """Return whether a call makes an app."""
    app = app_made_by(project, module.value(call, site.scope), module)
    return app is not None and app.path not in APP_GETTERS


def written(project: Project, value: Value, module: Module) -> Any:
    """Return a URL as far as it is written: its first part, or the default of a variable; settled where it is none."""
    text: Any = project.settle(value.parts[0] if isinstance(value, Joined) else value, module)
    if isinstance(text, Called) and isinstance(text.target, Target) and text.target.path.endswith(_ENVIRONMENT):
        text = text.args[1] if len(text.args) > 1 else text.keywords.get("default", text)
    return text


def _scheme(project: Project, value: Value, module: Module) -> str:
    text = written(project, value, module)
    return text.partition("://")[0].partition("+")[0].lower() if isinstance(text, str) and "://" in text else ""
