from __future__ import annotations

import ast
from itertools import takewhile
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import FUNCTION, WITH, is_script
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import MISSING, Ref
from flake8_celery_tasks.celery_model.objects import TaskThing
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.facts.results import AwaitedResult
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

_ALLOW = "celery.result.allow_join_result"


class ResultAwaitedInTask(Rule[AwaitedResult]):
    """A task waits for the result of another task.

    ## What happens

    A pool process that waits runs nothing else. If all pool processes wait for tasks that none of them is free to run,
    the worker deadlocks. Celery forbids it at run time:

    ```text
    RuntimeError: Never call result.get() within a task!
    ```

    Tests that run tasks eagerly raise it too; the test worker of `celery.contrib.testing` waits until its timeout.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_page")
    def fetch_page(url):
        return download(url)


    @shared_task(name="shop_index_page")
    def index_page(url):
        page = fetch_page.delay(url).get(timeout=60)
        print(page)
    ```

    ## Good

    ```python
    from celery import chain, shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_page")
    def fetch_page(url):
        return download(url)


    @shared_task(name="shop_index_page")
    def index_page(page):
        print(page)


    def index(url):
        chain(fetch_page.s(url), index_page.s()).delay()
    ```

    ## Not reported when

    - the call is in `with allow_join_result():`, or in a context manager of the project that calls it;
    - `disable_sync_subtasks=False` is given, or a `**spread` may contain it;
    - the awaited task ignores its result: `get()` returns None at once;
    - the call is under `if __name__ == "__main__"`: no worker runs that;
    - a decorator below the task decorator may allow it, or it is uncertain whether the call waits for a result.

    ## Fix

    Make it a chain, a chord or a callback, or call the function itself: `fetch_page(url)`. Both change where the work
    is done.
    """

    code = "CLY514"
    see = ("tasks#avoid-launching-synchronous-subtasks",)
    message = "Task {function!r} waits for another task: {call}() raises RuntimeError in it; use a chain or a callback"

    def check(self, wait: AwaitedResult) -> Iterator[Violation]:
        """Report a call that waits in the body of a task."""
        if not wait.task.is_transparent or is_script(wait.site) or _is_ignored(wait) or _is_allowed(wait):
            return
        yield self.report(wait.module, wait.node, function=wait.task.node.name, call=wait.method)


def _is_ignored(wait: AwaitedResult) -> bool:
    """Return whether there may be no result to wait for."""
    sent = wait.result.of
    if not isinstance(sent, TaskThing) or sent.definition is None:
        return False
    own = Defined(wait.project, sent.definition).effective("ignore_result")
    if own is MISSING or own is None:
        return any(value is not False for value in setting_values(wait.project, "task_ignore_result"))
    return own is not False


def _is_allowed(wait: AwaitedResult) -> bool:
    """Return whether something may turn the check off."""
    for keyword in wait.node.keywords:
        if keyword.arg is None:
            return True
        if keyword.arg == "disable_sync_subtasks":
            return settled(wait.project, wait.module, keyword.value, wait.site) is not True
    inside = takewhile(lambda around: around.kind != FUNCTION, wait.site.chain())
    return any(
        _allows(wait, item.context_expr, around) for around in inside if around.kind == WITH for item in around.items
    )


def _allows(wait: AwaitedResult, node: ast.expr, site: Site) -> bool:
    value = wait.module.value(node.func if isinstance(node, ast.Call) else node, site.scope)
    if not isinstance(value, Ref):
        return False
    target = wait.project.resolve(value.path, wait.module)
    if isinstance(target.symbol, Function) and target.module is not None:
        return any(wait.project.resolve(path, target.module).path == _ALLOW for path in target.symbol.mentions)
    return target.path == _ALLOW or target.unread
