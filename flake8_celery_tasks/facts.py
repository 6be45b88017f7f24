"""What a file says about Celery, with the nodes that say it: what rules are given.

A fact knows its project, so that a rule can ask for what stands elsewhere. Facts decide nothing: they answer with
a value, MISSING (certainly not given) or UNKNOWN (can't be read).
"""

from __future__ import annotations

import ast
import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks import recognise, settings
from flake8_celery_tasks.catalog.task_options import OPTIONS, TASK_API
from flake8_celery_tasks.collect import FUNCTION, LAMBDA, TRY
from flake8_celery_tasks.project import Table, Target
from flake8_celery_tasks.recognise import CLASS_TASK, OPAQUE
from flake8_celery_tasks.symbols import Class, Function, Params
from flake8_celery_tasks.things import SignatureThing, TaskThing
from flake8_celery_tasks.values import MISSING, UNKNOWN, Missing, Ref, Unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.collect import Binding, FunctionNode, Scope, Site
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

#: Decorators that hand every argument on and let every exception through, so that what is below the task decorator
#: can be judged as if they were not there.
TRANSPARENT: Final = frozenset(
    {
        "builtins.staticmethod",
        "django.db.transaction.atomic",
        "django.utils.decorators.method_decorator",
        "functools.lru_cache",
        "sentry_sdk.trace",
        "typing.no_type_check",
        "newrelic.agent.background_task",
        "newrelic.agent.function_trace",
    }
)

#: What a parameter for the task itself is called: `self`, `_task`, `celery_task`, `self_`, `task_instance`. An
#: underscore in front says that a parameter is unused, so that its name says nothing else.
_TASK_NAME: Final = re.compile(r"_|(.*_)?(self|task|celery)(_|_self|_obj|_object|_instance)?$|(cls|me|this)$")


class Use:
    """One use of a name in a task's body: one of its attributes, or itself (`attribute` is None).

    A call of the name itself counts as one of its attribute `__call__`.
    """

    __slots__ = ("attribute", "name", "node")

    def __init__(self, name: str, attribute: str | None, node: ast.expr) -> None:
        self.name = name
        self.attribute = attribute
        self.node = node


