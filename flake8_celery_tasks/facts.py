"""What a file says about Celery, with the nodes that say it: what rules are given.

A fact knows its project, so that a rule can ask for what stands elsewhere. Facts decide nothing: they answer with
a value, MISSING (certainly not given) or UNKNOWN (can't be read).
"""

from __future__ import annotations

import ast
import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks import recognise, settings
from flake8_celery_tasks.catalog.crontab import BY_NAME, split_line
from flake8_celery_tasks.catalog.settings import setting_of
from flake8_celery_tasks.catalog.task_options import DEFAULT_RETRY_DELAY, OPTIONS, TASK_API
from flake8_celery_tasks.collect import FUNCTION, LAMBDA, TRY, WITH
from flake8_celery_tasks.defined import TASK_NAME, Defined
from flake8_celery_tasks.project import Table, Target
from flake8_celery_tasks.symbols import Class, Function, Params
from flake8_celery_tasks.things import SignatureThing, TaskThing, thing_of
from flake8_celery_tasks.values import MISSING, UNKNOWN, Missing, Ref, Unknown, unparsed
from flake8_celery_tasks.wrappers import wrapper_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.collect import Binding, FunctionNode, Scope, Site
    from flake8_celery_tasks.link import Facts
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project
    from flake8_celery_tasks.recognise import Definition
    from flake8_celery_tasks.things import Thing

#: Options each of which is a retry policy.
RETRY_POLICY: Final = (
    "autoretry_for",
    "max_retries",
    "retry_kwargs",
    "retry_backoff",
    "default_retry_delay",
    "retry_on_worker_lost",
)


class Use:
    """One use of a name in a task's body: one of its attributes, or itself (`attribute` is None).

    A call of the name itself counts as one of its attribute `__call__`.
    """

    __slots__ = ("attribute", "name", "node")

    def __init__(self, name: str, attribute: str | None, node: ast.expr) -> None:
        self.name = name
        self.attribute = attribute
        self.node = node


