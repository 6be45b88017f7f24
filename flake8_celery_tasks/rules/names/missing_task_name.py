from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.core.text import plain
from flake8_celery_tasks.facts.task import Task, gone_name
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class MissingTaskName(Rule[Task]):
    """A task has no explicit name.

    ## What happens

    Celery then builds a name from the module and the function: `shop.tasks.send_receipt`. That name travels in every
    message. When the module or the function is renamed or moved, messages that are still in the queue, and beat entries
    and calls by name that nobody updated, carry a name that no worker knows any more. The worker drops them:

    ```text
    Received unregistered task of type 'shop.tasks.send_receipt'.
    The message has been ignored and discarded.

    Did you remember to import the module containing this task?
    Or maybe you're using relative imports?
    ```

    The sender is told nothing.

    `name=""` and `name=None` do not count as names: Celery falls back to the automatic one.

    ## Bad

    ```python
    from celery import shared_task


    @shared_task
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - the module is a test (`celery-test-paths`) or a migration;
    - a `**spread` that can't be read may hold the name;
    - a decorator below the task decorator renames the task: that is CLY104;
    - a class-based task is never registered, or one of its bases names it or can't be read;
    - the task is made by a decorator of the project that can't be read: it may name the task itself.

    ## Fix

    Give the task the name that it has now, so that nothing changes on the wire: `name="shop.tasks.send_receipt"`. If
    you want a new name, change it while the queue is empty. Where a record knows the task by another name (CLY411),
    that one is written.

    Where the name that it has now is not certain, the report says why, and `flake8-celery-tasks config FILE` says more.
    A folder without `__init__.py` inside a package is a part of the name where the project itself imports it so.

    The command writes the name where the module's dotted name is certain, every decorator below the task decorator can
    be read, the task decorator takes further options, and no app of the project has a `gen_task_name` of its own. It
    leaves classes to you, since subclasses would inherit the name. In a module that is also run as a script
    (`__main__`) the fix is unsafe: there Celery puts the name of the app in place of the module's.
    """

    code = "CLY101"
    see = ("tasks#names", "tasks#changing-the-automatic-naming-behavior")
    fixes = "safe or unsafe"
    message = "Task {function!r} has no explicit name: moved or renamed, it loses its messages; add name={name}"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without a name, at its decorator."""
        if task.is_opaque or task.explicit_name is not MISSING:
            return
        if not task.is_registered or task.renaming is not None:
            return
        doubt = definitions.doubt_of(task.project, task.definition)
        name = f"... (what it is now is not certain: {plain(doubt)})" if doubt else f'"{self._name(task)}"'
        node = task.keyword("name")
        if isinstance(node, ast.ClassDef):
            yield self.report_name(task, function=task.node.name, name=name)
        else:
            yield self.report(task.module, node, function=task.node.name, name=name)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Write the automatic name out, where it is certain and the decorator is one that takes it."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import SetKeyword

        decorator = task.open_decorator
        if decorator is None or not definitions.is_name_certain(task.project, task.definition):
            return None
        if task.states("name") and task.keyword("name") is task.place:
            return None  # it comes from somewhere else
        text = task.module.source
        gone = gone_name(task)
        if gone is not None and gone.is_sent_by_new_name:
            return None
        # Of a script Celery takes the name of the app in place of the module's (`celery.utils.imports.gen_task_name`).
        safe = gone is not None or "__main__" not in text.text
        return Fix((SetKeyword(decorator, "name", text.quoted(self._name(task))),), safe=safe)

    def _name(self, task: Task) -> str:
        """Return the name that a task should have: the one that a record knows it by, else the one that it has."""
        gone = gone_name(task)
        return task.automatic_name if gone is None else gone.name
