"""Candidates to facts, when all names of the module are known. Each kind of fact is made when a rule asks for it."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.module import is_none
from flake8_celery_tasks.binding.nodes import dotted, unsubscripted
from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, IMPORT, MODULE
from flake8_celery_tasks.binding.values import Invoke, Member, Ref
from flake8_celery_tasks.catalog.methods import INVOKING
from flake8_celery_tasks.celery_model import apps, definitions, objects
from flake8_celery_tasks.celery_model.objects import AppThing, CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.core.memo import Once
from flake8_celery_tasks.facts import canvas, schedules, settings
from flake8_celery_tasks.facts.calls import Invocation, OnCommit, Raise, TaskCall
from flake8_celery_tasks.facts.canvas import Canvas
from flake8_celery_tasks.facts.imports import Sent, TaskImport
from flake8_celery_tasks.facts.schedules import BeatEntry, Crontab
from flake8_celery_tasks.facts.settings import Setting
from flake8_celery_tasks.facts.task import Task, run_of
from flake8_celery_tasks.frameworks import django_transactions
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode, Scope, Site
    from flake8_celery_tasks.binding.symbols import Class, Function
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.resolution.project import Project


#: Exceptions of Celery that steer a task.
STEERING: Final = frozenset({"celery.exceptions.Retry", "celery.exceptions.Reject", "celery.exceptions.Ignore"})


class Facts(Once):
    """The facts of one file."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module
        self._found = {}
        self._things: dict[tuple[int, int], Thing | None] = {}  # of calls, by the identities of node and site

    def of(self, kind: type) -> Iterable[Any]:
        """Return the facts of a kind, in source order."""
        return KINDS[kind](self)

    @cached_property
    def tasks(self) -> list[Task]:
        """The task definitions of the file."""
        found: list[Task] = []
        for node, site, scope in self.module.candidates.functions:
            if node.decorator_list:
                definition = definitions.definition(self.project, self.module, self._function(node, site))
                if definition is not None:
                    found.append(Task(self.project, definition, node, site, scope))
        for cls, site, scope in self.module.candidates.classes:
            if cls.bases and run_of(scope):
                definition = definitions.class_definition(self.project, self.module, self._class(cls, site))
                if definition is not None:
                    found.append(Task(self.project, definition, cls, site, scope))
        return found

    def _function(self, node: FunctionNode, site: Site) -> Function:
        return self.module.symbol_of(node, site)  # type: ignore[return-value]

    def _class(self, node: ast.ClassDef, site: Site) -> Class:
        return self.module.symbol_of(node, site)  # type: ignore[return-value]

    @cached_property
    def _by_function(self) -> dict[int, Task]:
        return {id(task.function): task for task in self.tasks}

    def task_at(self, site: Site) -> Task | None:
        """Return the task in whose function a place stands, functions inside it included."""
        for around in site.chain():
            if around.kind == FUNCTION and id(around.node) in self._by_function:
                return self._by_function[id(around.node)]
        return None

    @cached_property
    def task_calls(self) -> list[TaskCall]:
        """The calls of `retry` and `replace` on a task, from inside."""
        found = []
        for call, site in self.module.candidates.calls:
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr in ("retry", "replace"):
                task = self.task_at(site)
                if self._is_task(func.value, site, task):
                    found.append(TaskCall(self.project, self.module, task, call, site))
        return found

    def is_running_task(self, receiver: ast.expr, site: Site) -> bool:
        """Return whether an expression is the task in whose function it stands: `self`, its name, `current_task`."""
        return self._is_task(receiver, site, self.task_at(site))

    def _is_task(self, receiver: ast.expr, site: Site, task: Task | None) -> bool:
        """Return whether a receiver is the task that runs: its bound parameter, its name, `current_task`."""
        if isinstance(receiver, ast.Name) and task is not None and receiver.id == task.me:
            found = site.scope.find(receiver.id)
            # An inner function may have a parameter of the same name.
            return found is not None and len(found[1]) == 1 and found[0].node is task.function
        value = self.module.value(receiver, site.scope)
        if isinstance(value, Ref):
            target = self.project.resolve(value.path, self.module)
            if target.path == "celery.current_task":
                return True
            return task is not None and definitions.place_of(target) == task.definition.place and not target.rest
        return self._is_self_of_task_class(receiver, site)

    def _is_self_of_task_class(self, receiver: ast.expr, site: Site) -> bool:
        if not isinstance(receiver, ast.Name):
            return False
        function = site.function()
        if function is None or not function.args.args or function.args.args[0].arg != receiver.id:
            return False
        for around in site.chain():
            if isinstance(around.node, ast.ClassDef) and around.parent is not None and function in around.node.body:
                symbol = self._class(around.node, around.parent)
                target = Target(f"{self.module.prefix}{symbol.qualname}", self.module, symbol)
                return apps.is_task_class(self.project, target) is True
        return False

    @cached_property
    def raises(self) -> list[Raise]:
        """The `raise` statements in tasks that steer them: `Retry`, `Reject`, `Ignore`."""
        found = []
        for node, site in self.module.candidates.raises:
            exception = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if exception is None:
                continue
            value = self.module.value(exception, site.scope)
            if isinstance(value, Ref):
                target = self.project.resolve(value.path, self.module)
                task = self.task_at(site) if target.path in STEERING else None
                if task is not None:
                    found.append(Raise(task, node, site, target.path))
        return found

    @cached_property
    def _calls_by_name(self) -> dict[str, list[tuple[ast.Call, Site]]]:
        found: dict[str, list[tuple[ast.Call, Site]]] = {}
        meanings: dict[tuple[str, int], set[str]] = {}
        for call, site in self.module.candidates.calls:
            func = unsubscripted(call.func)
            if isinstance(func, ast.Attribute):
                found.setdefault(func.attr, []).append((call, site))
            elif isinstance(func, ast.Name):
                key = (func.id, id(site.scope))
                names = meanings.get(key)
                if names is None:
                    names = meanings[key] = self._meanings(func.id, site.scope)
                for name in names:
                    found.setdefault(name, []).append((call, site))
        return found

    def _meanings(self, name: str, scope: Scope) -> set[str]:
        """Return the last parts of what a name may stand for: itself, what is imported under it, what it is set to."""
        names = {name}
        bound = scope.find(name)
        for binding in bound[1] if bound else ():
            if binding.kind == IMPORT:
                names.add(binding.path.rpartition(":")[2].rpartition(".")[2])
            elif binding.kind == ASSIGN:
                root, attributes = dotted(binding.node)  # type: ignore[arg-type]
                if attributes:
                    names.add(attributes[-1])
                elif isinstance(root, ast.Name) and root.id != name:
                    names |= (
                        self._meanings(root.id, self.module.candidates.scope) if scope.kind != MODULE else {root.id}
                    )
        return names

    def calls_named(self, *names: str) -> list[tuple[ast.Call, Site]]:
        """Return the calls, in source order, whose function may be called so: by its own name or by an import's.

        It is a cheap look before names are followed: a rule that asks for few names pays for few calls.
        """
        found = {id(call): (call, site) for name in names for call, site in self._calls_by_name.get(name, ())}
        return sorted(found.values(), key=lambda item: (item[0].lineno, item[0].col_offset))

    def thing(self, node: ast.expr, site: Site) -> Thing | None:
        """Return what an expression is in Celery's terms; a bound task's first parameter is the task."""
        # Methods of something that only a node tells of: of the bound task, of the app of a task. A chain can be long.
        calls: list[tuple[ast.Call, str, Invoke]] = []
        owner = node
        while isinstance(owner, ast.Call) and (id(owner), id(site)) not in self._things:
            value, func = self.module.value(owner, site.scope), owner.func
            if not isinstance(value, Invoke) or not isinstance(func, ast.Attribute):
                break
            if not isinstance(value.func, Member) and getattr(func.value, "attr", "") != "app":
                break
            calls.append((owner, func.attr, value))
            owner = func.value
        thing = self._thing(owner, site)
        for call, method, value in reversed(calls):
            thing = objects.of_method(self.project, thing, method, value, self.module)
            self._things[id(call), id(site)] = thing
        return thing

    def _thing(self, node: ast.expr, site: Site) -> Thing | None:
        if (id(node), id(site)) in self._things:
            return self._things[id(node), id(site)]
        if isinstance(node, ast.Name):
            task = self.task_at(site)
            if task is not None and node.id == task.me and task.bound is True:
                return TaskThing(task.definition)
        elif (
            isinstance(node, ast.Attribute)
            and node.attr == "app"
            and getattr(node.value, "attr", "") != "app"
            and isinstance(self.thing(node.value, site), TaskThing)
        ):
            return AppThing(apps.App("celery.current_app"))
        return objects.thing_of(self.project, self.module.value(node, site.scope), self.module)

    @cached_property
    def invocations(self) -> list[Invocation]:
        """The calls that send a task or make a signature."""
        found = []
        by_function = {id(call) for call, _ in self.calls_named("signature", "subtask")}
        for call, site in self.calls_named(*INVOKING, "signature", "subtask"):
            func = call.func
            thing: Thing | None = None
            method = ""
            if isinstance(func, ast.Attribute) and func.attr in INVOKING:
                thing = self.thing(func.value, site)
                if _can(thing, func.attr):
                    method = func.attr
            if not method and id(call) in by_function:
                value = self.module.value(func, site.scope)
                if isinstance(value, Ref) and self.project.resolve(value.path, self.module).path == "celery.signature":
                    method, thing = "signature", None
            if method:
                statement = id(call) in self.module.candidates.statements
                task = self.task_at(site)
                found.append(
                    Invocation(self.project, self.module, call, site, method, thing, task, is_statement=statement)
                )
        return found

    @cached_property
    def on_commits(self) -> list[OnCommit]:
        """The calls of Django's `on_commit`."""
        return [
            OnCommit(call, site)
            for call, site in self.calls_named("on_commit")
            if django_transactions.is_on_commit(self.project, self.module, call, site)
        ]

    @cached_property
    def canvases(self) -> list[Canvas]:
        """The chains, groups and chords that the file makes."""
        return canvas.canvases(self)

    @cached_property
    def canvas_at(self) -> dict[int, Canvas]:
        """The canvas that a call or `|` makes, by the identity of its node."""
        return {id(made.node): made for made in self.canvases}

    @cached_property
    def call_sites(self) -> dict[int, Site]:
        """Where each call stands, by the identity of its node."""
        return {id(call): site for call, site in self.module.candidates.calls}

    @cached_property
    def call_of(self) -> dict[int, tuple[ast.Call, Site]]:
        """The call of an expression, and where it stands, by the identity of the expression's node."""
        return {id(call.func): (call, site) for call, site in self.module.candidates.calls}

    @cached_property
    def around_invocations(self) -> set[int]:
        """What stands around the calls that send or sign a task: the identities of statements, functions, lambdas."""
        return {id(around.node) for call in self.invocations for around in call.site.chain()}

    @cached_property
    def imports(self) -> list[TaskImport]:
        """The imported names through which tasks are sent."""
        found: dict[int, TaskImport] = {}
        for node, site in self.module.candidates.sends:
            root, attributes = dotted(node.value)
            if isinstance(root, ast.Call) and not attributes:  # Class().delay()
                root, attributes = dotted(root.func)
            if not isinstance(root, ast.Name):
                continue
            binding = self._import(root.id, site.scope)
            if binding is None:
                continue
            sent = self._sent(binding, attributes, node, site)
            if sent is not None:
                if id(binding) not in found:
                    found[id(binding)] = TaskImport(self, binding)
                fact = found[id(binding)]
                fact.sent.setdefault(sent.path, sent)
                fact.places.append(sent)
        return sorted(found.values(), key=lambda fact: (fact.node.lineno, fact.node.col_offset))  # type: ignore[attr-defined]

    def _import(self, name: str, scope: Scope) -> Binding | None:
        found = scope.find(name)
        if found is None:
            return None
        bindings = [binding for binding in found[1] if not is_none(binding)]
        return bindings[0] if bindings and all(binding.kind == IMPORT for binding in bindings) else None

    def _sent(self, binding: Binding, attributes: tuple[str, ...], node: ast.Attribute, site: Site) -> Sent | None:
        path = binding.path
        if attributes:
            path += ("" if path.endswith(":") else ".") + ".".join(attributes)
        target = self.project.resolve(path, self.module)
        definition = definitions.definition_of(self.project, target)
        if definition is not None:
            return Sent(target.path, definition, definition.module.place.path, node, site)
        # A module of the project that is not there, or can't be parsed.
        *folders, _ = target.path.split(".")
        if target.unread and "tasks" in folders:
            file = self.project.layout.find(".".join(folders), self.module.place.root) or ""
            return Sent(target.path, None, file if file.endswith(".py") else "", node, site)
        return None

    @cached_property
    def crontabs(self) -> list[Crontab]:
        """The calls of `crontab`."""
        return list(schedules.crontabs(self.project, self.module))

    @cached_property
    def configured(self) -> tuple[list[Setting], list[BeatEntry]]:
        """The places that configure Celery, and the entries of its beat schedules."""
        return settings.read(self)

    @cached_property
    def makes_app(self) -> bool:
        """Whether the module creates a Celery app: it may know all tasks."""
        scope = self.module.candidates.scope
        named = [binding for name in apps.APP_NAMES for binding in scope.bindings.get(name, ())]
        calls = self.calls_named(*(name for name in self._calls_by_name if "celery" in name.lower()))
        nodes = [(binding.node, binding.site) for binding in named if binding.kind == ASSIGN]
        for node, site in (*nodes, *calls):
            if isinstance(node, ast.Call):
                app = apps.app_made_by(self.project, self.module.value(node, site.scope), self.module)
                if app is not None and app.path not in apps.APP_GETTERS:
                    return True
        return False


def _can(thing: Thing | None, method: str) -> bool:
    """Return whether a thing has a method that sends or signs."""
    if isinstance(thing, AppThing):
        return method in ("send_task", "signature")
    if isinstance(thing, TaskThing):
        return method not in ("send_task", "set")
    return isinstance(thing, (SignatureThing, CanvasThing)) and method not in ("send_task", "s", "si", "signature")


KINDS: Final[dict[type, Callable[[Facts], Iterable[Any]]]] = {
    Task: lambda facts: facts.tasks,
    TaskCall: lambda facts: facts.task_calls,
    Raise: lambda facts: facts.raises,
    TaskImport: lambda facts: facts.imports,
    Invocation: lambda facts: facts.invocations,
    OnCommit: lambda facts: facts.on_commits,
    Canvas: lambda facts: facts.canvases,
    Crontab: lambda facts: facts.crontabs,
    BeatEntry: lambda facts: facts.configured[1],
    Setting: lambda facts: facts.configured[0],
    Facts: lambda facts: [facts],
}
