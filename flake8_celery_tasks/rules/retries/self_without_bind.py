from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import CLASS
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class SelfWithoutBind(Rule[Task]):
    """A task has a parameter `self` but is not bound.

    ## What happens

    Celery passes the task object only to tasks with `bind=True`. Without it `self` is a parameter like any other, and
    receives the caller's first argument. A caller that expects Celery to pass it gets an error:

    ```text
    TypeError: fetch_rates() missing 1 required positional argument: 'url'
    ```

    With one more argument the call is accepted, and the task fails in the worker:

    ```text
    AttributeError: 'str' object has no attribute 'retry'
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)


    def refresh():
        fetch_rates.delay("https://rates.example")
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)
    ```

    ## Not reported when

    - a base class, or the app's `task_cls`, has its own `__call__` or can't be resolved: it may pass the task object;
    - a decorator that can't be resolved creates the task, or is below the task decorator: it may pass `self`;
    - the task is a method of a class (CLY512);
    - `self` has a default.

    ## Fix

    Add `bind=True`, so that Celery passes the task object. The automatic fix does this. If the parameter is not used,
    you can drop it instead.

    The automatic fix is safe if the project calls the task, and all of its calls fail now and fit with `bind=True`.
    Otherwise it is unsafe: a caller that passes a value for `self`, as a test might, would then pass one argument too
    many. If the project has such a call, there is no automatic fix.
    """

    code = "CLY203"
    see = ("tasks#bound-tasks",)
    fixes = "safe or unsafe"
    message = "Task {function!r} is not bound: Celery does not pass 'self', so the caller has to; add bind=True"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a parameter `self` of an unbound task, at `bind`, otherwise at the decorator."""
        params = task.params
        if params.ordered[:1] != ("self",) or params.defaults == len(params.ordered):
            return
        if task.is_class or task.is_opaque or task.bound is not False or task.site.scope.kind == CLASS:
            return
        if task.is_transparent and task.effective("__call__") is MISSING:
            yield self.report(task.module, task.keyword("bind"), function=task.node.name)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Add `bind=True` after the name, unless a call relies on the current parameters."""
        from flake8_celery_tasks.celery_model.task import without_first
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import SetKeyword
        from flake8_celery_tasks.rules.retries import _callers

        decorator = task.open_decorator
        if decorator is None or (task.states("bind") and task.keyword("bind") is task.place):
            return None
        shown = _callers.shown(task, task.params, without_first(task.params))
        if shown == _callers.HARM:
            return None
        return Fix((SetKeyword(decorator, "bind", "True", after=("name",)),), safe=shown == _callers.FIXED)
