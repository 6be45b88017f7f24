from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.binding.values import MISSING, Invoke, Ref
from flake8_celery_tasks.catalog.methods import SENDS, SENDS_ON_COMMIT
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import is_expected_to_fail, signing_call
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.results import values_of
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.resolution.project import Project

#: Words of a registration: only modules that contain one are examined.
_MARKS: Final = (b"register_task", b"tasks.register", b"celery.registry")

#: The method when it is not called directly: as a decorator, or as an argument of `map`.
_HANDED_ON: Final = re.compile(rb"\bregister_task\b(?!\s*\()")


class ClassTaskNotRegistered(Rule[Invocation]):
    """A sent task is an instance of a class that no app knows, or an instance without a name.

    ## What happens

    A class with a `run` method is not a task yet: `app.register_task()` registers it with the app, and gives the
    instance a name if the class has none. Without that call the message is still sent, with the name that the class
    sets or with none. The worker discards it:

    ```text
    Received unregistered task of type None.
    The message has been ignored and discarded.
    ```

    ## Bad

    ```python
    from celery import Task


    class Ship(Task):
        def run(self, number):
            print(number)


    def close(order):
        Ship().delay(order.number)
    ```

    ## Good

    ```python
    from celery import Task

    from shop.celery import app


    class Ship(Task):
        name = "shop_ship"

        def run(self, number):
            print(number)


    ship = app.register_task(Ship())


    def close(order):
        ship.delay(order.number)
    ```

    ## Not reported when

    - something in the project registers the class, or may do so: a call of `register_task` whose argument can't be
      resolved, a decorator of the class, a metaclass or `__init_subclass__`;
    - the class, or one that it inherits from, can't be resolved, or has its own `apply_async`;
    - its `run` does nothing: the class only represents a task of another project;
    - the class has no name, but the code gives the instance one, by which it may be registered;
    - the module is a test.

    ## Fix

    Register an instance where the class is defined, `ship = app.register_task(Ship())`, and send that. Give the class a
    `name`, so that it does not change when the class moves.
    """

    code = "CLY621"
    see = ("Celery#celery.Celery.register_task", "tasks#names")
    quiet_in_tests = True
    message = "Nothing registers the task class {cls!r}: no worker knows it, and the message is lost; {advice}"
    nameless = "'{text}' has no name, as it is not the registered instance of {cls!r}: the message is lost; {advice}"

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report the calls that send such an instance."""
        defined = call.defined
        if defined is None or not defined.is_class or call.method not in SENDS | SENDS_ON_COMMIT or _is_of_class(call):
            return
        if is_expected_to_fail(call.site):
            return
        definition = defined.definition
        if definition.decorator.spread or not _is_plain(call.project, defined) or _is_stub(defined):
            return
        cls = defined.own_name
        if not _may_be_registered(call.project, definition):
            advice = f"write 'app.register_task({cls}())' and send what that returns"
            yield self.report(call.module, call.node, cls=cls, advice=advice)
        elif _is_fresh(call) and defined.effective("name") in (MISSING, None):
            text = shown(_instance_of(call))
            advice = "send what register_task() returned"
            yield self.report(call.module, call.node, self.nameless, text=text, cls=cls, advice=advice)


def _is_of_class(call: Invocation) -> bool:
    """Return whether a method is called on a class, and not on an instance: that is CLY616."""
    assert isinstance(call.node.func, ast.Attribute)
    value = call.module.value(call.node.func.value, call.site.scope)
    return isinstance(value, Ref) and isinstance(call.project.resolve(value.path, call.module).symbol, Class)


def _is_plain(project: Project, defined: Defined) -> bool:
    """Return whether a task class sends like Celery's own, and none of its bases may register it."""
    if defined.overrides("apply_async", "delay", "__init_subclass__", "__new__") is not False:
        return False
    symbols = [cls.symbol for cls in project.line(defined.own_class) if isinstance(cls, Target)]
    classes = [symbol for symbol in symbols if isinstance(symbol, Class)]
    return not any(symbol.decorators or any(key == "metaclass" for key, _ in symbol.keywords) for symbol in classes)


def _is_stub(defined: Defined) -> bool:
    """Return whether the `run` of a class does nothing: strings, `pass`, `...`, `raise NotImplementedError`."""
    found = [] if defined.runs is None else defined.module.functions_called(defined.runs.qualname)
    return len(found) != 1 or all(
        isinstance(node, (ast.Pass, ast.Raise)) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for node in found[0][0].body
    )


def _is_fresh(call: Invocation) -> bool:
    """Return whether a call is on a new instance, created in the call or bound to a local name that is only called."""
    made = _instance_of(call)
    values = list(values_of(made, call.site))
    if not values or not all(_is_instance(call, node) for node, _ in values):
        return False
    if isinstance(made, ast.Name):
        found = call.site.scope.find(made.id)
        assert found is not None
        return made.id not in _passed_on(call.context, found[0].node)
    return True


@query()
def _passed_on(_context: FileContext, around: ast.AST) -> set[str]:
    """Return the names in a function or module that are used for more than their attributes."""
    nodes = list(ast.walk(around))
    owners = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    names = [node for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)]
    return {node.id for node in names if id(node) not in owners}


def _instance_of(call: Invocation) -> ast.expr:
    """Return the expression that a message or a signature is created from."""
    signed = signing_call(call.node)
    func = (call.node if signed is None else signed[0]).func
    assert isinstance(func, ast.Attribute)
    return func.value


def _is_instance(call: Invocation, node: ast.expr) -> bool:
    """Return whether an expression creates an instance of a class."""
    value = call.module.value(node, call.site.scope)
    if not isinstance(node, ast.Call) or not isinstance(value, Invoke) or not isinstance(value.func, Ref):
        return False
    return isinstance(call.project.resolve(value.func.path, call.module).symbol, Class)


def _may_be_registered(project: Project, definition: Definition) -> bool:
    """Return whether something outside tests registers a class, or may do so."""
    found = _registered(project)
    return found is None or definition.place in found


@query()
def _registered(project: Project) -> set[tuple[str, str, int]] | None:
    """Return the places of the classes that something outside tests registers, None if it may be any."""
    found: set[tuple[str, str, int]] = set()
    for path in project.files.holding(*_MARKS):
        module = project.module(path)
        if module is None:
            return None
        if project.is_test(module):
            continue
        if _HANDED_ON.search(project.files.read(path) or b""):
            return None
        for call, site in (*module.calls_of("register_task"), *module.calls_of("register")):
            if _registers(call):
                places = _places(project, module, module.value(call, site.scope))
                if places is None:
                    return None
                found |= places
    return found


def _registers(call: ast.Call) -> bool:
    """Return whether a call is one of `app.register_task`, or of `register` of an app's task registry."""
    func = call.func
    if last_name(func) == "register_task":
        return True
    return isinstance(func, ast.Attribute) and last_name(func.value) in ("tasks", "_tasks", "registry")


def _places(project: Project, module: Module, call: Value) -> set[tuple[str, str, int]] | None:
    """Return the places of the task classes that a registered value may be an instance of, None if it may be any."""
    if not isinstance(call, Invoke) or len(call.args) != 1:
        return None
    found = definitions.registered(project, call, module)
    if found is not None:
        return {found.place}
    made = call.args[0]
    ref = made.func if isinstance(made, Invoke) else made
    target = project.resolve(ref.path, module) if isinstance(ref, Ref) else None
    return set() if target is not None and isinstance(target.symbol, Class) else None
