from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class TimeLimitNotDecided(Rule[Task]):
    """A task has neither a hard nor a soft time limit.

    ## What happens

    A task that waits for something that never comes, such as a request without a timeout or a lock that nobody
    releases, blocks its pool process until somebody kills it. After as many such runs as there are processes, the
    worker still reserves messages, but runs nothing and logs nothing. A time limit ends the run instead:

    ```text
    Soft time limit (240s) exceeded for shop_fetch_rates[...]
    Hard time limit (300s) exceeded for shop_fetch_rates[...]
    ```

    ## Bad

    ```ini
    extend-select = CLY904
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates")
    def fetch_rates(url):
        print(url)
    ```

    ## Good

    ```ini
    extend-select = CLY904
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_fetch_rates", soft_time_limit=240, time_limit=300)
    def fetch_rates(url):
        print(url)


    @shared_task(name="shop_follow_stream", time_limit=None)
    def follow_stream(url):
        print(url)
    ```

    ## Not reported when

    - a base class, the app's `task_cls`, shared defaults (`**DEFAULTS`) or a decorator of the project sets a limit, or
      one of these can't be resolved;
    - a limit is given as None: that is a decision, although the project's `task_time_limit` then applies;
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `time_limit=` with the number of seconds after which a run is certainly stuck, or `soft_time_limit=` to clean
    up on `SoftTimeLimitExceeded`. The choice is yours.
    """

    code = "CLY904"
    see = ("workers#time-limits", "tasks#Task.time_limit")
    message = (
        "How long may task {function!r} run? Write time_limit= or soft_time_limit=: stuck, it blocks a pool process"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without an answer."""
        if all(task.effective(name) is MISSING for name in ("time_limit", "soft_time_limit")) and task.is_registered:
            yield self.report_definition(task, function=task.node.name)
