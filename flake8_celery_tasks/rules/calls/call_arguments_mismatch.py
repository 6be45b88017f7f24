from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.catalog.methods import CHECKED, DIRECT, SIGNS
from flake8_celery_tasks.facts.arguments import (
    arguments_in_turn,
    arguments_of,
    is_completed_later,
    is_expected_to_fail,
    is_immutable,
    options_among,
    signed_arguments,
)
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.canvas import Handed, Receiver
from flake8_celery_tasks.resolution.arity import MISSING, Given, misfits
from flake8_celery_tasks.rules import _mismatch
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.arguments import Arguments
    from flake8_celery_tasks.resolution.arity import Misfit

#: Longer arguments are left out of messages.
_WIDTH: Final = 30


class CallArgumentsMismatch(Rule[Invocation | Handed | Receiver]):
    """A task is called, or a signature of it is created, with arguments that its function does not accept.

    ## What happens

    `delay()` and `apply_async()` compare the arguments with the function's parameters before they send anything. The
    task object that `bind=True` passes does not count as an argument of the call. A signature accepts anything, and
    fails when it is sent:

    ```text
    TypeError: resize() missing 1 required positional argument: 'width'
    ```

    Nothing is compared if the task is a class, or if a decorator is between `@shared_task` and the function. The
    message is then sent, and the task fails with the same error in the worker.

    A canvas passes its call's arguments to the first task of a chain, and to all tasks of a group and of a chord's
    header. Those tasks must accept them; all other tasks must accept the result that they get.

    ## Bad

    ```python
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize")
    def resize(image_pk, width, height=None):
        resize_image(image_pk, width, height)


    def upload(image):
        resize.delay(image.pk)
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize", bind=True)
    def resize(self, image_pk, width):
        resize_image(image_pk, width, self.request.id)
    ```

    ```python title="shop/views.py"
    from shop.tasks import resize


    def upload(image):
        resize.apply_async(kwargs={"image_pk": image.pk, "widht": 300})
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize", bind=True)
    def resize(self, image_pk, width, height=None):
        resize_image(image_pk, width, height, self.request.id)


    def upload(image):
        resize.delay(image.pk, 300)
        resize.apply_async((image.pk, 300), {"height": 200}, countdown=10)
        return resize.s(image.pk)  # the width comes later
    ```

    ## Not reported when

    - `*args`, `**kwargs` or a variable may contain the arguments that make the call fit;
    - the task has `typing=False`, or its class has its own `apply_async` or can't be resolved;
    - a decorator below the task decorator may change the arguments (a decorator of the project that only passes them on
      does not);
    - the function has several definitions, or `bind=True` and no parameter for the task object (CLY202), or `self`
      without `bind=True` (CLY203);
    - an option such as `countdown` is among the arguments: that is CLY603;
    - a signature with a name is passed on, or its arguments are changed, before it is sent;
    - a task in a chain has no parameter for the result of the previous task: that is CLY611;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Pass the arguments that the function accepts. Only you know which ones are intended.
    """

    code = "CLY601"
    see = ("tasks#argument-checking", "calling#basics")
    message = "Task {task!r} {problem}: {effect}; {advice}"

    def check(self, fact: Invocation | Handed | Receiver) -> Iterator[Violation]:
        """Report the first mismatch in the arguments of a call, or in what a canvas passes to its tasks."""
        if isinstance(fact, Invocation):
            yield from self._written(fact)
        elif isinstance(fact, Handed):
            for call in fact.signed:
                yield from self._sent(fact, call)
        else:
            for call in fact.signatures():
                yield from self._following(call)

    def _following(self, call: Invocation) -> Iterator[Violation]:
        """Report a signature that gets a result and still lacks an argument; a surplus result is CLY611's."""
        defined, own = call.defined, _fitting(call)
        if defined is None or own is None or is_immutable(call, call.node) or is_completed_later(call.module):
            return
        assert defined.accepts is not None, "its arguments fit"
        given = own.given._replace(positional=own.given.positional + 1)
        found = next(misfits(defined.accepts, given), None)
        if found is not None and found.kind == MISSING:
            yield self._said(call, defined, found, own, "")

    def _sent(self, sent: Handed, call: Invocation) -> Iterator[Violation]:
        """Report a signature that fits alone, but not with the arguments of the call that sends it."""
        defined, own = call.defined, _fitting(call)
        if defined is None or own is None:
            return
        assert defined.accepts is not None, "its arguments fit"
        arguments = own.after(sent.more)
        found = next(misfits(defined.accepts, arguments.given), None)
        if found is not None and not options_among(defined.accepts, sent.more, "delay"):
            yield self._said(call, defined, found, arguments, sent.method)

    def _said(
        self,
        call: Invocation,
        defined: Defined,
        found: Misfit,
        arguments: Arguments,
        method: str,
        better: str = "",
    ) -> Violation:
        params = defined.accepts
        assert params is not None, "it does not fit"
        problem, advice = _mismatch.said(found, params, arguments)
        # Celery's own check treats positional-only parameters as ones with a name.
        named_only = any(name in params.positional_only and name in arguments.keywords for name in found.names)
        effect = f"{method} raises TypeError"
        if not method or defined.is_class or defined.is_wrapped or named_only:
            effect = "it fails in the worker with TypeError"
        place = _mismatch.place_of(found, params, arguments) or call.node
        advice = better or advice
        return self.report(call.module, place, task=defined.own_name, problem=problem, effect=effect, advice=advice)

    def _written(self, call: Invocation) -> Iterator[Violation]:
        defined = call.defined
        if defined is None or call.method not in CHECKED or defined.effective("typing") is False:
            return
        params = defined.accepts
        if params is None:
            return
        partial = call.method in SIGNS and (call.method != "si" or is_completed_later(call.module))
        for arguments in arguments_in_turn(call):
            found = next(misfits(params, arguments.given.partial if partial else arguments.given), None)
            if found is not None:
                break
        else:
            return
        if options_among(params, arguments, call.method) or is_expected_to_fail(call.site):
            return
        if not defined.hands_on_calls or _is_of_signature(call, params):
            return
        method = "sending it" if call.method in SIGNS else f"{call.method}()"
        advice = _unpacked(call, params, arguments)
        yield self._said(call, defined, found, arguments, method, advice)


