from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_transactions
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.transactions import _sending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class SentInsideTransaction(Rule[Invocation]):
    """A task is sent inside a transaction, before its rows can be seen.

    ## What happens

    The message leaves at once, but other processes see the rows only after the commit. A quick worker looks for rows
    that it can't see yet:

    ```text
    Task shop_bill[...] raised unexpected: DoesNotExist('Order matching query does not exist.')
    ```

    And if the transaction is rolled back, the task runs all the same, for something that never happened.

    ## Bad

    ```python
    from celery import shared_task
    from django.db import transaction

    from shop.models import Order


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(Order.objects.get(pk=order_pk))


    def close(order):
        with transaction.atomic():
            order.save()
            bill.delay(order.pk)
    ```

    ```python
    from celery import shared_task
    from django.db import transaction

    from shop.models import Order


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(Order.objects.get(pk=order_pk))


    @transaction.atomic
    def close(order):
        order.save()
        bill.delay(order.pk)
    ```

    ## Good

    ```python
    from celery import shared_task
    from django.db import transaction

    from shop.models import Order


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(Order.objects.get(pk=order_pk))


    def close(order):
        with transaction.atomic():
            order.save()
            bill.delay_on_commit(order.pk)
    ```

    ```python
    from functools import partial

    from celery import shared_task
    from django.db import transaction

    from shop.models import Order


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(Order.objects.get(pk=order_pk))


    @transaction.atomic
    def close(order):
        order.save()
        transaction.on_commit(partial(bill.delay, order.pk))
    ```

    ## Silent when

    - the call stands in a lambda or a function inside the block, which may run later;
    - the code asks whether it is in a transaction: `connection.in_atomic_block`;
    - the task's class has an `apply_async` of its own, or can't be read: it may wait for the commit;
    - the call is what `on_commit` is given (CLY702);
    - no write is seen in the branches that lead to the call or follow it, and the transaction holds other branches: it
      may be there for those;
    - nothing in the file or the project shows that the context manager or decorator opens a transaction;
    - the module is a test or a migration.

    ## Fix

    Write `task.delay_on_commit(x)` (a task of a Django project whose app has no task class of its own, from Celery
    5.4), or `transaction.on_commit(partial(task.delay, x))`. The task is then sent later, not at all after a rollback,
    and the call gives no result.
    """

    code = "CLY701"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.atomic",
    )
    fixes = "unsafe"
    message = "'{text}' sends inside '{opener}': before the commit, and despite a rollback; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report a call that sends at once inside a transaction."""
        if not _sending.is_send(fact):
            return
        opener = django_transactions.around_change(fact.project, fact.module, fact.site, fact.node)
        if opener is not None and _sending.sends_at_once(fact):
            text, advice = f"{shown(fact.node.func)}()", _sending.advice(fact, opener)
            yield self.report(fact.module, fact.node, text=text, opener=shown(opener), advice=advice)

    def fix(self, fact: Invocation, violation: Violation) -> Fix | None:
        """Send after the commit, where nobody looks at the result and the transaction is the default database's."""
        from flake8_celery_tasks.edits.edit import Fix, New
        from flake8_celery_tasks.edits.imports import Names
        from flake8_celery_tasks.edits.operations import RenameAttribute
        from flake8_celery_tasks.edits.rewrite import Rewrite, kept

        opener = django_transactions.around(fact.project, fact.module, fact.site)
        func = fact.node.func
        given = [*opener.args, *(keyword.arg for keyword in opener.keywords)] if isinstance(opener, ast.Call) else []
        if not fact.is_statement or not isinstance(func, ast.Attribute) or set(given) - {"durable", "savepoint"}:
            return None
        if _sending.has_on_commit_methods(fact):
            return Fix((RenameAttribute(func, f"{func.attr}_on_commit"),), safe=False)
        text, names = fact.module.source, Names(fact.module)
        written = f"{names.reach('django.db', 'transaction', fact.site.scope)}.on_commit"
        arguments = kept(text, fact.node, (*fact.node.args, *fact.node.keywords))
        before = after = ""
        if arguments:
            before, after = f"{written}(", ")"
            written = names.reach("functools", "partial", fact.site.scope)
        rewrite = Rewrite(fact.node, written, (New(text.segment(func)), *arguments), before, after)
        return Fix((rewrite,), safe=False, imports=tuple(names.needed))
