from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.defined import Defined
from flake8_celery_tasks.facts import Invocation
from flake8_celery_tasks.rule import Rule
from flake8_celery_tasks.things import SignatureThing
from flake8_celery_tasks.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.rule import Violation

#: Methods that take `expires`.
_TAKING: Final = frozenset({"apply_async", "apply_async_on_commit", "send_task"})


class CallWithoutExpires(Rule[Invocation]):
    """A task is sent by `apply_async` or `send_task` without `expires`.

    ## What happens

    The message waits until a worker takes it. When the workers come back after a day, it runs a day late: the code that
    was to be sent by mail is long invalid, the price that was to be fetched is fetched a thousand times. With `expires`
    a worker drops what comes too late:

    ```text
    Discarding revoked task: shop_send_code[9c86e2a2...]
    ```

    See [Expiration](https://docs.celeryq.dev/en/stable/userguide/calling.html#expiration) in Celery's user guide.

    ## Bad

    ```ini
    extend-select = CLY913
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_code")
    def send_code(user_pk):
        print(user_pk)


    def login(user):
        send_code.apply_async((user.pk,), queue="mail")
    ```

    ## Good

    ```ini
    extend-select = CLY913
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_code")
    def send_code(user_pk):
        print(user_pk)


    def login(user):
        send_code.apply_async((user.pk,), queue="mail", expires=300)
    ```

    ## Silent when

    - the call has `expires`, even as None: a decision in writing; or it has a `**spread` that can't be read;
    - the definition of the task has `expires`, or can't be found, or its class has an `apply_async` of its own;
    - a signature or canvas is sent that is not made in the same expression: it may have options of its own;
    - it is sent by `delay`, which takes no options;
    - the module is a test or a migration.

    ## Fix

    Write `expires=` with the seconds after which the task is of no use any more, or `expires=None` where it always is.
    It is a decision, so there is no automatic fix.
    """

    code = "CLY913"
    message = (
        "{method}() of {task} has no expires: with no worker to take it, it runs however late; write expires= with "
        "its seconds"
    )
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a call whose message waits for ever."""
        if call.method not in _TAKING or call.argument("expires") is not MISSING:
            return
        if call.method == "send_task":
            if not isinstance(call.name, str):
                return
            definitions = [Defined(call.project, found) for found in call.project.tasks.definitions(call.name)]
            task = repr(call.name)
        else:
            if call.defined is None or (isinstance(call.thing, SignatureThing) and not self._is_plain(call)):
                return
            definitions = [call.defined]
            task = repr(call.defined.own_name)
        if any(found.effective("expires") is not MISSING for found in definitions):
            return
        if call.method == "send_task" or definitions[0].overrides(call.method) is False:
            yield self.report(call.module, call.node, method=call.method, task=task)

    def _is_plain(self, call: Invocation) -> bool:
        """Return whether a signature is made on the spot, as in `task.s(1).apply_async()`."""
        made = call.node.func.value if isinstance(call.node.func, ast.Attribute) else None
        return isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in ("s", "si")
