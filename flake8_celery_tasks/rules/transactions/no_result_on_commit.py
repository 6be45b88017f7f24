from __future__ import annotations

import ast
from typing import TYPE_CHECKING

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


class NoResultOnCommit(Rule[Invocation]):
    """Code uses the value of `delay_on_commit()` or `apply_async_on_commit()`, which is None.

    ## What happens

    From Celery 5.4 on, tasks in a Django project have these two methods. They send only when the transaction ends, so
    there is neither a result nor an id yet; outside a transaction the value is None too:

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

    ## Silent when

    - the value goes nowhere: a statement, `return`, the body of a lambda, `_ = ...`, a name that nothing reads;
    - the module is a test or a migration.

    ## Fix

    Give the task an id beforehand, as in `apply_async_on_commit(..., task_id=...)`, and keep that.
    """

    code = "CLY706"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "DjangoTask#celery.contrib.django.task.DjangoTask.delay_on_commit",
    )
    message = "{text} gives None, the task is not sent yet, so {use}; choose the id beforehand and pass it as 'task_id'"
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report the use of a value that is None."""
        if fact.method in SENDS_ON_COMMIT and not fact.is_statement:
            use = _use(fact)
            if use is not None:
                yield self.report(fact.module, fact.node, text=f"{fact.method}()", use=use)


def _use(fact: Invocation) -> str | None:
    """Return what becomes of the value, None where nothing does."""
    root = fact.site.function() or fact.module.tree
    assert root is not None
    parents = _parents(fact.module, root)
    parent = parents[id(fact.node)]
    if isinstance(parent, ast.keyword):
        parent = parents[id(parent)]
    if isinstance(parent, ast.Attribute):
        return f"there is no '.{parent.attr}'"
    if isinstance(parent, (ast.Await, ast.Subscript)):
        return f"'{shown(parent)}' fails"
    if isinstance(parent, (ast.Dict, ast.List, ast.Tuple)):
        return f"{type(parent).__name__.lower()} holds None"
    if isinstance(parent, ast.Call):
        # on_commit(task.delay_on_commit()) is CLY702.
        passed = django_transactions.is_on_commit(fact.project, fact.module, parent, fact.site)
        return None if passed else f"{shown(parent.func)}() gets None"
    if isinstance(parent, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
        target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
        if not isinstance(target, ast.Name):
            return f"'{shown(target)}' is None"
        attribute = _attributes(fact.module, root).get(target.id)
        return None if attribute is None else f"there is no '{target.id}.{attribute}'"
    return None


@query()
def _parents(_: Module, root: ast.AST) -> dict[int, ast.AST]:
    """Return what each node below another one stands in, by its identity."""
    return {id(child): parent for parent in ast.walk(root) for child in ast.iter_child_nodes(parent)}


@query()
def _attributes(_: Module, root: ast.AST) -> dict[str, str]:
    """Return the first attribute that is taken from each name below a node."""
    found: dict[str, str] = {}
    for node in ast.walk(root):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            found.setdefault(node.value.id, node.attr)
    return found
