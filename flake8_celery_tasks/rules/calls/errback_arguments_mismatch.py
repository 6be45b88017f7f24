from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.catalog.methods import SAME_ARGUMENTS
from flake8_celery_tasks.celery_model.objects import SignatureThing
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import arguments_of, is_completed_later, is_expected_to_fail, is_immutable
from flake8_celery_tasks.facts.calls import signing_calls
from flake8_celery_tasks.facts.canvas import Callback
from flake8_celery_tasks.facts.results import values_of
from flake8_celery_tasks.resolution.arity import Given, misfits
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.context import FileContext

#: The first version that counts the remaining parameters, and logs what an errback raises.
_COUNTS_LEFT: Final = (5, 7)

#: Names of a first parameter for the id of the failed task, or for its request.
_FOR_ID: Final = re.compile(r"(.*_)?(id|uuid|pk|ctx|context|request|req|task|failed|parent|args)\d?$|_")

#: Names of a parameter for a part of the failure other than the id.
_NOT_ID: Final = frozenset({"einfo", "err", "error", "exc", "exception", "request", "tb", "traceback"})

_WHAT: Final = {1: "the id of the failed task", 3: "(request, exc, traceback)"}


class ErrbackArgumentsMismatch(Rule[Callback]):
    """An error callback can't take what Celery passes to it.

    ## What happens

    What Celery passes to a `link_error` or `on_error` callback depends on its task. These arguments come before those
    of the callback's signature:

    | the errback | up to 5.6 | 5.7 |
    |---|---|---|
    | bound, or a class | the id of the failed task | the id |
    | unbound, `*args` or at least two parameters | request, exception, traceback | the same |
    | the same, with arguments of its own that leave at most one parameter | request, exception, traceback | the id |
    | unbound, one parameter or none | the id | the id |
    | immutable: `.si()` | nothing | nothing |

    If they don't fit, nothing fails until a task does. Then a `TypeError` replaces the error that the callback should
    report. If the errback is called with three arguments, Celery 5.7 only logs that `TypeError`:

    ```text
    Errback 'shop_alert' raised an exception
    ```

    The errback does not run in either case. If it fits by chance, the id or the request becomes the first of the
    errback's own arguments.

    ## Bad

    ```python
    from celery import shared_task

    from shop.alerts import send_alert


    @shared_task(name="shop_bill")
    def bill(number):
        raise ValueError(number)


    @shared_task(name="shop_alert")
    def alert(request, exc):
        send_alert(request.id, exc)


    def close(order):
        bill.apply_async((order.number,), link_error=alert.s())
    ```

    ```python
    from celery import shared_task

    from shop.orders import reopen_orders


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @shared_task(name="shop_reopen", bind=True)
    def reopen(self, numbers, *args):
        reopen_orders(numbers, self.request.id)


    def close(order):
        bill.apply_async((order.number,), link_error=reopen.s([order.number]))
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.alerts import send_alert
    from shop.orders import reopen_orders


    @shared_task(name="shop_bill")
    def bill(number):
        print(number)


    @shared_task(name="shop_alert")
    def alert(request, exc, traceback):
        send_alert(request.id, exc)


    @shared_task(name="shop_reopen", bind=True)
    def reopen(self, numbers):
        reopen_orders(numbers, self.request.id)


    def close(order):
        bill.s(order.number).on_error(alert.s()).delay()
        bill.apply_async((order.number,), link_error=reopen.si([order.number]))
    ```

    ## Not reported when

    - the task has exactly two parameters and its signature has arguments: what Celery passes depends on the version;
    - the task's parameters or the arguments of the signature can't be resolved, or decorators are below the task
      decorator;
    - the arguments of the signature alone don't fit: that is CLY601;
    - the callback is a canvas, or the name of a task, or its signature is made immutable later;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Accept what Celery passes: `(request, exc, traceback, ...)` without `bind=True`, `(self, task_id, ...)` with it. An
    errback that needs nothing from the failure should be immutable: `task.si(...)`.
    """

    code = "CLY617"
    see = ("calling#linking-callbacks-errbacks", "canvas#immutability")
    message = "Errback '{text}' gets {what}{own}: {flaw}; {advice}"

    def check(self, callback: Callback) -> Iterator[Violation]:
        """Report errback signatures that can't accept the arguments that Celery passes."""
        if not callback.on_error or is_expected_to_fail(callback.site):
            return
        for call in _signed(callback):
            thing = callback.context.thing(call.node, call.site)
            definition = thing.definition if isinstance(thing, SignatureThing) else None
            if definition is not None:
                place = callback.node if isinstance(callback.node, ast.Name) else call.node
                yield from self._judge(call, Defined(callback.project, definition), place)

    def _judge(self, call: Invocation, defined: Defined, place: ast.expr) -> Iterator[Violation]:
        params, arguments = defined.accepts, arguments_of(call)
        if params is None or arguments is None or defined.is_wrapped or is_immutable(call, call.node):
            return
        if not defined.hands_on_calls or defined.overrides("__call__", handing_on=True) is not False:
            return
        given = arguments.given
        if given.more_positional or given.more_keywords or is_completed_later(call.module):
            return
        if next(misfits(params, given.partial), None) is not None:
            return
        takes_id = defined.is_class or defined.bound is True
        count = len(params.ordered)
        has_own = given.positional > 0 or bool(given.keywords)
        if not takes_id and count == len("ab") and has_own and params.vararg is None:
            return
        passed = 1 if takes_id else _passed(version_of(call.project), params, given)
        flaw = _flaw(defined.own_name, params, given, passed)
        if flaw:
            advice = "write '.si(...)', or take it first" if has_own else "take just that, or write '.si()'"
            if takes_id and not has_own and params.ordered[:1] in (("request",), ("req",)):
                advice = "drop bind=True"
            elif passed > 1 and not has_own:
                advice = "take all three, or write '.si()'"
            yield self.report(
                call.module,
                place,
                text=shown(call.node),
                what=_WHAT[passed],
                own=" first" if has_own else "",
                flaw=flaw,
                advice=advice,
            )


