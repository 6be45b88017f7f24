from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.methods import SENDS_ON_COMMIT
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_transactions
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.core.violation import Violation


#: Functions that turn a generator into a collection.
_MAKERS: Final = frozenset({"frozenset", "list", "set", "sorted", "tuple"})


class NoResultOnCommit(Rule[Invocation]):
    """Code uses the value of `delay_on_commit()` or `apply_async_on_commit()`, which is None.

    ## What happens

    From Celery 5.4 on, tasks in a Django project have these two methods. They send the task only when the transaction
    ends, so there is no result and no id yet. Outside a transaction they return None too:

    ```text
    AttributeError: 'NoneType' object has no attribute 'id'
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.job = bill.delay_on_commit(order.pk).id
        order.save()
    ```

    ## Good

    ```python
    from functools import partial

    from celery import shared_task
    from celery.utils import uuid
    from django.db import transaction


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.job = uuid()
        order.save()
        transaction.on_commit(partial(bill.apply_async, (order.pk,), task_id=order.job))
    ```

    ## Not reported when

    - the value is unused: the call is a statement, is in a comprehension that is a statement, is returned, is the body
      of a lambda, or is assigned to `_` or to a name whose attributes are never read and that is never passed as an
      argument;
    - the module is a test or a migration.

    ## Fix

    Choose the task's id beforehand, as in `apply_async_on_commit(..., task_id=...)`, and store that id.
    """

    code = "CLY706"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "DjangoTask#celery.contrib.django.task.DjangoTask.delay_on_commit",
    )
    message = (
        "{text} returns None because the task is not sent yet, so {use}; choose the id beforehand and pass it as "
        "'task_id'"
    )
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report the use of a value that is None."""
        if fact.method in SENDS_ON_COMMIT and not fact.is_statement:
            use = _use(fact)
            if use is not None:
                yield self.report(fact.module, fact.node, text=f"{fact.method}()", use=use)


def _use(fact: Invocation) -> str | None:
    """Return what the code does with the value; None if it does nothing with it."""
    root = fact.site.function() or fact.module.tree
    assert root is not None
    parents = _parents(fact.module, root)
    node, parent, many = _above(fact.node, parents)
    if isinstance(parent, ast.Attribute):
        return f"{shown(parent.value)} holds None" if many else f"there is no '.{parent.attr}'"
    if isinstance(parent, (ast.Await, ast.Subscript)):
        return f"'{shown(parent)}' fails"
    if isinstance(parent, (ast.Dict, ast.List, ast.Tuple)):
        return f"{type(parent).__name__.lower()} holds None"
    if isinstance(parent, ast.FormattedValue):
        return "the text says None"
    if isinstance(parent, ast.Call):
        # on_commit(task.delay_on_commit()) is CLY702.
        passed = django_transactions.is_on_commit(fact.project, fact.module, parent, fact.site)
        return None if passed else f"{shown(parent.func)}() gets None"
    if isinstance(parent, (ast.For, ast.AsyncFor)) and node is parent.iter:
        return f"'{shown(parent.target)}' is None"
    if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
        if not isinstance(target, ast.Name):
            return f"'{shown(target)}' {'holds' if many else 'is'} None"
        uses = _uses(fact.module, root)
        if many:
            return f"'{target.id}' holds None" if target.id in uses else None
        return uses.get(target.id)
    return None


def _above(node: ast.AST, parents: dict[int, ast.AST]) -> tuple[ast.AST, ast.AST | None, bool]:
    """Return the outermost expression that has the value, its parent, and whether it contains several values.

    A comprehension contains several, and so does a list or tuple created from one. A conditional expression has the
    value of its branch.
    """
    many = False
    while True:
        parent = parents.get(id(node))
        if node is getattr(parent, "elt", None) or (isinstance(parent, ast.DictComp) and node is parent.value):
            many = True
        elif not _passes_on(node, parent, many):
            return node, parent, many
        assert parent is not None
        node = parent


def _passes_on(node: ast.AST, parent: ast.AST | None, many: bool) -> bool:
    """Return whether an expression has the value of the expression inside it, or collects its values."""
    if isinstance(parent, ast.Call):
        return many and getattr(parent.func, "id", "") in _MAKERS
    return isinstance(parent, (ast.keyword, ast.Starred)) or (isinstance(parent, ast.IfExp) and node is not parent.test)


@query()
def _parents(_: Module, root: ast.AST) -> dict[int, ast.AST]:
    """Return the parents of all nodes below another one, by the identities of the nodes."""
    return {id(child): parent for parent in ast.walk(root) for child in ast.iter_child_nodes(parent)}


@query()
def _uses(_: Module, root: ast.AST) -> dict[str, str | None]:
    """Return the first use of each name below a node: its attribute is read, or it is passed as an argument.

    None means that the name is only read.
    """
    found: dict[str, str | None] = {}
    read: set[str] = set()
    for node in ast.walk(root):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, f"there is no '{node.value.id}.{node.attr}'")
        elif isinstance(node, ast.Call):
            for arg in (*node.args, *(keyword.value for keyword in node.keywords)):
                if isinstance(arg, ast.Name):
                    found.setdefault(arg.id, f"{shown(node.func)}() gets None")
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            read.add(node.id)
    return {**dict.fromkeys(sorted(read)), **found}
