"""Facts about apps: the apps that a file creates, modules for them to load, task classes, signal receivers."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import UNKNOWN, Ref, Unknown
from flake8_celery_tasks.celery_model import apps, objects
from flake8_celery_tasks.celery_model.configuration import bound_once
from flake8_celery_tasks.celery_model.objects import AppThing
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured import settings
from flake8_celery_tasks.facts.context import Fact, FileContext
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Scope, Site
    from flake8_celery_tasks.resolution.project import Project


AUTODISCOVER: Final = "autodiscover_tasks"

#: Settings that name modules to load.
MODULES: Final = ("imports", "include")

#: The signals of an app.
_OF_APP: Final = frozenset({"on_after_configure", "on_after_finalize", "on_after_fork", "on_configure"})


class AppMade:
    """A call that creates a Celery app outside of any task, from `Celery` or a subclass."""

    def __init__(self, project: Project, module: Module, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site


@query()
def apps_made_in(context: FileContext) -> list[AppMade]:
    """Return the calls that create a Celery app. A call of a project's factory is not one; the call inside it is."""
    found = []
    project, module = context.project, context.module
    # A subclass of `Celery` can have any name.
    classes = context.calls_where(lambda name: name[:1].isupper()) if module.source.may_hold("elery") else []
    for call, site in classes:
        value = module.value(call.func, site.scope)
        if not isinstance(value, Ref) or not project.leads_to_celery(value.path, module):
            continue
        target = project.resolve(value.path, module)
        if not isinstance(target.symbol, Function) and apps.makes_app(project, module, call, site):
            found.append(AppMade(project, module, call, site))
    return found


class Connection(Fact[ast.expr]):
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
        super().__init__(context, node, site)
        self.signal = signal
        self.call = call
        self.function = function

    @property
    def receiver(self) -> ast.expr | None:
        """The first argument of the call, None if it has none or there is no call."""
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
    """Return the name of the signal whose `connect` an expression is, an empty string for any other expression."""
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


class Discovery:
    """A place that names task modules to load: a call of `autodiscover_tasks`, an `include` or `imports`.

    `what` is the method or setting. `given` is the expression that names the modules, None if a call has none.
    `related` is the name of the module to look for in each of them: None for the modules themselves, UNKNOWN if it
    can't be resolved. `is_forced` means that the modules are loaded, or may be, at the call, and not when a worker
    starts.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        what: str,
        node: ast.AST,
        site: Site,
        given: ast.expr | None,
        related: str | Unknown | None = None,
        *,
        is_forced: bool = False,
    ) -> None:
        self.project = project
        self.module = module
        self.what = what
        self.node = node
        self.site = site
        self.given = given
        self.related = related
        self.is_forced = is_forced

    @property
    def is_call(self) -> bool:
        """Whether it is a call of `autodiscover_tasks`."""
        return self.what == AUTODISCOVER

    @cached_property
    def text(self) -> str | None:
        """The string given in place of a list of names, None if there is none."""
        value = None if self.given is None else settled(self.project, self.module, self.given, self.site)
        return value if isinstance(value, str) else None

    @cached_property
    def names(self) -> list[tuple[str, ast.AST]] | None:
        """The names of the modules with their nodes, None if they can't be resolved or are those of Django's apps."""
        if self.given is None:
            return None
        node, site = self.given, self.site
        if isinstance(node, ast.Lambda):
            node = node.body
        if isinstance(node, ast.Name):
            binding = bound_once(node, site)
            if binding is None or self.module.changed(binding) is not None:
                return None
            node, site = binding.value, binding.site
        if self.text is not None and not self.is_call:
            return [(self.text, node)]
        if isinstance(node, ast.BinOp):  # `OWN + OTHERS`
            joined = settled(self.project, self.module, node, site)
            values: list[Any] = list(joined) if isinstance(joined, (list, tuple)) else [UNKNOWN]
            nodes: list[ast.expr] = [node] * len(values)
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            values = [settled(self.project, self.module, item, site) for item in node.elts]
            nodes = node.elts
        else:
            return None
        return list(zip(values, nodes, strict=True)) if all(isinstance(value, str) for value in values) else None


def discoveries(context: FileContext) -> list[Discovery]:
    """Return the places in a file that name task modules to load, in source order."""
    project, module = context.project, context.module
    found = list(discovered_by_calls(project, module))
    if any(module.source.may_hold(word) for name in MODULES for word in (name, name.upper())):
        found += [
            Discovery(project, module, setting.name, setting.node, setting.site, setting.value)
            for setting in settings.read(context)[0]
            if setting.name in MODULES
        ]
    return sorted(found, key=lambda item: start_of(item.node))


def discovered_by_calls(project: Project, module: Module) -> Iterator[Discovery]:
    """Yield the calls of `autodiscover_tasks` in a module, and the modules that its apps are created with."""
    for call, site in module.calls_of(AUTODISCOVER):
        func = call.func
        if not isinstance(func, ast.Attribute):
            continue
        thing = objects.thing_of(project, module.value(func.value, site.scope), module)
        spread = any(keyword.arg is None for keyword in call.keywords)
        if isinstance(thing, AppThing) and not spread and not any(isinstance(arg, ast.Starred) for arg in call.args):
            given = _argument(call, 0, "packages")
            if isinstance(given, ast.Constant) and given.value is None:
                given = None
            force = _argument(call, 2, "force")
            is_forced = force is not None and settled(project, module, force, site) is not False
            related = _related(project, module, call, site)
            yield Discovery(project, module, AUTODISCOVER, call, site, given, related, is_forced=is_forced)
    for call, site in module.candidates.calls:
        for keyword in call.keywords:
            if keyword.arg == "include" and apps.makes_app(project, module, call, site):
                yield Discovery(project, module, "include", keyword, site, keyword.value)


def _argument(call: ast.Call, index: int, name: str) -> ast.expr | None:
    given = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return next(iter(given or call.args[index : index + 1]), None)


def _related(project: Project, module: Module, call: ast.Call, site: Site) -> str | Unknown | None:
    node = _argument(call, 1, "related_name")
    value = "tasks" if node is None else settled(project, module, node, site)
    return value or None if isinstance(value, str) or value is None else UNKNOWN


class TaskClass:
    """A task class of the file that is not a task itself but a base of others. `target` is what its name means."""

    def __init__(self, context: FileContext, node: ast.ClassDef, scope: Scope, target: Target) -> None:
        self.project = context.project
        self.module = context.module
        self.node = node
        self.scope = scope
        self.target = target

    def place(self, name: str) -> ast.AST | None:
        """Return the node of an attribute that the class itself sets, None if it doesn't."""
        bindings = [binding for binding in self.scope.bindings.get(name, ()) if binding.kind == ASSIGN]
        return bindings[-1].statement or bindings[-1].node if bindings else None

    def value(self, name: str) -> Any:
        """Return the settled value of an attribute."""
        return self.project.class_attribute(self.target, name)


def task_classes(context: FileContext) -> Iterator[TaskClass]:
    """Yield a file's task classes that are not tasks themselves."""
    tasks = {id(task.node) for task in context.tasks}
    module = context.module
    for node, site, scope in module.candidates.classes:
        if node.bases and id(node) not in tasks:
            symbol = module.symbol_of(node, site)
            target = Target(f"{module.prefix}{symbol.qualname}", module, symbol)
            if apps.is_task_class(context.project, target) is True:
                yield TaskClass(context, node, scope, target)
