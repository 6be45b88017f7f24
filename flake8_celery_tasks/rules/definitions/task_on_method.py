from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.scopes import CLASS
from flake8_celery_tasks.catalog.task_options import OPTIONS, TASK_API
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class TaskOnMethod(Rule[Task]):
    """A task decorator is on a method, which then never gets its instance.

    ## What happens

    The decorator replaces the method with a task, and Python does not bind a task to an instance as it binds a
    function. `self` is then an ordinary argument, which nobody passes:

    ```text
    TypeError: send() missing 1 required positional argument: 'address'
    ```

    With `bind=True` the method gets the task as its `self`, which has none of the attributes of the class. Celery
    dropped support for methods in 4.0.

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

    ## Not reported when

    - the function has no `self` or `cls`: it works when it is called through the class;
    - the task is bound, and uses nothing of the class: its `self` is meant to be the task;
    - `@staticmethod` is above the task decorator;
    - a decorator below the task decorator may supply the argument, or a decorator of the project that can't be resolved
      creates the task.

    ## Fix

    Make it a function at module level whose arguments let it find or build the object. Its callers have to change too.
    """

    code = "CLY512"
    see = ("tasks#basics",)
    message = "Task {function!r} is a method, but a task gets no instance: {effect}; move it to module level"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a method that needs its instance, at its name."""
        cls = task.site.scope
        if cls.kind != CLASS or task.is_class or task.is_opaque or not task.is_transparent:
            return
        first = next(iter(task.params.ordered), None)
        if first not in ("self", "cls") or any(getattr(node, "id", "") == "staticmethod" for node in task.above):
            return
        if task.bound is False:
            yield self.report_name(task, function=task.node.name, effect=f"its {first!r} is never passed")
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
