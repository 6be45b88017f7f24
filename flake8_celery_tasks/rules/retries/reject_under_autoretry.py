from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.calls import Raise
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.values import Unknown
    from flake8_celery_tasks.core.violation import Violation

#: The first Celery version that reads `dont_autoretry_for`.
_SINCE = (5, 3)


class RejectUnderAutoretry(Rule[Raise]):
    """`raise Reject()` in a task whose `autoretry_for` catches it: the message is retried, not rejected.

    ## What happens

    The wrapper behind `autoretry_for` lets `Ignore` and `Retry` through. It lets `Reject` through only if
    `dont_autoretry_for` contains it. With `autoretry_for=(Exception,)` a message that should be discarded runs again
    until no retries are left:

    ```text
    Task shop_import_order[...] retry: Retry in 180s: reject requeue=False: no such order
    ```

    ## Bad

    ```python
    from celery import shared_task
    from celery.exceptions import Reject

    from shop.orders import exists, load


    @shared_task(name="shop_import_order", autoretry_for=(Exception,))
    def import_order(order_pk):
        if not exists(order_pk):
            raise Reject("no such order", requeue=False)
        load(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery.exceptions import Reject

    from shop.orders import exists, load


    @shared_task(name="shop_import_order", autoretry_for=(Exception,), dont_autoretry_for=(Reject,))
    def import_order(order_pk):
        if not exists(order_pk):
            raise Reject("no such order", requeue=False)
        load(order_pk)
    ```

    ## Not reported when

    - `dont_autoretry_for` contains `Reject` or one of its base classes, or can't be resolved (Celery reads it from 5.3
      on);
    - something in the function, or a decorator between the task decorator and the function, catches it, or may catch
      it;
    - `max_retries=0` disables retries;
    - a decorator that can't be resolved creates the task.

    ## Fix

    Add `dont_autoretry_for=(Reject,)`, from Celery 5.3 on, or list only the exceptions that are worth a retry in
    `autoretry_for`. Either changes what is retried.
    """

    code = "CLY221"
    see = ("tasks#reject", "tasks#Task.dont_autoretry_for")
    message = "autoretry_for of task {function!r} catches this Reject: it is retried, not rejected; {advice}"

    def check(self, fact: Raise) -> Iterator[Violation]:
        """Report a Reject that leaves the function and is caught by `autoretry_for`."""
        task = fact.task
        if fact.path != exceptions.REJECT or task.is_opaque or not task.is_transparent:
            return
        caught = {*exceptions.BASES, exceptions.REJECT}
        if _catches(task.effective("autoretry_for"), caught) is not True:
            return
        is_excepted = _catches(task.effective("dont_autoretry_for"), caught) is not False
        if is_excepted and version_of(fact.project) >= _SINCE:
            return
        if task.effective("max_retries") == 0 or fact.site.function() is not task.function:
            return
        if exceptions.fate(fact.project, fact.module, fact.site, fact.path, task.me) is None:
            function = task.node.name
            is_known = version_of(fact.project) >= _SINCE
            advice = "add dont_autoretry_for=(Reject,)" if is_known else "name narrower ones there"
            yield self.report(fact.module, fact.node, function=function, advice=advice)


def _catches(value: Any, paths: set[str]) -> bool | Unknown:
    """Return whether an option contains any of the exceptions; an option that is not given contains none."""
    return False if value is MISSING or value is None else exceptions.holds(value, paths)