def _unpacked(call: Invocation, params: Params, arguments: Arguments) -> str:
    """Return how to pass all arguments of one list, tuple or dict, if they fit; otherwise an empty string."""
    node = arguments.positional[0] if len(arguments.positional) == 1 and not arguments.keywords else None
    if call.method not in DIRECT or node not in call.node.args or arguments.more_positional or arguments.more_keywords:
        return ""
    if isinstance(node, (ast.List, ast.Tuple)) and not any(isinstance(item, ast.Starred) for item in node.elts):
        given, inside, stars = Given(positional=len(node.elts)), ", ".join(map(unparsed, node.elts)), "*"
    elif isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        names = tuple(str(key.value) for key in node.keys if isinstance(key, ast.Constant))
        given, inside, stars = Given(keywords=names), f"**{unparsed(node)}", "**"
    else:
        return ""
    if next(misfits(params, given.partial if call.method in SIGNS else given), None) is not None:
        return ""
    inside = inside if len(inside) <= _WIDTH else f"{stars}(...)"
    return f"{call.method}() takes the arguments themselves, write {call.method}({inside})"


def _is_of_signature(call: Invocation, params: Params) -> bool:
    """Return whether a sent signature's own arguments can't fit, so that the signature is reported instead."""
    own = signed_arguments(call)
    return own is not None and next(misfits(params, own.given.partial), None) is not None


def _fitting(call: Invocation) -> Arguments | None:
    """Return the arguments of a signature that may be incomplete but fits; None if it doesn't, or may not."""
    defined, own = call.defined, arguments_of(call)
    params = None if defined is None else defined.accepts
    if defined is None or params is None or own is None or defined.effective("typing") is False:
        return None
    if next(misfits(params, own.given.partial), None) is not None or options_among(params, own, call.method):
        return None
    return own if defined.hands_on_calls and not is_expected_to_fail(call.site) else None
