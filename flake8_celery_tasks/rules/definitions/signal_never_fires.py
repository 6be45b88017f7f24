from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import CLASS, FUNCTION, MODULE
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import Connection, signal_of
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._discovery import loading
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext

_TASK = "the task object"
_NAME = "the task's name"
_CONSUMER = "the worker's consumer"
_CLASS = "a class"

#: Senders of signals that are easily mistaken for a task.
_SENDERS = {
    "after_task_publish": _NAME,
    "before_task_publish": _NAME,
    "task_failure": _TASK,
    "task_internal_error": _TASK,
    "task_postrun": _TASK,
    "task_prerun": _TASK,
    "task_received": _CONSUMER,
    "task_rejected": _CONSUMER,
    "task_retry": _TASK,
    "task_revoked": _TASK,
    "task_success": _TASK,
    "task_unknown": _CONSUMER,
}

#: Signals that an app sends when its configuration is read.
_EARLY: Final = frozenset({"on_after_configure", "on_configure"})


class SignalNeverFires(Rule[Connection]):
    """A receiver is connected to a signal, but the signal never calls it.

    ## What happens

    A signal calls a receiver only if the signal's sender is the one that the receiver asked for. The task object is the
    sender of the signals about a run (`task_prerun`, `task_postrun`, `task_success`, `task_retry`, `task_failure`,
    `task_revoked`). The task's name is the sender of the signals about publishing (`before_task_publish`,
    `after_task_publish`), and the worker's consumer is the sender of `task_received`. A receiver that asks for another
    kind of sender is connected and never called.

    Signals also hold their receivers weakly. A lambda is gone as soon as `connect` returns, and a nested function as
    soon as the enclosing function returns. Nothing is logged: the receiver is never called.

    An app sends `on_after_configure` when its configuration is first read. A worker or beat reads it before it looks
    for tasks. A receiver in a module that autodiscovery or `include` loads is too late: the periodic tasks that it adds
    are never sent.

    ## Bad

    ```python
    from celery.signals import after_task_publish, task_success


    @task_success.connect(sender="shop_send_receipt")
    def on_success(sender=None, **kwargs):
        print("sent")


    after_task_publish.connect(lambda **kwargs: print("published"))
    ```

    ```python
    from celery.signals import worker_ready
    from django.apps import AppConfig


    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            @worker_ready.connect
            def warm_up(**kwargs):
                print("warming up")
    ```

    ```python title="project/celery.py"
    from celery import Celery

    app = Celery("project", broker="memory://")
    app.autodiscover_tasks(["orders"])
    ```

    ```python title="orders/tasks.py"
    from project.celery import app


    @app.task(name="orders.tasks.close_all")
    def close_all():
        print("closing")


    @app.on_after_configure.connect
    def set_up(sender, **kwargs):
        sender.add_periodic_task(3600.0, close_all.s(), name="close all")
    ```

    ## Good

    ```python title="shop/signals.py"
    from celery.signals import after_task_publish, task_success

    from shop.tasks import send_receipt


    @task_success.connect(sender=send_receipt)
    def on_success(sender=None, **kwargs):
        print("sent")


    @after_task_publish.connect(sender="shop_send_receipt")
    def on_publish(**kwargs):
        print("published")
    ```

    ```python title="shop/apps.py"
    from celery.signals import worker_ready
    from django.apps import AppConfig


    class ShopConfig(AppConfig):
        name = "shop"

        def ready(self):
            @worker_ready.connect(weak=False)
            def warm_up(**kwargs):
                print("warming up")
    ```

    ```python title="project/celery.py"
    from celery import Celery

    app = Celery("project", broker="memory://")
    app.autodiscover_tasks(["orders"])
    ```

    ```python title="orders/tasks.py"
    from project.celery import app


    @app.task(name="orders.tasks.close_all")
    def close_all():
        print("closing")


    @app.on_after_finalize.connect
    def set_up(sender, **kwargs):
        sender.add_periodic_task(3600.0, close_all.s(), name="close all")
    ```

    ## Not reported when

    - the sender is neither a string nor a task;
    - `weak=False` or `retry=True` is given, which keep the receiver, or a `**spread` may contain them;
    - the function around a receiver uses it a second time: it may be kept, or returned;
    - the function around a receiver continues and calls something else: the receiver lives that long;
    - the signal is `on_after_configure`, and the receiver's module is imported by the app's module, or by a module that
      imports the app and may start a worker; or discovery is forced, or names something that can't be resolved.

    ## Fix

    Write the task as the sender if the task sends the signal, and its name if the name does. Move the receiver to
    module level, or write `weak=False`. Connect a receiver that is too late to `on_after_finalize`. The receiver is
    then called for the first time, so check what it does.
    """

    code = "CLY518"
    see = ("signals#basics",)
    message = (
        "The sender of {signal} is {sent}, so sender={given} never matches and the receiver is never called{advice}"
    )
    lambda_ = "Signals hold their receivers weakly: this lambda is gone at once and never called; write weak=False"
    nested = (
        "Signals hold their receivers weakly: {name!r} is gone when {outer}() ends, and never called; write weak=False"
    )

    late = "{signal} is sent before this module is loaded, so the receiver is never called; use on_after_finalize"

    def check(self, found: Connection) -> Iterator[Violation]:
        """Report a sender of the wrong kind, a receiver that nothing keeps, and one that is connected too late."""
        if found.signal in _EARLY and not found.site.in_function() and loading(found.project).is_late(found.module):
            yield self.report(found.module, found.node, self.late, signal=found.signal)
            return
        if found.call is not None:
            yield from self._sender(found, found.call)
            if not _is_weak(found, found.call):
                return
        receiver = found.receiver
        if isinstance(receiver, ast.Lambda):
            yield self.report(found.module, receiver, self.lambda_)
            return
        name = found.function.name if found.function is not None else getattr(receiver, "id", "")
        outer = _dies_with(name, found)
        if outer is not None:
            yield self.report(found.module, receiver or found.node, self.nested, name=name, outer=outer.name)

    def _sender(self, found: Connection, call: ast.Call) -> Iterator[Violation]:
        given = next((keyword.value for keyword in call.keywords if keyword.arg == "sender"), None)
        if given is None and len(call.args) > 1 and not isinstance(call.args[0], ast.Starred):
            given = call.args[1]
        sent = _SENDERS.get(found.signal)
        if given is None or sent is None:
            return
        kind = _kind(found, given)
        if kind is not None and kind != sent:
            short = cut(unparsed(given), 30)
            advice = {_TASK: "; write the task", _NAME: "; write its name"}.get(sent, "")
            yield self.report(found.module, given, signal=found.signal, sent=sent, given=short, advice=advice)


