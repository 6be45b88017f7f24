from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import CHAINS, SENDS, SENDS_ON_COMMIT
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.calls import Dropped
from flake8_celery_tasks.rules._messages import CUT, shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SignatureNeverSent(Rule[Dropped]):
    """A statement creates a signature or canvas, or names `delay` without calling it, and sends nothing.

    ## What happens

    Nothing. `add.s(1, 2)` only records which task to call with which arguments; `group(...)`, `chain(...)` and
    `chord(...)` combine such records; and `add.delay` without parentheses is a method that nobody calls. No message is
    sent, and the task never runs. Nothing is logged.

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    def close(order):
        order.close()
        bill.s(order.number)
    ```

    ```python
    from celery import chain, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        chain(bill.s(order.number), ship.s())
    ```

    ## Good

    ```python
    from celery import chain, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        chain(bill.s(order.number), ship.s()).delay()
    ```

    ## Not reported when

    - the value is used: it is assigned, returned or passed to something;
    - the signature has a name, and the statement changes it: `signature.set(queue="slow")`;
    - the statement is in a place where a test expects an exception.

    ## Fix

    Send it: add `.delay()` or `.apply_async()` to a signature or canvas, and parentheses to a method. The task then
    runs for the first time, so check what it does.
    """

    code = "CLY609"
    see = ("canvas#signatures",)
    message = "'{text}' {fault}, nothing is sent and nothing fails; {advice}"

    def check(self, dropped: Dropped) -> Iterator[Violation]:
        """Report a statement, or a callback of `on_commit`, whose value is a signature or a method."""
        node = dropped.node
        if is_expected_to_fail(dropped.site):
            return
        text = shown(node)
        if isinstance(node, ast.Attribute):
            if node.attr in SENDS | SENDS_ON_COMMIT and _sends(dropped, node.value):
                fault = "is a method that is not called"
                advice = "call it" if text.endswith(CUT) else f"write '{text}(...)'"
                yield self.report(dropped.module, node, text=text, fault=fault, advice=advice)
        elif _makes_signature(dropped, node):
            whole = text if isinstance(node, ast.Call) else f"({text})"
            advice = "add .delay()" if text.endswith(CUT) else f"write '{whole}.delay()'"
            yield self.report(dropped.module, node, text=text, fault="only creates a signature", advice=advice)


def _sends(dropped: Dropped, node: ast.expr) -> bool:
    return isinstance(dropped.context.thing(node, dropped.site), (TaskThing, SignatureThing, CanvasThing))


def _makes_signature(dropped: Dropped, node: ast.expr) -> bool:
    """Return whether an expression creates a signature or canvas, and does not change one that has a name."""
    made = node
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in CHAINS:
        made = made.func.value
    return isinstance(made, (ast.Call, ast.BinOp)) and isinstance(
        dropped.context.thing(made, dropped.site), (SignatureThing, CanvasThing)
    )
