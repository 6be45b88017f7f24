from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.contract import compare
from flake8_celery_tasks.facts.task import KeptTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RecordedArgumentDemanded(Rule[KeptTask]):
    """A task requires an argument that older messages may lack.

    ## What happens

    A new parameter without a default is safe for callers that are deployed together with the function. But messages in
    a queue, beat entries in a database and messages from processes with the old code lack it, and the task fails in the
    worker:

    ```text
    TypeError("send_receipt() missing 1 required positional argument: 'language'")
    ```

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk, language):
        print(order_pk, language)
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

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk, language="en"):
        print(order_pk, language)
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

    - `celery-contract` names no record, or the record does not have the parameters (`"signature": null`);
    - the current parameters are uncertain: a decorator below the task decorator may change them, two tasks have the
      name, or the class has its own `apply_async` or `__call__`;
    - the parameter replaces a recorded one without a default at the same position: it was renamed (CLY412);
    - a file that can't be parsed could define a task of that name.

    ## Fix

    Put the parameter after the others and give it a default until the old messages are gone. Then require it, and
    update the record.
    """

    code = "CLY413"
    see = ("tasks#argument-checking", "calling#basics")
    message = (
        "Parameter {parameter!r} of task {name!r} is new: messages without it fail with TypeError; give it a default "
        "until the old messages are gone"
    )
    required: Final = (
        "Parameter {parameter!r} of task {name!r} lost its default: messages without it fail with TypeError; keep the "
        "default until they are gone"
    )

    def check(self, fact: KeptTask) -> Iterator[Violation]:
        """Report a parameter that is required now and was not before, at the parameter."""
        for one in fact.kept.breaks:
            node = fact.parameter(one.name)
            if one.kind in compare.DEMANDS and node is not None:
                message = self.required if one.kind == compare.REQUIRED else self.message
                yield self.report(fact.module, node, message, parameter=one.name, name=fact.name)