class Task(Defined):
    """A task definition in the file at hand."""

    def __init__(
        self,
        project: Project,
        definition: Definition,
        node: FunctionNode | ast.ClassDef,
        site: Site,
        scope: Scope,
    ) -> None:
        super().__init__(project, definition)
        self.node = node
        self.site = site
        self.scope = scope

    # How it is defined.

    @property
    def is_registered(self) -> bool:
        """Whether a class-based task may be handed to `register_task`, in this module or in another."""
        if not self.is_class:
            return True
        name = self.node.name.encode()
        return self.node.name in self.module.once(_registered) or any(
            name in (self.project.read(path) or b"") and self._may_be_registered_in(path)
            for path in self.project.files_with(b".register_task(")
            if path != self.module.place.path
        )

    def _may_be_registered_in(self, path: str) -> bool:
        """Return whether a file that names the class may register it, and not only classes that inherit from it.

        What tests register is for themselves, and a file that can't be parsed says nothing.
        """
        module = self.project.module(path)
        if module is None or self.project.is_test(module):
            return False
        calls = [call for call in module.made() if recognise.registers(call)]
        found = [recognise.registered(self.project, call, module) for call in calls]
        return not found or any(one is None or one.place == self.definition.place for one in found)

    @property
    def function(self) -> FunctionNode:
        """The function that runs: the decorated one, or the class's `run`."""
        if isinstance(self.node, ast.ClassDef):
            return run_of(self.scope)[-1]
        return self.node

    @property
    def decorator(self) -> ast.expr | None:
        """The expression of the task decorator, None for a class."""
        index = self.definition.index
        return self.node.decorator_list[index] if index >= 0 else None

    @property
    def below(self) -> list[ast.expr]:
        """The decorators between the task decorator and the function."""
        return [] if self.definition.index < 0 else self.node.decorator_list[self.definition.index + 1 :]

    @property
    def above(self) -> list[ast.expr]:
        """The decorators above the task decorator."""
        return [] if self.definition.index < 0 else self.node.decorator_list[: self.definition.index]

    @property
    def place(self) -> ast.AST:
        """The node that stands for the whole definition: the task decorator, or the class."""
        return self.decorator or self.node

    @cached_property
    def params(self) -> Params:
        """The parameters of the function that runs."""
        from flake8_celery_tasks.module import parameters

        return parameters(self.function.args)

    # What its options say.

    @cached_property
    def acknowledges_late(self) -> bool | Unknown:
        """Whether its messages are acknowledged after the run: by its own option, its base's, or the project's."""
        own = self.effective("acks_late")
        if own is True:
            return True
        if self._annotated_with("acks_late") is UNKNOWN or (
            own is not MISSING and own is not None and own is not False
        ):
            return UNKNOWN
        late = False if own is False else settings.acks_late(self.project)
        return UNKNOWN if late is None else late

    @property
    def open_decorator(self) -> ast.expr | None:
        """The task decorator, where it certainly takes further options as it stands."""
        decorator = self.decorator
        if decorator is None or self.form in (recognise.SHARED, recognise.APP_TASK):
            return decorator
        node = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = self.module.value(node, self.site.scope)
        target = self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None
        if target is None or target.module is None:
            return None if target is None else decorator  # one that the option names
        # It hands its keywords on, or it would not have been read; bare it may be given the function only.
        symbol = target.symbol
        is_open = isinstance(symbol, Function) and symbol.params.kwarg is not None and decorator is not node
        return decorator if is_open else None

    def keyword(self, name: str) -> ast.AST:
        """Return the node of an option: the keyword as written, the class's assignment, else the decorator."""
        decorator = self.decorator
        if isinstance(decorator, ast.Call):
            for keyword in decorator.keywords:
                if keyword.arg == name:
                    return keyword
        if isinstance(self.node, ast.ClassDef):
            for binding in self.module.bindings(f"{self.definition.symbol.qualname}.{name}"):
                return binding.statement or binding.node
            for keyword in self.node.keywords:
                if keyword.arg == name:
                    return keyword
        return self.place

    def written(self, names: Collection[str]) -> list[tuple[str, ast.AST]]:
        """Return those of some options that the definition itself spells out, with their nodes, in source order.

        What a shared dict of defaults or a house decorator adds is not among them.
        """
        place = self.place
        nodes = [(name, self.keyword(name)) for name in self.definition.decorator.keywords if name in names]
        found = [(name, node) for name, node in nodes if node is not place]
        return sorted(found, key=lambda item: (item[1].lineno, item[1].col_offset))  # type: ignore[attr-defined]

    def stated(self) -> list[tuple[str, ast.AST]]:
        """Return the options that the task decorator is handed, with their nodes, in source order.

        An option that a shared dict holds stands at its `**spread`; what a house decorator adds is not among them.
        """
        if not isinstance(self.decorator, ast.Call) or self.is_opaque:
            return []
        place = self.place
        spreads = [keyword for keyword in self.decorator.keywords if keyword.arg is None]
        found: list[tuple[str, ast.AST]] = []
        for name in self.definition.decorator.keywords:
            node = self.keyword(name)
            if node is not place:
                found.append((name, node))
            elif spreads and self.form != recognise.HOUSE:
                found.append((name, spreads[0] if len(spreads) == 1 else place))
        return sorted(found, key=lambda item: (item[1].lineno, item[1].col_offset))  # type: ignore[attr-defined]

    def entry(self, name: str, key: str) -> ast.AST:
        """Return the node of a key in an option whose value is a dict; of the option where it is not written there."""
        node = self.keyword(name)
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict):
            for item in value.keys:
                if isinstance(item, ast.Constant) and item.value == key:
                    return item
        if isinstance(value, ast.Call):
            for keyword in value.keywords:
                if keyword.arg == key:
                    return keyword
        return node

    # Its names.

    @property
    def explicit_name(self) -> Any:
        """The `name` option; what Celery takes for none (`""`, None) is MISSING."""
        name = self.option("name")
        if self.is_class and name is MISSING:
            name = self.effective("name")
        return MISSING if name is None or name == "" else name

    @property
    def automatic_name(self) -> str:
        """The name that Celery derives from the module and the function, as far as the module's name is certain."""
        renamed = self.renaming
        return renamed.name if renamed else f"{self.module.place.name}.{self.node.name}"

    @cached_property
    def renaming(self) -> Renaming | None:
        """What a decorator below the task decorator makes of the function's name, for want of `functools.wraps`."""
        for node in self.below:
            found = self._decorator_function(self.module.value(node, self.site.scope))
            wrapped = found and wrapper_in(self.project, *found, called=isinstance(node, ast.Call))
            if not found or not wrapped:
                return None
            if not wrapped.wraps:
                function, module = found
                return Renaming(node, function.qualname, f"{module.place.name}.{wrapped.name}")
        return None

    # What its body does.

    @property
    def me(self) -> str | None:
        """The name of the parameter that gets the task: the first of a bound task, or of a class's `run`.

        A first parameter `self` is meant for the task even where nothing binds it; one that is meant for something
        else is none, whatever it gets.
        """
        first = (self.params.ordered or (self.params.vararg,))[0]
        meant = self.is_class or first == "self" or (self.bound is True and not self.lacks_self)
        return first if meant else None

    @cached_property
    def uses(self) -> list[Use]:
        """The uses of the task: of the parameter that gets it (in a class: of each method's first), and of its name."""
        if not isinstance(self.node, ast.ClassDef):
            names = {self.me, self.node.name} - {None}
            return [use for statement in self.node.body for use in uses_of(statement, names)]
        found: list[Use] = []
        for method in self.node.body:
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = [arg.arg for arg in (*method.args.posonlyargs, *method.args.args)][:1]
                for statement in method.body:
                    found.extend(uses_of(statement, {*first, self.node.name}))
        return found

    @cached_property
    def lacks_self(self) -> bool:
        """Whether the task is bound but has no positional parameter, or a first one that is meant for something else.

        A parameter is meant for the task if it is called or annotated like one, or is used like one.
        """
        if self.bound is not True or not self.is_transparent:
            return False
        args = [*self.function.args.posonlyargs, *self.function.args.args]
        if not args:
            return self.params.vararg is None
        name = args[0].arg
        if TASK_NAME.match(name):
            return False
        return not self._is_task_annotation(args[0].annotation) and not any(
            self._is_task_attribute(use.attribute)
            for statement in self.function.body
            for use in uses_of(statement, {name})
        )

    def _is_task_annotation(self, annotation: ast.expr | None) -> bool:
        """Return whether an annotation may say that a parameter is a task."""
        for node in () if annotation is None else ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                try:
                    quoted = ast.parse(node.value.strip(), mode="eval").body
                except (SyntaxError, ValueError):
                    return True
                if self._is_task_annotation(quoted):
                    return True
            if isinstance(node, (ast.Name, ast.Attribute)):
                value = self.module.value(node, self.site.scope)
                target = self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None
                if target is None or "Task" in target.path or "celery" in target.path:
                    return True
                if target.module is None and not target.foreign:
                    return True
                if isinstance(target.symbol, Class) and recognise.is_task_class(self.project, target) is not False:
                    return True
        return False

    def _is_task_attribute(self, name: str | None) -> bool:
        """Return whether an attribute is one that tasks have: Celery's, an option, or the task class's own."""
        if name is None:
            return False
        if name in TASK_API or name in OPTIONS or name in self.definition.decorator.keywords:
            return True
        return self._from_base(name) is not MISSING

    @cached_property
    def autoretries(self) -> bool | Unknown:
        """Whether `autoretry_for`, its own or the task class's, retries the task."""
        value = self.effective("autoretry_for")
        if value is MISSING:
            return self._annotated_with("autoretry_for")
        if isinstance(value, (tuple, list, set)):
            return bool(value)
        return UNKNOWN if value is UNKNOWN else True

    def _annotated_with(self, name: str) -> bool | Unknown:
        """Return False where the project's `task_annotations` certainly don't give an option."""
        key = ("annotated with", name)
        if key not in self.project.memo:
            tables: list[Any] = []
            for value in self.project.setting("task_annotations"):
                tables += value.values() if isinstance(value, Table) and value.complete else [UNKNOWN]
            known = all(isinstance(table, Table) and table.complete and name not in table for table in tables)
            self.project.memo[key] = False if known else UNKNOWN
        annotated: bool | Unknown = self.project.memo[key]
        return annotated

    @property
    def retry_wait(self) -> float | Unknown:
        """The seconds before each retry by `autoretry_for`, where there is no backoff."""
        kwargs = self.effective("retry_kwargs")
        if kwargs is MISSING:
            kwargs = Table()
        if not isinstance(kwargs, Table) or not kwargs.complete:
            return UNKNOWN
        wait = kwargs.get("countdown")
        if wait is None:
            wait = self.effective("default_retry_delay")
        if wait is MISSING:
            return DEFAULT_RETRY_DELAY
        return wait if isinstance(wait, (int, float)) else UNKNOWN

    @property
    def may_retry_when_lost(self) -> bool:
        """Whether a retry by `retry_on_worker_lost`, of the task or of the project, can't be ruled out."""
        own = self.effective("retry_on_worker_lost")
        if own is MISSING or own is None:
            settings = self.project.setting("task_retry_on_worker_lost")
            return any(value is not False and value is not None for value in settings)
        return own is not False

    @cached_property
    def retries_by_hand(self) -> bool:
        """Whether something may retry the task by a call: in its body, by its name, or in a helper it is handed to."""
        if self.is_handed_on or any(use.attribute == "retry" for use in self.uses):
            return True
        retried = self.module.once(_retried, self.project)
        return None in retried or self.definition.place in retried or self._base_retries

    @property
    def is_handed_on(self) -> bool:
        """Whether the body gives the task away, so that others may read its options or retry it."""
        return any(use.attribute is None for use in self.uses)

    @property
    def _base_retries(self) -> bool:
        base = self._own_class if self.is_class else self.base
        if isinstance(base, Missing):
            return False
        if isinstance(base, Unknown):
            return True
        for cls in self.project.line(base):
            if isinstance(cls, Unknown) or (cls.module is None and cls.path not in recognise.PLAIN_BASES):
                return True
            if isinstance(cls.symbol, Class) and "retry" in cls.symbol.attributes:
                return True
        return False

    def reads(self, name: str) -> bool:
        """Return whether the body or a readable base reads an attribute of this name from anything."""
        for statement in self.node.body:
            if any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(statement)):
                return True
        base = self._own_class if self.is_class else self.base
        return isinstance(base, Target) and any(
            isinstance(cls, Target) and isinstance(cls.symbol, Class) and name in cls.symbol.attributes
            for cls in self.project.line(base)
        )

    def is_own_option(self, name: str) -> bool:
        """Return whether the project itself may read an option that Celery doesn't know.

        It does where the option `celery-extra-task-options` says so, a readable base has or reads such an attribute, or
        something in the file reads it from what may be a task.
        """
        if name in self.project.options.celery_extra_task_options:
            return True
        if isinstance(self.base, Target) and any(
            name in cls.symbol.names or name in cls.symbol.attributes
            for cls in self.project.line(self.base)
            if isinstance(cls, Target) and isinstance(cls.symbol, Class)
        ):
            return True
        owners = self.module.once(_readers).get(name, set())
        return None in owners or self.node.name in owners

    def calls(self) -> Iterator[tuple[ast.Call, Site]]:
        """Yield the calls in the task's body."""
        yield from self.module.calls_in(self.function)


