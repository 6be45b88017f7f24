from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.task_options import OPTIONS, TASK_API
from flake8_celery_tasks.collect import CLASS
from flake8_celery_tasks.facts import Task
from flake8_celery_tasks.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.rule import Violation


class TaskOnMethod(Rule[Task]):
    """A task decorator on a method: no instance ever gets to it.

    ## What happens

    The decorator replaces the method by a task, and a task is no function that Python binds to an instance. `self` is
    an argument like any other, which nobody gives:

    ```text
    TypeError: send() missing 1 required positional argument: 'address'
    ```

    With `bind=True` the method gets the task as its `self`, which has none of the attributes of the class.
    Celery has not supported methods since 4.0.

    ## Bad

    ```python
    from celery import shared_task


    class Mailer:
        @shared_task(name="shop_send")
        def send(self, address):
            print(address)
    ```

    ## Good

    ```python
    from celery import shared_task


    class Mailer:
        def __init__(self, sender):
            self.sender = sender

        def send(self, address):
            print(self.sender, address)


    @shared_task(name="shop_send")
    def send(sender, address):
        Mailer(sender).send(address)


    class Reports:
        @staticmethod
        @shared_task(name="shop_build_report")
        def build(month):
            print(month)
    ```

    ## Silent when

    - the function has no `self` or `cls`: reached through the class it works;
    - it is bound, and uses nothing of the class: its `self` is the task;
    - `@staticmethod` stands above the task decorator;
    - a decorator below may supply the argument, or a house decorator that can't be read makes the task.

    ## Fix

    Make it a function of the module that is given what it needs to find or build the object. Its callers change.
    """

    code = "CLY512"
    see = ("tasks#basics",)
    message = "Task {function!r} is a method, but a task gets no instance: {effect}; make it a function of the module"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a method that asks for its instance, at its name."""
        cls = task.site.scope
        if cls.kind != CLASS or task.is_class or task.is_opaque or not task.is_transparent:
            return
        first = next(iter(task.params.ordered), None)
        if first not in ("self", "cls") or any(getattr(node, "id", "") == "staticmethod" for node in task.above):
            return
        if task.bound is False:
            yield self.report_name(task, function=task.node.name, effect=f"its {first!r} is never filled")
        elif task.bound is True:
            foreign = [
                use.attribute
                for use in task.uses
                if use.name == first
                and use.attribute in cls.bindings
                and use.attribute not in TASK_API
                and use.attribute not in OPTIONS
            ]
            if foreign and isinstance(cls.node, ast.ClassDef):
                effect = f"{first!r} is the task, which has no {foreign[0]!r}"
                yield self.report_name(task, function=task.node.name, effect=effect)
