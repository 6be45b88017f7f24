from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.catalog.methods import CHECKED, DIRECT, SIGNS
from flake8_celery_tasks.facts.arguments import (
    arguments_of,
    is_completed_later,
    is_expected_to_fail,
    options_among,
    signed_arguments,
)
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.resolution.arity import Given, misfits
from flake8_celery_tasks.rules import _mismatch
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.arguments import Arguments

#: Longer arguments are left out of a message.
_WIDTH: Final = 30


class CallDoesNotFit(Rule[Invocation]):
    """A task is sent with arguments that its function can't take.

    ## What happens

    `delay()` and `apply_async()` compare the arguments with the function's parameters before they send anything. The
    task object that `bind=True` passes is not one of the caller's arguments. A signature accepts anything, and fails
    when it is sent:

    ```text
    TypeError: resize() missing 1 required positional argument: 'width'
    ```

    Nothing is compared if the task is a class, or if a decorator stands between `@shared_task` and the function: then
    the message is sent, and the task fails with the same error in the worker.

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

    ## Silent when

    - `*args`, `**kwargs` or a variable hide arguments that could make it fit;
    - the task has `typing=False`, or its class has an `apply_async` of its own or can't be read;
    - a decorator below the task decorator may change the arguments (one that can be read and passes them on does not);
    - the function has several definitions, `bind=True` and no parameter for the task object (CLY202), or `self` without
      `bind=True` (CLY203);
    - an option such as `countdown` stands among the arguments: that is CLY603;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Pass what the function takes. Only its author knows what was meant.
    """

    code = "CLY601"
    see = ("tasks#argument-checking", "calling#basics")
    message = "Task {task!r} {problem}: {effect}; {advice}"

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report the first way in which the arguments of a call can't fit."""
        defined = call.defined
        if defined is None or call.method not in CHECKED or defined.effective("typing") is False:
            return
        arguments = arguments_of(call)
        params = defined.accepts
        if arguments is None or params is None:
            return
        partial = call.method in SIGNS and (call.method != "si" or is_completed_later(call.module))
        found = next(misfits(params, arguments.given.partial if partial else arguments.given), None)
        if found is None or options_among(params, arguments, call.method) or is_expected_to_fail(call.site):
            return
        if not defined.hands_on_calls or _is_of_signature(call, params):
            return
        problem, advice = _mismatch.said(found, params, arguments)
        advice = _unpacked(call, params, arguments) or advice
        # Celery's own check takes parameters that have no name to the caller for ones that do.
        named_only = any(name in params.positional_only and name in arguments.keywords for name in found.names)
        yield self.report(
            call.module,
            _mismatch.place_of(found, params, arguments) or call.node,
            task=defined.own_name,
            problem=problem,
            effect=_effect(call, defined, named_only=named_only),
            advice=advice,
        )


def _is_of_signature(call: Invocation, params: Params) -> bool:
    """Return whether the arguments of the signature that a call sends can't fit, so that it is reported there."""
    own = signed_arguments(call)
    return own is not None and next(misfits(params, own.given.partial), None) is not None


def _unpacked(call: Invocation, params: Params, arguments: Arguments) -> str:
    """Return what to write instead of all arguments in one list, tuple or dict, where they fit; nothing elsewhere."""
    node = arguments.positional[0] if len(arguments.positional) == 1 and not arguments.keywords else None
    if call.method not in DIRECT or node not in call.node.args or arguments.more_positional or arguments.more_keywords:
        return ""
    given, stars = Given(), "*"
    if isinstance(node, (ast.List, ast.Tuple)) and not any(isinstance(item, ast.Starred) for item in node.elts):
        given = Given(positional=len(node.elts))
    elif isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        given, stars = Given(keywords=tuple(str(key.value) for key in node.keys)), "**"  # type: ignore[union-attr]
    else:
        return ""
    if next(misfits(params, given.partial if call.method in SIGNS else given), None) is not None:
        return ""
    shown = unparsed(node)
    inside = ", ".join(map(unparsed, node.elts)) if stars == "*" else f"**{shown}"  # type: ignore[union-attr]
    inside = inside if len(inside) <= _WIDTH else f"{stars}(...)"
    return f"{call.method}() takes the arguments themselves, write {call.method}({inside})"


def _effect(call: Invocation, defined: Defined, *, named_only: bool) -> str:
    if defined.is_class or defined.is_wrapped or named_only:
        return "it fails in the worker with TypeError"
    return "sending it raises TypeError" if call.method in SIGNS else f"{call.method}() raises TypeError"
