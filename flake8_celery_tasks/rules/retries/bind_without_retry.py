from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.facts.task import RETRY_POLICY, Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class BindWithoutRetry(Rule[Task]):
    """A task has `bind=True` but does not use it.

    ## What happens

    `bind=True` passes the task object to the function as its first argument. It has three uses: to retry
    (`self.retry()`), to read the request (`self.request.id`), and to access the task's own attributes and methods. In
    any other task the parameter is useless: readers look for a retry that does not exist, tests have to work around the
    parameter, and a copy without `self` fails (CLY202). Nothing is logged: the task runs. Automatic retries don't need
    `bind`: `autoretry_for` also works on unbound tasks.

    Any use of the task object justifies `bind=True`, and so does a retry policy in the decorator (`autoretry_for`,
    `max_retries`, `retry_kwargs`, `retry_backoff`, `default_retry_delay`, `retry_on_worker_lost`). With the option
    `celery-bind-requires-retry = true`, every bound task must have a retry policy or a retry call.

    ## Bad

    ```python
    from celery import shared_task

    from shop.printing import print_receipt


    @shared_task(name="shop_send_receipt", bind=True)
    def send_receipt(self, order_pk):
        print_receipt(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.printing import print_receipt
    from shop.reports import write_report
    from shop.web import download


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print_receipt(order_pk)


    @shared_task(name="shop_fetch_rates", bind=True, max_retries=5)
    def fetch_rates(self, url):
        try:
            download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc)


    @shared_task(name="shop_export", bind=True)
    def export(self, pk):
        write_report(pk, job=self.request.id)
    ```

    ## Not reported when

    - the body uses the task object in any way, such as passing it to a helper, and `celery-bind-requires-retry` is not
      set;
    - the decorator or a base class has a retry policy, or the body calls `retry`;
    - `bind=True` comes from a decorator of the project or from shared defaults (`**DEFAULTS`);
    - the base class can't be resolved, or a decorator that can't be resolved creates the task, or is below the task
      decorator: it may need the task object.

    ## Fix

    Drop `bind=True` and the first parameter (`*args` can stay: it no longer receives the task object). This changes the
    signature of the function: code that calls the bare function (`send_receipt.run.__func__`), as some tests do, has to
    drop the argument too. Calls of the task and messages in the queue don't change.
    """

    code = "CLY201"
    see = ("tasks#bound-tasks",)
    fixes = "unsafe"
    message = "bind=True is not needed: task {function!r} has no retry policy and {lack}; drop it{too}"
    strict = "Task {function!r} is bound but has no retry policy; set one, such as max_retries, or drop bind=True"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a bound task that does not need the task object, at the `bind` keyword."""
        if task.bound is not True or task.is_opaque or not task.is_transparent:
            return
        unused = bool(task.written(("bind",))) and not any(use.name == task.me for use in task.uses)
        if not unused and not task.project.options.celery_bind_requires_retry:
            return
        if any(task.effective(name) is not MISSING for name in RETRY_POLICY) or task.retries_by_hand:
            return
        lack, too = f"never uses {task.me!r}", f" and {task.me!r}" if task.params.ordered else f", *{task.me} can stay"
        if task.lacks_self:
            lack, too = "no parameter for the task object", ""
        message = "" if unused else self.strict
        yield self.report(task.module, task.keyword("bind"), message, function=task.node.name, lack=lack, too=too)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Drop `bind=True`, and the parameter."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import RemoveKeyword, RemoveParameter

        keyword, call = task.keyword("bind"), task.decorator
        used = any(use.name == task.me for use in task.uses) or any(
            isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del) and node.id == task.me
            for node in ast.walk(task.function)
        )
        if used or not isinstance(keyword, ast.keyword) or not isinstance(call, ast.Call):
            return None
        remove = RemoveKeyword(call, keyword)
        if task.lacks_self or not task.params.ordered:
            return Fix((remove,), safe=False)
        return Fix((remove, RemoveParameter(task.function)), safe=False)