class Task:
    """A task definition in the file at hand."""

    def __init__(
        self,
        project: Project,
        definition: Definition,
        node: FunctionNode | ast.ClassDef,
        site: Site,
        scope: Scope,
    ) -> None:
        self.project = project
        self.module = definition.module
        self.definition = definition
        self.node = node
        self.site = site
        self.scope = scope

    # How it is defined.

    @property
    def is_registered(self) -> bool:
        """Whether a class-based task is handed to `register_task`, in this module or, by its name, in another."""
        if not self.is_class:
            return True
        here = any(
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("register_task", "register")
            and any(isinstance(node, ast.Name) and node.id == self.node.name for node in ast.walk(call))
            for call, _ in self.module.candidates.calls
        )
        name = self.node.name.encode()
        return here or any(
            name in (self.project.read(path) or b"")
            for path in self.project.files_with(b".register_task(")
            if path != self.module.place.path
        )

    @property
    def form(self) -> str:
        """How the task is made: one of the forms of `recognise`."""
        return self.definition.decorator.form

    @property
    def is_opaque(self) -> bool:
        """Whether a decorator made it that can't be read: it may bind, name, inject parameters or retry."""
        return self.form == OPAQUE

    @property
    def is_class(self) -> bool:
        """Whether it is a class with a `run` method."""
        return self.form == CLASS_TASK

    @property
    def function(self) -> FunctionNode:
        """The function that runs: the decorated one, or the class's `run`."""
        if isinstance(self.node, ast.ClassDef):
            runs = [item for item in self.node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))]
            return next((item for item in reversed(runs) if item.name == "run"), runs[-1])
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

    @cached_property
    def is_transparent(self) -> bool:
        """Whether nothing between the task decorator and the function can change arguments, retry or swallow."""
        return all(self._passes_through(node) for node in self.below)

    def _passes_through(self, node: ast.expr) -> bool:
        value = self.module.value(node.func if isinstance(node, ast.Call) else node, self.site.scope)
        if not isinstance(value, Ref):
            return False
        if self.project.resolve(value.path, self.module).path in TRANSPARENT:
            return True
        found = self._decorator_function(node)
        wrapped = found and wrapper_in(self.project, *found, called=isinstance(node, ast.Call))
        return bool(wrapped and wrapped.passes)

    # What its options say.

    def option(self, name: str) -> Any:
        """Return the settled value of an option as the decorator (or class body) gives it."""
        given = self.definition.decorator.keywords.get(name)
        if given is not None:
            return self.project.settle(*given)
        return UNKNOWN if self.definition.decorator.spread and not self.is_class else MISSING

    def states(self, name: str) -> bool:
        """Return whether the definition gives an option, whatever its value."""
        return name in self.definition.decorator.keywords

    def effective(self, name: str) -> Any:
        """Return the settled value of an option, from the definition, its base class or the app's `task_cls`."""
        own = self.option(name)
        if own is not MISSING:
            return own
        if self.is_class:
            return self._from_class(self._own_class, name)
        return self._from_base(name)

    @property
    def _own_class(self) -> Target:
        symbol = self.definition.symbol
        return Target(f"{self.module.prefix}{symbol.qualname}", self.module, symbol)

    def _from_class(self, cls: Target, name: str) -> Any:
        if not recognise.is_readable(self.project, cls):
            return UNKNOWN
        return self.project.class_attribute(cls, name)

    @cached_property
    def base(self) -> Target | Missing | Unknown:
        """The task class behind a decorated function: `base=`, else the app's `task_cls`.

        MISSING where it is Celery's own, UNKNOWN where it can't be told.
        """
        given = self.option("base")
        if isinstance(given, Target):
            return MISSING if given.path == "celery.Task" else given
        if given is not MISSING and given is not None:
            return UNKNOWN
        if self.project.options.celery_custom_task_class:
            return UNKNOWN
        app = self.definition.decorator.app
        found = self.project.task_cls if app is None or app.task_cls is UNKNOWN else app.task_cls
        if found is MISSING or found is None:
            return MISSING
        return found if isinstance(found, Target) else UNKNOWN

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
    def has_plain_base(self) -> bool:
        """Whether the task class is certainly Celery's own."""
        return self.base is MISSING

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
            found = self._decorator_function(node)
            wrapped = found and wrapper_in(self.project, *found, called=isinstance(node, ast.Call))
            if not found or not wrapped:
                return None
            if not wrapped.wraps:
                function, module = found
                return Renaming(node, function.qualname, f"{module.place.name}.{wrapped.name}")
        return None

    def _decorator_function(self, node: ast.expr) -> tuple[Function, Module] | None:
        """Return the project's function that a decorator is, or that makes it."""
        value = self.module.value(node.func if isinstance(node, ast.Call) else node, self.site.scope)
        if not isinstance(value, Ref):
            return None
        target = self.project.resolve(value.path, self.module)
        if not isinstance(target.symbol, Function) or target.module is None or target.rest:
            return None
        return target.symbol, target.module

    # What its body does.

    @cached_property
    def bound(self) -> bool | Unknown:
        """Whether the function gets the task as its first argument.

        Only the decorator says so: `bind` of a base class is Celery's own method.
        """
        if self.is_class:
            return False
        bind = self.option("bind")
        if bind is MISSING:
            return False
        return bool(bind) if isinstance(bind, (bool, int, str)) or bind is None else UNKNOWN

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
        if _TASK_NAME.match(name):
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

    def _from_base(self, name: str) -> Any:
        """Return the settled attribute of the task class behind a decorated function."""
        base = self.base
        return self._from_class(base, name) if isinstance(base, Target) else base

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
        for value in self.project.setting("task_annotations"):
            tables = value.values() if isinstance(value, Table) and value.complete else [UNKNOWN]
            if not all(isinstance(table, Table) and table.complete and name not in table for table in tables):
                return UNKNOWN
        return False

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
        for call, site in self.module.candidates.calls:
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr == "retry":
                value = self.module.value(func.value, site.scope)
                if isinstance(value, Ref):
                    target = self.project.resolve(value.path, self.module)
                    if target.path == "celery.current_task" or target.symbol is self.definition.symbol:
                        return True
        return self._base_retries

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

    def calls(self) -> Iterator[tuple[ast.Call, Site]]:
        """Yield the calls in the task's body."""
        yield from self.module.calls_in(self.function)


class Renaming(NamedTuple):
    """A decorator that renames a task: its node, its own name, and the name that the task gets."""

    node: ast.expr
    decorator: str
    name: str


class Wrapper:
    """What a decorator puts in the place of a function.

    `wraps` says whether it takes over the function's name, `passes` whether it hands every argument on and neither
    retries nor swallows.
    """

    __slots__ = ("name", "passes", "wraps")

    def __init__(self, name: str, *, wraps: bool, passes: bool) -> None:
        self.name = name
        self.wraps = wraps
        self.passes = passes


