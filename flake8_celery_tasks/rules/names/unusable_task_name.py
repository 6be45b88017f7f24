from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.task_options import BUILTIN_TASKS
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class UnusableTaskName(Rule[Task]):
    """A task's name is not a string, or belongs to Celery itself.

    ## What happens

    Celery accepts any object as a name and puts it into the message unchanged. A call by name, from another app, a beat
    entry or the command line, has to use an equal object; a string finds nothing:

    ```text
    Received unregistered task of type '404'.
    The message has been ignored and discarded.
    ```

    If `task_routes` contains a pattern, every call of the task fails:

    ```text
    TypeError: expected string or bytes-like object...
    ```

    Nine names belong to Celery's own tasks: `celery.chain`, `celery.group`, `celery.chord_unlock`,
    `celery.backend_cleanup` and so on. If two tasks have the same name, only one stays in the registry, and which one
    is arbitrary: either your task never runs, or chords and groups break.

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name=404)
    def report_missing_page(path):
        print(path)
    ```

    ```python
    from celery import shared_task


    @shared_task(name="celery.backend_cleanup")
    def backend_cleanup():
        print("my own clean-up")
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_backend_cleanup")
    def backend_cleanup():
        print("my own clean-up")
    ```

    ## Not reported when

    - the name can't be resolved;
    - the name is `""` or None, which counts as no name (CLY101);
    - the name starts with `celery.` but is not one of those nine.

    ## Fix

    Choose a string that no other task uses as its name. Only you know a good name, and whether the queue still holds
    messages with the old one.
    """

    code = "CLY103"
    see = ("tasks#names",)
    message = (
        "Task name {name!r} is not a string: calls by name don't find it and patterns in task_routes fail; "
        "write name={text!r}"
    )
    builtin: Final = "Task name {name!r} is Celery's own: which of the two tasks runs is arbitrary; choose another name"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a constant name that Celery can't use."""
        if task.is_opaque:
            return
        name = task.option("name")
        if isinstance(name, (int, float, bytes, tuple, list)):
            text = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
            yield self.report(task.module, task.keyword("name"), name=name, text=text)
        elif isinstance(name, str) and name in BUILTIN_TASKS:
            yield self.report(task.module, task.keyword("name"), self.builtin, name=name)
