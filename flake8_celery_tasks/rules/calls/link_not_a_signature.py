from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.canvas import Callback
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.calls._signatures import misuse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class LinkNotASignature(Rule[Callback]):
    """A callback is a task, the name of a task, or a function, where Celery needs a signature.

    ## What happens

    A `link`, a `link_error` and the body of a chord become part of the first task's message. A task or a function can't
    be encoded, so the call fails.

    ```text
    kombu.exceptions.EncodeError: Object of type ship is not JSON serializable
    ```

    A string as `link` is worse. It is sent, and once the first task has run, the worker fails to call it and marks the
    first task as failed:

    ```text
    Task shop_bill[...] raised unexpected: AttributeError("'str' object has no attribute '_app'...")
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        bill.apply_async((order.number,), link=ship)
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    def close(order):
        bill.apply_async((order.number,), link="shop_ship")
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        bill.apply_async((order.number,), link=ship.s())
    ```

    ## Not reported when

    - a string is given as `link_error`: Celery treats it as the name of a task, and sends that task;
    - the value can't be resolved, or may be a signature;
    - a test expects an exception there.

    ## Fix

    Write `task.s()` for `task`, write `signature("name")` for `"name"`, or make the function a task. The callback then
    runs for the first time.
    """

    code = "CLY610"
    see = ("calling#linking-callbacks-errbacks", "canvas#callbacks")
    message = "{text}"

    def check(self, callback: Callback) -> Iterator[Violation]:
        """Report a callback, or the body of a chord, that is not a signature."""
        text = misuse(callback.context, callback.node, callback.site, callback.place) or _fault(callback)
        if text is not None and not is_expected_to_fail(callback.site):
            yield self.report(callback.module, callback.node, text=text)


def _fault(callback: Callback) -> str | None:
    """Return the mistake of a callback that is neither a task nor another object of Celery's."""
    place = callback.place
    if isinstance(callback.node, ast.Lambda):
        return f"{place} is given a lambda, which can't be sent; turn it into a task and write 'task.s()'"
    value = callback.project.settle(callback.module.value(callback.node, callback.site.scope), callback.module)
    if isinstance(value, str) and not callback.on_error:
        effect = "AttributeError" if callback.is_body else "it fails in the worker"
        return f"{place} is given the string {value!r}: {effect}; write 'signature({value!r})'"
    function = value.symbol if isinstance(value, Target) and not value.rest else None
    if isinstance(function, Function) and not function.decorators:
        return f"{place} is given the function '{shown(callback.node)}', which can't be sent; turn it into a task"
    return None
