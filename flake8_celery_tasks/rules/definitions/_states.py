"""The places where a task sets a state by `update_state`."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import MODULE
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.facts import Facts


class Change:
    """A call of `update_state`, and its arguments by their names."""

    def __init__(self, facts: Facts, node: ast.Call, site: Site) -> None:
        self.facts = facts
        self.node = node
        self.site = site
        assert isinstance(node.func, ast.Attribute)
        self.owner = node.func.value
        self.given = {keyword.arg: keyword.value for keyword in node.keywords}
        self.given.update(zip(("task_id", "state", "meta"), node.args, strict=False))

    @property
    def state(self) -> str | None:
        """The state that it sets, by a text or by `celery.states`; None where it can't be told."""
        if "state" not in self.given:
            return None
        value = settled(self.facts.project, self.facts.module, self.given["state"], self.site)
        if isinstance(value, Target):
            owner, _, name = value.path.rpartition(".")
            value = name if owner == "celery.states" else None
        return value if isinstance(value, str) else None

    @property
    def is_of_running_task(self) -> bool:
        """Whether it is a method of the task that runs."""
        return self.facts.is_running_task(self.owner, self.site)

    @property
    def is_of_task(self) -> bool:
        """Whether it is a method of a task."""
        return self.is_of_running_task or isinstance(self.facts.thing(self.owner, self.site), TaskThing)

    @property
    def lacks_type(self) -> bool:
        """Whether `meta` is certainly a dict that holds something, but no `exc_type`."""
        node, site = self.given.get("meta"), self.site
        meta = None if node is None else settled(self.facts.project, self.facts.module, node, site)
        if not isinstance(meta, Table) or not meta.complete or not meta or "exc_type" in meta:
            return False
        found = site.scope.find(node.id) if isinstance(node, ast.Name) else None
        if not isinstance(node, ast.Name) or found is None or found[0].kind == MODULE:
            return True
        # A dict with a local name may be filled after it was made.
        loads = [inner for inner in ast.walk(found[0].node) if isinstance(inner, ast.Name) and inner.id == node.id]
        return len([inner for inner in loads if isinstance(inner.ctx, ast.Load)]) == 1


def changes(facts: Facts) -> Iterator[Change]:
    """Yield the calls of `update_state`, in source order."""
    for call, site in facts.calls_named("update_state"):
        if isinstance(call.func, ast.Attribute):
            yield Change(facts, call, site)
