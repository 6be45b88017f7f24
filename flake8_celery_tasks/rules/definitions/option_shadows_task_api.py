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

#: The probable intention.
_INSTEAD = {
    "apply_async": "drop it",
    "backend": "set result_backend",
    "delay": "give countdown= to apply_async()",
    "retry": "for retries write autoretry_for=(...)",
}


class OptionShadowsTaskApi(Rule[Task]):
    """An option in a task's definition replaces a method of the task.

    ## What happens

    Celery turns every keyword of the decorator into an attribute of the task, which hides the attribute of
    `celery.Task` with the same name. With `retry=True` the method `retry` is gone. Every retry, including an automatic
    one, fails and hides the error that caused it:

    ```text
    Task shop_fetch_rates[...] raised unexpected: TypeError("'bool' object is not callable")
    ```

    A task with `delay=10` or `apply_async=...` can't be sent; one with `request=...` has no request.
    `backend="redis://..."` is a string instead of a result backend: no result is stored, and waiting for one raises:

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

    - the value is a function, a class, the result of a call, or can't be resolved: the method may be replaced on
      purpose;
    - a decorator of the project that can't be resolved creates the task.

    ## Fix

    Drop the option, or write the intended one: `max_retries` for `retry`. To choose where results are stored, set
    `result_backend` in the project's settings.
    """

    code = "CLY505"
    see = ("tasks#list-of-options",)
    message = "{name}={value} replaces Task.{name}: every use of it on {function!r} raises an error; {instead}"

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
    """Return whether a known value is neither a function nor an object that may replace a method."""
    return value is None or isinstance(
        value, (bool, int, float, str, bytes, tuple, list, set, dict, datetime.timedelta)
    )
