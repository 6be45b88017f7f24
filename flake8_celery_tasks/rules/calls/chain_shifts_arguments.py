from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.arguments import arguments_of, is_immutable
from flake8_celery_tasks.facts.canvas import Receiver
from flake8_celery_tasks.resolution.arity import REPEATED, SURPLUS, misfits
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import Invocation


class ChainShiftsArguments(Rule[Receiver]):
    """A task in a chain, a callback or the body of a chord has no parameter for the result that Celery passes first.

    ## What happens

    The result of one task becomes the first argument of the next signature that `.s()` creates, even if it is None. A
    function without a parameter for it fails in the worker, long after the call. The task marked as failed is the
    previous one, which has finished its work:

    ```text
    Task shop_bill[...] raised unexpected: TypeError('ship() takes 1 positional argument but 2 were given')
    ```

    ## Bad

    ```python
    from celery import chain, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        chain(bill.s(order.number), ship.s(order.number)).delay()
    ```

    ## Good

    ```python
    from celery import chain, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        chain(bill.s(order.number), ship.si(order.number)).delay()
    ```

    ## Not reported when

    - the signature is immutable: `.si()`, `immutable=True`;
    - the parameters of the task, or the arguments it is given, can't be resolved;
    - the arguments would not fit without the result either: that is CLY601;
    - the signature has a name, and something other than a canvas gets or changes it.

    ## Fix

    Write `.si(...)`, or add a parameter for the result to the function. The task then runs for the first time.
    """

    code = "CLY611"
    see = ("canvas#immutability", "canvas#partials")
    message = "'{text}' gets {what} but '{task}' has no parameter for it: TypeError in the worker; write '{better}'"

    def check(self, receiver: Receiver) -> Iterator[Violation]:
        """Report the signatures that get a result and can't accept it."""
        for call in receiver.signatures():
            if call.defined is not None and _has_no_room(call, call.defined):
                func = call.node.func
                assert isinstance(func, ast.Attribute)
                owner = shown(func.value)
                text, better = f"{owner}.{call.method}()", f"{owner}.si(...)"
                yield self.report(
                    call.module,
                    call.node,
                    text=text,
                    what=receiver.what,
                    task=call.defined.own_name,
                    better=better,
                )


def _has_no_room(call: Invocation, defined: Defined) -> bool:
    """Return whether the arguments of a signature may fit, but don't with one more in front of them."""
    params, arguments = defined.accepts, arguments_of(call)
    if params is None or arguments is None or is_immutable(call, call.node):
        return False
    given = arguments.given.partial
    shifted = given._replace(positional=given.positional + 1)
    kinds = {found.kind for found in misfits(params, shifted)} - {found.kind for found in misfits(params, given)}
    return (
        not kinds.isdisjoint({SURPLUS, REPEATED})
        and defined.hands_on_calls
        and defined.overrides("__call__", handing_on=True) is False
    )
