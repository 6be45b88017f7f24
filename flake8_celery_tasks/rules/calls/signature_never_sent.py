from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import CHAINS, SENDS, SENDS_ON_COMMIT, SIGNS, SPREADS
from flake8_celery_tasks.celery_model.objects import CANVAS, CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.calls import on_commits_in
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules._messages import CUT, shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation


class SignatureNeverSent(Rule[Facts]):
    """A statement makes a signature or canvas, or names `delay` without calling it, and sends nothing.

    ## What happens

    Nothing. `add.s(1, 2)` only notes which task is to be called with what; `group(...)`, `chain(...)` and `chord(...)`
    put such notes together; and `add.delay` without parentheses is a method that nobody calls. No message is sent, and
    the task never runs. Nothing is logged.

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

    ## Silent when

    - the value is used: assigned, returned, passed to something;
    - the signature has a name, and the statement changes it: `signature.set(queue="slow")`;
    - the statement stands where a test expects an exception.

    ## Fix

    Send it: add `.delay()` or `.apply_async()` to a signature or canvas, parentheses to a method. The task then runs,
    for the first time, so look at what it does.
    """

    code = "CLY609"
    see = ("canvas#signatures",)
    message = "'{text}' {fault}, nothing is sent and nothing fails; {advice}"

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report statements, and callbacks of `on_commit`, whose value is a signature or a method."""
        candidates = facts.module.candidates
        dropped = {*candidates.statements, *self._callbacks(facts)}
        calls = facts.calls_named(*SIGNS, *SPREADS, *CHAINS, *(path.rpartition(".")[2] for path in CANVAS))
        for node, site in (*calls, *candidates.pipes, *candidates.sends):
            if id(node) in dropped and not is_expected_to_fail(site):
                if isinstance(node, ast.Attribute):
                    if node.attr in SENDS | SENDS_ON_COMMIT and _sends(facts, node.value, site):
                        text = shown(node)
                        fault = "is a method that is not called"
                        advice = "call it" if text.endswith(CUT) else f"write '{text}(...)'"
                        yield self.report(facts.module, node, text=text, fault=fault, advice=advice)
                elif _makes_signature(facts, node, site):
                    text = shown(node)
                    whole = text if isinstance(node, ast.Call) else f"({text})"
                    advice = "put .delay() behind it" if text.endswith(CUT) else f"write '{whole}.delay()'"
                    fault = "only makes a signature"
                    yield self.report(facts.module, node, text=text, fault=fault, advice=advice)

    def _callbacks(self, facts: Facts) -> Iterator[int]:
        """Yield the identities of what the lambdas give that `on_commit` calls: nobody looks at it."""
        for call in on_commits_in(facts):
            if isinstance(call.callback, ast.Lambda):
                yield id(call.callback.body)


def _sends(facts: Facts, node: ast.expr, site: Site) -> bool:
    return isinstance(facts.thing(node, site), (TaskThing, SignatureThing, CanvasThing))


def _makes_signature(facts: Facts, node: ast.expr, site: Site) -> bool:
    """Return whether an expression makes a signature or canvas, and does not change one that has a name."""
    made = node
    while isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in CHAINS:
        made = made.func.value
    return isinstance(made, (ast.Call, ast.BinOp)) and isinstance(
        facts.thing(made, site), (SignatureThing, CanvasThing)
    )
