"""Task definitions in the file being checked, with their nodes."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import Use, uses_of
from flake8_celery_tasks.binding.scopes import FUNCTION
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Missing, Ref, Unknown
from flake8_celery_tasks.catalog.packages import PLAIN_BASES, task_class
from flake8_celery_tasks.catalog.task_options import DEFAULT_RETRY_DELAY, OPTIONS, TASK_API
from flake8_celery_tasks.celery_model import apps, decorators, definitions
from flake8_celery_tasks.celery_model.settings import acks_late, setting_values
from flake8_celery_tasks.celery_model.task import TASK_NAME, Defined, readers_in, retried_in
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.decorators import wrapper_in
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace.marks import MARKS
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Scope, Site
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.contract.agreement import Gone, Kept
    from flake8_celery_tasks.resolution.project import Project


#: Options each of which is a retry policy.
RETRY_POLICY: Final = (
    "autoretry_for",
    "max_retries",
    "retry_kwargs",
    "retry_backoff",
    "default_retry_delay",
    "retry_on_worker_lost",
)


class Task(Defined):
    """A task definition in the file being checked."""

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
        """Whether a class-based task may be passed to `register_task`, in this module or in another."""
        return definitions.is_registered(self.project, self.definition)

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
        """The node that represents the whole definition: the task decorator, or the class."""
        return self.decorator or self.node

    @cached_property
    def params(self) -> Params:
        """The parameters of the function that runs."""
        from flake8_celery_tasks.binding.symbols import parameters

        return parameters(self.function.args)

    # Its options.

    @cached_property
    def acknowledges_late(self) -> bool | Unknown:
        """Whether its messages are acknowledged after the run, by its own option, its base's, or the project's."""
        own = self.effective("acks_late")
        if own is True:
            return True
        if self._annotated_with("acks_late") is UNKNOWN or (
            own is not MISSING and own is not None and own is not False
        ):
            return UNKNOWN
        late = False if own is False else acks_late(self.project)
        return UNKNOWN if late is None else late

    @property
    def open_decorator(self) -> ast.expr | None:
        """The task decorator, if it certainly accepts further options as it is."""
        decorator = self.decorator
        if decorator is None or self.form in (decorators.SHARED, decorators.APP_TASK):
            return decorator
        node = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = self.module.value(node, self.site.scope)
        target = self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None
        if target is None or target.module is None:
            return None if target is None else decorator  # one that the option names
        # It passes its keywords on, or it would not have been resolved; without parentheses it may accept only the
        # function.
        symbol = target.symbol
        is_open = isinstance(symbol, Function) and symbol.params.kwarg is not None and decorator is not node
        return decorator if is_open else None

    def keyword(self, name: str) -> ast.AST:
        """Return the node of an option: the keyword as written, the class's assignment, or else the decorator."""
        written = self._keywords.get(name)
        if written is not None:
            return written
        if isinstance(self.node, ast.ClassDef):
            for binding in self.module.bindings(f"{self.definition.symbol.qualname}.{name}"):
                return binding.statement or binding.node
            for keyword in self.node.keywords:
                if keyword.arg == name:
                    return keyword
        return self.place

    @cached_property
    def _keywords(self) -> dict[str | None, ast.keyword]:
        keywords = self.decorator.keywords if isinstance(self.decorator, ast.Call) else []
        return {keyword.arg: keyword for keyword in reversed(keywords)}

    def written(self, names: Collection[str]) -> list[tuple[str, ast.AST]]:
        """Return the given options that the definition itself spells out, with their nodes, in source order.

        Options added by a shared dict of defaults or by a project's own decorator are not included.
        """
        place = self.place
        nodes = [(name, self.keyword(name)) for name in self.definition.decorator.keywords if name in names]
        found = [(name, node) for name, node in nodes if node is not place]
        return sorted(found, key=lambda item: start_of(item[1]))

    def stated(self) -> list[tuple[str, ast.AST]]:
        """Return the options passed to the task decorator, with their nodes, in source order.

        An option from a shared dict has the position of its `**spread`; options added by a project's own decorator are
        not included.
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
            elif spreads and self.form != decorators.HOUSE:
                found.append((name, spreads[0] if len(spreads) == 1 else place))
        return sorted(found, key=lambda item: start_of(item[1]))

    def entry(self, name: str, key: str) -> ast.AST:
        """Return the node of a key in a dict-valued option, or of the option if the key is not written there."""
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
        """The `name` option; a value that Celery treats as not given (`""`, None) is MISSING."""
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
        """How a decorator below the task decorator changes the function's name, for lack of `functools.wraps`."""
        for node in self.below:
            found = self._decorator_function(self.module.value(node, self.site.scope))
            wrapped = found and wrapper_in(self.project, *found, called=isinstance(node, ast.Call))
            if not found or not wrapped:
                return None
            function, module = found
            owner = (self.module if "__module__" in wrapped.taken else module).place.name
            name = self.node.name if "__name__" in wrapped.taken else wrapped.name
            if (owner, name) != (self.module.place.name, self.node.name):
                return Renaming(node, function.qualname, f"{owner}.{name}", shared=name != self.node.name)
        return None

    # Its body.

    @property
    def me(self) -> str | None:
        """The name of the parameter that receives the task: the first of a bound task, or of a class's `run`.

        A first parameter `self` is meant for the task even if nothing binds it; one that is meant for something else
        doesn't count, whatever it receives.
        """
        first = (self.params.ordered or (self.params.vararg,))[0]
        meant = self.is_class or first == "self" or (self.bound is True and not self.lacks_self)
        return first if meant else None

    @cached_property
    def uses(self) -> list[Use]:
        """The uses of the task: of its parameter (in a class: of each method's first), and of its name."""
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
        """Whether the task is bound but its first positional parameter is missing or meant for something else.

        A parameter is meant for the task if it is named, annotated or used like one.
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
        """Return whether an annotation may mean that a parameter is a task."""
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
                if isinstance(target.symbol, Class) and apps.is_task_class(self.project, target) is not False:
                    return True
        return False

    def _is_task_attribute(self, name: str | None) -> bool:
        """Return whether tasks have an attribute: Celery's, an option, or the task class's own."""
        if name is None:
            return False
        if name in TASK_API or name in OPTIONS or name in self.definition.decorator.keywords:
            return True
        return self._from_base(name) is not MISSING or self._has_own(name)

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
        """Return False if the project's `task_annotations` certainly don't give an option."""
        tables: list[Any] = []
        for value in setting_values(self.project, "task_annotations"):
            tables += value.values() if isinstance(value, Table) and value.complete else [UNKNOWN]
        known = all(isinstance(table, Table) and table.complete and name not in table for table in tables)
        return False if known else UNKNOWN

    @property
    def retry_wait(self) -> float | Unknown:
        """The seconds before each retry by `autoretry_for`, without backoff."""
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
            settings = setting_values(self.project, "task_retry_on_worker_lost")
            return any(value is not False and value is not None for value in settings)
        return own is not False

    @cached_property
    def retries_by_hand(self) -> bool:
        """Whether a call may retry the task: in its body, by its name, or in a helper that it is passed to."""
        if self.is_handed_on or "retry" in {*(use.attribute for use in self.uses), *(self._read_by_helpers or ())}:
            return True
        retried = retried_in(self.module, self.project)
        return None in retried or self.definition.place in retried or self._base_retries

    @property
    def is_handed_on(self) -> bool:
        """Whether the body passes the task on, so that other code may read its options or retry it."""
        return self._read_by_helpers is None

    @cached_property
    def _read_by_helpers(self) -> set[str] | None:
        """The attributes read by functions that the task is passed to; None if one of them can't be resolved."""
        handed = [use.node for use in self.uses if use.attribute is None]
        return inference.read_by_others(self.project, self.module, self.function, handed)

    def _has_own(self, name: str) -> bool:
        """Return whether an ancestor from a package reads an option that isn't Celery's."""
        base = self.own_class if self.is_class else self.base
        classes = (
            [cls for cls in self.project.line(base) if isinstance(cls, Target)] if isinstance(base, Target) else []
        )
        return any(known.has_own(name) for cls in classes if (known := task_class(cls.path)) is not None)

    @property
    def _base_retries(self) -> bool:
        base = self.own_class if self.is_class else self.base
        if isinstance(base, Missing):
            return False
        if isinstance(base, Unknown):
            return True
        for cls in self.project.line(base):
            known = task_class(cls.path) if isinstance(cls, Target) and cls.module is None else None
            if known is not None and not known.retries:
                continue
            if isinstance(cls, Unknown) or (cls.module is None and cls.path not in PLAIN_BASES):
                return True
            if isinstance(cls.symbol, Class) and "retry" in cls.symbol.attributes:
                return True
        return False

    def reads(self, name: str) -> bool:
        """Return whether the body, a helper that the task is passed to, or a base reads an attribute of this name."""
        for statement in self.node.body:
            if any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(statement)):
                return True
        if name in (self._read_by_helpers or ()):
            return True
        base = self.own_class if self.is_class else self.base
        return isinstance(base, Target) and any(
            isinstance(cls, Target) and isinstance(cls.symbol, Class) and name in cls.symbol.attributes
            for cls in self.project.line(base)
        )

    def is_own_option(self, name: str) -> bool:
        """Return whether the project itself may read an option that Celery doesn't know.

        It does if the option `celery-extra-task-options` says so, if a resolvable base has or reads such an attribute,
        or if code in the file reads it from what may be a task.
        """
        if name in self.project.options.celery_extra_task_options or self._has_own(name):
            return True
        if isinstance(self.base, Target) and any(
            name in cls.symbol.names or name in cls.symbol.attributes
            for cls in self.project.line(self.base)
            if isinstance(cls, Target) and isinstance(cls.symbol, Class)
        ):
            return True
        owners = readers_in(self.module).get(name, set())
        return None in owners or self.node.name in owners

    def calls(self) -> Iterator[tuple[ast.Call, Site]]:
        """Yield the calls in the task's body."""
        yield from self.module.calls_in(self.function)


