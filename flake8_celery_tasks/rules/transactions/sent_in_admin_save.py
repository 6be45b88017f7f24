from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.frameworks import django_callers
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.rules.transactions import _sending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SentInAdminSave(Rule[Invocation]):
    """A task is sent where Django's admin saves or deletes, inside the admin's own transaction.

    ## What happens

    The admin opens `transaction.atomic()` around each request that adds, changes or deletes an object. `save_model`,
    `save_formset`, `save_related`, `delete_model` and the response methods after them run inside it, with or without
    `ATOMIC_REQUESTS`. The message is sent before the commit, and a fast worker does not find the row:

    ```text
    Task shop_bill[...] raised unexpected: DoesNotExist('Order matching query does not exist.')
    ```

    If one of the formsets fails afterwards, everything is rolled back, but the task runs anyway.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task
    from django.apps import apps


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(apps.get_model("shop", "Order").objects.get(pk=order_pk))
    ```

    ```python title="shop/admin.py"
    from django.contrib import admin

    from shop.tasks import bill


    class OrderAdmin(admin.ModelAdmin):
        def save_model(self, request, obj, form, change):
            super().save_model(request, obj, form, change)
            bill.delay(obj.pk)
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task
    from django.apps import apps


    @shared_task(name="shop_bill")
    def bill(order_pk):
        print(apps.get_model("shop", "Order").objects.get(pk=order_pk))
    ```

    ```python title="shop/admin.py"
    from django.contrib import admin

    from shop.tasks import bill


    class OrderAdmin(admin.ModelAdmin):
        def save_model(self, request, obj, form, change):
            super().save_model(request, obj, form, change)
            bill.delay_on_commit(obj.pk)
    ```

    ## Not reported when

    - it is uncertain whether the class is an admin class: it inherits from none, and the method takes other parameters;
    - the call is in a function that such a method calls, but more than three calls away, or it is uncertain which
      function is called;
    - the method is an action, `delete_queryset` or one of the class's own views: these may run outside a transaction;
    - the call is in a nested lambda or function, or in an `atomic` block there (CLY701);
    - a decorator of the method calls `on_commit`, or can't be resolved;
    - the code checks whether it is in a transaction: `connection.in_atomic_block`;
    - the task's class has its own `apply_async`, or can't be resolved: it may wait for the commit;
    - the call is the argument of `on_commit` (CLY702);
    - the call is in an exception handler that ends with `raise`: after a rollback `on_commit` runs nothing;
    - the module is a test or a migration.

    ## Fix

    Write `task.delay_on_commit(x)` (in a Django project, from Celery 5.4 on), or
    `transaction.on_commit(partial(task.delay, x))`. In `delete_model`, read the primary key before the row is deleted:
    afterwards `obj.pk` is None.
    """

    code = "CLY707"
    see = (
        "tasks#database-transactions",
        "first-steps#trigger-tasks-at-the-end-of-the-database-transaction",
        "django#django.db.transaction.atomic",
    )
    message = (
        "'{text}' sends in {method}, inside the admin's transaction: before the commit, and even on rollback; {advice}"
    )
    called = "'{text}' sends in {method}, which {caller} calls at {place} inside the admin's transaction; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation) -> Iterator[Violation]:
        """Report a call that sends at once, in a method that the admin calls in its transaction or further in."""
        if not _sending.is_send(fact):
            return
        way = _sending.way(fact)
        if (
            way is not None
            and way.kind == django_callers.ADMIN
            and _sending.sends_at_once(fact)
            and not _sending.is_choice(fact)
            and not _sending.is_for_failure(fact)
        ):
            text, advice = f"{shown(fact.node.func)}()", _sending.advice(fact)
            method, message = way.where, self.message
            if way.function:
                method, message = f"{way.function}()", self.called
            where = {"method": method, "caller": way.where, "place": way.place}
            yield self.report(fact.module, fact.node, message, text=text, advice=advice, **where)
