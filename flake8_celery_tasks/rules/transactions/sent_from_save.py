from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.arguments import arguments_of
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_callers
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.transactions import _sending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SentFromSave(Rule[Invocation]):
    """A task is sent where a model is saved or deleted: in `save()`, `delete()`, or a receiver of their signals.

    ## What happens

    Such code runs whenever something saves the row, usually inside a transaction: in every view of the admin, every
    request under `ATOMIC_REQUESTS`, and every `atomic` block of a caller. The message is sent before other processes
    can see the row, and the task does not find it:

    ```text
    Task shop_bill[...] raised unexpected: DoesNotExist('Order matching query does not exist.')
    ```

    After a rollback the task runs for a row that never existed.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task
    from django.apps import apps


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(apps.get_model("shop", "Order").objects.get(pk=order_pk))
    ```

    ```python title="shop/models.py"
    from django.db import models

    from shop.tasks import bill


    class Order(models.Model):
        def save(self, *args, **kwargs):
            super().save(*args, **kwargs)
            bill.delay(self.pk)
    ```

    ```python title="shop/receivers.py"
    from django.db.models.signals import post_save
    from django.dispatch import receiver

    from shop.models import Order
    from shop.tasks import bill


    @receiver(post_save, sender=Order)
    def order_saved(instance, **kwargs):
        bill.delay(instance.pk)
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task
    from django.apps import apps


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(apps.get_model("shop", "Order").objects.get(pk=order_pk))
    ```

    ```python title="shop/models.py"
    from django.db import models

    from shop.tasks import bill


    class Order(models.Model):
        def save(self, *args, **kwargs):
            super().save(*args, **kwargs)
            bill.delay_on_commit(self.pk)
    ```

    ## Not reported when

    - it is uncertain whether the class is a model, or the signal is not one of Django's model signals;
    - the call is in a function that such code calls, but more than three calls away, or it is uncertain which function
      is called;
    - the call is in a nested lambda or function, or in an `atomic` block there (CLY701);
    - a decorator of the function calls `on_commit`, or can't be resolved;
    - the code checks whether it is in a transaction: `connection.in_atomic_block`;
    - the task's class has its own `apply_async`, or can't be resolved: it may wait for the commit;
    - the call is the argument of `on_commit` (CLY702);
    - the call is in an exception handler that ends with `raise`: after a rollback `on_commit` runs nothing;
    - an `if` checks the settings, and the function otherwise sends the task on commit:
      `if settings.TEST: task.delay(x)`;
    - the module is a test or a migration.

    ## Fix

    Write `task.delay_on_commit(x)` (in a Django project, from Celery 5.4 on), or
    `transaction.on_commit(partial(task.delay, x))`. Outside a transaction both send at once. Inside one, the task is
    sent after the commit, and not at all after a rollback. For a deleted row, pass the primary key instead of the
    instance: the instance has none after the commit.
    """

    code = "CLY705"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#tying-transactions-to-http-requests",
    )
    message = "'{text}' sends in {where} perhaps inside the caller's transaction; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report a call that sends at once in a method of a model, in a receiver, or in a function that they call."""
        if not _sending.is_send(fact):
            return
        way = _sending.way(fact)
        if (
            way is not None
            and way.kind == django_callers.SAVE
            and _sending.sends_at_once(fact)
            and not _sending.is_choice(fact)
            and not _sending.is_for_failure(fact)
        ):
            text = f"{shown(fact.node.func)}()"
            advice = _key_advice(fact) if "delete" in way.where and not way.function else ""
            advice = advice or _sending.advice(fact)
            where = f"{way.where},"
            if way.function:
                where = f"{way.function}(), which {way.where} calls at {way.place},"
            yield self.report(fact.module, fact.node, text=text, where=where, advice=advice)


def _key_advice(fact: Invocation) -> str:
    """Return what to pass instead of a deleted instance; an empty string if no instance is passed."""
    arguments = arguments_of(fact)
    names = [node.id for node in arguments.values if isinstance(node, ast.Name)] if arguments is not None else []
    name = next((name for name in names if name in ("instance", "self")), None)
    return "" if name is None else f"pass '{name}.pk': the instance has no primary key after the commit"
