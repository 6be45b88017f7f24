from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.scopes import ASSIGN
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.methods import SAME_ARGUMENTS, SENDS_NOW, SIGNS
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.configuration import bound_once
from flake8_celery_tasks.celery_model.objects import SignatureThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.canvas import Canvas, canvases, senders
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope, Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.canvas import Member
    from flake8_celery_tasks.facts.context import FileContext

#: Methods that ask for the end of a run.
_ASKS: Final = frozenset({"failed", "ready", "successful"})

#: Attributes and methods that read a result.
_READS: Final = frozenset({"get", "info", "join", "join_native", "result", "wait"}) | _ASKS

#: Methods that wait for a result, and for those of a group.
_WAITS: Final = frozenset({"get", "wait"})
_WAITS_FOR_ALL: Final = frozenset({"get", "join", "join_native"})


class IgnoredResultRead(Rule[Invocation | Canvas]):
    """Code reads the result of a task that has `ignore_result=True`, or a chord or group waits for it.

    ## What happens

    With `ignore_result=True`, on the task or in the call, `delay()` and `apply_async()` return an object that never
    gets a result. `.get()` on it returns None at once, before the task has run, whatever the task returns and even if
    it fails. `.result` stays None forever, and `.ready()` False. Nothing is logged.

    With `task_always_eager` the call returns the task's own value, so a test does not show the mistake.

    A chord waits for all results of its header, and `.get()` and `.join()` wait for all results of a group or a chain.
    They wait forever. The body of the chord never runs, unless the results are kept in Redis.

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

    ## Not reported when

    - the call or signature has its own `ignore_result` that is not True: from Celery 5.6.3 on, `ignore_result=False`
      stores the result of that call;
    - a chord waits for the result, and the project's result backend is Redis, whose chords count the runs, or can't be
      resolved;
    - the task's own option can't be resolved: `**options`, or a base class from elsewhere;
    - the result is passed on before it is read, or its name is bound more than once;
    - the module is a test: there tasks usually run eagerly.

    ## Fix

    Drop `ignore_result=True`, or don't read the missing result. Only you know which of the two is right.
    """

    code = "CLY612"
    quiet_in_tests = True
    see = ("tasks#ignore-results-you-don-t-want", "calling#results-options")
    message = "{owner} has ignore_result=True: .{read}{call} {effect}; drop the option, or don't read the result"

    waits = "{owner} waits for the results of its tasks, and {task!r} has ignore_result=True: {effect}; drop the option"

    def check(self, fact: Invocation | Canvas) -> Iterator[Violation]:
        """Report code that reads the result of a call, directly or by the name that it is bound to."""
        if isinstance(fact, Invocation):
            yield from self._of_task(fact)
            return
        member = _ignored(fact)
        if member is not None:
            yield from self._of_canvas(fact, *member)

    def _of_canvas(self, canvas: Canvas, member: Member, task: str) -> Iterator[Violation]:
        """Report a member of a chord's header, and code that waits for the results of a group or a chain."""
        if canvas.kind == "chord" or id(canvas.node) in _headers(canvas.context):
            if not backends.may_count_ignored(canvas.project):
                effect = "its body never runs"
                yield self.report(canvas.module, member.node, self.waits, owner="A chord", task=task, effect=effect)
            return
        sent = (item for item in senders(canvas.context).get(id(canvas.node), ()) if not _says(item[0]))
        for node in (node for call, site in sent for node in _readers(canvas.module, call, site)):
            if node.attr in (_WAITS_FOR_ALL if canvas.kind == "group" else _WAITS):
                effect = "it waits forever"
                yield self.report(canvas.module, node, self.waits, owner=f".{node.attr}()", task=task, effect=effect)

    def _of_task(self, call: Invocation) -> Iterator[Violation]:
        owner = None if call.method not in SENDS_NOW or call.is_statement else _ignoring(call)
        for node in () if owner is None else _readers(call.module, call.node, call.site):
            if not node.attr.startswith("join"):
                shown = "()" if node.attr in _WAITS | _ASKS else ""
                effect = "stays False" if node.attr in _ASKS else "is None at once"
                yield self.report(call.module, node, owner=owner, read=node.attr, call=shown, effect=effect)


def _ignoring(call: Invocation) -> str | None:
    """Return what certainly says that the result of a call is not stored: the call itself, or its task."""
    given = _given(call)
    if given is MISSING and call.defined is not None and call.defined.effective("ignore_result") is True:
        return f"Task {call.defined.own_name!r}"
    return "The call" if given is True and (call.defined is not None or call.by_name) else None


def _given(call: Invocation) -> Any:
    """Return the `ignore_result` of a call, or of the signature that it sends; MISSING where neither has one."""
    given = call.argument("ignore_result")
    node, site = getattr(call.node.func, "value", call.node.func), call.site
    binding = bound_once(node, site) if isinstance(node, ast.Name) else None
    if binding is not None:
        node, site = binding.value, binding.site
    while (
        given is MISSING
        and isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in SAME_ARGUMENTS | SIGNS
    ):
        if _says(node):
            own = [keyword.value for keyword in node.keywords if keyword.arg == "ignore_result"]
            return settled(call.project, call.module, own[0], site) if own else UNKNOWN
        node = node.func.value
    return given


def _ignored(canvas: Canvas) -> tuple[Member, str] | None:
    """Return a member of a canvas whose awaited task ignores its result, with the task's name."""
    members = canvas.members[-1:] if canvas.kind == "chain" else canvas.members
    for member in members:
        node = member.node
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
            if _says(node):
                return None
            node = node.func.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SIGNS:
            thing = canvas.context.thing(node, member.site)
            definition = thing.definition if isinstance(thing, SignatureThing) else None
            if definition is not None and not _says(node):
                defined = Defined(canvas.project, definition)
                if defined.effective("ignore_result") is True:
                    return member, defined.own_name
    return None


def _says(call: ast.Call) -> bool:
    """Return whether a call has, or may have, its own `ignore_result`."""
    return any(keyword.arg in (None, "ignore_result", "options") for keyword in call.keywords)


@query()
def _headers(context: FileContext) -> set[int]:
    """Return the identities of nodes that turn the following step into a chord."""
    return {
        id(member.node)
        for canvas in canvases(context)
        for member in (canvas.members if canvas.kind == "chord" else canvas.members[:-1])
        if canvas.kind != "group"
    }


def _readers(module: Module, call: ast.Call, site: Site) -> Iterator[ast.Attribute]:
    """Yield what reads the result of a call, directly or by the name that it is bound to."""
    reads = _reads(module, site.function() or module.candidates.scope.node)
    # The names that are bound only to the result of the call.
    names = _only_assigned(module, site.scope).get(id(call), ())
    yield from reads.of_node.get(id(call), ())
    for name in names:
        yield from reads.of_name(name)


@query()
def _reads(_: Module, around: ast.AST) -> _Reads:
    return _Reads(around)


class _Reads:
    """What reads a result inside a function or module, by the identity of its source, and by its name."""

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
            # In nested functions the same names may be different variables.
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
