from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import FUNCTION, LOOP
from flake8_celery_tasks.catalog import methods
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules._loops import last_calls
from flake8_celery_tasks.rules._messages import cut_front
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext

_BATCH: Final = re.compile(r"batch|chunk|(^|_)page", re.IGNORECASE)

_SENDING: Final = methods.SENDS | methods.SENDS_ON_COMMIT | {"send_task"}


class SentInLoop(Rule[Invocation]):
    """A task is sent in a loop.

    ## What happens

    Each iteration makes a round trip to the broker, one after the other, before the request or the task can continue.
    Ten thousand rows make ten thousand messages. If the loop fails half-way, half of them have been sent, and the next
    run sends that half twice. Nothing is logged about how many were sent.

    One task that gets all the keys makes one message; `chunks` makes a few. A `group` still makes one message per task,
    but returns one result to wait for or to revoke.

    ## Bad

    ```ini
    extend-select = CLY918
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)


    def send_receipts(orders):
        for order in orders:
            send_receipt.delay(order.pk)
    ```

    ## Good

    ```ini
    extend-select = CLY918
    ```

    ```python
    from celery import group, shared_task


    @shared_task(name="shop_print_receipts")
    def print_receipts(order_pks):
        for order_pk in order_pks:
            print(order_pk)


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)


    def close_day(orders):
        print_receipts.delay([order.pk for order in orders])
        group(send_receipt.s(order.pk) for order in orders).delay()
    ```

    ## Not reported when

    - the loop iterates over a literal (`for kind in ("a", "b")`), or ends after the first message;
    - the loop iterates over batches: `range` with a step, or `for batch in ...`, `in chunked(...)` and similar names;
    - the loop is a `while` loop that waits for something (`sleep`, `get`, `poll`) in each iteration: it never sends
      many at once;
    - the loop is around the function, not in it;
    - the loop creates signatures, and they are sent once;
    - the module is a test or a migration.

    ## Fix

    Pass a list of keys to one task, or send a group. Both change what runs together, and what fails together.
    """

    code = "CLY918"
    see = ("canvas#groups", "canvas#chunks")
    message = (
        "{call}() in a loop is one round trip to the broker each time: send one task with all the keys, or a group"
    )
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a call that sends a task in each iteration of a loop."""
        if call.method not in _SENDING:
            return
        for around in call.site.chain():
            if around.kind == FUNCTION:
                return
            if around.kind == LOOP and _repeats(call, around.node):
                yield self.report(call.module, call.node, call=cut_front(unparsed(call.node.func), 40))
                return


def _repeats(call: Invocation, loop: ast.AST) -> bool:
    """Return whether a loop makes a call more than a few times, and not once for each batch."""
    if isinstance(loop, ast.While):
        return not _waits(call.context, loop) and id(call.node) not in last_calls(call.context, loop)
    if isinstance(loop, (ast.For, ast.AsyncFor)):
        return not _is_short(loop.target, loop.iter) and id(call.node) not in last_calls(call.context, loop)
    assert isinstance(loop, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp))
    generator = loop.generators[0]
    return not _is_short(generator.target, generator.iter)


def _is_short(target: ast.expr, source: ast.expr) -> bool:
    """Return whether a loop iterates over a display, or over batches."""
    if isinstance(source, (ast.Tuple, ast.List, ast.Set)):
        return True
    called = source.func if isinstance(source, ast.Call) else None
    if isinstance(source, ast.Call) and getattr(called, "id", "") == "range" and len(source.args) == 3:
        return True
    names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
    names.append(getattr(called, "attr", getattr(called, "id", "")))
    return any(_BATCH.search(name) for name in names)


@query()
def _waits(_context: FileContext, loop: ast.While) -> bool:
    return any(
        isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("get", "poll", "sleep", "wait")
        for node in ast.walk(loop)
    )
