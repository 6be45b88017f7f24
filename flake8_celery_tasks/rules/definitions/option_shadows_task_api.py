from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.catalog.task_options import INTERNAL, TASK_API
from flake8_celery_tasks.core.text import literal
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: What was probably meant.
_INSTEAD = {
    "apply_async": "drop it",
    "backend": "set result_backend",
    "delay": "give countdown= to apply_async()",
    "retry": "for retries write autoretry_for=(...)",
}


class OptionShadowsTaskApi(Rule[Task]):
    """An option in a task's definition replaces a method of the task.

    ## What happens

    Celery turns every keyword of the decorator into an attribute of the task, on top of what `celery.Task` has. With
    `retry=True` the method `retry` is gone: every retry, the automatic ones included, fails and hides the error that it
    was meant to deal with:

    ```text
    Task shop_fetch_rates[...] raised unexpected: TypeError("'bool' object is not callable")
    ```

    `delay=10` and `apply_async=...` make a task that can't be sent, `request=...` one that does not know what it runs
    for. `backend="redis://..."` is a string where a result backend has to be: no result is stored, and whoever waits
    for one gets

    ```text
    AttributeError: 'str' object has no attribute 'add_pending_result'
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), retry=True)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_count_orders", backend="redis://localhost:6379/1")
    def count_orders(day):
        return len(day)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5)
    def fetch_rates(url):
        return download(url)
    ```

    ## Not reported when

    - the value is a function, a class, the result of a call, or can't be read: the method may be replaced on purpose;
    - the task is made by a decorator of the project that can't be read.

    ## Fix

    Drop the option, or write the one that was meant: `max_retries` for `retry`. Where results go is a setting of the
    project, `result_backend`.
    """

    code = "CLY505"
    see = ("tasks#list-of-options",)
    message = "{name}={value} takes the place of Task.{name}: whoever uses it on {function!r} gets an error; {instead}"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report constants under the names of methods, each at its keyword."""
        for name, node in task.stated():
            if name in TASK_API or name in INTERNAL:
                shadows = _is_constant(task.option(name))
            else:
                shadows = name == "backend" and isinstance(task.option(name), str)
            if shadows:
                value = literal(task.option(name))
                yield self.report(
                    task.module,
                    node,
                    name=name,
                    value=cut(value, 12, "..."),
                    function=task.node.name,
                    instead=_INSTEAD.get(name, "rename it"),
                )


def _is_constant(value: Any) -> bool:
    """Return whether a settled value is no function and no object that may stand in for a method."""
    return value is None or isinstance(
        value, (bool, int, float, str, bytes, tuple, list, set, dict, datetime.timedelta)
    )
