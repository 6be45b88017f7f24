from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.violation import Violation
from flake8_celery_tasks.facts.task import GoneTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.edits.edit import Fix


class RecordedTaskGone(Rule[GoneTask]):
    """A name in the record no longer belongs to any task.

    ## What happens

    A function is renamed, a module moves or a task is deleted, but messages with the old name still arrive: from the
    queue while the new code is deployed, from processes that still run the old code, from other services, and from
    django-celery-beat, which schedules them from its database. The worker with the new code logs an error and drops
    each one, and the sender gets no error:

    ```text
    Received unregistered task of type 'shop.send_receipt'.
    The message has been ignored and discarded.
    ```

    The record is the file that the option `celery-contract` names. It contains the names and parameters that others
    rely on.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.mail_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {
        "shop.send_receipt": {
          "signature": "(order_pk)",
          "module": "shop.tasks",
          "function": "send_receipt",
          "options": {},
          "result": "stored"
        }
      },
      "uncertain": []
    }
    ```

    A task without an explicit name gets a different name when its module is renamed or its function moves:

    ```python
    from celery import shared_task


    @shared_task
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {
        "shop.mail.send_receipt": {
          "signature": "(order_pk)",
          "module": "shop.mail",
          "function": "send_receipt",
          "options": {},
          "result": "stored"
        }
      },
      "uncertain": []
    }
    ```

    ```ini
    celery-contract = celery-tasks.json
    ```

    ## Good

    Introduce the new name in two deploys. In the first, the task has both names:

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.celery import app


    @shared_task(name="shop.mail_receipt")
    def mail_receipt(order_pk):
        print(order_pk)


    app.tasks["shop.send_receipt"] = mail_receipt  # until no message has the old name
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {
        "shop.send_receipt": {
          "signature": "(order_pk)",
          "module": "shop.tasks",
          "function": "send_receipt",
          "options": {},
          "result": "stored"
        }
      },
      "uncertain": []
    }
    ```

    ```ini
    celery-contract = celery-tasks.json
    ```

    ## Not reported when

    - `celery-contract` names no record, or the record belongs to another project;
    - the task has moved and kept its name;
    - `app.tasks["old name"] = task` or `app.tasks.register(...)` gives the name to a task, or uses a name that can't be
      resolved, which may be any name;
    - a task with an uncertain name could have it, unless the record lists that task as uncertain;
    - an app of the project builds automatic names itself (`gen_task_name`);
    - a file that can't be parsed defined the task, or defines tasks now and may contain the name.

    ## Fix

    Give the task its old name. If you want the new name, give the task both, deploy, and drop the old one when it is no
    longer used by any message, beat entry or other service. Then update the record.

    The automatic fix writes the old name if the task has an automatic name and no string in the project contains the
    new one. If you deleted the task on purpose, keep it until its queues are empty.
    """

    code = "CLY411"
    see = (
        "tasks#names",
        "faq#why-do-workers-delete-tasks-from-the-queue-if-they-re-unable-to-process-them",
    )
    fixes = "safe"
    message = "Task {name!r} is now named {now!r}: workers discard messages with the old name; write name={written}"
    gone: Final = (
        "Recorded task {name!r} is gone: workers discard its messages; keep it, or give its name to the task that "
        "replaces it"
    )

    def check(self, fact: GoneTask) -> Iterator[Violation]:
        """Report a renamed definition at its new name, and a deleted task at the first line of its module."""
        task, entry = fact.task, fact.gone.entry
        if task is None or entry is None:
            yield Violation(1, 0, self.code, self.text_of(fact.name))
            return
        node = task.keyword("name")
        values = {"name": fact.name, "now": entry.name, "written": f'"{fact.name}"'}
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield self.report_name(task, **values)
        else:
            yield self.report(task.module, node, **values)

    @classmethod
    def text_of(cls, name: str) -> str:
        """Return the message about a name whose task is gone."""
        return cls.gone.format(name=name).encode("utf-8", "backslashreplace").decode()

    def fix(self, fact: GoneTask, violation: Violation) -> Fix | None:
        """Write the old name, if the new one is automatic and nothing sends the task by it."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import SetKeyword

        task = fact.task
        decorator = None if task is None else task.open_decorator
        if task is None or decorator is None or task.states("name") or fact.is_sent_by_new_name:
            return None
        return Fix((SetKeyword(decorator, "name", task.module.source.quoted(fact.name)),), safe=True)
