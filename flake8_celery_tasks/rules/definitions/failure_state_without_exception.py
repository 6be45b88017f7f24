from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.celery_model.backends import may_be_database
from flake8_celery_tasks.facts.calls import raises_in
from flake8_celery_tasks.facts.results import StateChange
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: States whose result is an exception (`celery.states.EXCEPTION_STATES`).
_STATES: Final = ("FAILURE", "RETRY", "REVOKED")

_IGNORE: Final = "celery.exceptions.Ignore"


class FailureStateWithoutException(Rule[StateChange]):
    """`update_state` sets a failure state, but its `meta` names no exception.

    ## What happens

    In the states FAILURE, RETRY and REVOKED, Celery treats the stored result as an exception, and looks for its
    `exc_type`. Without it, reading the state or the result fails, even in the worker:

    ```text
    ValueError: Exception information must include the exception type
    ```

    The end of the task does not repair this, because the worker reads the old result before it stores the new one. With
    a database backend (`django-db`, `db+...`), it does: the task's final result or error replaces the stored one,
    unless the task raises `Ignore`.

    ## Bad

    ```python
    from celery import shared_task, states
    from celery.exceptions import Ignore


    @shared_task(name="shop_import_orders", bind=True)
    def import_orders(self, path):
        if not path.endswith(".csv"):
            self.update_state(state=states.FAILURE, meta={"reason": "no table"})
            raise Ignore
        print(path)
    ```

    ## Good

    ```python
    from celery import shared_task
    from celery.exceptions import Ignore


    @shared_task(name="shop_import_orders", bind=True)
    def import_orders(self, path):
        if not path.endswith(".csv"):
            raise ValueError("no table")
        self.update_state(state="PROGRESS", meta={"path": path})
        print(path)


    @shared_task(name="shop_import_stock", bind=True)
    def import_stock(self, path):
        meta = {"exc_type": "ValueError", "exc_message": ["no table"], "path": path}
        self.update_state(state="FAILURE", meta=meta)
        raise Ignore
    ```

    ## Not reported when

    - `meta` is missing, empty, an exception, or can't be fully resolved;
    - the state is a different one, or can't be resolved;
    - the project names a database as its result backend, and the task does not raise `Ignore` afterwards.

    ## Fix

    Raise an exception and let Celery set the state, or use your own state, such as `"INVALID"`. If it has to be this
    state, add `exc_type` and `exc_message` to `meta`. The choice is yours.
    """

    code = "CLY516"
    see = ("tasks#custom-states", "tasks#built-in-states")
    message = "State {state} with a meta that has no 'exc_type' can't be read again: .state raises ValueError; {advice}"

    def check(self, change: StateChange) -> Iterator[Violation]:
        """Report the `meta` of such a call."""
        if change.state in _STATES and change.lacks_type and change.is_of_task and not _is_healed(change):
            advice = "raise the exception, or use your own state"
            yield self.report(change.module, change.given["meta"], state=change.state, advice=advice)


def _is_healed(change: StateChange) -> bool:
    """Return whether the end of the task replaces the stored result: in a database, unless it raises `Ignore`."""
    task_id = change.given.get("task_id")
    is_other = task_id is not None and unparsed(task_id).rpartition(".request.")[2] not in ("None", "id")
    if is_other or not change.is_of_running_task or not may_be_database(change.project):
        return False
    task = change.context.task_at(change.site)
    ignores = (raised for raised in raises_in(change.context) if raised.path == _IGNORE and raised.task is task)
    return not any(raised.node.lineno > change.node.lineno for raised in ignores)
