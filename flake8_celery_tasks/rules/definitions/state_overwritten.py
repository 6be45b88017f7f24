from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.scopes import LAMBDA
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.facts.results import StateChange, values_of
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.task import Task

_STATES: Final = ("FAILURE", "REVOKED")

#: Functions that end the process, with an exception or at once.
_EXITS: Final = frozenset({"_exit", "abort", "exit", "quit"})


class StateOverwritten(Rule[StateChange]):
    """A task sets the state FAILURE or REVOKED and then ends normally: the state becomes SUCCESS.

    ## What happens

    `update_state` stores a state while the task runs. When the function returns, whatever it returns, Celery overwrites
    that state with SUCCESS. The failure is gone, `link_error` and `on_failure` are not called, and a chain goes on:

    ```text
    Task shop_import_orders[...] succeeded in ...s: None
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.orders import import_table


    @shared_task(name="shop_import_orders", bind=True)
    def import_orders(self, path):
        try:
            import_table(path)
        except ValueError as exc:
            self.update_state(state="FAILURE", meta={"exc_type": "ValueError", "exc_message": [str(exc)]})
            return None
    ```

    ## Good

    ```python
    from celery import shared_task, states
    from celery.exceptions import Ignore

    from shop.orders import import_stock, import_table


    @shared_task(name="shop_import_orders")
    def import_orders(path):
        import_table(path)


    @shared_task(name="shop_import_stock", bind=True)
    def import_all_stock(self, path):
        try:
            import_stock(path)
        except ValueError as exc:
            self.update_state(state=states.FAILURE, meta={"exc_type": "ValueError", "exc_message": [str(exc)]})
            raise Ignore from exc
    ```

    ## Not reported when

    - the task may raise after the call, itself or in a function of the project that it calls;
    - the state is set for another task, by its `task_id`;
    - the task or the project ignores results, or no result is stored anywhere: nothing is then stored at the end;
    - the `meta` of the call has no `exc_type`: that is CLY516;
    - the call is not in the function of the task itself.

    ## Fix

    Raise an exception, and let Celery set the state. If you need another state, or your own data in it, put
    `raise Ignore` after the call, which keeps the stored state. The task then no longer succeeds: callbacks and the
    rest of a chain do not run.
    """

    code = "CLY523"
    see = ("tasks#semipredicates", "Task#celery.app.task.Task.update_state")
    message = "Task {task!r} sets {state} and then ends normally: its state becomes SUCCESS; {advice}"

    def check(self, change: StateChange) -> Iterator[Violation]:
        """Report a call of `update_state` after which a task certainly ends normally."""
        state = change.state
        task = change.context.task_at(change.site) if state in _STATES else None
        if task is not None and self._is_own(change) and not change.lacks_type and self._is_overwritten(change, task):
            advice = "raise the exception, or 'raise Ignore' after it"
            yield self.report(change.module, change.node, task=task.node.name, state=state, advice=advice)

    def _is_own(self, change: StateChange) -> bool:
        """Return whether the state is that of the running task."""
        node = change.given.get("task_id")
        ids = [] if node is None else [value for value, _ in values_of(node, change.site)]
        is_own = node is None or (bool(ids) and all(_is_own_id(value) for value in ids))
        return is_own and None not in change.given and change.is_of_running_task

    def _is_overwritten(self, change: StateChange, task: Task) -> bool:
        function = task.function
        if change.site.function() is not function or any(site.kind == LAMBDA for site in change.site.chain()):
            return False
        if task.is_opaque or not task.is_transparent or task.effective("__call__") is not MISSING:
            return False
        if task.may_ignore_result or backends.backend(change.project) is False:
            return False
        if any(last_name(call.func) in _EXITS for call, _ in task.calls()):
            return False
        return exceptions.ends_normally(change.project, change.module, change.site, function, change.node, task.me)


def _is_own_id(node: ast.expr) -> bool:
    """Return whether a `task_id` is that of the running task: `self.request.id`, or None."""
    if isinstance(node, ast.Attribute):
        return node.attr == "id" and last_name(node.value) == "request"
    return isinstance(node, ast.Constant) and node.value is None
