from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.collect import ASSIGN
from flake8_celery_tasks.facts import Invocation
from flake8_celery_tasks.rule import Rule
from flake8_celery_tasks.things import SENDS
from flake8_celery_tasks.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.rule import Violation

#: What reads a result.
_READS: Final = frozenset({"get", "info", "result", "wait"})


class IgnoredResultRead(Rule[Invocation]):
    """The result of a task that ignores its result is read.

    ## What happens

    What `delay()` and `apply_async()` of a task with `ignore_result=True` give is no promise of a result. `.get()` on
    it comes back with None at once, before the task has run, whatever the task returns and even if it fails. `.result`
    is None for ever. Nothing is logged.

    With `task_always_eager` the task's own value comes back: a test sees nothing of the mistake.

    ## Bad

    ```python
    from celery import shared_task

    from shop.stock import stock_of


    @shared_task(name="shop_count_stock", ignore_result=True)
    def count_stock(article_pk):
        return stock_of(article_pk)


    def stock(article):
        return count_stock.delay(article.pk).get(timeout=5)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.stock import orders_of, stock_of


    @shared_task(name="shop_count_stock", ignore_result=True)
    def count_stock(article_pk):
        return stock_of(article_pk)


    @shared_task(name="shop_count_orders")
    def count_orders(article_pk):
        return orders_of(article_pk)


    def stock(article):
        orders = count_orders.delay(article.pk).get(timeout=5)
        return orders, count_stock.apply_async((article.pk,), ignore_result=False).get(timeout=5)
    ```

    ## Silent when

    - the call says `ignore_result` itself: from Celery 5.7 on, `ignore_result=False` brings the result of that call
      back.
    - the task's own option can't be read: `**options`, or a base class from elsewhere.
    - the result is handed on before it is read, or its name is bound more than once.
    - the module is a test: there tasks usually run eagerly.

    ## Fix

    Drop `ignore_result=True`, or don't read what is not there. Which one can't be told.
    """

    code = "CLY612"
    see = ("tasks#ignore-results-you-don-t-want", "calling#results-options")
    message = (
        "Task {task!r} has ignore_result=True: .{read}{call} is None at once; drop the option, or ask for no result"
    )

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report what reads the result of a call, on the spot or by the name that it is bound to."""
        defined = call.defined
        if call.method not in SENDS or call.is_statement or defined is None:
            return
        if defined.effective("ignore_result") is not True or call.argument("ignore_result") is not MISSING:
            return
        if call.project.is_test(call.module):
            return
        around = call.site.function() or call.module.candidates.scope.node
        inner = _inner(around)
        for node in ast.walk(around):
            if not isinstance(node, ast.Attribute) or node.attr not in _READS:
                continue
            if node.value is call.node or (id(node) not in inner and self._is_named(call, node.value)):
                yield self.report(
                    call.module,
                    node,
                    task=defined.own_name,
                    read=node.attr,
                    call="()" if node.attr in ("get", "wait") else "",
                )

    def _is_named(self, call: Invocation, node: ast.expr) -> bool:
        """Return whether an expression is a name that is bound to the result of the call and to nothing else."""
        if not isinstance(node, ast.Name):
            return False
        bindings = call.site.scope.bindings.get(node.id, [])
        return [(binding.kind, binding.node) for binding in bindings] == [(ASSIGN, call.node)]


def _inner(around: ast.AST) -> set[int]:
    """Return the identities of the nodes in the functions inside, whose names may be others."""
    return {
        id(node)
        for function in ast.walk(around)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and function is not around
        for node in ast.walk(function)
    }
