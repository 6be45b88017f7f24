from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.contract import compare
from flake8_celery_tasks.facts.task import KeptTask
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flake8_celery_tasks.core.violation import Violation

#: What becomes of a message, and what to do, by what has become of a parameter.
_MESSAGES: Final[Mapping[str, str]] = {
    compare.GONE: (
        "Parameter {old!r} of task {name!r} is gone: messages that give it fail with TypeError; take it until they are "
        "gone, and ignore it"
    ),
    compare.RENAMED: (
        "Parameter {old!r} of task {name!r} is {now!r} now: messages that name it fail with TypeError; keep its name"
    ),
    compare.KEYWORD_ONLY: (
        "Parameter {old!r} of task {name!r} is keyword-only now: messages that give it by position fail or lose it; "
        "take it so too"
    ),
    compare.POSITIONAL_ONLY: (
        "Parameter {old!r} of task {name!r} is positional-only now: messages that name it fail or lose it; take it "
        "so too"
    ),
    compare.NO_VARARG: (
        "Task {name!r} has no *{old} any more: messages with more arguments fail with TypeError; take them until "
        "those are gone"
    ),
    compare.NO_KWARG: (
        "Task {name!r} has no **{old} any more: messages with more arguments fail with TypeError; take them until "
        "those are gone"
    ),
    compare.NAMED: (
        "Parameter {now!r} of task {name!r} can be named now: messages that also name one so fail; keep it "
        "positional-only"
    ),
    compare.MOVED: (
        "Task {name!r} takes {now} where it took {old}: messages that give it by position fail; keep the order"
    ),
    compare.SWAPPED: (
        "Task {name!r} takes for {now} what was given for {old}, and nothing fails; keep the order, put new parameters "
        "last"
    ),
}


class RecordedArgumentRefused(Rule[KeptTask]):
    """A task refuses arguments that the record says it takes, or takes them for others.

    ## What happens

    Messages that were sent before the change, and those of senders that still run the old code, give the arguments that
    the function took then. Nobody compares them with the new function but the worker that calls it:

    ```text
    TypeError("send_receipt() got an unexpected keyword argument 'order'")
    ```

    It is worse where the values still fit: with `(user_pk, order_pk)` turned into `(order_pk, user_pk)`, or with a
    parameter put in front, an old message `[7, 12]` runs with its values swapped, and nothing is logged at all.

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

    - no record is named (`celery-contract`), or it does not know the parameters (`"signature": null`);
    - today's parameters can't be known: a decorator below the task decorator may change them, two tasks have the name,
      the class has an `apply_async` or `__call__` of its own;
    - a parameter is added behind all others, or by keyword only, with a default;
    - a parameter is gone, and new `*args` and `**kwargs` take its values;
    - a file that can't be parsed could define a task of that name.

    ## Fix

    Change parameters in two deploys. To take one out, give it a default and ignore it, or take `*args, **kwargs`; drop
    it when the queues are empty. `**kwargs` alone is enough only for one that nobody gives by position. To rename one,
    take both names. Then write the record anew.
    """

    code = "CLY412"
    see = ("tasks#argument-checking", "calling#basics")
    message = _MESSAGES[compare.GONE]

    def check(self, fact: KeptTask) -> Iterator[Violation]:
        """Report what has become of a parameter, at the parameter, else at the function's name."""
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
