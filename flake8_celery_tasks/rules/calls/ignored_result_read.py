from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import SENDS
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.core.violation import Violation

#: What reads a result.
_READS: Final = frozenset({"get", "info", "result", "wait"})


class IgnoredResultRead(Rule[Invocation]):
    """Code reads the result of a task that has `ignore_result=True`.

    ## What happens

    With `ignore_result=True`, `delay()` and `apply_async()` give an object that never gets a result. `.get()` on it
    returns None at once, before the task has run, whatever the task returns and even if it fails. `.result` stays None
    for ever. Nothing is logged.

    With `task_always_eager` the task's own value comes back, so a test does not show the mistake.

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

    - the call says `ignore_result` itself: from Celery 5.6.3 on, `ignore_result=False` brings the result of that call
      back;
    - the task's own option can't be read: `**options`, or a base class from elsewhere;
    - the result is passed on before it is read, or its name is bound more than once;
    - the module is a test: there tasks usually run eagerly.

    ## Fix

    Drop `ignore_result=True`, or don't read what is not there. Only you know which.
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
        reads = _reads(call.module, around)
        # The names that are bound to the result of the call and to nothing else.
        names = _only_assigned(call.module, call.site.scope).get(id(call.node), ())
        for node in (*reads.of_node.get(id(call.node), ()), *(node for name in names for node in reads.of_name(name))):
            yield self.report(
                call.module,
                node,
                task=defined.own_name,
                read=node.attr,
                call="()" if node.attr in ("get", "wait") else "",
            )


@query()
def _reads(_: Module, around: ast.AST) -> _Reads:
    return _Reads(around)


class _Reads:
    """What reads a result below a function or module, by the identity of what it is read from, and by its name."""

    def __init__(self, around: ast.AST) -> None:
        self.of_node: dict[int, list[ast.Attribute]] = {}
        self._of_name: dict[str, list[ast.Attribute]] = {}
        pending = [(around, True)]
        while pending:
            node, is_own = pending.pop()
            if isinstance(node, ast.Attribute) and node.attr in _READS:
                self.of_node.setdefault(id(node.value), []).append(node)
                if is_own and isinstance(node.value, ast.Name):
                    self._of_name.setdefault(node.value.id, []).append(node)
            # In the functions inside names may be others.
            is_inner = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and node is not around
            pending.extend((child, is_own and not is_inner) for child in ast.iter_child_nodes(node))

    def of_name(self, name: str) -> Sequence[ast.Attribute]:
        return self._of_name.get(name, ())


@query()
def _only_assigned(_: Module, scope: Scope) -> dict[int, list[str]]:
    """Return the names of a scope that are bound once, by the identity of the value that they are assigned."""
    found: dict[int, list[str]] = {}
    for name, bindings in scope.bindings.items():
        if len(bindings) == 1 and bindings[0].kind == ASSIGN:
            found.setdefault(id(bindings[0].node), []).append(name)
    return found
