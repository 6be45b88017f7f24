from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.task_options import BUILTIN_TASKS
from flake8_celery_tasks.facts import Task
from flake8_celery_tasks.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.rule import Violation


class UnusableTaskName(Rule[Task]):
    """A task's name is no text, or belongs to Celery itself.

    ## What happens

    Celery takes any object for a name and puts it into the message as it is. Whoever then calls the task by name, from
    another app, a beat entry or the command line, has to give that very object; a text finds nothing:

    ```text
    Received unregistered task of type '404'.
    The message has been ignored and discarded.
    ```

    With a pattern in `task_routes` every call fails:

    ```text
    TypeError: expected string or bytes-like object...
    ```

    Nine names are Celery's own tasks: `celery.chain`, `celery.group`, `celery.chord_unlock`, `celery.backend_cleanup`
    and so on. Two tasks of one name share one place in the registry, and which of them stays is arbitrary: either yours
    never runs, or chords and groups break.

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

    ## Silent when

    - the name can't be read;
    - it is `""` or None: that is no name at all, see CLY101. Other names that start with `celery.` are free.

    ## Fix

    Choose a text that no other task has. Only you know a good name, and whether messages with the old one are on their
    way.
    """

    code = "CLY103"
    see = ("tasks#names",)
    message = "Task name {name!r} is no text: calls by name miss it, patterns in task_routes fail; write name={text!r}"
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
