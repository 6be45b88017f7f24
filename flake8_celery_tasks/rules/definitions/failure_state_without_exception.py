from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.scopes import MODULE
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
_STATES = ("FAILURE", "RETRY", "REVOKED")


class FailureStateWithoutException(Rule[Facts]):
    """`update_state` sets a failure state with a `meta` that names no exception.

    ## What happens

    In the states FAILURE, RETRY and REVOKED Celery takes the stored result for an exception, and looks for its
    `exc_type`. If it has none, whoever asks for the state or the result, the worker included, gets an error:

    ```text
    ValueError: Exception information must include the exception type
    ```

    The end of the task does not repair that: to store its result the worker first reads what is there.

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
    - the state is another one, or can't be read.

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
            if facts.is_running_task(func.value, site) or isinstance(facts.thing(func.value, site), TaskThing):
                advice = "raise the exception, or use a state of your own"
                yield self.report(facts.module, given["meta"], state=state, advice=advice)

    def _lacks_type(self, facts: Facts, node: ast.expr, site: Site) -> bool:
        """Return whether an expression is certainly a dict that holds something, but no `exc_type`."""
        meta = settled(facts.project, facts.module, node, site)
        if not isinstance(meta, Table) or not meta.complete or not meta or "exc_type" in meta:
            return False
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(node, ast.Name) or found is None or found[0].kind == MODULE:
            return True
        # A dict with a local name may be filled after it was made.
        loads = [inner for inner in ast.walk(found[0].node) if isinstance(inner, ast.Name) and inner.id == node.id]
        return len([inner for inner in loads if isinstance(inner.ctx, ast.Load)]) == 1


def _state(value: Any) -> str | None:
    """Return the name of a state of failure, None for another one."""
    if isinstance(value, Target):
        owner, _, name = value.path.rpartition(".")
        value = name if owner == "celery.states" else None
    return value if value in _STATES else None
