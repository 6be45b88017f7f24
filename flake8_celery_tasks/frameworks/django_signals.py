"""Django's signals about models: which functions receive them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, cast

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Invoke, Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.resolution.project import Project


_RECEIVER: Final = "django.dispatch.receiver"

#: Signals that are sent while a change is being written.
_SIGNALS: Final = frozenset({"m2m_changed", "post_delete", "post_save", "pre_delete", "pre_save"})
_WRITTEN: Final = tuple(signal.encode() for signal in sorted(_SIGNALS))


def signal_received(project: Project, module: Module, function: Site) -> str | None:
    """Return a model signal that a function receives, given the site of its body."""
    place = module.place.path, function.scope.qualname
    return received_here(project, module, function) or _connected_elsewhere(project, place)


def received_here(project: Project, module: Module, function: Site) -> str | None:
    """Return the signal that a function's own module connects it to.

    If other modules connect it, they may also connect it to signals that send something else than an instance.
    """
    node, outside = cast("FunctionNode", function.node), cast("Site", function.parent)
    for decorator in node.decorator_list:
        value = module.value(decorator, outside.scope)
        signal = _first(value, "signal") if isinstance(value, Invoke) else None
        if signal is not None and isinstance(value, Invoke) and _connects(project, module, value.func):
            return _signal_in(project, module, signal)
    return _connected(module, project).get(node.name)


def _first(call: Invoke, name: str) -> Value | None:
    """Return the first argument of a call, by position or by name."""
    return call.args[0] if call.args else dict(call.keywords).get(name)


def _connects(project: Project, module: Module, value: Value) -> bool:
    """Return whether a decorator is Django's `receiver`, or one of the project's that connects its argument."""
    target = project.resolve(value.path, module) if isinstance(value, Ref) else None
    if target is None or target.path == _RECEIVER:
        return target is not None
    symbol = target.symbol
    return isinstance(symbol, Function) and (
        "connect" in symbol.attributes
        or any(project.path_of(Ref(path), target.module or module) == _RECEIVER for path in symbol.mentions)
    )


def _signal_in(project: Project, module: Module, value: Value) -> str | None:
    """Return a model signal that a value is or contains."""
    for item in getattr(value, "items", (value,)):
        owner, _, name = project.path_of(item, module).rpartition(".")
        if owner == "django.db.models.signals" and name in _SIGNALS:
            return name
    return None


@query()
def _connected(module: Module, project: Project) -> dict[str, str]:
    """Return the model signals that functions are connected to by `post_save.connect(function)`."""
    found: dict[str, str] = {}
    for receiver, signal, _ in _connections(project, module):
        if isinstance(receiver, ast.Name):
            found.setdefault(receiver.id, signal)
    return found


@query(shared=True)
def _connected_elsewhere(project: Project, place: tuple[str, str]) -> str | None:
    """Return the signal that a function is connected to in another module, as in a Django app's `ready()`.

    The function is identified by file and qualified name. Like calls, it is looked for under its own name: only modules
    whose texts contain that are parsed.
    """
    name = encoded(place[1].rpartition(".")[2])
    for path, text in _connecting(project):
        signal = _connected_in(project, path).get(place) if name in text else None
        if signal is not None:
            return signal
    return None


@query(shared=True)
def _connecting(project: Project) -> list[tuple[str, bytes]]:
    """Return the files outside tests that may connect functions to model signals, with their texts."""
    texts = ((path, project.files.current(path) or b"") for path in project.files.calling("connect"))
    return [
        (path, text)
        for path, text in texts
        if any(signal in text for signal in _WRITTEN) and not project.layout.is_test(project.layout.place(path))
    ]


@query(shared=True)
def _connected_in(project: Project, path: str) -> dict[tuple[str, str], str]:
    """Return the model signals that a file connects functions to, which are identified as above."""
    found: dict[tuple[str, str], str] = {}
    module = project.module(path)
    if module is not None:
        with project.holding(module):
            for receiver, signal, site in _connections(project, module):
                value = module.value(receiver, site.scope)
                target = project.resolve(value.path, module) if isinstance(value, Ref) else Target("")
                if target.module is not None and isinstance(target.symbol, Function) and not target.rest:
                    found.setdefault((target.module.place.path, target.symbol.qualname), signal)
    return found


def _connections(project: Project, module: Module) -> Iterator[tuple[ast.expr, str, Site]]:
    """Yield what a module connects to model signals, with the signals."""
    for call, site in module.calls_of("connect"):
        func = call.func
        connected = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "receiver")]
        if isinstance(func, ast.Attribute) and connected:
            signal = _signal_in(project, module, module.value(func.value, site.scope))
            if signal is not None:
                yield connected[0], signal, site
