from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.contract.present import options_of, result_of
from flake8_celery_tasks.contract.record import IGNORED, OPTIONS, UNCLEAR
from flake8_celery_tasks.facts.task import KeptTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RecordedOptionsChanged(Rule[KeptTask]):
    """A task's message options, or the storage of its result, differ from the record.

    ## What happens

    `queue`, `expires`, `priority` and `serializer` belong to the message, and the sender creates the message. Code that
    sends by name repeats the options, since `send_task()` does not know the decorator. It still sends to the old queue,
    with the old expiry. If it waits for a result that is ignored now, it waits for nothing. Nothing is logged.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt", expires=60)
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
          "options": {"expires": 3600},
          "result": "stored"
        }
      },
      "uncertain": []
    }
    ```

    ```ini
    celery-contract = celery-tasks.json
    extend-select = CLY923
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt", expires=60)
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
          "options": {"expires": 60},
          "result": "stored"
        }
      },
      "uncertain": []
    }
    ```

    ```ini
    celery-contract = celery-tasks.json
    extend-select = CLY923
    ```

    ## Not reported when

    - `celery-contract` names no record;
    - the option or the storage of the result is unknown, in the record (`null`, `unknown`) or now;
    - two tasks have the name;
    - the module is a test (`celery-test-paths`) or a migration.

    ## Fix

    Tell the teams that send the task by name, then write the record again. A `queue` is best set in `task_routes`,
    which every sender reads.
    """

    code = "CLY923"
    quiet_in_tests = True
    see = ("routing#specifying-task-destination", "calling#routing-options", "tasks#Task.ignore_result")
    message = (
        "Option {option!r} of task {name!r} was {old}, is {now} now: senders by name repeat the old one; tell "
        "them, then write the record again"
    )
    ignored: Final = (
        "The result of task {name!r} was stored, is ignored now: a caller that waits gets nothing; store it, or write "
        "the record again"
    )
    stored: Final = (
        "The result of task {name!r} was ignored, is stored now: nobody reads it; ignore it, or write the record again"
    )

    def check(self, fact: KeptTask) -> Iterator[Violation]:
        """Report each option that differs, at its keyword, otherwise at the decorator."""
        options = options_of(fact.task)
        for option in OPTIONS:
            old, now = fact.kept.recorded.options.get(option, MISSING), options.get(option, MISSING)
            if old is None or now is None or now is UNKNOWN or old == now:
                continue
            node = self._node(fact, option)
            yield self.report(fact.module, node, option=option, name=fact.name, old=_shown(old), now=_shown(now))
        was, result = fact.kept.recorded.result, result_of(fact.task)
        if UNCLEAR not in (was, result) and was != result:
            message = self.ignored if result == IGNORED else self.stored
            yield self.report(fact.module, self._node(fact, "ignore_result"), message, name=fact.name)

    def _node(self, fact: KeptTask, option: str) -> ast.AST:
        return fact.task.keyword(option)


def _shown(value: Any) -> str:
    return "not given" if value is MISSING else json.dumps(value, ensure_ascii=False)
