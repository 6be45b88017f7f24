from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import Invoke, Operation, Ref
from flake8_celery_tasks.celery_model.objects import CanvasThing, thing_of
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.canvas import Canvas, Linking
from flake8_celery_tasks.facts.results import values_of
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext

#: Displays of several values; a display is not a signature.
_MANY: Final = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.GeneratorExp)

#: Calls that make several values.
_MAKES_MANY: Final = frozenset(f"builtins.{name}" for name in ("filter", "list", "map", "set", "sorted", "tuple"))

#: The first version in which a call of a chord accepts callbacks.
_CHORDS_LINK: Final = (5, 7)


class CanvasMisbuilt(Rule[Canvas | Linking]):
    """A canvas is built in a way that fails, runs everything in one message, or does not wait for the work.

    ## What happens

    `group(...).apply_async()` takes neither `link` nor `link_error`. Before Celery 5.7 neither does a chord:

    ```text
    TypeError: Cannot add link to group: do that on individual tasks
    ```

    `chain()` takes either one list or separate signatures. A list among signatures fails:

    ```text
    TypeError: unsupported operand type(s) for |: '_chain' and 'list'
    ```

    Two mistakes are silent. `task.map(...)` and `task.starmap(...)` are one message: one worker runs the task for all
    items, one after the other. In a group or a chord's header, nothing is left to run in parallel. And
    `task.chunks(...)` in a chord's header is a message that only sends the chunks: the body runs before the work is
    done, and gets ids instead of results. If another step of a chain follows, the message sends the chunks and then
    fails, so that the step never runs.

    ## Bad

    ```python
    from celery import group, shared_task

    from shop.alerts import send_alert


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    @shared_task(name="shop_alert")
    def alert(request, exc, traceback):
        send_alert(request.id)


    def close(orders):
        group(ship.s(order.number) for order in orders).apply_async(link_error=alert.s())
    ```

    ```python
    from celery import chain, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    def close(order):
        chain([bill.s(order.number)], ship.s()).delay()
    ```

    ```python
    from celery import chord, shared_task


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_total")
    def total(sums):
        return sum(sums)


    def close(numbers):
        chord(bill.map(numbers), total.s()).delay()
    ```

    ## Good

    ```python
    from celery import chord, group, shared_task

    from shop.alerts import send_alert


    @shared_task(name="shop_bill")
    def bill(number):
        return number


    @shared_task(name="shop_total")
    def total(sums):
        return sum(sums)


    @shared_task(name="shop_alert")
    def alert(request, exc, traceback):
        send_alert(request.id)


    def close(orders):
        group(bill.s(order.number) for order in orders).on_error(alert.s()).apply_async()


    def count(numbers):
        chord([bill.s(number) for number in numbers], total.s()).delay()


    def count_many(numbers):
        chord(bill.chunks(zip(numbers), 100).group(), total.s()).delay()
    ```

    ## Not reported when

    - it is uncertain what the canvas is, or what it contains;
    - `map` is next to other signatures, or in a comprehension: a message for each batch may be intended;
    - a task or a call of one is used where a signature belongs: that is CLY608 and CLY610;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Add the callback to the tasks, as `.on_error(...)` does, or make a chord for the result. Write `*` before a list,
    `task.s(item) for item in items` for `task.map(items)`, and `.chunks(...).group()`.
    """

    code = "CLY622"
    see = ("canvas#the-primitives", "canvas#chunks", "canvas#groups")
    message = "{owner} takes no '{option}=': {method} raises TypeError; {advice}"
    listed = "'{text}' is not one signature but several: {name} raises {error}; {advice}"
    one_message = (
        "'{text}' is one message that runs all items one by one: {name} has nothing to run in parallel; {advice}"
    )
    not_awaited = "'{text}' only sends its chunks: {effect}; write '.group()' after it"

    def check(self, fact: Canvas | Linking) -> Iterator[Violation]:
        """Report callbacks in the call of a group or chord, and members that don't belong in a canvas."""
        if isinstance(fact, Linking):
            yield from self._linked(fact)
        elif not is_expected_to_fail(fact.site):
            yield from self._lists(fact)
            yield from self._spreads(fact)

    def _linked(self, call: Linking) -> Iterator[Violation]:
        func, site = call.node.func, call.site
        if isinstance(func, ast.Attribute) and func.attr != "apply_async":
            return
        owner = func.value if isinstance(func, ast.Attribute) else func
        kind = _kind(call.context, owner, site)
        if kind is None or is_expected_to_fail(site):
            return
        method = "apply_async()" if isinstance(func, ast.Attribute) else "calling it"
        for keyword in call.keywords:
            if not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None):
                advice = "write '.on_error(...)' before it" if keyword.arg == "link_error" else "make a chord"
                if kind == "chord" and keyword.arg == "link":
                    advice = "link it to the body"
                yield self.report(
                    call.module, keyword, owner=f"A {kind}", option=keyword.arg, method=method, advice=advice
                )

    def _lists(self, canvas: Canvas) -> Iterator[Violation]:
        if canvas.kind == "chord" or len(canvas.members) < len("ab"):
            return
        error = "AttributeError" if canvas.kind == "group" else "TypeError"
        for member in canvas.members:
            if _is_several(canvas.context, member.node, member.site):
                text = shown(member.node)
                advice = "make a group of it" if isinstance(canvas.node, ast.BinOp) else "write '*' before it"
                yield self.report(
                    canvas.module, member.node, self.listed, text=text, name=canvas.name, error=error, advice=advice
                )

    def _spreads(self, canvas: Canvas) -> Iterator[Violation]:
        is_alone = len(canvas.members) == 1 and not canvas.members[0].follows and not _has_star(canvas)
        for index, member in enumerate(canvas.members):
            thing = canvas.context.thing(member.node, member.site)
            kind = thing.kind if isinstance(thing, CanvasThing) else ""
            if kind in ("map", "starmap") and canvas.kind in ("group", "chord") and is_alone:
                advice = "write 'task.s(item) for item in items'" if kind == "map" else "write 'task.s(*item) for ...'"
                text = shown(member.node)
                yield self.report(
                    canvas.module, member.node, self.one_message, text=text, name=canvas.name, advice=advice
                )
            elif kind == "chunks" and (
                canvas.kind == "chord" or (canvas.kind == "chain" and index < len(canvas.members) - 1)
            ):
                text = shown(member.node)
                effect = "the body of the chord runs before they do, and gets ids"
                if canvas.kind == "chain":
                    effect = "its result can't be encoded, and the next step never runs"
                yield self.report(canvas.module, member.node, self.not_awaited, text=text, effect=effect)


