from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.task_options import CALL_ONLY
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: The probable intention.
_INSTEAD = {
    "retries": "write max_retries",
    "retry_policy": "it only affects publishing; for retries of the task see autoretry_for",
    "shadow": "write name, or shadow_name",
    "timeout": "for a limit write time_limit",
}


class CallOptionOnDefinition(Rule[Task]):
    """A task's definition has a call option, which nothing reads there.

    ## What happens

    Some options belong to a single call of a task: when it runs (`countdown`, `eta`), what follows it (`link`,
    `link_error`), the message's `headers`, its `task_id`. Celery reads them only from the call. In the decorator, each
    becomes an attribute of the task that nothing ever reads. Nothing is logged. The task below is sent without a delay,
    and is not stopped after ten seconds:

    ```pycon
    >>> from shop.tasks import send_reminder
    >>> send_reminder.countdown, send_reminder.timeout
    (3600, 10)
    >>> send_reminder.time_limit
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_reminder", countdown=3600, timeout=10)
    def send_reminder(order_pk):
        print(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_reminder", time_limit=10)
    def send_reminder(order_pk):
        print(order_pk)


    def remind_later(order):
        send_reminder.apply_async(args=(order.pk,), countdown=3600)
    ```

    ## Not reported when

    - the task has its own class, which has or reads an attribute of that name, or can't be resolved;
    - something in the file reads the name from a task (`self.timeout`), or with `getattr`;
    - the option `celery-extra-task-options` lists the name;
    - a decorator of the project that can't be resolved creates the task.

    ## Fix

    Pass the option to `apply_async`, or to `.set()` of a signature, or write the intended task option: `time_limit` for
    `timeout`, `max_retries` for `retries`. This changes what happens, so check it.
    """

    code = "CLY504"
    see = ("calling#basics", "tasks#list-of-options")
    message = "{name!r} is an option of a call: nothing reads it in the definition of {function!r}; {instead}"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report call options in a decorator, each at its keyword."""
        for name, node in task.stated():
            if name not in CALL_ONLY or task.is_own_option(name):
                continue
            if task.base is MISSING or (isinstance(task.base, Target) and apps.is_readable(task.project, task.base)):
                instead = _INSTEAD.get(name, "give it to apply_async()")
                yield self.report(task.module, node, name=name, function=task.node.name, instead=instead)
