from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.task_options import BACKOFF_ONLY
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class BackoffOptionsWithoutBackoff(Rule[Task]):
    """A task sets `retry_backoff_max` or `retry_jitter` without `retry_backoff`.

    ## What happens

    Both only adjust the delay that `retry_backoff` computes. Without it Celery does not read them. Every automatic
    retry waits for the `countdown` in `retry_kwargs` if there is one, otherwise for `default_retry_delay`, which is 180
    seconds by default:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 180s: ConnectionError('refused')
    ```

    Tasks that failed together are then retried together, which jitter is meant to prevent.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), retry_backoff_max=60, retry_jitter=True)
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), retry_backoff=True, retry_backoff_max=60)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", autoretry_for=(ConnectionError,), default_retry_delay=30)
    def fetch_prices(url):
        return download(url)
    ```

    ## Not reported when

    - `retry_backoff` comes from a base class or the app's `task_cls`, or can't be resolved;
    - `retry_jitter` is falsy: there is no jitter without a backoff anyway;
    - the body reads the option itself, or passes the task to a helper that may read it;
    - the task has no `autoretry_for`: that is CLY211;
    - the option comes from shared defaults (`**DEFAULTS`).

    ## Fix

    Add `retry_backoff=True`, which changes how long retries wait, or drop the option, which changes nothing. Only you
    know which is intended.
    """

    code = "CLY212"
    see = ("tasks#Task.retry_backoff", "tasks#Task.retry_jitter")
    message = "Nothing reads {options} without retry_backoff: task {function!r} {wait}; add retry_backoff=True"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report all backoff options of a task without a backoff in one report, at the first of them."""
        dead = [
            (name, node)
            for name, node in task.written(BACKOFF_ONLY)
            if name != "retry_jitter" or task.option(name) not in (False, None, 0)
        ]
        if not dead or task.is_opaque or task.autoretries is not True or task.is_handed_on:
            return
        backoff = task.effective("retry_backoff")
        if backoff is not MISSING and backoff not in (False, None, 0):
            return
        dead = [(name, node) for name, node in dead if not task.reads(name)]
        if dead:
            options = " and ".join(name for name, _ in dead)
            seconds = task.retry_wait
            wait = "waits the same time before each retry" if seconds is UNKNOWN else f"waits {seconds} s each time"
            yield self.report(task.module, dead[0][1], options=options, function=task.node.name, wait=wait)
