from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.contract import agreement
from flake8_celery_tasks.facts.arguments import arguments_of, arguments_of_entry, is_expected_to_fail
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.resolution.arity import misfits
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.contract.agreement import Agreement
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.arguments import Arguments

#: Methods that send at once: no arguments come later.
_SENDING: Final = frozenset({"apply_async", "apply_async_on_commit", "delay", "delay_on_commit", "send_task"})


class SentBeforeDeployed(Rule[Invocation | BeatEntry]):
    """Code sends a message that workers with the old code can't handle.

    ## What happens

    During a rolling deploy, new senders and old workers run at the same time; after a rollback, old workers find the
    messages of new senders. A worker that has no task of that name discards the message, and the sender does not
    notice:

    ```text
    Received unregistered task of type 'shop.send_receipt'.
    The message has been ignored and discarded.
    ```

    With an argument that the old function does not accept, the task fails there with a TypeError.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/views.py"
    from shop.tasks import send_receipt


    def pay(order):
        send_receipt.delay(order.pk)
    ```

    ```json title="celery-tasks.json"
    {
      "version": 1,
      "tasks": {},
      "uncertain": []
    }
    ```

    ```ini
    celery-contract = celery-tasks.json
    extend-select = CLY924
    ```

    ## Good

    The task was deployed, and recorded, before it is sent:

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/views.py"
    from shop.tasks import send_receipt


    def pay(order):
        send_receipt.delay(order.pk)
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
    extend-select = CLY924
    ```

    ## Not reported when

    - `celery-contract` names no record;
    - the task does not belong to the project, or its name is unknown, now or in the record (`uncertain`);
    - the record does not have the parameters (`"signature": null`), or a `*spread` or a variable hides the arguments;
    - a signature lacks arguments: they may come later;
    - the call is in a test (`celery-test-paths`), in a migration, or in a `try` that catches TypeError.

    ## Fix

    Deploy the workers first, with the new task or parameter and the old calls, then the senders. Roll back in the
    reverse order. If one deploy would bring both, make two releases, and write the record again after the first.
    """

    code = "CLY924"
    see = (
        "tasks#names",
        "faq#why-do-workers-delete-tasks-from-the-queue-if-they-re-unable-to-process-them",
    )
    message = (
        "Task {name!r} is not in the record: a worker that still runs the old code discards this message; deploy the "
        "workers first"
    )
    refused: Final = (
        "Task {name!r} is sent with arguments that the record does not have: a worker with the old code fails; deploy "
        "the workers first"
    )
    quiet_in_tests = True

    def check(self, fact: Invocation | BeatEntry) -> Iterator[Violation]:
        """Report a call or a beat entry, at its place."""
        agreed = agreement.agreement_of(fact.project)
        if agreed is None:
            return
        if isinstance(fact, BeatEntry):
            yield from self._judge(fact, agreed, fact.task_name, arguments_of_entry(fact), partial=False)
        elif not is_expected_to_fail(fact.site):
            partial = fact.method not in _SENDING
            yield from self._judge(fact, agreed, _name(agreed, fact), arguments_of(fact), partial=partial)

    def _judge(
        self,
        fact: Invocation | BeatEntry,
        agreed: Agreement,
        name: str | None,
        arguments: Arguments | None,
        *,
        partial: bool,
    ) -> Iterator[Violation]:
        entries = [] if name is None else agreed.present.by_name.get(name, [])
        if name is None or not entries:
            return
        recorded = agreed.record.tasks.get(name)
        if recorded is None:
            if all(entry.place not in agreed.record.uncertain for entry in entries):
                yield self.report(fact.module, fact.node, name=name)
        elif recorded.signature is not None and arguments is not None:
            given = arguments.given.partial if partial else arguments.given
            if next(misfits(recorded.signature, given), None) is not None:
                yield self.report(fact.module, fact.node, self.refused, name=name)


def _name(agreed: Agreement, call: Invocation) -> str | None:
    """Return the name that a call sends; None if it is unknown."""
    if call.by_name:
        return call.name if isinstance(call.name, str) else None
    return None if call.definition is None else agreed.present.name_of(call.definition)
