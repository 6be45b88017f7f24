from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import SENDS, SIGNS
from flake8_celery_tasks.facts.calls import Raise
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Uses of a task in its body that may send it again: `self.retry()` also raises Retry after it has sent the task.
_SENDS = frozenset({None, "retry", "signature_from_request", "subtask_from_request", *SENDS, *SIGNS})


class RetryRaisedByHand(Rule[Raise]):
    """`raise Retry()` retries nothing: only `self.retry()` sends the task again.

    ## What happens

    `self.retry()` raises `celery.exceptions.Retry` after it has sent the task again, so that the worker can record the
    state. If your code raises `Retry` directly, the worker only records the state. Nothing is sent, the state stays
    RETRY forever, and code that waits for the result waits forever too. The log looks normal:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 60s
    ```

    ## Bad

    ```python
    from celery import shared_task
    from celery.exceptions import Retry

    from shop.web import download


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        response = download(url)
        if response.status_code == 503:
            raise Retry(when=60)
        return response.text
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        response = download(url)
        if response.status_code == 503:
            raise self.retry(countdown=60)
        return response.text
    ```

    ## Not reported when

    - the body itself sends the task again, as with `self.retry(throw=False)` or `self.apply_async(...)`, or passes the
      task on;
    - something in the function catches it, or may catch it;
    - a decorator between the task decorator and the function may catch it, a base class overrides `__call__` or can't
      be resolved, or a decorator that can't be resolved creates the task.

    ## Fix

    Write `raise self.retry(...)` with `bind=True`. Make sure that the task can run twice: until now it was never
    retried. If it is only to end without a failure, raise `celery.exceptions.Ignore`.
    """

    code = "CLY220"
    see = ("tasks#task-semipred-retry", "tasks#retrying")
    message = "'raise Retry' sends nothing: task {function!r} stays in state RETRY; {advice}, or 'raise Ignore' to end"

    def check(self, fact: Raise) -> Iterator[Violation]:
        """Report a Retry that leaves a task that does not send itself again."""
        task = fact.task
        if fact.path != exceptions.RETRY or task.is_opaque or not task.is_transparent:
            return
        if any(use.attribute in _SENDS for use in task.uses) or fact.site.function() is not task.function:
            return
        fate = exceptions.fate(fact.project, fact.module, fact.site, fact.path, task.me)
        # A base class that overrides `__call__` wraps the whole run, and may catch it.
        if fate is None and task.effective("__call__") is MISSING:
            me = task.me
            advice = "write 'raise self.retry(...)' with bind=True" if me is None else f"write 'raise {me}.retry(...)'"
            yield self.report(fact.module, fact.node, function=task.node.name, advice=advice)
