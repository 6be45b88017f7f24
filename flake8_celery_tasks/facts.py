"""What a file says about Celery, with the nodes that say it: what rules are given.

A fact knows its project, so that a rule can ask for what stands elsewhere. Facts decide nothing: they answer with
a value, MISSING (certainly not given) or UNKNOWN (can't be read).
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks import recognise
from flake8_celery_tasks.collect import FUNCTION, LAMBDA, TRY
from flake8_celery_tasks.project import Target
from flake8_celery_tasks.recognise import CLASS_TASK, OPAQUE
from flake8_celery_tasks.symbols import Class, Function, Params
from flake8_celery_tasks.values import MISSING, UNKNOWN, Missing, Ref, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.collect import Binding, FunctionNode, Scope, Site
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project
    from flake8_celery_tasks.recognise import Definition

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


class Use:
    """One use of a name in a task's body: as itself (`attribute` is None) or one of its attributes."""

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
        name = self.node.name.encode()
        text = any(
            isinstance(call.func, ast.Attribute)
            and call.func.attr in ("register_task", "register")
            and any(isinstance(node, ast.Name) and node.id == self.node.name for node in ast.walk(call))
            for call, _ in self.module.candidates.calls
        )
        return text or any(
            name in (self.project.read(path) or b"") for path in self.project.files_with(b".register_task(")
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
        target = self.project.resolve(value.path, self.module)
        if target.path in TRANSPARENT:
            return True
        function, module = target.symbol, target.module
        if not isinstance(function, Function) or module is None or target.rest:
            return False
        wrapped = wrapper_in(self.project, function, module, called=isinstance(node, ast.Call))
        return wrapped is not None and wrapped.passes

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
        base = self.base
        if isinstance(base, Target):
            return self._from_class(base, name)
        return base if base is UNKNOWN else MISSING

    @property
    def _own_class(self) -> Target:
        symbol = self.definition.symbol
        return Target(f"{self.module.place.name}.{symbol.qualname}", self.module, symbol)

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
        name = self.node.name
        wrapped = self.renaming_wrapper
        return f"{self.module.place.name}.{wrapped.name if wrapped else name}"

    @cached_property
    def renaming_wrapper(self) -> Wrapper | None:
        """The wrapper below the task decorator that gives the task its own name, for want of `functools.wraps`."""
        for node in self.below:
            called = isinstance(node, ast.Call)
            value = self.module.value(node.func if isinstance(node, ast.Call) else node, self.site.scope)
            if not isinstance(value, Ref):
                return None
            target = self.project.resolve(value.path, self.module)
            if not isinstance(target.symbol, Function) or target.module is None or target.rest:
                return None
            wrapped = wrapper_in(self.project, target.symbol, target.module, called=called)
            if wrapped is None:
                return None
            if not wrapped.wraps:
                return wrapped
        return None

    # What its body does.

    @cached_property
    def bound(self) -> bool | Unknown:
        """Whether the function gets the task as its first argument."""
        if self.is_class:
            return False
        bind = self.effective("bind") if self.option("bind") is MISSING else self.option("bind")
        if bind is MISSING:
            return False
        return bool(bind) if isinstance(bind, (bool, int, str)) or bind is None else UNKNOWN

    @property
    def me(self) -> str | None:
        """The name of the first parameter of a bound task, or of a class's `run`."""
        if self.is_class or self.bound is True:
            return (self.params.ordered or (self.params.vararg,))[0]
        return None

    @cached_property
    def uses(self) -> list[Use]:
        """The uses of the bound parameter, and of the task's own name, in the body."""
        names = {self.me, self.node.name} - {None}
        return [use for statement in self._body for use in uses_of(statement, names)]

    @property
    def _body(self) -> list[ast.stmt]:
        return self.node.body if isinstance(self.node, ast.ClassDef) else self.function.body

    @cached_property
    def retries_by_hand(self) -> bool:
        """Whether something may retry the task by a call: in its body, by its name, or in a helper it is handed to."""
        if any(use.attribute in ("retry", None) for use in self.uses):
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
        if any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(self.node)):
            return True
        base = self._own_class if self.is_class else self.base
        return isinstance(base, Target) and any(
            isinstance(cls, Target) and isinstance(cls.symbol, Class) and name in cls.symbol.attributes
            for cls in self.project.line(base)
        )

    def calls(self) -> Iterator[tuple[ast.Call, Site]]:
        """Yield the calls in the task's body."""
        yield from self.module.calls_in(self.function)


class Wrapper:
    """What a decorator puts in the place of a function.

    `wraps` says whether it takes over the function's name, `passes` whether it hands every argument on and neither
    retries nor swallows. `keeps` is true for a decorator that returns the function itself.
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
    """Yield the loads of some names below a node, each with the attribute that is taken from it."""
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in names:
                yield Use(node.value.id, node.attr, node)
            continue
        if isinstance(node, ast.Name):
            if node.id in names and isinstance(node.ctx, ast.Load):
                yield Use(node.id, None, node)
            continue
        stack.extend(ast.iter_child_nodes(node))


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
    last part of its path, and the first place where it is sent.
    """

    def __init__(self, project: Project, module: Module, binding: Binding) -> None:
        self.project = project
        self.module = module
        self.binding = binding
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
