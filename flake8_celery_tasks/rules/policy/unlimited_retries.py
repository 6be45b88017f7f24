from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class UnlimitedRetries(Rule[Task]):
    """A task is retried forever: `max_retries=None`.

    ## What happens

    A task that can never succeed, because the row was deleted or the address is wrong, is sent again forever. Each time
    it occupies the queue and a worker, and adds a line to the log:

    ```text
    Task shop_fetch_rates[...] retry: Retry in ...s: ConnectionError('refused')
    ```

    Its state never becomes `FAILURE`, so no alarm is raised, and the work grows with every such message. Only purging
    the queue or revoking the task stops it.

    ## Bad

    ```ini
    extend-select = CLY910
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=None)
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```ini
    extend-select = CLY910
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=20)
    def fetch_rates(url):
        return download(url)
    ```

    ## Not reported when

    - it is uncertain whether anything retries the task; if nothing does, that is CLY211;
    - the body reads `self.request.retries`, or passes the task to a helper, which may read it: it counts the retries
      itself;
    - `retry_kwargs`, or every call of `retry`, has its own `max_retries`;
    - `max_retries` can't be resolved, or None is only passed to `retry()`, which is a different mistake (CLY215);
    - the module is a test or a migration.

    ## Fix

    Write the number of retries after which another one is useless. The choice is yours.
    """

    code = "CLY910"
    see = ("tasks#Task.max_retries",)
    message = "max_retries=None retries task {function!r} forever, and it never ends in FAILURE: write a number"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the option that removes the limit."""
        if task.effective("max_retries") is not None:
            return
        own = task.effective("retry_kwargs")
        by_itself = task.autoretries is True and (own is MISSING or own == {})
        if by_itself or task.effective("retry_on_worker_lost") is True or self._is_retried_without_limit(task):
            yield self.report(task.module, task.keyword("max_retries"), function=task.node.name)

    def _is_retried_without_limit(self, task: Task) -> bool:
        """Return whether the body retries the task and neither counts the retries nor leaves that to a helper."""
        if task.is_handed_on or task.reads("retries"):
            return False
        limited = {
            id(call.func)
            for call, _ in task.calls()
            if any(keyword.arg in ("max_retries", None) for keyword in call.keywords)
        }
        return any(use.attribute == "retry" and id(use.node) not in limited for use in task.uses)
