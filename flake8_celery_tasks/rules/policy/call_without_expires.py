from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import DIRECT, PACKING, SENDING, SIGNS
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing, TaskThing, thing_of
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.core.violation import Violation

#: Methods that accept `expires`.
_TAKING: Final = PACKING & SENDING


class CallWithoutExpires(Rule[Invocation]):
    """A task is sent by `apply_async` or `send_task` without `expires`.

    ## What happens

    The message waits until a worker consumes it. If the workers are back after a day, the task runs a day late: the
    code that it mails has long expired, or the price that it fetches is fetched a thousand times. With `expires`, a
    worker discards messages that are too late:

    ```text
    Discarding revoked task: shop_send_code[...]
    ```

    ## Bad

    ```ini
    extend-select = CLY913
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_code")
    def send_code(user_pk):
        print(user_pk)


    def login(user):
        send_code.apply_async((user.pk,), priority=9)
    ```

    ## Good

    ```ini
    extend-select = CLY913
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_code")
    def send_code(user_pk):
        print(user_pk)


    def login(user):
        send_code.apply_async((user.pk,), priority=9, expires=300)
    ```

    ## Not reported when

    - the call has `expires`, even if it is None, which is an explicit decision, or has a `**spread` that can't be
      resolved;
    - the definition of the task has `expires`, or can't be found, or its class has its own `apply_async`;
    - a signature or canvas is sent, unless it is created in the same expression, from known tasks and without `set`: it
      may have its own options;
    - the task is sent by `delay`, which takes no options;
    - the module is a test or a migration.

    ## Fix

    Write `expires=` with the number of seconds after which the task is no longer useful, or `expires=None` if it always
    is. The choice is yours.
    """

    code = "CLY913"
    see = ("calling#expiration",)
    message = (
        "{method}() of {task} has no expires: without a worker it waits, and runs however late; write expires= with "
        "its seconds"
    )
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a call whose message waits forever."""
        if call.method not in _TAKING or call.argument("expires") is not MISSING:
            return
        if call.method == "send_task":
            if not isinstance(call.name, str) or tasks_of(call.project).may_be_unread(call.name):
                return
            definitions = tasks_of(call.project).definitions(call.name)
            if all(Defined(call.project, found).effective("expires") is MISSING for found in definitions):
                yield self.report(call.module, call.node, method=call.method, task=repr(call.name))
            return
        sent = [call.definition] if isinstance(call.thing, TaskThing) else _signed(call, _receiver(call.node))
        if None in sent:
            return
        defined = [Defined(call.project, found) for found in sent if found is not None]
        if all(item.effective("expires") is MISSING and item.overrides(call.method) is False for item in defined):
            task = f"{call.thing.kind}()" if isinstance(call.thing, CanvasThing) else repr(defined[0].own_name)
            yield self.report(call.module, call.node, method=call.method, task=task)


def _receiver(node: ast.Call) -> ast.expr:
    assert isinstance(node.func, ast.Attribute)
    return node.func.value


def _signed(call: Invocation, node: ast.expr) -> list[Definition | None]:
    """Return the tasks of a signature or canvas created in the call, without options; None for unknown ones."""
    parts: list[ast.expr] = []
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        parts = [node.elt]
    elif isinstance(node, (ast.Tuple, ast.List)):
        parts = node.elts
    elif isinstance(node, ast.BinOp):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call):
        thing = thing_of(call.project, call.module.value(node, call.site.scope), call.module)
        if isinstance(thing, SignatureThing):
            plain = isinstance(node.func, ast.Attribute) and node.func.attr in SIGNS & DIRECT
            return [thing.definition if plain else None]
        if isinstance(thing, CanvasThing) and not node.keywords:
            parts = node.args
    return [found for part in parts for found in _signed(call, part)] or [None]
