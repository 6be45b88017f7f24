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

    Celery then builds a name from the module and the function: `shop.tasks.send_receipt`. Every message carries that
    name. After the module or the function is renamed or moved, no worker knows the old name. Messages that are still in
    the queue carry it, and so do beat entries and calls by name that nobody updated. The worker drops them:

    ```text
    Received unregistered task of type 'shop.tasks.send_receipt'.
    The message has been ignored and discarded.

    Did you remember to import the module containing this task?
    Or maybe you're using relative imports?
    ```

    The sender gets no error.

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
    - a `**spread` that can't be resolved may contain the name;
    - a decorator below the task decorator renames the task: that is CLY104;
    - a class-based task is never registered, or one of its bases names it or can't be resolved;
    - the task is created by a decorator of the project that can't be resolved: it may name the task itself.

    ## Fix

    Give the task the name that it has now, so that the messages stay the same: `name="shop.tasks.send_receipt"`. If you
    want a new name, change it while the queue is empty. If a record has the task under another name (CLY411), use that
    name.

    If its current name is uncertain, the report says why, and `flake8-celery-tasks config FILE` gives details. A folder
    without `__init__.py` inside a package is part of the name if the project's own imports include it.

    The automatic fix writes the name if the module's dotted name is certain, every decorator below the task decorator
    can be resolved, the task decorator accepts more options, and no app of the project has its own `gen_task_name`. It
    leaves classes to you, since subclasses would inherit the name. In a module that is also run as a script
    (`__main__`) the fix is unsafe: Celery then uses the name of the app instead of the module's.
    """

    code = "CLY101"
    see = ("tasks#names", "tasks#changing-the-automatic-naming-behavior")
    fixes = "safe or unsafe"
    message = "Task {function!r} has no explicit name: moving or renaming it loses queued messages; add name={name}"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a definition without a name, at its decorator."""
        if task.is_opaque or task.explicit_name is not MISSING:
            return
        if not task.is_registered or task.renaming is not None:
            return
        doubt = definitions.doubt_of(task.project, task.definition)
        name = f"... (its current name is uncertain: {plain(doubt)})" if doubt else f'"{self._name(task)}"'
        node = task.keyword("name")
        if isinstance(node, ast.ClassDef):
            yield self.report_name(task, function=task.node.name, name=name)
        else:
            yield self.report(task.module, node, function=task.node.name, name=name)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Write out the automatic name, if it is certain and the decorator accepts a name."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import SetKeyword

        decorator = task.open_decorator
        if decorator is None or not definitions.is_name_certain(task.project, task.definition):
            return None
        if task.states("name") and task.keyword("name") is task.place:
            return None  # the name is set somewhere else
        text = task.module.source
        gone = gone_name(task)
        if gone is not None and gone.is_sent_by_new_name:
            return None
        # In a script Celery uses the name of the app instead of the module's (`celery.utils.imports.gen_task_name`).
        safe = gone is not None or "__main__" not in text.text
        return Fix((SetKeyword(decorator, "name", text.quoted(self._name(task))),), safe=safe)

    def _name(self, task: Task) -> str:
        """Return the name that a task should have: its name in a record, otherwise its automatic name."""
        gone = gone_name(task)
        return task.automatic_name if gone is None else gone.name
