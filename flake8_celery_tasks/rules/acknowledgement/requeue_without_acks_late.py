from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.calls import Raise
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RequeueWithoutAcksLate(Rule[Raise]):
    """`raise Reject(..., requeue=True)` requeues nothing in a task that is acknowledged early.

    ## What happens

    Only a message that is not yet acknowledged can be rejected. Without `acks_late` the worker acknowledges it before
    the task runs, so there is nothing left to requeue: the task does not run again, the message is gone, and the state
    stays PENDING forever. The log looks normal:

    ```text
    Task shop_import_order[...] reject requeue=True: somebody else has it
    ```

    ## Bad

    ```python
    from celery import shared_task
    from celery.exceptions import Reject

    from shop.orders import is_locked, load


    @shared_task(name="shop_import_order")
    def import_order(order_pk):
        if is_locked(order_pk):
            raise Reject("somebody else has it", requeue=True)
        load(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.orders import is_locked, load


    @shared_task(name="shop_import_order", bind=True, max_retries=20)
    def import_order(self, order_pk):
        if is_locked(order_pk):
            raise self.retry(countdown=30)
        load(order_pk)
    ```

    ```python
    from celery import shared_task
    from celery.exceptions import Reject

    from shop.orders import is_locked, load


    @shared_task(name="shop_import_order", acks_late=True)
    def import_order(order_pk):
        if is_locked(order_pk):
            raise Reject("somebody else has it", requeue=True)
        load(order_pk)
    ```

    ## Not reported when

    - the task, its base class or the project (`task_acks_late`, `celery-acks-late`) acknowledges late, or may do so;
    - `requeue` is absent, False or can't be resolved;
    - something in the function, or a decorator between the task decorator and the function, catches it, or may catch
      it;
    - a base class overrides `__call__`, or a decorator that can't be resolved creates the task.

    ## Fix

    Write `raise self.retry(countdown=...)` with `bind=True`: it waits, and gives up after `max_retries`. Or add
    `acks_late=True`: the broker then redelivers the message as soon as it is requeued, dozens of times a second if no
    other worker takes it. Make sure that the task can run twice: until now it was never requeued.
    """

    code = "CLY302"
    see = ("tasks#reject", "tasks#Task.acks_late")
    message = (
        "Nothing is requeued: task {function!r} is acknowledged before it runs, so this message is lost and its state "
        "stays PENDING; add acks_late=True"
    )

    def check(self, fact: Raise) -> Iterator[Violation]:
        """Report a Reject with `requeue` that leaves a task acknowledged early."""
        task = fact.task
        if fact.path != exceptions.REJECT or fact.argument("requeue", 1) is not True:
            return
        if task.is_opaque or not task.is_transparent or fact.site.function() is not task.function:
            return
        if task.acknowledges_late is not False:
            return
        fate = exceptions.fate(fact.project, fact.module, fact.site, fact.path, task.me)
        # A base class that overrides `__call__` wraps the whole run, and may catch it.
        if fate is None and task.effective("__call__") is MISSING:
            yield self.report(fact.module, self._place(fact), function=task.node.name)

    def _place(self, fact: Raise) -> ast.AST:
        call = fact.call
        assert call is not None
        return next((item for item in call.keywords if item.arg == "requeue"), None) or call.args[1]
