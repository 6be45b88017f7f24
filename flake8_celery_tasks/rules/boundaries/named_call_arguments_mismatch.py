from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.objects import SignatureThing
from flake8_celery_tasks.contract import known
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import arguments_in_turn, arguments_of_entry, is_expected_to_fail
from flake8_celery_tasks.facts.calls import Invocation, invocations_in
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.resolution.arity import misfits
from flake8_celery_tasks.rules import _mismatch
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.arguments import Arguments
    from flake8_celery_tasks.facts.context import FileContext


class NamedCallArgumentsMismatch(Rule[Invocation | BeatEntry]):
    """A task is sent by name with arguments that its function can't take.

    ## What happens

    `delay()` compares the arguments with the function's parameters before it sends anything. `send_task()`, a signature
    created from a name and a beat entry don't know the function: the message is sent, and the task fails in the worker
    every time:

    ```text
    Task shop_send_receipt[...] raised unexpected:
    TypeError("send_receipt() got an unexpected keyword argument 'order'")
    ```

    It also fails with `typing=False`. The task object that `bind=True` passes does not count as an argument of the
    call.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk, language="en"):
        print(order_pk, language)
    ```

    ```python title="billing/views.py"
    from celery import current_app


    def pay(order):
        current_app.send_task("shop_send_receipt", kwargs={"order": order.pk})
    ```

    ```python title="project/settings.py"
    CELERY_BEAT_SCHEDULE = {
        "receipts": {"task": "shop_send_receipt", "schedule": 3600.0},
    }
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk, language="en"):
        print(order_pk, language)
    ```

    ```python title="billing/views.py"
    from celery import current_app, signature


    def pay(order):
        current_app.send_task("shop_send_receipt", kwargs={"order_pk": order.pk})
        return signature("shop_send_receipt", kwargs={"language": "de"})  # the order comes later
    ```

    ```python title="project/settings.py"
    CELERY_BEAT_SCHEDULE = {
        "receipts": {"task": "shop_send_receipt", "schedule": 3600.0, "args": [1]},
    }
    ```

    ## Not reported when

    - a `*spread` or a variable may contain the arguments that make the call fit;
    - a signature lacks arguments and is not sent at once: they may be added later;
    - no task of the project, or of a service that `celery-known-tasks` names, has the name (CLY403), or several
      tasks have it;
    - a decorator below the task decorator may change the arguments;
    - the task's class has its own `apply_async`, has a `__call__` that does more with the arguments than pass them on,
      or can't be resolved;
    - the task has `bind=True` and no parameter for the task object, or `self` without `bind=True`: that is CLY202 or
      CLY203;
    - the call is in a `try` that catches TypeError, in a test (`celery-test-paths`) or in a migration.

    ## Fix

    Pass the arguments that the function accepts. Only you know which ones are intended.
    """

    code = "CLY404"
    see = ("tasks#argument-checking", "Celery#celery.Celery.send_task")
    message = "Task {name!r} {problem}: it fails in the worker with TypeError; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation | BeatEntry) -> Iterator[Violation]:
        """Report the first mismatch between the arguments of a call or an entry and the function."""
        if isinstance(fact, BeatEntry):
            if fact.task_name is not None:
                yield from self._judge(fact, arguments_of_entry(fact), fact.task_name, partial=False)
            return
        if not fact.by_name or not isinstance(fact.name, str) or is_expected_to_fail(fact.site):
            return
        partial = fact.method != "send_task" and id(fact.node) not in _signed_and_sent(fact.context)
        for arguments in arguments_in_turn(fact):
            found = list(self._judge(fact, arguments, fact.name, partial=partial))
            if found:
                yield from found
                return

    def _judge(
        self, fact: Invocation | BeatEntry, arguments: Arguments, name: str, *, partial: bool
    ) -> Iterator[Violation]:
        params = known.signature(fact.project, name)
        if params is None:
            return
        found = next(misfits(params, arguments.given.partial if partial else arguments.given), None)
        if found is None:
            return
        problem, advice = _mismatch.said(found, params, arguments)
        place = _mismatch.place_of(found, params, arguments) or fact.node
        yield self.report(fact.module, place, name=name, problem=problem, advice=advice)


@query()
def _signed_and_sent(context: FileContext) -> set[int]:
    """Return the signatures of a file that are sent at once and unchanged, by identity."""
    return {id(signed) for call in invocations_in(context) if (signed := _sent_at_once(call)) is not None}


def _sent_at_once(call: Invocation) -> ast.expr | None:
    """Return the signature that a call sends without adding arguments: `signature("name", ...).delay()`."""
    if not isinstance(call.thing, SignatureThing) or not isinstance(call.node.func, ast.Attribute) or call.node.args:
        return None
    if call.method in ("delay", "delay_on_commit"):
        adds = bool(call.node.keywords)
    elif call.method in ("apply_async", "apply_async_on_commit"):
        adds = any(keyword.arg in (None, "args", "kwargs") for keyword in call.node.keywords)
    else:
        return None
    return None if adds else call.node.func.value
