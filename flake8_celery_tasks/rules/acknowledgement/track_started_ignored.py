from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks import recognise
from flake8_celery_tasks.facts import Task
from flake8_celery_tasks.rule import Rule
from flake8_celery_tasks.values import MISSING, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.collect import Site
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.rule import Violation

#: Methods that send a task, or make or change a signature of it, with options for this one call.
_CALLS = frozenset(
    {
        "apply",
        "apply_async",
        "apply_async_on_commit",
        "clone",
        "send_task",
        "set",
        "signature",
        "signature_from_request",
        "subtask",
    }
)


class TrackStartedIgnored(Rule[Task]):
    """`track_started=True` does nothing in a task with `ignore_result=True`.

    ## What happens

    STARTED is a state, and states are kept where results are kept. A task that ignores its result stores neither: the
    worker skips the STARTED state, and whoever asks is told that the task waits to be run, from the first moment until
    long after its end:

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

    ## Silent when

    - a call of the task anywhere in the project says `ignore_result=False`, or may: from Celery 5.7 on that call is
      tracked;
    - one of the two options can't be read.

    ## Fix

    Remove `track_started`, which changes nothing, or `ignore_result`: results then need a back end, and room in it.
    """

    code = "CLY305"
    see = ("tasks#Task.track_started", "tasks#Task.ignore_result")
    message = (
        "track_started=True tracks nothing in {function!r}: with ignore_result=True no state is stored; "
        "drop one of them"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the option that the other one silences."""
        if task.option("track_started") is not True or task.effective("ignore_result") is not True:
            return
        if not self._is_revived(task):
            yield self.report(task.module, task.keyword("track_started"), function=task.node.name)

    def _is_revived(self, task: Task) -> bool:
        """Return whether a call of the task may say `ignore_result=False`."""
        for path in task.project.files_with(b"ignore_result"):
            module = task.project.module(path)
            if module is None:
                return True
            for call, site in module.candidates.calls:
                func = call.func
                name = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
                if name in _CALLS and self._keeps_result(task, module, call, site):
                    return True
        return False

    def _keeps_result(self, task: Task, module: Module, call: ast.Call, site: Site) -> bool:
        for keyword in call.keywords:
            if keyword.arg == "ignore_result":
                value = task.project.settle(module.value(keyword.value, site.scope), module)
                return value is not True and self._may_be_of(task, module, call, site)
        return False

    def _may_be_of(self, task: Task, module: Module, call: ast.Call, site: Site) -> bool:
        """Return whether a call may be one of the task: of no other task, and under no other name."""
        func = call.func
        if isinstance(func, ast.Attribute):
            value = module.value(func.value, site.scope)
            target = task.project.resolve(value.path, module) if isinstance(value, Ref) else None
            definition = target and recognise.definition_of(task.project, target)
            if definition:
                return definition.symbol is task.definition.symbol
        name = task.project.settle(module.value(call.args[0], site.scope), module) if call.args else None
        own = task.automatic_name if task.explicit_name is MISSING else task.explicit_name
        return not (isinstance(name, str) and isinstance(own, str) and name != own)
