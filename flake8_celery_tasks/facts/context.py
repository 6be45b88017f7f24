"""The file being checked: its tasks, the places of its calls, and the meaning of its expressions in Celery's terms."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from flake8_celery_tasks.binding import binder
from flake8_celery_tasks.binding.nodes import dotted, unsubscripted
from flake8_celery_tasks.binding.scopes import ASSIGN, IMPORT, MODULE
from flake8_celery_tasks.binding.values import Invoke, Member, Ref
from flake8_celery_tasks.celery_model import apps, definitions, objects
from flake8_celery_tasks.celery_model.objects import AppThing, TaskThing
from flake8_celery_tasks.core.memo import Memo, lazy_pattern, query
from flake8_celery_tasks.facts.task import Task, run_of
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope, Site
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.resolution.project import Project


#: Statements by which a function binds names outside of itself.
_OUTWARD: Final = lazy_pattern(r"\b(?:global|nonlocal)\s")


class FileContext(Memo):
    """What every kind of fact about one file is computed from."""

    def __init__(self, project: Project, module: Module) -> None:
        super().__init__()
        self.project = project
        self.module = module
        self._things: dict[tuple[int, int], Thing | None] = {}  # of calls, by the identities of node and site

    @cached_property
    def tasks(self) -> list[Task]:
        """The task definitions in the file."""
        found: list[Task] = []
        for node, site, scope in self.module.candidates.functions:
            if node.decorator_list:
                definition = definitions.definition(self.project, self.module, self.module.function_of(node, site))
                if definition is not None:
                    found.append(Task(self.project, definition, node, site, scope))
        for cls, site, scope in self.module.candidates.classes:
            if cls.bases and run_of(scope):
                definition = definitions.class_definition(self.project, self.module, self.module.class_of(cls, site))
                if definition is not None:
                    found.append(Task(self.project, definition, cls, site, scope))
        return found

    @cached_property
    def _by_function(self) -> dict[int, Task]:
        return {id(task.function): task for task in self.tasks}

    @cached_property
    def task_by_place(self) -> dict[tuple[str, str, int], Task]:
        """The tasks in the file, by the places of their definitions."""
        return {task.definition.place: task for task in reversed(self.tasks)}

    def task_at(self, site: Site) -> Task | None:
        """Return the task whose function contains a place, possibly in a nested function."""
        for around in site.bodies():
            if id(around.node) in self._by_function:
                return self._by_function[id(around.node)]
        return None

    def is_running_task(self, receiver: ast.expr, site: Site) -> bool:
        """Return whether an expression is the task whose function contains it: `self`, its name, `current_task`."""
        return self._is_task(receiver, site, self.task_at(site))

    def _is_task(self, receiver: ast.expr, site: Site, task: Task | None) -> bool:
        """Return whether a receiver is the running task: its bound parameter, its name, `current_task`."""
        if isinstance(receiver, ast.Name) and task is not None and receiver.id == task.me:
            found = site.scope.find(receiver.id)
            # A nested function may have a parameter of the same name.
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
        return self.task_class_at(site) is not None

    def task_class_at(self, site: Site) -> Target | None:
        """Return the class whose method contains a place, if that is a task class."""
        function = site.function()
        for around in site.chain():
            if isinstance(around.node, ast.ClassDef) and around.parent is not None and function in around.node.body:
                symbol = self.module.class_of(around.node, around.parent)
                target = Target(f"{self.module.prefix}{symbol.qualname}", self.module, symbol)
                return target if apps.is_task_class(self.project, target) is True else None
        return None

    @cached_property
    def _calls_by_name(self) -> dict[str, list[tuple[ast.Call, Site]]]:
        found: dict[str, list[tuple[ast.Call, Site]]] = {}
        meanings: dict[tuple[str, bool, int], set[str]] = {}
        for call, site in self.module.candidates.calls:
            func = unsubscripted(call.func)
            if isinstance(func, ast.Attribute):
                found.setdefault(func.attr, []).append((call, site))
            elif isinstance(func, ast.Name):
                bound = site.scope.find(func.id)
                key = (func.id, site.scope.kind == MODULE, id(bound and bound[0]))
                names = meanings.get(key)
                if names is None:
                    names = meanings[key] = self._meanings(func.id, site.scope)
                for name in names:
                    found.setdefault(name, []).append((call, site))
        return found

    def _meanings(self, name: str, scope: Scope) -> set[str]:
        """Return the last parts of what a name may stand for: itself, its import, its assigned values."""
        names = {name}
        bound = scope.find(name)
        for binding in bound[1] if bound else ():
            if binding.kind == IMPORT:
                names.add(binding.path.rpartition(":")[2].rpartition(".")[2])
            elif binding.kind == ASSIGN:
                root, attributes = dotted(binding.value)
                if attributes:
                    names.add(attributes[-1])
                elif isinstance(root, ast.Name) and root.id != name:
                    names |= (
                        self._meanings(root.id, self.module.candidates.scope) if scope.kind != MODULE else {root.id}
                    )
        return names

    def calls_named(self, *names: str) -> list[tuple[ast.Call, Site]]:
        """Return the calls, in source order, whose function may have one of some names, its own or an import's.

        It is a cheap check before names are followed: a rule that asks for few names pays for few calls.
        """
        found = {id(call): (call, site) for name in names for call, site in self._calls_by_name.get(name, ())}
        return sorted(found.values(), key=lambda item: (item[0].lineno, item[0].col_offset))

    def calls_where(self, fits: Callable[[str], bool]) -> list[tuple[ast.Call, Site]]:
        """Return the calls, in source order, whose function may have a name that satisfies a predicate."""
        return self.calls_named(*filter(fits, self._calls_by_name))

    @query()
    def attributes_named(self, names: frozenset[str]) -> list[tuple[ast.Attribute, Site]]:
        """Return the attributes with some names, in source order.

        It walks the file again, so it is meant for rare names, such as those that the text contains but nothing
        defines.
        """
        source, tree = self.module.source, self.module.candidates.scope.node
        assert isinstance(tree, ast.Module)
        lines = source.lines_with(names)
        if _OUTWARD.search(source.text):  # any function may bind a name that decides what another one means
            lines = list(range(1, len(source.lines) + 1))
        return binder.attributes_on(tree, self.module.place.package, names, lines)

    def thing(self, node: ast.expr, site: Site) -> Thing | None:
        """Return what an expression is in Celery's terms; a bound task's first parameter is the task."""
        # Methods of objects that only a node identifies: of the bound task, of a task's app. A chain can be long.
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
            if task is not None and node.id == task.me and task.is_class:
                return TaskThing(None)  # a class that inherits from this one may have another `run`
        elif (
            isinstance(node, ast.Attribute)
            and node.attr == "app"
            and getattr(node.value, "attr", "") != "app"
            and isinstance(self.thing(node.value, site), TaskThing)
        ):
            return AppThing(apps.App("celery.current_app"))
        return objects.thing_of(self.project, self.module.value(node, site.scope), self.module)

    @cached_property
    def call_sites(self) -> dict[int, Site]:
        """The place of each call, by the identity of its node."""
        return {id(call): site for call, site in self.module.candidates.calls}

    @cached_property
    def call_of(self) -> dict[int, tuple[ast.Call, Site]]:
        """The call of each called expression, and its place, by the identity of the expression's node."""
        return {id(call.func): (call, site) for call, site in self.module.candidates.calls}

    @cached_property
    def makes_app(self) -> bool:
        """Whether the module creates a Celery app: if so, it may know all tasks."""
        scope = self.module.candidates.scope
        named = [binding for name in apps.APP_NAMES for binding in scope.bindings.get(name, ())]
        calls = self.calls_where(lambda name: "celery" in name.lower())
        nodes = [(binding.node, binding.site) for binding in named if binding.kind == ASSIGN]
        for node, site in (*nodes, *calls):
            if isinstance(node, ast.Call) and apps.makes_app(self.project, self.module, node, site):
                return True
        return False


_Node = TypeVar("_Node", bound=ast.AST)


class Fact(Generic[_Node]):
    """A node of the file being checked, with its place: the base of most kinds of facts."""

    def __init__(self, context: FileContext, node: _Node, site: Site) -> None:
        self.context = context
        self.project = context.project
        self.module = context.module
        self.node = node
        self.site = site

    def settled(self, node: ast.expr) -> Any:
        """Return the settled value of an expression at this place."""
        return settled(self.project, self.module, node, self.site)
