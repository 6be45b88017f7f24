from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.task_options import OPTIONS
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetriesWithoutBackoff(Rule[Task]):
    """A task is retried automatically without `retry_backoff`.

    ## What happens

    All retries have the same delay: 180 seconds, or `default_retry_delay`, or the `countdown` in `retry_kwargs`:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 180s: ConnectionError('refused')
    Task shop_fetch_rates[...] retry: Retry in 180s: ConnectionError('refused')
    ```

    Tasks that failed together, because the other side was overloaded, are retried together and overload it again. With
    `retry_backoff=True`, the delays grow (1, 2, 4, ... seconds), and with `retry_jitter`, which is on by default, each
    delay is a random part of that.

    ## Bad

    ```ini
    extend-select = CLY909
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5)
    def fetch_rates(url):
        return download(url)
    ```

    ## Good

    ```ini
    extend-select = CLY909
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=True)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", bind=True, max_retries=5)
    def fetch_prices(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)
    ```

    ## Not reported when

    - the task is only retried by a call: `retry()` does not read `retry_backoff`;
    - `retry_backoff` or `autoretry_for` can't be resolved;
    - `retry_backoff_max` or `retry_jitter` is given without `retry_backoff`: that is CLY212;
    - `max_retries=0` disables retries;
    - the project's lock or requirements pin a Celery before 4.2, which does not know `retry_backoff`;
    - the module is a test or a migration.

    ## Fix

    Add `retry_backoff=True`, or a number of seconds to start from. The delays then grow up to `retry_backoff_max`,
    which is 600 seconds by default.
    """

    code = "CLY909"
    see = ("tasks#automatic-retry-for-known-exceptions", "tasks#Task.retry_backoff")
    message = "Task {function!r} {wait} before a retry, so that failures are retried together; add retry_backoff=True"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task that Celery retries after equal delays, at its decorator or class."""
        if task.autoretries is not True or task.effective("max_retries") == 0:
            return
        backoff = task.effective("retry_backoff")
        if backoff is UNKNOWN or (backoff is not MISSING and backoff not in (False, None, 0)):
            return
        if task.written(("retry_backoff_max", "retry_jitter")):
            return
        if OPTIONS["retry_backoff"].exists(version_of(task.project)):
            seconds = task.retry_wait
            wait = "waits equally long" if seconds is UNKNOWN else f"waits {seconds} s"
            yield self.report(task.module, task.keyword("autoretry_for"), function=task.node.name, wait=wait)
