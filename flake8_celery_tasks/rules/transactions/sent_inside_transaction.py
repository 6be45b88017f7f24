from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_callers
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.transactions import _sending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix

#: The message if a caller of the function opens the transaction.
_CALLED: Final = "'{text}' sends before the commit: '{function}()' is called inside {opener} at {place}; {advice}"


class SentInsideTransaction(Rule[Invocation]):
    """A task is sent inside a transaction, before other processes can see its rows.

    ## What happens

    The message is sent at once, but other processes see the rows only after the commit. A fast worker looks for rows
    that it can't see yet:

    ```text
    Task shop_bill[...] raised unexpected: DoesNotExist('Order matching query does not exist.')
    ```

    If the transaction is rolled back, the task still runs, for something that never happened.

    The same happens if the transaction is opened further out: by a function that calls this one, or by Django around
    each request if the settings enable `ATOMIC_REQUESTS`. The message names the call.

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

    ```python title="shop/tasks.py"
    from celery import shared_task
    from django.apps import apps


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(apps.get_model("shop", "Order").objects.get(pk=order_pk))
    ```

    ```python title="shop/orders.py"
    from django.db import transaction

    from shop.tasks import bill


    def close(order):
        with transaction.atomic():
            order.save()
            tell(order)


    def tell(order):
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

    ## Not reported when

    - the call is in a lambda or a nested function inside the block, which may run later;
    - the code checks whether it is in a transaction: `connection.in_atomic_block`;
    - the task's class has its own `apply_async`, or can't be resolved: it may wait for the commit;
    - the call is the argument of `on_commit` (CLY702);
    - the call is in an exception handler that ends with `raise`: after a rollback `on_commit` runs nothing;
    - an `if` checks the settings, and the function otherwise sends the task on commit:
      `if settings.TEST: task.delay(x)`;
    - a task sends itself with a `countdown` or `eta`: the next batch, long after this transaction has ended;
    - the name of the transaction's database suggests a replica, and the rule sees no write;
    - the rule sees no write in the branches that lead to the call or follow it, and the transaction contains other
      branches: it may be there for those;
    - nothing in the file or the project shows that the context manager or decorator opens a transaction;
    - no transaction of the project reaches the function around the call within three calls, or it is uncertain whether
      or when one does;
    - a caller opens the transaction under a condition, and otherwise does the same without one: `if self.is_atomic:`;
    - `ATOMIC_REQUESTS` opens the transaction, and the view writes nothing before the call, nothing shows that it
      is a view (`urlpatterns`, or a base class from Django, REST framework or graphene), or `non_atomic_requests`
      exempts it;
    - the module is a test or a migration.

    ## Fix

    Write `task.delay_on_commit(x)` (in a Django project whose app has no task class of its own, from Celery 5.4 on), or
    `transaction.on_commit(partial(task.delay, x))`. The task is then sent after the commit, and not at all after a
    rollback. The call returns no result.
    """

    code = "CLY701"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.atomic",
    )
    fixes = "unsafe"
    message = "'{text}' sends inside {opener}: before the commit, and even on rollback; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report a call that sends at once inside a transaction of its function or of a caller."""
        if not _sending.is_send(fact) or _sending.is_next_batch(fact):
            return
        way = _sending.way(fact)
        if (
            way is not None
            and way.kind in (django_callers.ATOMIC, django_callers.REQUEST)
            and _sending.sends_at_once(fact)
            and not _sending.is_choice(fact)
            and not _sending.is_for_failure(fact)
        ):
            text, advice = f"{shown(fact.node.func)}()", _sending.advice(fact, way.opener)
            opener = f"'{shown(way.opener)}'" if way.opener is not None else f"the request's transaction in {way.where}"
            message = _CALLED if way.function else ""
            values = {"opener": opener, "function": way.function, "place": way.place}
            yield self.report(fact.module, fact.node, message, text=text, advice=advice, **values)

    def fix(self, fact: Invocation, violation: Violation) -> Fix | None:
        """Send after the commit, if the result is unused and the transaction is on the default database."""
        from flake8_celery_tasks.edits.edit import Fix, New
        from flake8_celery_tasks.edits.imports import Names
        from flake8_celery_tasks.edits.operations import RenameAttribute
        from flake8_celery_tasks.edits.rewrite import Rewrite, kept

        way = _sending.way(fact)
        opener = None if way is None else way.opener
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
