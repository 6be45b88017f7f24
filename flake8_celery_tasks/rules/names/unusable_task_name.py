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

    Celery accepts any object as a name and puts it into the message as it is. Whoever then calls the task by name, from
    another app, a beat entry or the command line, has to give that very object; a string finds nothing:

    ```text
    Received unregistered task of type '404'.
    The message has been ignored and discarded.
    ```

    With a pattern in `task_routes` every call of the task fails:

    ```text
    TypeError: expected string or bytes-like object...
    ```

    Nine names belong to tasks of Celery's own: `celery.chain`, `celery.group`, `celery.chord_unlock`,
    `celery.backend_cleanup` and so on. Of two tasks with the same name only one stays in the registry, and which one is
    arbitrary: either yours never runs, or chords and groups break.

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

    - the name can't be read;
    - it is `""` or None, which counts as no name (CLY101);
    - it starts with `celery.`, but is none of those nine.

    ## Fix

    Choose a string that no other task has as its name. Only you know a good one, and whether messages with the old name
    are still in the queue.
    """

    code = "CLY103"
    see = ("tasks#names",)
    message = (
        "Task name {name!r} is not a string: calls by name miss it, patterns in task_routes fail; write name={text!r}"
    )
    builtin: Final = "Task name {name!r} is Celery's own: which of the two tasks runs is arbitrary; choose another"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a name that is a constant but no usable one."""
        if task.is_opaque:
            return
        name = task.option("name")
        if isinstance(name, (int, float, bytes, tuple, list)):
            text = name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)
            yield self.report(task.module, task.keyword("name"), name=name, text=text)
        elif isinstance(name, str) and name in BUILTIN_TASKS:
            yield self.report(task.module, task.keyword("name"), self.builtin, name=name)