def _kind(context: FileContext, node: ast.expr, site: Site) -> str | None:
    """Return "group" or, for a Celery whose chords accept no callbacks, "chord", if an expression is one."""
    thing = context.thing(node, site) if isinstance(node, (ast.Attribute, ast.BinOp, ast.Call, ast.Name)) else None
    if not isinstance(thing, CanvasThing):
        return None
    if thing.kind == "group":
        return "group"
    is_chord = thing.kind == "chord" or _becomes_chord(context, thing)
    return "chord" if is_chord and version_of(context.project) < _CHORDS_LINK else None


def _becomes_chord(context: FileContext, thing: CanvasThing) -> bool:
    """Return whether a chain begins with a group: Celery turns it into a chord.

    `chain()` replaces a group of a single signature by that signature.
    """
    call = thing.call
    while isinstance(call, Operation) and isinstance(call.operands[0], Operation):
        call = call.operands[0]
    steps = call.operands if isinstance(call, Operation) else call.args
    first = thing_of(context.project, steps[0], thing.module) if thing.kind == "chain" and len(steps) > 1 else None
    if not isinstance(first, CanvasThing) or first.kind != "group":
        return False
    return isinstance(call, Operation) or (isinstance(first.call, Invoke) and len(first.call.args) > 1)


def _is_several(context: FileContext, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is certainly a list, a tuple or the like."""
    values = list(values_of(node, site))
    if values and all(_is_many(context, value, place) for value, place in values):
        return True
    return isinstance(node, ast.Name) and isinstance(
        settled(context.project, context.module, node, site), (list, tuple)
    )


def _is_many(context: FileContext, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a display, a sum with one, or a call of `list()` or the like."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return any(_is_many(context, side, site) for side in (node.left, node.right))
    value = context.module.value(node.func, site.scope) if isinstance(node, ast.Call) else None
    path = context.project.resolve(value.path, context.module).path if isinstance(value, Ref) else ""
    return isinstance(node, _MANY) or path in _MAKES_MANY


def _has_star(canvas: Canvas) -> bool:
    """Return whether a canvas may have more members."""
    args = canvas.node.args if isinstance(canvas.node, ast.Call) else []
    return any(
        isinstance(item, ast.Starred)
        for arg in args
        for item in (arg, *(arg.elts if isinstance(arg, (ast.List, ast.Tuple)) else ()))
    )
