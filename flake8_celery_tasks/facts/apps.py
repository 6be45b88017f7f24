"""The apps that a file makes, and the receivers that it connects to signals."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.celery_model.objects import AppThing
from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.resolution.project import Project


#: Signals of an app.
_OF_APP: Final = frozenset({"on_after_configure", "on_after_finalize", "on_after_fork", "on_configure"})


class AppMade:
    """A call that makes a Celery app outside of any task: of `Celery`, or of a class that inherits from it."""

    def __init__(self, project: Project, module: Module, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site


@query()
def apps_made_in(context: FileContext) -> list[AppMade]:
    """Return the calls that make a Celery app; what calls a factory of the project makes none, the factory does."""
    found = []
    project, module = context.project, context.module
    # A class that inherits from `Celery` may be called anything.
    classes = context.calls_where(lambda name: name[:1].isupper()) if module.source.may_hold("elery") else []
    for call, site in classes:
        if not apps.makes_app(project, module, call, site):
            continue
        value = module.value(call.func, site.scope)
        target = project.resolve(value.path, module) if isinstance(value, Ref) else None
        if target is not None and not isinstance(target.symbol, Function):
            found.append(AppMade(project, module, call, site))
    return found


class Connection:
    """A receiver that is connected to a signal of Celery or of an app: by a call, or as a decorator (`function`)."""

    def __init__(
        self,
        context: FileContext,
        signal: str,
        node: ast.expr,
        site: Site,
        call: ast.Call | None,
        function: FunctionNode | None,
    ) -> None:
        self.context = context
        self.project = context.project
        self.module = context.module
        self.signal = signal
        self.node = node
        self.site = site
        self.call = call
        self.function = function

    @property
    def receiver(self) -> ast.expr | None:
        """What the call is given first, None where it is given nothing or there is none."""
        return self.call.args[0] if self.call is not None and self.call.args else None


def connections(context: FileContext) -> Iterator[Connection]:
    """Yield the receivers that a file connects, those of decorators first."""
    decorators: set[int] = set()
    for function, site, _ in context.module.candidates.functions:
        for node in function.decorator_list:
            call = node if isinstance(node, ast.Call) else None
            signal = signal_of(context, call.func if call else node, site)
            if signal:
                decorators.add(id(node))
                yield Connection(context, signal, node, site, call, function)
    for call, site in context.module.candidates.calls:
        if id(call) not in decorators:
            signal = signal_of(context, call.func, site)
            if signal:
                yield Connection(context, signal, call, site, call, None)


def signal_of(context: FileContext, node: ast.expr, site: Site) -> str:
    """Return the name of the signal whose `connect` an expression is, the empty text for anything else."""
    if not isinstance(node, ast.Attribute) or node.attr != "connect":
        return ""
    value = context.module.value(node.value, site.scope)
    if isinstance(value, Ref):
        path = context.project.resolve(value.path, context.module).path
        owner, _, name = path.rpartition(".")
        if owner == "celery.signals":
            return name
    owner_node = node.value
    if isinstance(owner_node, ast.Attribute) and owner_node.attr in _OF_APP:
        return owner_node.attr if isinstance(context.thing(owner_node.value, site), AppThing) else ""
    return ""
