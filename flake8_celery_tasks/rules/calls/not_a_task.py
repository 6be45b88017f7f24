from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import dotted
from flake8_celery_tasks.binding.scopes import IMPORT, TRY, is_typing_only
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import Unknown
from flake8_celery_tasks.celery_model.task import is_assigned
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import Words
from flake8_celery_tasks.facts.arguments import is_expected_to_fail, is_looked_for
from flake8_celery_tasks.facts.calls import SendingMethod
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


class NotATask(Rule[SendingMethod]):
    """`.delay()` or the like is called on a function that is not a task.

    ## What happens

    A plain function has no `delay`. The line fails when it runs, which may not be often:

    ```text
    AttributeError: 'function' object has no attribute 'delay'
    ```

    A name that the tasks module doesn't have, because the task was renamed or moved, fails too:

    ```text
    AttributeError: module 'shop.tasks' has no attribute 'send_recipt'
    ```

    A class that inherits from `celery.Task` has a `delay`, but only for its instances: `Fetch.delay()` has no `self`.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.mail import mail_receipt, mail_reminder


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    def send_reminder(cart_pk):
        mail_reminder(cart_pk)
    ```

    ```python title="shop/views.py"
    from shop import tasks


    def pay(order):
        tasks.send_reminder.delay(order.cart_pk)
        tasks.send_recipt.delay(order.pk)
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.mail import mail_receipt, mail_reminder


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    @shared_task(name="shop_send_reminder")
    def send_reminder(cart_pk):
        mail_reminder(cart_pk)
    ```

    ```python title="shop/views.py"
    from shop import tasks


    def pay(order):
        tasks.send_reminder.delay(order.cart_pk)
        tasks.send_receipt.delay(order.pk)
    ```

    ## Not reported when

    - the function or class has a decorator: it may create a task;
    - the function's module writes to `globals()`: it may put a task in its place;
    - the attribute is assigned somewhere, `function.delay = ...`, or the enclosing function checks for it with
      `hasattr` or `getattr`;
    - the class, or one that it inherits from, has its own such method, or can't be resolved;
    - the module that should have the name, or one that it imports `*` from, has a `__getattr__`, writes to `globals()`,
      or can't be resolved;
    - a test expects it: `with pytest.raises(AttributeError)`.

    ## Fix

    Make it a task, call the function, or correct the name. Only you know which is intended.
    """

    code = "CLY616"
    see = ("tasks#basics", "calling#basics")
    message = "{name!r} is a plain {kind} without {method}(): AttributeError when this runs; decorate it, or call it"
    on_class = "{method}() of the class {name!r} lacks its instance: it fails when this runs; use the registered task"
    lost = "{owner} has no {name!r}: {error} when this runs{hint}"

    def check(self, sent: SendingMethod) -> Iterator[Violation]:
        """Report the receiver of a task's method that is not a task."""
        violation = self._judge(sent)
        looked_for = is_looked_for(sent.module, sent.node.attr, sent.site)
        if violation is not None and not is_expected_to_fail(sent.site) and not looked_for:
            yield violation

    def _judge(self, sent: SendingMethod) -> Violation | None:
        node, target = sent.node, sent.target
        module, symbol = target.module, target.symbol
        assert module is not None
        name, method = target.path.rpartition(".")[2], node.attr
        if target.lost:
            if (
                len(target.rest) > 1
                or module.place.path == sent.module.place.path
                or _may_have(sent.project, module)
                or _is_optional(node, sent.site)
            ):
                return None
            if is_assigned(sent.module, name):
                return None
            meant = _words(module).close_match(name)
            hint = f"; did you mean {meant!r}?" if meant else ""
            error = "ImportError" if isinstance(node.value, ast.Name) else "AttributeError"
            return self.report(sent.module, node, self.lost, owner=module.place.name, name=name, error=error, hint=hint)
        if not isinstance(symbol, (Function, Class)) or target.rest or symbol.decorators:
            return None
        if len(module.bindings(symbol.qualname)) != 1:
            return None
        if any(is_assigned(one, method) for one in (module, sent.module)):
            return None
        if isinstance(symbol, Function):
            if module.dynamic:  # `globals()[name] = shared_task(function)`
                return None
            return self.report(sent.module, node, name=name, kind="function", method=method)
        inherits = _inherits(sent.project, target, method)
        if inherits is None:
            return None
        return self.report(sent.module, node, self.on_class if inherits else "", name=name, kind="class", method=method)


@query()
def _words(module: Module) -> Words:
    return Words(module.names())


def _may_have(project: Project, module: Module, depth: int = 0) -> bool:
    """Return whether a module, or one that it imports `*` from, may have names that no statement binds."""
    if module.dynamic or depth > 5:
        return True
    starred = (project.resolve(f"{star}:", module).module for star in module.stars)
    return any(other is not None and _may_have(project, other, depth + 1) for other in starred)


def _inherits(project: Project, cls: Target, method: str) -> bool | None:
    """Return whether a class inherits a method from `celery.Task`; None if it, or a metaclass, may have its own."""
    inherits = False
    for found in project.line(cls):
        if isinstance(found, Unknown):
            return None
        if isinstance(found.symbol, Class):
            if method in found.symbol.names or found.symbol.keywords:
                return None
        elif found.path == "celery.Task":
            inherits = True
        elif found.path != "builtins.object":
            return None
    return inherits


def _is_optional(node: ast.Attribute, site: Site) -> bool:
    """Return whether the name is imported in a `try` that allows its absence, or for type checkers only."""
    root, _ = dotted(node.value)
    found = site.scope.find(getattr(root, "id", ""))
    return found is None or any(
        binding.kind != IMPORT
        or is_typing_only(binding.site)
        or any(around.kind == TRY and around.part == "body" for around in binding.site.chain())
        for binding in found[1]
    )
