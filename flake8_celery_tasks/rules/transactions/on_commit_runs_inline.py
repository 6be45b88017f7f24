from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import SIGNS
from flake8_celery_tasks.celery_model.definitions import place_of
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.facts.calls import OnCommit
from flake8_celery_tasks.facts.canvas import is_function_task
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class OnCommitRunsInline(Rule[OnCommit]):
    """`on_commit` receives a task or a signature, and runs it in the process that commits.

    ## What happens

    Tasks and signatures are callable. Calling one runs the task in the process that commits, not in a worker. Nothing
    is sent, nothing fails, and the request takes as long as the task does. The task's retries, time limits and rate
    limits have no effect there. Nothing is logged, since no worker is involved.

    If the callback is the method `task.s`, or a `partial` of it, the call only creates a signature, and the task never
    runs.

    ## Bad

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.save()
        transaction.on_commit(bill.s(order.pk))
    ```

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.save()
        transaction.on_commit(partial(bill, order.pk))
    ```

    ## Good

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.save()
        transaction.on_commit(partial(bill.delay, order.pk))
    ```

    ## Not reported when

    - the callback is a lambda that calls the task: that is deliberate;
    - this file, or the one that defines the task, also calls the task like a function elsewhere: the same may be
      intended here;
    - the callback is a group, chain or chord: calling one sends it;
    - the task is a class, or is created by a decorator that can't be resolved;
    - the module is a test or a migration.

    ## Fix

    Pass `task.delay`: `partial(task.delay, x)`, `task.s(x).delay`. The task then runs in a worker, a moment later.
    """

    code = "CLY703"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.on_commit",
    )
    fixes = "unsafe"
    message = "on_commit() calls '{text}', which {effect} and sends nothing; write '{better}'"
    quiet_in_tests = True

    def check(self, call: OnCommit) -> Iterator[Violation]:
        """Report a callback that is a task or a signature, bare or in a `partial`."""
        callback = call.callback
        if callback is None:
            return
        inner = _first_of_partial(call, callback)
        wrong = callback if inner is None else inner
        found = _effect(call, wrong)
        if found is not None:
            effect, better = found
            if isinstance(callback, ast.Call) and inner is not None:
                partial = ast.Call(callback.func, [ast.Name(better), *callback.args[1:]], callback.keywords)
                better = shown(partial, f"partial({better}, ...)")
            yield self.report(call.module, wrong, text=shown(wrong), effect=effect, better=better)

    def fix(self, call: OnCommit, violation: Violation) -> Fix | None:
        """Pass `.delay`."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import RenameAttribute, TakeAttribute

        callback = call.callback
        assert callback is not None, "it is reported"
        wrong = _first_of_partial(call, callback) or callback
        if isinstance(wrong, ast.Attribute) and wrong.attr in SIGNS:
            return Fix((RenameAttribute(wrong, "delay"),), safe=False)
        return Fix((TakeAttribute(wrong, "delay"),), safe=False)


def _first_of_partial(call: OnCommit, node: ast.expr) -> ast.expr | None:
    """Return the callable that is passed to `functools.partial`."""
    if not isinstance(node, ast.Call) or not node.args:
        return None
    value = call.module.value(node.func, call.site.scope)
    is_partial = isinstance(value, Ref) and call.project.resolve(value.path, call.module).path == "functools.partial"
    return node.args[0] if is_partial else None


def _effect(call: OnCommit, node: ast.expr) -> tuple[str, str] | None:
    """Return what a callback does instead of sending, and the callback that would send."""
    context, inline = call.context, "runs the task in this process"
    if is_function_task(context, node, call.site):
        return None if _is_called_too(call, node) else (inline, f"{shown(node)}.delay")
    if isinstance(node, ast.Attribute) and node.attr in SIGNS and is_function_task(context, node.value, call.site):
        return "only creates a signature", f"{shown(node.value)}.delay"
    thing = context.thing(node, call.site)
    if isinstance(thing, SignatureThing) or (isinstance(thing, CanvasThing) and thing.kind in ("map", "starmap")):
        return inline, f"{shown(node)}.delay"
    return None


def _is_called_too(given: OnCommit, node: ast.expr) -> bool:
    """Return whether a task is called like a function in this file, or in the one that defines it."""
    thing = given.context.thing(node, given.site)
    definition = thing.definition if isinstance(thing, TaskThing) else None
    if definition is None:
        return False
    name = definition.symbol.qualname.rpartition(".")[2]
    for module in (given.module, definition.module):
        for call, around in module.calls_of(name):
            value = module.value(call.func, around.scope)
            if isinstance(value, Ref) and place_of(given.project.resolve(value.path, module)) == definition.place:
                return True
    return False
