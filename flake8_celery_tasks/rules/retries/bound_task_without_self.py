from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class BoundTaskWithoutSelf(Rule[Task]):
    """A bound task has no parameter for the task object.

    ## What happens

    `bind=True` makes Celery pass the task object before the arguments of every call. If the function has no parameter
    for it, the first parameter receives the task object, and the caller's arguments all shift by one. If there are too
    few parameters, the call fails:

    ```text
    TypeError: read_rates() takes 1 positional argument but 2 were given
    ```

    If there are enough parameters, nothing fails at first: with `def read_rates(url, depth=1)` Celery accepts the call
    `read_rates.delay("x")` and runs it with the task object as `url` and `"x"` as `depth`. A task that is sent by name
    fails only in the worker, and its automatic retries fail too.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_read_rates", bind=True, autoretry_for=(ConnectionError,), max_retries=5)
    def read_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.files import remove_old_files


    @shared_task(name="shop_clean_up", bind=True, autoretry_for=(OSError,))
    def clean_up(*, folder="/tmp"):
        remove_old_files(folder)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_read_rates", bind=True, autoretry_for=(ConnectionError,), max_retries=5)
    def read_rates(self, url):
        return download(url)


    @shared_task(name="shop_read_prices", autoretry_for=(ConnectionError,), max_retries=5)
    def read_prices(url):
        return download(url)
    ```

    ## Not reported when

    - the first parameter is named like a task (`self`, `task`, `this`, `celery_task`, anything with a leading
      underscore), annotated as one, or used as one in the body (`.request`, `.retry`, `.name`, ...);
    - the function takes `*args`: the task object is the first of them;
    - a decorator that can't be resolved creates the task, or is below the task decorator: it may remove the task
      object.

    ## Fix

    Insert `self` as the first parameter, so that the calls fit again. The automatic fix does this. If the task object
    is not used, you can drop `bind=True` instead.

    The automatic fix is safe if the task can't have worked before: the function takes no positional argument, or the
    project calls the task, and all of its calls fail now and fit with `self`. Otherwise it is unsafe: with
    `def read_rates(url)`, the call `read_rates.delay()` works now if the function can use the task object as `url`, and
    would fail with `self`. If the project has such a call, there is no automatic fix.
    """

    code = "CLY202"
    see = ("tasks#bound-tasks", "tasks#argument-checking")
    fixes = "safe or unsafe"
    message = (
        "Task {function!r} is bound, but its first parameter {parameter!r} receives the task object: {effect}; add self"
    )

    no_parameter = "Task {function!r} is bound, but takes no positional argument: every call raises TypeError; add self"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a bound task without `self`, at the first parameter, otherwise at the function's name."""
        if task.is_opaque or not task.lacks_self:
            return
        args = task.function.args
        if not task.params.ordered:
            yield self.report_name(
                task,
                self.no_parameter,
                function=task.node.name,
            )
            return
        second = task.params.ordered[1:2] or ([f"*{task.params.vararg}"] if task.params.vararg else [])
        effect = f"the caller's first argument goes to {second[0]!r}" if second else "passing it raises TypeError"
        first = (args.posonlyargs or args.args)[0]
        yield self.report(task.module, first, function=task.node.name, parameter=first.arg, effect=effect)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Insert `self`, unless a call relies on the current parameters."""
        from flake8_celery_tasks.celery_model.task import without_first
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import AddParameter
        from flake8_celery_tasks.rules.retries import _callers

        fix = Fix((AddParameter(task.function, "self"),), safe=True)
        if not task.params.ordered:
            return fix._replace(safe=not _callers.is_unwrapped(task))
        shown = _callers.shown(task, without_first(task.params), task.params)
        return None if shown == _callers.HARM else fix._replace(safe=shown == _callers.FIXED)
