"""What a task definition says, wherever it is in the project: its options, its class, its parameters.

Everything works on symbols, so a call can be checked against the definition of the task that it sends.
"""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import walk
from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, IMPORT, MODULE, PARAM
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Invoke, Missing, Ref, Unknown
from flake8_celery_tasks.catalog.methods import CALL_METHODS, SENDS
from flake8_celery_tasks.catalog.packages import PLAIN_BASES, TRANSPARENT, task_class
from flake8_celery_tasks.celery_model import apps, definitions
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK, OPAQUE, is_listed
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.resolution.decorators import call_hands_on, wrapper_in
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.catalog.packages import TaskClass
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.resolution.project import Project


#: The name of a parameter for the task itself: `self`, `_task`, `celery_task`, `self_`, `task_instance`. A leading
#: underscore marks an unused parameter, so its name says nothing else.
TASK_NAME: Final = lazy_pattern(r"_|(.*_)?(self|task|celery)(_|_self|_obj|_object|_instance)?$|(cls|me|this)$")


class Defined:
    """A task definition: `definition` is the recognised one."""

    def __init__(self, project: Project, definition: Definition) -> None:
        self.project = project
        self.module = definition.module
        self.definition = definition

    @property
    def form(self) -> str:
        """How the task is created: one of the forms in `decorators`."""
        return self.definition.decorator.form

    @property
    def is_opaque(self) -> bool:
        """Whether it was created by an unresolved decorator, which may bind, name, inject parameters or retry."""
        return self.form == OPAQUE

    @property
    def is_class(self) -> bool:
        """Whether it is a class with a `run` method."""
        return self.form == CLASS_TASK

    @property
    def own_name(self) -> str:
        """The name of its function or class."""
        return self.definition.symbol.qualname.rpartition(".")[2]

    # Its options.

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
            return self._from_class(self.own_class, name)
        return self._from_base(name)

    @property
    def own_class(self) -> Target:
        """The class, if the task is one."""
        symbol = self.definition.symbol
        return Target(f"{self.module.prefix}{symbol.qualname}", self.module, symbol)

    def _from_class(self, cls: Target, name: str) -> Any:
        if not apps.is_readable(self.project, cls):
            return UNKNOWN
        return self.project.class_attribute(cls, name)

    def _from_base(self, name: str) -> Any:
        """Return the settled attribute of the task class behind a decorated function."""
        base = self.base
        return self._from_class(base, name) if isinstance(base, Target) else base

    @cached_property
    def base(self) -> Target | Missing | Unknown:
        """The task class behind a decorated function: `base=`, or the app's `task_cls`.

        MISSING if it is Celery's own, UNKNOWN if it can't be determined.
        """
        app = self.definition.decorator.app
        given = self.option("base")
        if given is not MISSING and given is not None:
            written = self.definition.decorator.keywords.get("base")
            app = apps.app_behind(self.project, *written) if written else None
            if app is None:
                if isinstance(given, Target):
                    return MISSING if given.path == "celery.Task" else given
                return UNKNOWN
        return apps.base_given_by(self.project, app)

    @property
    def has_plain_base(self) -> bool:
        """Whether the task class is certainly Celery's own."""
        return self.base is MISSING

    def inherits(self, path: str) -> bool:
        """Return whether its class inherits from a class outside the project."""
        cls = self.own_class if self.is_class else self.base
        return isinstance(cls, Target) and any(getattr(found, "path", "") == path for found in self.project.line(cls))

    @property
    def may_ignore_result(self) -> bool:
        """Whether its result, or that of all tasks of the project, is or may be ignored."""
        own = self.effective("ignore_result")
        if own is MISSING or own is None:
            return any(value is not False for value in setting_values(self.project, "task_ignore_result"))
        return own is not False or is_assigned(self.module, "ignore_result")

    @cached_property
    def bound(self) -> bool | Unknown:
        """Whether the function gets the task as its first argument.

        Only the decorator decides: `bind` of a base class is Celery's own method.
        """
        if self.is_class:
            return False
        bind = self.option("bind")
        if bind is MISSING:
            return False
        return bool(bind) if isinstance(bind, (bool, int, str)) or bind is None else UNKNOWN

    def overrides(self, *methods: str, handing_on: bool = False) -> bool | Unknown:
        """Return whether the task's class overrides some methods; UNKNOWN if one of its ancestors can't be resolved.

        With `handing_on`, methods that only pass on a call's arguments don't count: a `__call__` of the project, and
        what is known about classes of packages.
        """
        if handing_on:
            return self._line_has(methods, lambda cls: not cls.hands_on, hands_on_call=True)
        return self._line_has(methods, lambda cls: not cls.overrides.isdisjoint(methods))

    @property
    def sends_at_once(self) -> bool:
        """Whether `delay` and `apply_async` certainly send as soon as they are called: a custom class may wait."""
        decorator = self.definition.decorator
        if decorator.form == OPAQUE and "base" not in decorator.keywords:
            given = apps.base_given_by(self.project, decorator.app)
            return not decorator.hides_base and self._line_has(SENDS, lambda cls: not cls.at_once, of=given) is False
        return self._line_has(SENDS, lambda cls: not cls.at_once) is False

    def _line_has(
        self,
        methods: Collection[str],
        has: Callable[[TaskClass], bool],
        *,
        hands_on_call: bool = False,
        of: Target | Missing | Unknown | None = None,
    ) -> bool | Unknown:
        """Return whether an ancestor of the task's class has some methods; `has` answers for classes of packages.

        The class is the task's own, or the one given as `of`.
        """
        cls = of
        if cls is None:
            cls = self.own_class if self.is_class else self.base
        if not isinstance(cls, Target):
            return False if isinstance(cls, Missing) else UNKNOWN
        unread = False
        for found in self.project.line(cls):
            known = task_class(found.path) if isinstance(found, Target) and found.module is None else None
            if known is not None:
                if has(known):
                    return True
            elif isinstance(found, Unknown) or (found.module is None and found.path not in PLAIN_BASES):
                unread = True
            elif isinstance(found.symbol, Class):
                own = set(methods) & set(found.symbol.names)
                if own and not (hands_on_call and own == {"__call__"} and call_hands_on(found)):
                    return True
        return UNKNOWN if unread else False

    @property
    def hands_on_calls(self) -> bool:
        """Whether its class certainly sends a caller's arguments unchanged, as Celery's own class does."""
        # If Celery checks the arguments at the call, no `__call__` of the class can change them first.
        own_call = ("__call__",) if self.is_class or self.is_wrapped else ()
        return self.overrides(*CALL_METHODS, *own_call, handing_on=True) is False

    @cached_property
    def decorator_may_retry(self) -> bool:
        """Whether the task's decorator may retry it: the options name it, and its code retries or can't be read.

        The options only say that it creates tasks.
        """
        index = self.definition.index
        value = self.definition.symbol.decorators[index] if index >= 0 else None
        ref = value.func if isinstance(value, Invoke) else value
        target = self.project.resolve(ref.path, self.module) if isinstance(ref, Ref) else None
        if target is None or not isinstance(ref, Ref) or not is_listed(self.project, target, ref):
            return False
        return not isinstance(target.symbol, Function) or "retry" in target.symbol.attributes

    # Below the task decorator.

    @cached_property
    def runs(self) -> Function | None:
        """The function that runs: the decorated one, or the class's `run`; None if there are several."""
        symbol = self.definition.symbol
        qualname = symbol.qualname if isinstance(symbol, Function) else f"{symbol.qualname}.run"
        found = self.module.symbols(qualname)
        return found[0] if len(found) == 1 and isinstance(found[0], Function) else None

    @property
    def _below(self) -> tuple[Value, ...]:
        symbol = self.definition.symbol
        return symbol.decorators[self.definition.index + 1 :] if isinstance(symbol, Function) else ()

    @property
    def is_wrapped(self) -> bool:
        """Whether there are decorators between the task decorator and the function: then Celery checks no arguments."""
        return bool(self._below)

    @cached_property
    def is_transparent(self) -> bool:
        """Whether nothing between the task decorator and the function can change arguments, retry or swallow errors."""
        return all(self._passes_through(value) for value in self._below)

    def _passes_through(self, decorator: Value) -> bool:
        value = decorator.func if isinstance(decorator, Invoke) else decorator
        if not isinstance(value, Ref):
            return False
        if self.project.resolve(value.path, self.module).path in TRANSPARENT:
            return True
        found = self._decorator_function(decorator)
        wrapped = found and wrapper_in(self.project, *found, called=isinstance(decorator, Invoke))
        return bool(wrapped and wrapped.passes)

    def _decorator_function(self, decorator: Value) -> tuple[Function, Module] | None:
        """Return the project's function that a decorator is, or that creates it."""
        value = decorator.func if isinstance(decorator, Invoke) else decorator
        if not isinstance(value, Ref):
            return None
        target = self.project.resolve(value.path, self.module)
        if not isinstance(target.symbol, Function) or target.module is None or target.rest:
            return None
        return target.symbol, target.module

    # The arguments that a caller can pass.

    @cached_property
    def accepts(self) -> Params | None:
        """The parameters that are left to the caller, None if they can't be determined.

        A task whose own parameter is wrong (CLY202, CLY203, CLY512) is left to the rules for that.
        """
        function = self.runs
        if function is None or self.is_opaque or not self.is_transparent or self.bound is UNKNOWN:
            return None
        owner, _, _ = function.qualname.rpartition(".")
        is_method = bool(owner) and not owner.endswith("<locals>")
        is_static = Ref("builtins:staticmethod") in function.decorators
        if self.is_class:
            if len(function.decorators) > is_static:
                return None
            return function.params if is_static else without_first(function.params)
        if is_method and not is_static:
            return None
        first = (*function.params.ordered, "")[0]
        if self.bound is not True:
            return None if first == "self" else function.params
        if not first:
            return function.params if function.params.vararg else None
        return without_first(function.params) if TASK_NAME.match(first) else None


