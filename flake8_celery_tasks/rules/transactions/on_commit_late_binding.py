from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import ASSIGN, FUNCTION, LAMBDA, LOOP, OTHER, WITH
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import OnCommit, around_invocations
from flake8_celery_tasks.frameworks import django_transactions
from flake8_celery_tasks.rules._loops import last_calls
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.facts.context import FileContext


class OnCommitLateBinding(Rule[OnCommit]):
    """A lambda or function for `on_commit` is created in a loop and uses the loop variable.

    ## What happens

    A lambda looks up its names when it is called. Django calls the lambdas after the transaction, when the loop has
    ended. Each one sees the last value, so one task is sent many times and the others are never sent. Nothing is logged
    except the runs, all with the same argument.

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

    - the transaction is or may be opened inside the loop, and none is open around the loop: each lambda is called
      before the next iteration;
    - the lambda binds the value as a default: `lambda order=order: ...`;
    - the loop ends right after the call: `break`, `return` or `raise`;
    - the lambda sends no task;
    - the module is a test or a migration.

    ## Fix

    Bind the object as a default of the lambda: `lambda order=order: ...`. The other tasks are then sent for the first
    time. `partial(task.delay, order.pk)` also works if the object is already saved: it reads the primary key at once,
    which is None before that. If the loop deletes the object, bind the primary key instead: Django removes the key from
    the object before the commit. The automatic fix leaves that case to you. A function that is defined before the loop
    needs a parameter, and `partial(send, order)` passes the value.
    """

    code = "CLY704"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.on_commit",
    )
    fixes = "unsafe"
    message = "Every callback from the loop sees the last '{name}' when the transaction ends; write '{better}'"
    quiet_in_tests = True

    def check(self, call: OnCommit) -> Iterator[Violation]:
        """Report a callback that is created in a loop, sends a task and uses a loop variable."""
        made = _made_here(call)
        names = [] if made is None else _late(call, made)
        if made is not None and names and id(made) in around_invocations(call.context):
            yield self.report(call.module, call.callback or call.node, name=names[0], better=_better(call, made, names))

    def fix(self, call: OnCommit, violation: Violation) -> Fix | None:
        """Bind the loop variables as defaults of the lambda."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import BindNames

        made = call.callback
        if not isinstance(made, ast.Lambda):
            return None
        names = _late(call, made)
        if any(not _deleted(call.context, loop.node).isdisjoint(names) for loop in _loops(call)):
            return None  # Django removes the primary key from a deleted object
        return Fix((BindNames(made, tuple(names)),), safe=False)


def _made_here(call: OnCommit) -> ast.Lambda | ast.FunctionDef | None:
    """Return the lambda, or the function defined alongside, that is passed to `on_commit`."""
    made: ast.AST | None = call.callback
    if isinstance(made, ast.Name):
        found = call.site.scope.find(made.id)
        made = found[1][0].node if found is not None and len(found[1]) == 1 else None
    return made if isinstance(made, (ast.Lambda, ast.FunctionDef)) else None


def _late(call: OnCommit, made: ast.Lambda | ast.FunctionDef) -> list[str]:
    """Return the names in a callback that the next iteration of a loop around it rebinds."""
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


@query()
def _deleted(_context: FileContext, loop: ast.AST) -> set[str]:
    """Return the names of the objects that a loop deletes."""
    return {
        node.value.id
        for node in ast.walk(loop)
        if isinstance(node, ast.Attribute) and node.attr == "delete" and isinstance(node.value, ast.Name)
    }


def _body(made: ast.Lambda | ast.FunctionDef) -> list[ast.AST]:
    return [made.body] if isinstance(made, ast.Lambda) else [*made.body]


def _loops(call: OnCommit) -> Iterator[Site]:
    """Yield the loops around an `on_commit` in its function that are inside its transaction and continue after it."""
    has_with = False
    for site in call.site.chain():
        if site.kind in (FUNCTION, LAMBDA):
            return
        has_with = has_with or site.kind == WITH
        # If nothing here opens a transaction, the caller does, unless a context manager in the loop may open one.
        if (
            site.kind == LOOP
            and site.parent is not None
            and id(call.node) not in last_calls(call.context, site.node)
            and (not has_with or django_transactions.around(call.project, call.module, site.parent) is not None)
        ):
            yield site


def _is_bound_by(loop: Site, binding: Binding) -> bool:
    """Return whether each iteration of a loop binds a name."""
    if binding.kind not in (ASSIGN, OTHER):
        return False
    return binding.statement is loop.node or any(site is loop for site in binding.site.chain())


def _better(call: OnCommit, made: ast.Lambda | ast.FunctionDef, names: list[str]) -> str:
    """Return the callback to write, with the names bound, and shortened if it is long.

    A callback that is created in the loop binds them as defaults; a function from before the loop needs parameters.
    """
    bound = ", ".join(f"{name}={name}" for name in names)
    if isinstance(made, ast.Lambda):
        return f"lambda {bound}: {shown(made.body, '...')}"
    if any(inner is made for loop in _loops(call) for inner in ast.walk(loop.node)):
        return f"def {made.name}({bound})"
    given = ", ".join(names)
    return f"def {made.name}({given})' and 'partial({made.name}, {given})"
