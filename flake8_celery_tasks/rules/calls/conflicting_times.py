from __future__ import annotations

import ast
import datetime
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class ConflictingTimes(Rule[Invocation]):
    """The times of a call conflict: `countdown` with `eta`, or `expires` before the task can run.

    ## What happens

    With both `countdown` and `eta`, the countdown wins and `eta` is silently ignored.

    `expires` counts from the moment of sending. A task never runs if it expires before its countdown ends, or if its
    `expires` is 0 or less. The worker revokes it when it is due:

    ```text
    Discarding revoked task: shop_send_receipt[...]
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    def pay(order):
        send_receipt.apply_async((order.pk,), countdown=600, expires=300)
    ```

    ```python
    from datetime import timedelta

    from celery import shared_task
    from django.utils import timezone

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    def pay(order):
        send_receipt.apply_async((order.pk,), countdown=60, eta=timezone.now() + timedelta(days=1))
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    def pay(order, eta=None):
        send_receipt.apply_async((order.pk,), countdown=600, expires=3600)
        send_receipt.apply_async((order.pk,), countdown=None if eta else 60, eta=eta)
    ```

    ## Not reported when

    - `countdown` or `eta` may be None, or the countdown is 0, which has no effect;
    - `expires` or `countdown` is not a constant.

    ## Fix

    Keep the time that you intend. Only you know which one that is.
    """

    code = "CLY606"
    see = ("calling#eta-and-countdown", "calling#expiration")
    message = "countdown wins over eta, which is silently ignored; give one of them"
    expired = "expires={expires} is not after countdown={countdown}: the task is revoked and never runs"
    expired_on_task = (
        "countdown={countdown} is not before expires={expires} of task {task!r}: it is revoked and never runs"
    )
    at_once = "expires={expires} has passed when the message is sent: the task is revoked and never runs"

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report the times of a call."""
        if call.method not in TAKING_OPTIONS:
            return
        countdown, eta, expires = call.keyword("countdown"), call.keyword("eta"), call.keyword("expires")
        wait: Any = None if countdown is None else call.settled(countdown.value)
        if countdown is not None and eta is not None and self._is_given(call, countdown) and self._is_given(call, eta):
            yield self.report(call.module, eta)
        if expires is not None:
            end: Any = call.settled(expires.value)
            if _is_number(end) and end <= 0:
                yield self.report(call.module, expires, self.at_once, expires=end)
            elif _is_number(end) and _is_number(wait) and end <= wait:
                yield self.report(call.module, expires, self.expired, expires=end, countdown=wait)
        elif countdown is not None and _is_number(wait) and wait > 0 and call.defined is not None:
            end = call.defined.effective("expires") if call.argument("expires") is MISSING else None
            if _is_number(end) and end <= wait:
                task = call.defined.own_name
                yield self.report(call.module, countdown, self.expired_on_task, expires=end, countdown=wait, task=task)

    def _is_given(self, call: Invocation, keyword: ast.keyword) -> bool:
        """Return whether an option certainly has a value: neither None nor a countdown of 0."""
        node = keyword.value
        if isinstance(node, ast.Name):
            # A local name with one value; a parameter may be None.
            found = call.site.scope.find(node.id)
            if found is not None and len(found[1]) == 1 and found[1][0].kind == ASSIGN:
                node = found[1][0].value
        value = call.settled(node)
        if isinstance(value, (int, float, str, datetime.timedelta)):
            return bool(value)
        # Arithmetic never returns None; neither do calls of a clock, a class or a method of their result.
        return isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and _is_clock(node))


def _is_clock(call: ast.Call) -> bool:
    func: Any = call.func
    return getattr(func, "attr", getattr(func, "id", "")) in ("datetime", "now", "replace", "today", "utcnow")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
