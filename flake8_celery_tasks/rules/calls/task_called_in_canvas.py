from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.canvas import Canvas, is_function_task
from flake8_celery_tasks.rules.calls._signatures import misuse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix, Operation
    from flake8_celery_tasks.facts.canvas import Member
    from flake8_celery_tasks.facts.context import FileContext


class TaskCalledInCanvas(Rule[Canvas]):
    """A group, chain or chord is given a task, or a call of one, instead of a signature.

    ## What happens

    `fetch_rates("EUR")` runs the task here and now, and `fetch_rates.delay("EUR")` sends it at once. The canvas gets a
    return value or a result, and fails with an error that mentions neither the task nor the canvas:

    ```text
    AttributeError: 'str' object has no attribute 'app'
    ```

    A bare task is not a signature either:

    ```text
    TypeError: unsupported operand type(s) for |: 'Signature' and 'Proxy'
    ```

    A chord treats the returned string as the name of a task, and its body never runs:

    ```text
    Received unregistered task of type 'eur'.
    ```

    ## Bad

    ```python
    from celery import group, shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(currency):
        return currency.lower()


    def refresh(currencies):
        return group(fetch_rates(currency) for currency in currencies).delay()
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(currency):
        return currency.lower()


    @shared_task(name="shop_store_rates")
    def store_rates(rates):
        print(rates)


    def refresh(currency):
        return (fetch_rates.s(currency) | store_rates).delay()
    ```

    ```python
    from celery import chord, shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(currency):
        return currency.lower()


    @shared_task(name="shop_store_rates")
    def store_rates(rates):
        print(rates)


    def refresh(currencies):
        return chord([fetch_rates(currency) for currency in currencies], store_rates.s()).delay()
    ```

    ## Good

    ```python
    from celery import group, shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(currency):
        return currency.lower()


    def refresh(currencies):
        return group(fetch_rates.s(currency) for currency in currencies).delay()
    ```

    ## Not reported when

    - the task returns a signature or canvas, so the call may be intended;
    - the task is a class, or a decorator that can't be resolved creates it;
    - neither side of the `|` is a signature or canvas;
    - the task is the body of a chord: that is CLY610.

    ## Fix

    Write `task.s(...)` for `task(...)`. The task then runs in a worker, not where the canvas is created.
    """

    code = "CLY608"
    see = ("canvas#signatures", "canvas#the-primitives")
    fixes = "unsafe"
    message = "{text}"

    def check(self, canvas: Canvas) -> Iterator[Violation]:
        """Report the members of a canvas that are not signatures."""
        for member in canvas.members:
            text = misuse(canvas.context, member.node, member.site, canvas.name)
            if text is not None and not is_expected_to_fail(member.site):
                yield self.report(canvas.module, member.node, text=text)

    def fix(self, canvas: Canvas, violation: Violation) -> Fix | None:
        """Write a signature."""
        from flake8_celery_tasks.edits.edit import Fix

        place = violation.line, violation.column
        member = next(item for item in canvas.members if canvas.module.source.position(item.node) == place)
        operation = as_signature(canvas.context, member)
        return None if operation is None else Fix((operation,), safe=False)


def as_signature(context: FileContext, member: Member) -> Operation | None:
    """Return the operation that turns a called, sent or bare task into a signature."""
    from flake8_celery_tasks.edits.operations import RenameAttribute, TakeAttribute

    node, site = member.node, member.site
    if isinstance(node, ast.Call):
        if is_function_task(context, node.func, site):
            return TakeAttribute(node.func, "s")
        if isinstance(node.func, ast.Attribute) and is_function_task(context, node.func.value, site):
            return RenameAttribute(node.func, "s" if node.func.attr == "delay" else "signature")
        return None
    if is_function_task(context, node, site):
        return TakeAttribute(node, "s", is_called=True)
    return RenameAttribute(node, "s", is_called=True) if isinstance(node, ast.Attribute) else None
