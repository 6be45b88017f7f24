from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Union

from flake8_celery_tasks.binding.values import MISSING, Ref
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Methods that send a task, or create or change a signature of it, with options for this one call.
_CALLS = TAKING_OPTIONS | {"apply", "clone", "signature_from_request"}

#: A task: path and qualified name of its definition, or its name; None if it can't be resolved.
_Revived = Union[tuple[str, str], str, None]  # noqa: UP007


class TrackStartedIgnored(Rule[Task]):
    """`track_started=True` does nothing in a task with `ignore_result=True`.

    ## What happens

    STARTED is a state, and Celery stores states together with results. A task that ignores its result stores neither.
    The worker skips the STARTED state, and the state stays PENDING, even long after the task has ended:

    ```text
    Task shop_rebuild_index[...] succeeded in ...s: None
    ```

    ```pycon
    >>> rebuild_index.AsyncResult(task_id).state
    'PENDING'
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", ignore_result=True, track_started=True)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", ignore_result=False, track_started=True)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Not reported when

    - a call of the task anywhere in the project has `ignore_result=False`, or may have it: from Celery 5.6.3 on, that
      call is tracked;
    - one of the two options can't be resolved.

    ## Fix

    Remove `track_started`, which changes nothing. Or remove `ignore_result`: results then need a backend with enough
    space.
    """

    code = "CLY305"
    see = ("tasks#Task.track_started", "tasks#Task.ignore_result")
    message = (
        "track_started=True has no effect on {function!r}: with ignore_result=True no state is stored; drop one of them"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a `track_started` that `ignore_result` disables."""
        if task.option("track_started") is not True or task.effective("ignore_result") is not True:
            return
        if not self._is_revived(task):
            yield self.report(task.module, task.keyword("track_started"), function=task.node.name)

    def _is_revived(self, task: Task) -> bool:
        """Return whether a call of the task may have `ignore_result=False`."""
        revived = _revived(task.project)
        own = task.automatic_name if task.explicit_name is MISSING else task.explicit_name
        return (
            None in revived
            or (task.module.place.path, task.definition.symbol.qualname) in revived
            or (own in revived if isinstance(own, str) else any(isinstance(item, str) for item in revived))
        )


@query()
def _revived(project: Project) -> frozenset[_Revived]:
    return frozenset(_reviving(project))


def _reviving(project: Project) -> Iterator[_Revived]:
    """Yield the tasks whose result may be stored because a call sets `ignore_result`."""
    for path in project.files.holding(b"ignore_result"):
        module = project.module(path)
        if module is None:
            yield None
            continue
        for name in _CALLS:
            for call, site in module.calls_of(name):
                keyword = next((keyword for keyword in call.keywords if keyword.arg == "ignore_result"), None)
                if keyword and project.settle(module.value(keyword.value, site.scope), module) is not True:
                    yield _called(project, module, call, site)


def _called(project: Project, module: Module, call: ast.Call, site: Site) -> _Revived:
    func = call.func
    if isinstance(func, ast.Attribute):
        value = module.value(func.value, site.scope)
        target = project.resolve(value.path, module) if isinstance(value, Ref) else None
        definition = target and definitions.definition_of(project, target)
        if definition:
            return definition.module.place.path, definition.symbol.qualname
    name = project.settle(module.value(call.args[0], site.scope), module) if call.args else None
    return name if isinstance(name, str) else None
