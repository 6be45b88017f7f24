from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.contract import compare
from flake8_celery_tasks.facts.task import KeptTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flake8_celery_tasks.core.violation import Violation

#: What happens to old messages, and what to do, by the change of a parameter.
_MESSAGES: Final[Mapping[str, str]] = {
    compare.GONE: (
        "Parameter {old!r} of task {name!r} is gone: messages that pass it fail with TypeError; accept and ignore it "
        "until they are gone"
    ),
    compare.RENAMED: (
        "Parameter {old!r} of task {name!r} is now {now!r}: messages that pass it by name fail with TypeError; "
        "keep its name"
    ),
    compare.KEYWORD_ONLY: (
        "Parameter {old!r} of task {name!r} is now keyword-only: messages that pass it by position fail or lose it; "
        "accept both"
    ),
    compare.POSITIONAL_ONLY: (
        "Parameter {old!r} of task {name!r} is now positional-only: messages that pass it by name fail or lose it; "
        "accept both"
    ),
    compare.NO_VARARG: (
        "Task {name!r} no longer takes *{old}: messages with extra arguments fail with TypeError; accept them until "
        "those messages are gone"
    ),
    compare.NO_KWARG: (
        "Task {name!r} no longer takes **{old}: messages with extra arguments fail with TypeError; accept them until "
        "those messages are gone"
    ),
    compare.NAMED: (
        "Parameter {now!r} of task {name!r} can now be passed by name: messages with an extra argument of that name "
        "fail; keep it positional-only"
    ),
    compare.MOVED: (
        "Task {name!r} takes {now} where it took {old}: messages that pass it by position fail; keep the order"
    ),
    compare.SWAPPED: (
        "Task {name!r} silently takes as {now} what was passed as {old}; keep the order and put new parameters last"
    ),
}


class RecordedArgumentRefused(Rule[KeptTask]):
    """A task rejects arguments that the record says it takes, or mistakes them for others.

    ## What happens

    Messages that were sent before the change, and those of senders that still run the old code, carry the arguments
    that the function used to take. Nothing compares them with the new function before the worker calls it:

    ```text
    TypeError("send_receipt() got an unexpected keyword argument 'order'")
    ```

    It is worse if the values still fit. If `(user_pk, order_pk)` becomes `(order_pk, user_pk)`, or if a new parameter
    is added at the front, an old message `[7, 12]` runs with the wrong values, and nothing is logged.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {
        "shop.send_receipt": {
          "signature": "(order)",
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
    def send_receipt(order=None, order_pk=None):
        print(order_pk if order is None else order)  # `order` until no message has it
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {
        "shop.send_receipt": {
          "signature": "(order)",
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
    - a parameter with a default is added after all others, or is keyword-only;
    - a parameter is gone, and new `*args` and `**kwargs` accept its values;
    - a file that can't be parsed could define a task of that name.

    ## Fix

    Change parameters in two deploys. To remove one, give it a default and ignore it, or accept `*args, **kwargs`; drop
    it when the queues are empty. `**kwargs` alone is enough only for a parameter that nobody passes by position. To
    rename one, accept both names. Then update the record.
    """

    code = "CLY412"
    see = ("tasks#argument-checking", "calling#basics")
    message = _MESSAGES[compare.GONE]

    def check(self, fact: KeptTask) -> Iterator[Violation]:
        """Report the change of a parameter, at the parameter, otherwise at the function's name."""
        for one in fact.kept.breaks:
            if one.kind in compare.DEMANDS:
                continue
            old, now = one.name, one.now
            if one.kind in (compare.MOVED, compare.SWAPPED):
                old, now = _shown(old), _shown(now)
            values = {"name": fact.name, "old": old, "now": now}
            node = None if one.kind in (compare.MOVED, compare.SWAPPED) else fact.parameter(one.now or one.name)
            if node is None:
                yield self.report_name(fact.task, _MESSAGES[one.kind], **values)
            else:
                yield self.report(fact.module, node, _MESSAGES[one.kind], **values)


def _shown(name: str) -> str:
    return "further arguments" if name == compare.REST else repr(name)