def without_first(params: Params) -> Params:
    """Return parameters without the first positional one."""
    left = len(params.ordered) - 1
    if left < 0:
        return params
    if params.positional_only:
        return params._replace(positional_only=params.positional_only[1:], defaults=min(params.defaults, left))
    return params._replace(positional=params.positional[1:], defaults=min(params.defaults, left))


@query()
def retried_in(module: Module, project: Project) -> set[tuple[str, str, int] | None]:
    """Return the places of the tasks that a module retries by name, None for the running task."""
    found: set[tuple[str, str, int] | None] = set()
    for call, site in module.calls_of("retry"):
        value = module.value(call.func.value, site.scope) if isinstance(call.func, ast.Attribute) else None
        if isinstance(value, Ref):
            target = project.resolve(value.path, module)
            place = definitions.place_of(target)
            if place is not None or target.path == "celery.current_task":
                found.add(place)
    return found


@query()
def readers_in(module: Module) -> dict[str, set[str | None]]:
    """Return what each attribute in a module is read from: the last parts of names, None for what may be any task."""
    found: dict[str, set[str | None]] = {}
    for node in () if module.tree is None else walk(module.tree):
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


def is_assigned(module: Module, name: str) -> bool:
    """Return whether a module assigns an attribute of this name to anything."""
    assigned = _assigned(module)
    return name in assigned or None in assigned