def run_of(scope: Scope) -> list[FunctionNode]:
    """Return the functions that a class binds to `run`; it may do so in an `if`, and may bind something else."""
    return [binding.node for binding in scope.bindings.get("run", ()) if binding.kind == FUNCTION]  # type: ignore[misc]


def _registered(module: Module) -> set[str]:
    """Return the names in the calls that register a task in a module."""
    return {
        node.id
        for name in ("register_task", "register")
        for call, _ in module.calls_of(name)
        if isinstance(call.func, ast.Attribute)
        for node in ast.walk(call)
        if isinstance(node, ast.Name)
    }


def _retried(project: Project, module: Module) -> set[tuple[str, str, int] | None]:
    """Return the places of the tasks that a module retries by their names, None for the one that runs."""
    found: set[tuple[str, str, int] | None] = set()
    for call, site in module.calls_of("retry"):
        value = module.value(call.func.value, site.scope) if isinstance(call.func, ast.Attribute) else None
        if isinstance(value, Ref):
            target = project.resolve(value.path, module)
            place = recognise.place_of(target)
            if place is not None or target.path == "celery.current_task":
                found.add(place)
    return found


def _readers(module: Module) -> dict[str, set[str | None]]:
    """Return what each attribute is read from in a module: names that end so, None for what may be any task."""
    found: dict[str, set[str | None]] = {}
    for node in () if module.tree is None else ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", None)
            is_any = last is None or last == "sender" or TASK_NAME.match(last) is not None
            found.setdefault(node.attr, set()).add(None if is_any else last)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            for arg in node.args:
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                    found.setdefault(arg.value, set()).add(None)
    return found


