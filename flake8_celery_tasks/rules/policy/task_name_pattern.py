from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.options import fill
from flake8_celery_tasks.core.patterns import LONGEST
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class TaskNamePattern(Rule[Task]):
    """The name of a task does not match the project's pattern for names.

    ## What happens

    Celery accepts any string as a name, and nothing is logged about it. Names appear in messages, in calls by name, in
    routes, in monitoring and in the log. People can only guess and grep them if they all follow one pattern. The option
    `celery-task-name-pattern` sets that pattern. It is a regular expression that has to match the whole name, in which
    `{app}` is the last part of the app's package, `{module}` the dotted name of the module and `{function}` the name of
    the function.

    ## Bad

    ```ini
    extend-select = CLY906
    celery-task-name-pattern = {app}_{function}
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop.receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY906
    celery-task-name-pattern = {app}_{function}
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - the option is not set;
    - the task has no explicit name (that is CLY101), or one that can't be resolved;
    - the pattern contains `{app}`, and the module belongs to no app; or it contains `{module}`, and the dotted name of
      the module is uncertain;
    - the module is a test or a migration.

    ## Fix

    Rename the task while no message with its old name is in the queue. Update beat entries, routes and calls by name
    too.
    """

    code = "CLY906"
    see = ("tasks#names",)
    message = "Task name {name!r} does not match the pattern of this project's names: write one like {pattern!r}"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report an explicit name that does not match, at the option."""
        pattern = task.project.options.celery_task_name_pattern
        if not pattern:
            return
        name = task.explicit_name
        if not isinstance(name, str) or len(name) > LONGEST:
            return
        place = task.module.place
        app = task.project.layout.app(place)
        if ("{app}" in pattern and app is None) or ("{module}" in pattern and not place.certain):
            return
        label = (app or "").replace(os.sep, "/").rpartition("/")[2].removesuffix(".py")
        filled = fill(pattern, {"app": label, "module": place.name, "function": task.node.name})
        if re.fullmatch(filled, name) is None:
            yield self.report(task.module, task.keyword("name"), name=name, pattern=filled)