@query()
def _assigned(module: Module) -> set[str | None]:
    """Return the attributes that a module assigns to anything, None for one whose name is unknown."""
    found: set[str | None] = {
        target.attr for _, target, _, _ in module.candidates.stores if isinstance(target, ast.Attribute)
    }
    for call, site in module.calls_of("setattr"):
        for arg in call.args[1:2] if isinstance(call.func, ast.Name) else ():
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                found.add(arg.value)
            elif _may_be_definition(call.args[0], site):
                found.add(None)
    return found


def _may_be_definition(node: ast.expr, site: Site) -> bool:
    """Return whether an expression may be a function or class of some module, and not (part of) an instance."""
    found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
    if found is None:
        return isinstance(node, ast.Name)
    owner, bindings = found
    if owner.kind in (MODULE, CLASS):
        return True
    return any(binding.kind in (IMPORT, FUNCTION, CLASS) or _is_any_parameter(binding) for binding in bindings)


def _is_any_parameter(binding: Binding) -> bool:
    """Return whether a binding is a parameter, but not the instance or class of a method."""
    function, outside = binding.site.node, binding.site.parent
    if binding.kind != PARAM or not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return binding.kind == PARAM
    first = [*function.args.posonlyargs, *function.args.args][:1]
    is_method = outside is not None and isinstance(outside.node, ast.ClassDef)
    return not (is_method and binding.node in first)