def _signed(callback: Callback) -> Iterator[Invocation]:
    """Yield the calls that create the signatures of a callback."""
    if isinstance(callback.node, ast.Name):
        found = callback.site.scope.find(callback.node.id)
        if found is not None and (id(found[0]), callback.node.id) in _made_immutable(callback.context):
            return
    for node, _ in values_of(callback.node, callback.site):
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
            if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
                return
            node = node.func.value
        call = signing_calls(callback.context).get(id(node))
        if call is not None:
            yield call


@query()
def _made_immutable(context: FileContext) -> set[tuple[int, str]]:
    """Return the names whose signatures are made immutable after they have got the name, or may be, by their scopes."""
    uses: list[tuple[ast.expr, Site]] = []
    for call, site in context.calls_named("set", "set_immutable"):
        func = call.func
        is_changed = last_name(func) != "set" or any(word.arg in ("immutable", None) for word in call.keywords)
        if isinstance(func, ast.Attribute) and is_changed:
            uses.append((func.value, site))
    stores = ((target, site) for _, target, _, site in context.module.candidates.stores)
    uses += [(target.value, site) for target, site in stores if isinstance(target, (ast.Attribute, ast.Subscript))]
    found = ((node.id, site.scope.find(node.id)) for node, site in uses if isinstance(node, ast.Name))
    return {(id(bound[0]), name) for name, bound in found if bound is not None}


def _passed(version: tuple[int, int], params: Params, given: Given) -> int:
    """Return how many arguments Celery passes to an unbound errback, in addition to the errback's own."""
    left = params.ordered
    if version >= _COUNTS_LEFT:
        left = left[given.positional :]
        named = [index for index, name in enumerate(left) if name in given.keywords]
        left = left[: min(named, default=len(left))]
    return 3 if params.vararg is not None or len(left) > 1 else 1


def _flaw(task: str, params: Params, given: Given, passed: int) -> str:
    """Return the mismatch of an errback with its arguments; an empty string if it fits, or may be intended."""
    if next(misfits(params, given._replace(positional=given.positional + passed)), None) is not None:
        return f"TypeError in {task!r}"
    first = (*params.ordered, "")[0]
    if not first:
        return ""
    if given.positional and not _FOR_ID.match(first) and next(misfits(params, given), None) is None:
        return f"{'it' if passed == 1 else 'the request'} lands in {first!r}"
    return f"it lands in {first!r}" if passed == 1 and first in _NOT_ID else ""
