from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import SENDS, SENDS_ON_COMMIT
from flake8_celery_tasks.celery_model.objects import AppThing, CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.facts.calls import OnCommit
from flake8_celery_tasks.facts.canvas import is_function_task
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class OnCommitCalledNow(Rule[OnCommit]):
    """`on_commit` receives the result of a call that sends a task, instead of a function to call later.

    ## What happens

    Python calls `task.delay(...)` before it calls `on_commit`: the message is sent at once, inside the transaction.
    Then Django rejects the result, and the exception rolls the transaction back. The task runs anyway:

    ```text
    TypeError: on_commit()'s callback must be a callable.
    ```

    ## Bad

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.save()
        transaction.on_commit(bill.delay(order.pk))
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

    - it is uncertain whether the call sends a task, signature or canvas;
    - the module is a test or a migration.

    ## Fix

    Write `partial(task.delay, x)`. The automatic fix does this. It is safe, since the current call never works.
    """

    code = "CLY702"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.on_commit",
    )
    fixes = "safe"
    message = "'{text}' runs now, and on_commit() rejects its result with a TypeError; write '{better}'"
    quiet_in_tests = True

    def check(self, call: OnCommit) -> Iterator[Violation]:
        """Report a callback that is a call that sends."""
        callback = call.callback
        sender = _sender(call, callback) if isinstance(callback, ast.Call) else None
        if isinstance(callback, ast.Call) and sender is not None:
            given = callback.args or callback.keywords
            partial = ast.Call(ast.Name("partial"), [ast.Name(sender), *callback.args], callback.keywords)
            better = shown(partial, f"partial({sender}, ...)") if given else sender
            yield self.report(call.module, callback, text=shown(callback), better=better)

    def fix(self, call: OnCommit, violation: Violation) -> Fix | None:
        """Write `partial(...)`, or only the function if it is called without arguments."""
        from flake8_celery_tasks.edits.edit import Fix, New
        from flake8_celery_tasks.edits.imports import Names
        from flake8_celery_tasks.edits.operations import Replace
        from flake8_celery_tasks.edits.rewrite import Rewrite, kept

        text, names, node = call.module.source, Names(call.module), call.callback
        assert isinstance(node, ast.Call), "only calls are reported"
        func = text.segment(node.func).removesuffix("_on_commit")
        if not isinstance(node.func, ast.Attribute) or call.context.thing(node.func, call.site) is not None:
            func += ".delay"
        if not node.args and not node.keywords:
            return Fix((Replace(node, func),), safe=True)
        partial = names.reach("functools", "partial", call.site.scope)
        rewrite = Rewrite(node, partial, (New(func), *kept(text, node, (*node.args, *node.keywords))))
        return Fix((rewrite,), safe=True, imports=tuple(names.needed))


def _sender(on_commit: OnCommit, call: ast.Call) -> str | None:
    """Return the callable to pass instead of a call that runs or sends a task now, None for other calls."""
    context, site, func = on_commit.context, on_commit.site, call.func
    if isinstance(func, ast.Attribute):
        owner = context.thing(func.value, site)
        is_app = isinstance(owner, AppThing) and func.attr == "send_task"
        is_sent = isinstance(owner, (TaskThing, SignatureThing, CanvasThing)) and func.attr in SENDS | SENDS_ON_COMMIT
        if is_app or is_sent:
            return f"{shown(func.value)}.{func.attr.removesuffix('_on_commit')}"
    if isinstance(context.thing(func, site), (CanvasThing, SignatureThing)) or is_function_task(context, func, site):
        return f"{shown(func)}.delay"
    return None
