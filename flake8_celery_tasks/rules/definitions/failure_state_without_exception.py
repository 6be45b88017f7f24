from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import MODULE
from flake8_celery_tasks.celery_model.backends import may_be_database
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

#: States whose result is an exception (`celery.states.EXCEPTION_STATES`).
_STATES: Final = ("FAILURE", "RETRY", "REVOKED")

_IGNORE: Final = "celery.exceptions.Ignore"


class FailureStateWithoutException(Rule[Facts]):
    """`update_state` sets a failure state with a `meta` that names no exception.

    ## What happens

    In the states FAILURE, RETRY and REVOKED Celery takes the stored result for an exception, and looks for its
    `exc_type`. If it has none, whoever asks for the state or the result, the worker included, gets an error:

    ```text
    ValueError: Exception information must include the exception type
    ```

    The end of the task does not repair that: to store its result the worker first reads what is there. A database
    (`django-db`, `db+...`) is an exception: what the task raises or returns later replaces it there, but `Ignore` does
    not.

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
    ```

    ## Silent when

    - `meta` is missing, empty, an exception, or can't be read to the end;
    - the state is another one, or can't be read;
    - the project names a database as its result backend, and the task does not raise `Ignore` after it.

    ## Fix

    Raise an exception and let Celery set the state, or use a state of your own such as `"INVALID"`. If it has to be
    this state, add `exc_type` and `exc_message`. The choice is yours.
    """

    code = "CLY516"
    see = ("tasks#custom-states", "tasks#built-in-states")
    message = "State {state} with a meta that has no 'exc_type' can't be read again: .state raises ValueError; {advice}"

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the `meta` of such a call."""
        for call, site in facts.module.candidates.calls:
            func = call.func
            if not isinstance(func, ast.Attribute) or func.attr != "update_state":
                continue
            given = {keyword.arg: keyword.value for keyword in call.keywords}
            given.update(zip(("task_id", "state", "meta"), call.args, strict=False))
            if "state" not in given or "meta" not in given:
                continue
            state = _state(settled(facts.project, facts.module, given["state"], site))
            if state is None or not self._lacks_type(facts, given["meta"], site):
                continue
            is_own = facts.is_running_task(func.value, site)
            if not is_own and not isinstance(facts.thing(func.value, site), TaskThing):
                continue
            if not is_own or _is_of_other(given.get("task_id")) or not self._is_healed(facts, call, site):
                advice = "raise the exception, or use a state of your own"
                yield self.report(facts.module, given["meta"], state=state, advice=advice)

    def _is_healed(self, facts: Facts, call: ast.Call, site: Site) -> bool:
        """Return whether the end of the task replaces what it has stored: in a database, unless `Ignore` is raised."""
        task = facts.task_at(site)
        ignores = (raised for raised in facts.raises if raised.path == _IGNORE and raised.task is task)
        return may_be_database(facts.project) and not any(raised.node.lineno > call.lineno for raised in ignores)

    def _lacks_type(self, facts: Facts, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is certainly a dict that holds something, but no `exc_type`."""
        meta = settled(facts.project, facts.module, node, site)
        if not isinstance(meta, Table) or not meta.complete or not meta or "exc_type" in meta:
            return False
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if found is None or found[0].kind == MODULE:
            return True
        # A dict with a local name may be filled after it was made.
        loads = [inner for inner in ast.walk(found[0].node) if isinstance(inner, ast.Name) and inner.id == node.id]  # type: ignore[attr-defined]
        return len([inner for inner in loads if isinstance(inner.ctx, ast.Load)]) == 1


def _is_of_other(task_id: ast.expr | None) -> bool:
    """Return whether the id that `update_state` is given may be that of another task."""
    return task_id is not None and unparsed(task_id).rpartition(".request.")[2] not in ("None", "id")


def _state(value: Any) -> str | None:
    """Return the name of a state of failure, None for another one."""
    if isinstance(value, Target):
        owner, _, name = value.path.rpartition(".")
        value = name if owner == "celery.states" else None
    return value if value in _STATES else None