def _kind(found: Connection, node: ast.expr) -> str | None:
    """Return what a sender is: the task, its name, or its class, which is never a sender; None for anything else."""
    context, site = found.context, found.site
    value = settled(found.project, found.module, node, site)
    if isinstance(value, str):
        return _NAME
    if isinstance(context.thing(node, site), TaskThing):
        return _CLASS if isinstance(value, Target) and isinstance(value.symbol, Class) else _TASK
    if isinstance(node, ast.Attribute) and node.attr == "name":
        return _NAME if isinstance(context.thing(node.value, site), TaskThing) else None
    return None


def _is_weak(found: Connection, call: ast.Call) -> bool:
    """Return whether a connection certainly holds its receiver weakly."""
    for keyword in call.keywords:
        if keyword.arg is None:
            return False
        value = found.settled(keyword.value)
        if (keyword.arg == "weak" and value is not True) or (keyword.arg == "retry" and value is not False):
            return False
    return len(call.args) < 3 and not any(isinstance(arg, ast.Starred) for arg in call.args)


def _dies_with(name: str, found: Connection) -> FunctionNode | None:
    """Return the function whose end removes a receiver before any signal is sent; None if that is unclear."""
    outer = found.site.function()
    scope = found.site.scope
    place = scope.find(name) if name else None
    if outer is None or place is None or place[0].kind in (MODULE, CLASS) or place[0].node is not outer:
        return None
    if any(binding.kind != FUNCTION for binding in place[1]) or len(place[1]) > 1:
        return None
    if isinstance(outer, ast.AsyncFunctionDef) or scope.yields:
        return None
    if _loads_in(found.module, outer)[name] > (found.function is None):
        return None
    last = found.function or found.node
    return None if _last_call_in(found.context, outer) > (last.end_lineno or 0) else outer


@query()
def _loads_in(_module: Module, function: FunctionNode) -> Counter[str]:
    """Return how often each name is read in a function: it may connect as many receivers as it has lines."""
    return Counter(
        node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


@query()
def _last_call_in(context: FileContext, function: FunctionNode) -> int:
    """Return the line of the last call in a function's own code that does not connect a receiver, 0 for none."""
    return max(
        (
            call.lineno
            for call, site in context.module.calls_in(function)
            if site.function() is function and not signal_of(context, call.func, site)
        ),
        default=0,
    )
