from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, LAMBDA, LOOP, OTHER, WITH
from flake8_celery_tasks.facts.calls import OnCommit, around_invocations
from flake8_celery_tasks.frameworks import django_transactions
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class OnCommitLateBinding(Rule[OnCommit]):
    """A lambda or function for `on_commit` is made in a loop and uses a variable of the loop.

    ## What happens

    A lambda looks its names up when it is called. `on_commit` calls them all after the transaction, when the loop is
    over: each one sees the last value, so one task is sent many times and the others are never sent. Nothing is logged
    but the runs, all with the same argument.

    ## Bad

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @transaction.atomic
    def close(orders):
        for order in orders:
            order.save()
            transaction.on_commit(lambda: bill.delay(order.pk))
    ```

    ## Good

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @transaction.atomic
    def close(orders):
        for order in orders:
            order.save()
            transaction.on_commit(partial(bill.delay, order.pk))
    ```

    ## Not reported when

    - the transaction is opened inside the loop, or may be, and none is around it: each lambda is called before the next
      round;
    - the lambda has the value as a default: `lambda order=order: ...`;
    - the loop ends right after: `break`, `return` or `raise`;
    - the lambda sends no task;
    - the module is a test or a migration.

    ## Fix

    Give the lambda a default that holds the object: `lambda order=order: ...`. The other tasks are then sent, for the
    first time. `partial(task.delay, order.pk)` does it too, where the object has its key by then: it looks the key up
    at once, which is None before the object is saved. Of an object that the loop deletes it has to be the key: Django
    takes it away before the commit, and the command leaves that to you. A function that is defined before the loop
    takes it as a parameter, and `partial(send, order)` gives it.
    """

    code = "CLY704"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.on_commit",
    )
    fixes = "unsafe"
    message = "Every callback of the loop sees the last '{name}' when the transaction ends; write '{better}'"
    quiet_in_tests = True

    def check(self, call: OnCommit) -> Iterator[Violation]:
        """Report a callback that is made in a loop, sends a task and uses a name of the loop."""
        made = _made_here(call)
        names = [] if made is None else _late(call, made)
        if made is not None and names and id(made) in around_invocations(call.context):
            yield self.report(call.module, call.callback or call.node, name=names[0], better=_better(call, made, names))

    def fix(self, call: OnCommit, violation: Violation) -> Fix | None:
        """Give the lambda what the names of the loop stand for when it is made."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import BindNames

        made = call.callback
        if not isinstance(made, ast.Lambda):
            return None
        names = _late(call, made)
        if any(_is_deleted(loop.node, name) for loop in _loops(call) for name in names):
            return None  # Django takes the key away from what it deletes
        return Fix((BindNames(made, tuple(names)),), safe=False)


def _made_here(call: OnCommit) -> ast.Lambda | ast.FunctionDef | None:
    """Return the lambda, or the function defined beside it, that an `on_commit` is given."""
    made: ast.AST | None = call.callback
    if isinstance(made, ast.Name):
        found = call.site.scope.find(made.id)
        made = found[1][0].node if found is not None and len(found[1]) == 1 else None
    return made if isinstance(made, (ast.Lambda, ast.FunctionDef)) else None


def _late(call: OnCommit, made: ast.Lambda | ast.FunctionDef) -> list[str]:
    """Return the names in a callback that the next round of a loop around it binds again."""
    own = {arg.arg for arg in ast.walk(made.args) if isinstance(arg, ast.arg)}
    inside = [node for part in _body(made) for node in ast.walk(part) if isinstance(node, ast.Name)]
    own.update(node.id for node in inside if isinstance(node.ctx, ast.Store))
    names = dict.fromkeys(node.id for node in inside if node.id not in own)
    loops = list(_loops(call))
    bound = {name: found[1] for name in names if (found := call.site.scope.find(name)) is not None}
    return [
        name
        for name, bindings in bound.items()
        if any(_is_bound_by(loop, binding) for loop in loops for binding in bindings)
    ]


def _is_deleted(loop: ast.AST, name: str) -> bool:
    """Return whether a loop deletes what a name stands for."""
    return any(
        isinstance(node, ast.Attribute) and node.attr == "delete" and getattr(node.value, "id", None) == name
        for node in ast.walk(loop)
    )


def _body(made: ast.Lambda | ast.FunctionDef) -> list[ast.AST]:
    return [made.body] if isinstance(made, ast.Lambda) else [*made.body]


def _loops(call: OnCommit) -> Iterator[Site]:
    """Yield the loops around an `on_commit` in its function that lie within its transaction and go on after it."""
    has_with = False
    for site in call.site.chain():
        if site.kind in (FUNCTION, LAMBDA):
            return
        has_with = has_with or site.kind == WITH
        # Where nothing opens a transaction here the caller does, unless a manager in the loop may.
        if (
            site.kind == LOOP
            and site.parent is not None
            and not _ends(site.node, call.node)
            and (not has_with or django_transactions.around(call.project, call.module, site.parent) is not None)
        ):
            yield site


def _ends(loop: ast.AST, call: ast.Call) -> bool:
    """Return whether a loop is left after a call in it."""
    blocks = [getattr(node, name, None) for node in ast.walk(loop) for name in ("body", "orelse")]
    return any(
        isinstance(block, list)
        and any(isinstance(statement, (ast.Break, ast.Raise, ast.Return)) for statement in block[-1:])
        and any(inner is call for statement in block for inner in ast.walk(statement))
        for block in blocks
    )


def _is_bound_by(loop: Site, binding: Binding) -> bool:
    """Return whether each round of a loop gives a name a value."""
    if binding.kind not in (ASSIGN, OTHER):
        return False
    return binding.statement is loop.node or any(site is loop for site in binding.site.chain())


def _better(call: OnCommit, made: ast.Lambda | ast.FunctionDef, names: list[str]) -> str:
    """Return the callback to write, as far as it is short: with what the names stand for.

    A default holds it where the callback is made in the loop; a function from before the loop has to be given it.
    """
    bound = ", ".join(f"{name}={name}" for name in names)
    if isinstance(made, ast.Lambda):
        return f"lambda {bound}: {shown(made.body, '...')}"
    if any(inner is made for loop in _loops(call) for inner in ast.walk(loop.node)):
        return f"def {made.name}({bound})"
    given = ", ".join(names)
    return f"def {made.name}({given})' and 'partial({made.name}, {given})"