def wrapper_in(project: Project, function: Function, module: Module, *, called: bool) -> Wrapper | None:
    """Return the wrapper that a decorator function makes, None where it can't be read.

    `called` says that the decorator is called with arguments first, so that the wrapper is one level further in.
    """
    inner = _returned(function, module)
    if inner is None:
        return None
    outer = function
    if called:
        outer, inner = inner, _returned(inner, module)
        if inner is None:
            return None
    wraps = False
    for value in inner.decorators:
        func = getattr(value, "func", value)
        if not isinstance(func, Ref):
            return None
        if project.resolve(func.path, module).path not in ("functools.wraps", "wrapt.decorator"):
            return None
        wraps = True
    params = inner.params
    generic = bool(params.vararg and params.kwarg) and not params.ordered and not params.keyword_only
    wrapped = outer.params.ordered[:1]
    passes = (
        wraps
        and generic
        and bool(wrapped)
        and wrapped[0] in inner.forwards
        and "retry" not in inner.attributes
        and not inner.is_async
        and not inner.yields
        and not _catches(module, inner)
    )
    return Wrapper(inner.qualname.rpartition(".")[2], wraps=wraps, passes=passes)


def _returned(function: Function, module: Module) -> Function | None:
    """Return the inner function that a function returns and nothing else."""
    inside = f":{function.qualname}.<locals>."
    if len(function.returns) != 1:
        return None
    value = function.returns[0]
    if not isinstance(value, Ref) or not value.path.startswith(inside):
        return None
    symbols = module.symbols(value.path[1:])
    return symbols[0] if len(symbols) == 1 and isinstance(symbols[0], Function) else None


def _catches(module: Module, function: Function) -> bool:
    """Return whether a function has a `try` with handlers: it may swallow."""
    for node, _, scope in module.candidates.functions:
        if scope.qualname == function.qualname:
            return any(isinstance(inner, ast.Try) and inner.handlers for inner in ast.walk(node))
    return True


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
    last part of its path, and the first place where it is sent. `makes_app` says that the module creates a Celery app.
    """

    def __init__(self, project: Project, module: Module, binding: Binding, *, makes_app: bool) -> None:
        self.project = project
        self.module = module
        self.binding = binding
        self.makes_app = makes_app
        self.sent: dict[str, Sent] = {}

    @property
    def node(self) -> ast.AST:
        """The imported name."""
        return self.binding.node

    @property
    def in_function(self) -> bool:
        """Whether the import runs when a function is called, not when the module is imported."""
        return self.binding.site.in_function()


class Sent:
    """A task that is sent through an import."""

    __slots__ = ("definition", "node", "path", "place")

    def __init__(self, path: str, definition: Definition | None, place: str, node: ast.Attribute) -> None:
        self.path = path
        self.definition = definition
        self.place = place  # the file of the definition, or of the module that can't be read
        self.node = node


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


class Member(NamedTuple):
    """An expression that a canvas is made of, and where it stands."""

    node: ast.expr
    site: Site


class Canvas:
    """A chain, group or chord that is made here, by a call or by `a | b`.

    `members` are what it is made of as far as they are written out: the tasks of a chain or group, the header of a
    chord. `body` is a chord's. `preceded` holds the indices of the members that certainly come after another
    one.
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.Call | ast.BinOp,
        site: Site,
        kind: str,
        members: list[Member],
        body: Member | None = None,
        preceded: frozenset[int] = frozenset(),
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
        self.kind = kind
        self.members = members
        self.body = body
        self._preceded = preceded

    @property
    def name(self) -> str:
        """What it is made by, as a message shows it: `chain()` or `|`."""
        return "'|'" if isinstance(self.node, ast.BinOp) else f"{self.kind}()"

    def is_preceded(self, index: int) -> bool:
        """Return whether a member comes after another one for certain: it may get a result."""
        return index in self._preceded


class OnCommit:
    """A call of Django's `on_commit`. `callback` is what it is given, None where that can't be told."""

    def __init__(self, project: Project, module: Module, node: ast.Call, site: Site) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site

    @property
    def callback(self) -> ast.expr | None:
        """The callback as it is written."""
        for keyword in self.node.keywords:
            if keyword.arg == "func":
                return keyword.value
        args = self.node.args
        return args[0] if args and not isinstance(args[0], ast.Starred) else None