def run_of(scope: Scope) -> list[FunctionNode]:
    """Return the functions that a class binds to `run`; it may do so in an `if`, or bind something else."""
    bound = [binding.definition for binding in scope.bindings.get("run", ()) if binding.kind == FUNCTION]
    return [node for node in bound if not isinstance(node, ast.ClassDef)]


class Renaming(NamedTuple):
    """A decorator that renames a task: its node, its own name, and the name that the task gets.

    `shared` says whether all tasks that it decorates get that name.
    """

    node: ast.expr
    decorator: str
    name: str
    shared: bool


# The recorded contract.


class GoneTask:
    """A recorded name that no task has any more. `task` is the task with the new name, None for the whole module."""

    def __init__(self, project: Project, module: Module, gone: Gone, task: Task | None) -> None:
        self.project = project
        self.module = module
        self.gone = gone
        self.task = task

    @property
    def name(self) -> str:
        """The recorded name."""
        return self.gone.name

    @property
    def is_sent_by_new_name(self) -> bool:
        """Whether some file of the project contains the current name as a string, as code that sends by name does."""
        name = "" if self.gone.entry is None else self.gone.entry.name
        quoted = [quote + name.encode("utf-8", "surrogatepass") + quote for quote in (b"'", b'"')]
        texts = (self.project.files.read(path) or b"" for path in self.project.files.holding(*MARKS))
        return any(text in content for content in texts for text in quoted)


class KeptTask:
    """A recorded name that exactly one task has, in the file being checked."""

    def __init__(self, kept: Kept, task: Task) -> None:
        self.module = task.module
        self.kept = kept
        self.task = task

    @property
    def name(self) -> str:
        """The recorded name."""
        return self.kept.name

    def parameter(self, name: str) -> ast.arg | None:
        """Return the node of a current parameter, None if the function has none of that name."""
        args = self.task.function.args
        every = (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg)
        return next((arg for arg in every if arg is not None and arg.arg == name), None)


def gone_name(task: Task) -> GoneTask | None:
    """Return the recorded name of a task that has another one now, None if there is none."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(task.project)
    for gone in () if found is None else found.gone_in(task.module.place.path):
        if gone.entry is not None and gone.entry.definition.place == task.definition.place:
            return GoneTask(task.project, task.module, gone, task)
    return None
