from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class WrapperRenamesTask(Rule[Task]):
    """A decorator below the task decorator replaces the function's name, and the task has no explicit one.

    ## What happens

    Without `functools.wraps` the task decorator receives the decorator's inner function and names the task after it:
    `shop.locks.wrapper`. The second task under the same decorator gets the same name. Celery keeps one of them, and
    both variables then run its code. From 5.7 on, Celery warns; older versions are silent:

    ```text
    DuplicateTaskNameWarning: Task name 'shop.locks.wrapper' is already registered to a different callable.
    ```

    ## Bad

    ```python title="shop/locks.py"
    from threading import Lock

    LOCK = Lock()


    def locked(function):
        def wrapper(*args, **kwargs):
            with LOCK:
                return function(*args, **kwargs)

        return wrapper
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.locks import locked


    @shared_task(ignore_result=True)
    @locked
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(ignore_result=True)
    @locked
    def send_reminder(order_pk):
        print(order_pk)
    ```

    ## Good

    ```python title="shop/locks.py"
    import functools
    from threading import Lock

    LOCK = Lock()


    def locked(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            with LOCK:
                return function(*args, **kwargs)

        return wrapper
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.locks import locked


    @shared_task(name="shop_send_receipt", ignore_result=True)
    @locked
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(name="shop_send_reminder", ignore_result=True)
    @locked
    def send_reminder(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - the task has an explicit name;
    - the decorator takes over the name in another way: with `functools.update_wrapper`, or by assigning both
      `__name__` and `__module__`;
    - the decorator comes from outside the project, or does more than return one inner function.

    ## Fix

    Put `@functools.wraps(function)` on the inner function, and give the task a name (CLY101). Both change the name that
    messages carry, so do it while the queue is empty.
    """

    code = "CLY104"
    see = ("tasks#names", "tasks#multiple-decorators", "functools#functools.wraps")
    message = (
        "Decorator {decorator!r} lacks functools.wraps: every task that it decorates is named {name!r}; "
        "add functools.wraps and name="
    )
    moved: Final = (
        "Decorator {decorator!r} takes over __name__ but not __module__: the task is named {name!r}; "
        "use functools.wraps and add name="
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a decorator that renames a task without an explicit name, at the decorator."""
        if task.is_opaque or not task.below or task.explicit_name is not MISSING:
            return
        renamed = task.renaming
        if renamed is not None:
            message = "" if renamed.shared else self.moved
            yield self.report(task.module, renamed.node, message, decorator=renamed.decorator, name=renamed.name)
