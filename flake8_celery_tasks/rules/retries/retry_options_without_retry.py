from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.catalog.task_options import AUTORETRY_ONLY, RETRY_ONLY
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RetryOptionsWithoutRetry(Rule[Task]):
    """A task has retry options that nothing reads.

    ## What happens

    A task is retried by `autoretry_for`, by a call of `self.retry()`, or (from Celery 5.7 on) by
    `retry_on_worker_lost`. The other retry options only control how. Without one of these three, `max_retries` and
    `default_retry_delay` have no effect, and the task fails for good at its first exception:

    ```text
    Task shop_fetch_rates[...] raised unexpected: ConnectionError('refused')
    ```

    Only `autoretry_for` reads `retry_backoff`, `retry_backoff_max`, `retry_jitter`, `retry_kwargs` and
    `dont_autoretry_for`. A task that sets them and calls `self.retry()` waits `default_retry_delay` each time, which is
    180 seconds by default:

    ```text
    Task shop_fetch_rates[...] retry: Retry in 180s: ConnectionError('refused')
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", max_retries=5, retry_backoff=True)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5, retry_backoff=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.payments import charge_once
    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,), max_retries=5, retry_backoff=True)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", bind=True, max_retries=5)
    def fetch_prices(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=2**self.request.retries)


    @shared_task(name="shop_charge", max_retries=0)
    def charge(order_pk):
        charge_once(order_pk)
    ```

    ## Not reported when

    - `autoretry_for` comes from a base class, the app's `task_cls` or `task_annotations`, or one of them can't be
      resolved;
    - the body reads the option itself (`self.retry_backoff * 2**n`), or passes the task to a helper that may read it;
    - `max_retries` is 0: that is an explicit decision;
    - `retry_backoff`, `retry_kwargs` or `dont_autoretry_for` is empty or off (`False`, None, `{}`, `()`);
    - the option comes from shared defaults (`**DEFAULTS`);
    - the option is `max_retries` or `default_retry_delay`, and a retry call or `retry_on_worker_lost` retries the task,
      or the project sets `task_retry_on_worker_lost`;
    - a decorator that can't be resolved creates the task, or is below the task decorator: it may retry. A decorator
      that the option `celery-task-decorators` names may retry too, unless its function can be resolved and has no
      `retry`.

    ## Fix

    Add `autoretry_for=(...)` with the exceptions that are worth a retry, or drop the options. If the task calls
    `self.retry()`, pass the delay there: `countdown=2**self.request.retries`. Only you know which of these is intended.
    """

    code = "CLY211"
    see = ("tasks#automatic-retry-for-known-exceptions", "tasks#using-a-custom-retry-delay")
    message = "Nothing reads {options}: task {function!r} is never retried; add autoretry_for=(...) or drop {them}"
    by_hand = "Only autoretry_for reads {options}: task {function!r} has none; add it, or give retry() a countdown"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report all unused retry options of a task in one report, at the first of them."""
        written = [
            (name, node)
            for name, node in task.written(AUTORETRY_ONLY | RETRY_ONLY)
            if not _says_nothing(name, task.option(name))
        ]
        if not written or task.is_opaque or not task.is_transparent or task.autoretries is not False:
            return
        if task.is_handed_on or task.decorator_may_retry:
            return
        retried = task.retries_by_hand or task.may_retry_when_lost
        dead = [(name, node) for name, node in written if not (retried and name in RETRY_ONLY) and not task.reads(name)]
        if dead:
            yield self.report(
                task.module,
                dead[0][1],
                self.by_hand if retried else "",
                options=_joined([name for name, _ in dead]),
                function=task.node.name,
                them="it" if len(dead) == 1 else "them",
            )


def _says_nothing(name: str, value: Any) -> bool:
    """Return whether a value is the default, or disables retries."""
    if name == "max_retries":
        return isinstance(value, (int, float)) and value <= 0
    return name in ("retry_backoff", "retry_kwargs", "dont_autoretry_for") and value in (False, None, (), [], {})


def _joined(names: list[str]) -> str:
    """Return the names as a short phrase."""
    if len(names) > 2:
        return f"{names[0]} and {len(names) - 1} other retry options"
    return " and ".join(names)