class Renaming(NamedTuple):
    """A decorator that renames a task: its node, its own name, and the name that the task gets."""

    node: ast.expr
    decorator: str
    name: str


def uses_of(node: ast.AST, names: set[Any]) -> Iterator[Use]:
    """Yield the loads of some names below a node, each with the attribute that is taken from it.

    Where a function inside has a parameter of that name, the name is another there.
    """
    stack = [(node, names)]
    while stack:
        node, names = stack.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names:
                yield Use(node.value.id, node.attr, node)
            continue
        if isinstance(node, ast.Name):
            if node.id in names and isinstance(node.ctx, ast.Load):
                yield Use(node.id, None, node)
            continue
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in names:
                yield Use(node.func.id, "__call__", node.func)
            children.remove(node.func)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inner = names - {arg.arg for arg in ast.walk(node.args) if isinstance(arg, ast.arg)}
            body = node.body if isinstance(node.body, list) else [node.body]
            stack.extend((child, inner) for child in body)
            children = [child for child in children if child not in body]
        stack.extend((child, names) for child in children)


class TaskCall:
    """A call of one of the task's own methods from inside: `self.retry(...)`, `self.replace(...)`.

    `task` is None in a helper method of a task class.
    """

    def __init__(self, project: Project, module: Module, task: Task | None, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.task = task
        self.node = node
        self.site = site

    @property
    def method(self) -> str:
        """The name of the method: `retry` or `replace`."""
        func = self.node.func
        assert isinstance(func, ast.Attribute)
        return func.attr

    def keyword(self, name: str) -> ast.keyword | None:
        """Return a keyword of the call."""
        return next((keyword for keyword in self.node.keywords if keyword.arg == name), None)

    def handlers(self) -> list[ast.ExceptHandler]:
        """Return the handlers that the call stands in, innermost first."""
        return [
            handler
            for around in self.site.chain()
            if around.kind == TRY and around.part == "handler"
            for handler in around.node.handlers  # type: ignore[attr-defined]
            if any(node is self.node for node in ast.walk(handler))
        ]

    @property
    def has_spread(self) -> bool:
        """Whether `*` or `**` hides arguments."""
        return any(keyword.arg is None for keyword in self.node.keywords) or any(
            isinstance(arg, ast.Starred) for arg in self.node.args
        )

    def argument(self, name: str) -> Any:
        """Return the settled value of a keyword, MISSING where it is not given."""
        keyword = self.keyword(name)
        if keyword is None:
            return UNKNOWN if self.has_spread else MISSING
        return self.project.settle(self.module.value(keyword.value, self.site.scope), self.module)


class Raise:
    """A `raise` of something of Celery's in a task's body. `path` is its canonical name, `call` the call if any."""

    def __init__(self, task: Task, node: ast.Raise, site: Site, path: str) -> None:
        self.project = task.project
        self.module = task.module
        self.task = task
        self.node = node
        self.site = site
        self.path = path

    @property
    def call(self) -> ast.Call | None:
        """The call that makes the exception, None where the class is raised."""
        return self.node.exc if isinstance(self.node.exc, ast.Call) else None

    def argument(self, name: str, index: int) -> Any:
        """Return a settled argument of the exception, MISSING where it is not given."""
        if self.call is None:
            return MISSING
        for keyword in self.call.keywords:
            if keyword.arg == name:
                return self.project.settle(self.module.value(keyword.value, self.site.scope), self.module)
        if any(keyword.arg is None for keyword in self.call.keywords):
            return UNKNOWN
        if any(isinstance(arg, ast.Starred) for arg in self.call.args):
            return UNKNOWN
        if len(self.call.args) > index:
            return self.project.settle(self.module.value(self.call.args[index], self.site.scope), self.module)
        return MISSING


class TaskImport:
    """An imported name through which tasks are sent.

    `sent` holds, for each task in the order of first use, its definition (None where its module can't be read), the
    last part of its path, and the first place where it is sent; `places` holds all of them.
    """

    def __init__(self, facts: Facts, binding: Binding) -> None:
        self.facts = facts
        self.project = facts.project
        self.module = facts.module
        self.binding = binding
        self.sent: dict[str, Sent] = {}
        self.places: list[Sent] = []

    @property
    def node(self) -> ast.AST:
        """The imported name."""
        return self.binding.node

    @property
    def makes_app(self) -> bool:
        """Whether the module creates a Celery app."""
        return self.facts.makes_app

    @property
    def in_function(self) -> bool:
        """Whether the import runs when a function is called, not when the module is imported."""
        return self.binding.site.in_function()


class Sent:
    """A task that is sent through an import."""

    __slots__ = ("definition", "node", "path", "place", "site")

    def __init__(self, path: str, definition: Definition | None, place: str, node: ast.Attribute, site: Site) -> None:
        self.path = path
        self.definition = definition
        self.place = place  # the file of the definition, or of the module that can't be read
        self.node = node
        self.site = site


def trys_around(site: Site, function: ast.AST) -> Iterator[tuple[ast.Try, str]]:
    """Yield the `try` statements around a place within a function, innermost first, and the part it stands in."""
    for around in site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            if around.node is function:
                return
            continue
        if around.kind == TRY:
            yield around.node, around.part  # type: ignore[misc]


class Invocation:
    """A call that sends a task or makes a signature of one.

    `thing` is what the method is called on: a task, a signature, a canvas, an app (`send_task`, `signature`), or None
    for the function `celery.signature`. `task` is the task in whose body the call stands, `is_statement` says that
    its value is thrown away.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.Call,
        site: Site,
        method: str,
        thing: Thing | None,
        task: Task | None,
        *,
        is_statement: bool,
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
        self.method = method
        self.thing = thing
        self.task = task
        self.is_statement = is_statement

    @property
    def by_name(self) -> bool:
        """Whether the task is named by its first argument: `send_task`, `signature("name")`."""
        return self.method == "send_task" or (self.method == "signature" and not isinstance(self.thing, TaskThing))

    @cached_property
    def definition(self) -> Definition | None:
        """The definition of the task object that is sent; None where it is named, a canvas, or not known."""
        return self.thing.definition if isinstance(self.thing, (TaskThing, SignatureThing)) else None

    @cached_property
    def defined(self) -> Defined | None:
        """What that definition says."""
        return None if self.definition is None else Defined(self.project, self.definition)

    @cached_property
    def name(self) -> Any:
        """The settled name of a task that is called by name, MISSING where there is none."""
        if not self.by_name:
            return MISSING
        return self.argument("name" if self.method == "send_task" else "varargs", 0)

    def keyword(self, name: str) -> ast.keyword | None:
        """Return a keyword of the call as it is written."""
        return next((keyword for keyword in self.node.keywords if keyword.arg == name), None)

    def settled(self, node: ast.expr) -> Any:
        """Return the settled value of an expression at this place."""
        return self.project.settle(self.module.value(node, self.site.scope), self.module)

    def spread_keywords(self) -> dict[str, Any] | None:
        """Return what the call's `**spreads` hold, settled; None where one of them can't be read."""
        found: dict[str, Any] = {}
        for keyword in self.node.keywords:
            if keyword.arg is None:
                value = self.settled(keyword.value)
                if not isinstance(value, Table) or not value.complete:
                    return None
                found.update({str(key): item for key, item in value.items()})
        return found

    def argument(self, name: str, index: int | None = None) -> Any:
        """Return a settled argument of the call by its keyword, or position; MISSING where it is not given."""
        keyword = self.keyword(name)
        if keyword is not None:
            return self.settled(keyword.value)
        spread = self.spread_keywords()
        if spread is None:
            return UNKNOWN
        if name in spread:
            return spread[name]
        args = self.node.args
        if index is not None:
            if any(isinstance(arg, ast.Starred) for arg in args[: index + 1]):
                return UNKNOWN
            if len(args) > index:
                return self.settled(args[index])
        return MISSING


class Crontab:
    """A call of `crontab`, or of `crontab.from_string`.

    `given` holds the expression of each field (or unknown keyword) that is written out, in the order of the call;
    `positional` counts those given by position, `complete` is false where a `*` or `**` hides some, `spread` holds the
    settled values of those that come from a dict elsewhere (with the spread itself in `given`).
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.Call,
        site: Site,
        given: dict[str, ast.expr],
        positional: int,
        *,
        complete: bool,
        from_line: bool,
        spread: dict[str, Any],
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
        self.given = given
        self.positional = positional
        self.complete = complete
        self.from_line = from_line
        self.spread = spread

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The settled value of each field, as far as it can be read to the last member."""
        if self.line is not None:
            return dict(split_line(self.line) or {})
        values = {name: settled(self.project, self.module, node, self.site) for name, node in self.given.items()}
        return {name: value for name, value in {**values, **self.spread}.items() if is_plain(value)}

    @cached_property
    def line(self) -> str | None:
        """The text that `from_string` is given, None where it is not called or its text can't be read."""
        if not self.from_line or len(self.node.args) != 1:
            return None
        text = settled(self.project, self.module, self.node.args[0], self.site)
        return text if isinstance(text, str) else None

    def place(self, name: str) -> ast.AST:
        """Return the node of a field; the keyword of one that `crontab` does not know; else the call."""
        if self.line is not None:
            return self.node.args[0]
        if name in self.given and name not in BY_NAME:
            return next((keyword for keyword in self.node.keywords if keyword.arg == name), self.given[name])
        return self.given.get(name, self.node)

    @property
    def text(self) -> str:
        """The call as a message shows it."""
        text = unparsed(self.node)
        return text if len(text) <= 45 else "crontab(...)"

    @property
    def is_expected_to_fail(self) -> bool:
        """Whether a test expects an exception from the call: `with pytest.raises(...)`."""
        return any(
            around.kind == WITH and any("raises" in unparsed(item.context_expr).lower() for item in around.node.items)  # type: ignore[attr-defined]
            for around in self.site.chain()
        )


def settled(project: Project, module: Module, node: ast.expr, site: Site) -> Any:
    """Return the settled value of an expression at a place."""
    return project.settle(module.value(node, site.scope), module)


def is_plain(value: Any) -> bool:
    """Return whether a settled value is Python's own through and through."""
    if isinstance(value, (tuple, list, set, frozenset)):
        return all(is_plain(item) for item in value)
    if isinstance(value, Table):
        return value.complete and all(is_plain(item) for pair in value.items() for item in pair)
    return isinstance(value, (str, bytes, int, float, complex, type(None), datetime.timedelta))


class Written(NamedTuple):
    """A key of a dict display, or a keyword, as it is written: the node of the key, and of what it is given."""

    key: ast.AST
    value: ast.expr
    site: Site


class BeatEntry:
    """An entry of Celery beat's schedule: a member of a `beat_schedule`, or a call of `add_periodic_task`.

    `node` is what stands for the whole: the entry's key, or the call. `given` holds what is written out for `task`
    (a call's signature), `schedule`, `args`, `kwargs`, `options` and whatever else an entry has; `extra` the options
    of a call. `complete` is false where a spread hides some. `name` is the settled name of the entry.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.AST,
        site: Site,
        name: Any,
        given: dict[str, Written],
        *,
        call: ast.Call | None = None,
        extra: dict[str, Written] | None = None,
        complete: bool = True,
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
        self.name = name
        self.given = given
        self.call = call
        self.extra = extra or {}
        self.complete = complete

    def value(self, key: str) -> Any:
        """Return the settled value of a key, MISSING where the entry certainly has none."""
        return self._settled(self.given.get(key))

    def thing(self, key: str) -> Thing | None:
        """Return what the expression of a key is in Celery's terms, None where it is not given."""
        written = self.given.get(key)
        if written is None:
            return None
        return thing_of(self.project, self.module.value(written.value, written.site.scope), self.module)

    def _settled(self, written: Written | None) -> Any:
        if written is None:
            return MISSING if self.complete else UNKNOWN
        return settled(self.project, self.module, written.value, written.site)

    def option(self, name: str) -> Any:
        """Return the settled value of an option that the entry sends its task with, such as `expires`."""
        if self.call is None:
            options = self.value("options")
            if options is MISSING or options is None:
                return MISSING
            if not isinstance(options, Table):
                return UNKNOWN
            return options.get(name, MISSING if options.complete else UNKNOWN)
        signature = self.given.get("task")
        if name in self.extra or signature is None:
            return self._settled(self.extra.get(name))
        # A signature may have options of its own: `add.s().set(expires=60)`.
        made = signature.value
        plain = isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in ("s", "si")
        return self._settled(None) if plain else UNKNOWN

    @property
    def task_name(self) -> str | None:
        """The name of the task that the entry of a `beat_schedule` sends, None where it can't be told."""
        name = self.value("task") if self.call is None else None
        return name if isinstance(name, str) else None


class Setting:
    """A place that gives a value to a key of Celery's configuration.

    `key` is written at `node`, `value` is what it is given. `source` is what it belongs to.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        key: str,
        node: ast.AST,
        value: ast.expr,
        site: Site,
        source: SettingSource,
    ) -> None:
        self.project = project
        self.module = module
        self.key = key
        self.node = node
        self.value = value
        self.site = site
        self.source = source

    @cached_property
    def name(self) -> str | None:
        """The setting that Celery reads from the key, None where it looks at no such key."""
        version = self.project.version
        for namespace in self.source.namespaces:
            name = setting_of(self.key, namespace, version)
            if name is not None:
                return name
        return None

    @property
    def settled(self) -> Any:
        """The settled value."""
        return settled(self.project, self.module, self.value, self.site)


# What settings belong to.
CONF: Final = "app.conf"  # an app: `app.conf.x = `, `app.conf.update()`, `Celery(x=)`
OBJECT: Final = "object"  # the module, class or dict that `config_from_object` is given
DJANGO: Final = "Django"  # the settings of Django, or of whatever plays its part
LOOSE: Final = "loose"  # nothing tells that Celery gets it, but the names say so


class SettingSource:
    """One object that holds settings.

    `namespaces` are those under which Celery looks at it, None for none; `certain` is false where there may be more
    of them. `keys` are all that it holds, settings or not; `complete` is false where it may hold others.
    """

    def __init__(
        self, kind: str, namespaces: tuple[str | None, ...], *, certain: bool = True, complete: bool = True
    ) -> None:
        self.kind = kind
        self.namespaces = namespaces
        self.certain = certain
        self.complete = complete
        self.keys: set[str] = set()
        self.settings: list[Setting] = []
