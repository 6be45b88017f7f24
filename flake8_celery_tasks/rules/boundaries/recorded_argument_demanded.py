from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.contract import compare
from flake8_celery_tasks.facts.task import KeptTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RecordedArgumentDemanded(Rule[KeptTask]):
    """A task demands an argument that messages of before need not give.

    ## What happens

    A new parameter without a default is safe for callers that are deployed along with the function. Messages that wait
    in a queue, beat entries in a database and senders that still run the old code lack it, and fail in the worker:

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

    - no record is named (`celery-contract`), or it does not know the parameters (`"signature": null`);
    - today's parameters can't be known: a decorator below the task decorator may change them, two tasks have the name,
      the class has an `apply_async` or `__call__` of its own;
    - the parameter stands where the record has one that is gone and had no default: that is a new name (CLY412);
    - a file that can't be parsed could define a task of that name.

    ## Fix

    Give the parameter a default, behind the others, until the old messages are gone; then demand it, and write the
    record anew.
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
        """Report a parameter that has to be given and had not, where it stands."""
        for one in fact.kept.breaks:
            node = fact.parameter(one.name)
            if one.kind in compare.DEMANDS and node is not None:
                message = self.required if one.kind == compare.REQUIRED else self.message
                yield self.report(fact.module, node, message, parameter=one.name, name=fact.name)
