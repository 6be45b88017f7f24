from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import DIRECT, SIGNS
from flake8_celery_tasks.facts.arguments import arguments_of, is_expected_to_fail, options_among
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.canvas import Handed
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix


class CallOptionInDelay(Rule[Invocation | Handed]):
    """A call option, such as `countdown`, is given to `delay()` or `s()`, which take no options.

    ## What happens

    `delay()` and `s()` pass everything that they get to the task as its arguments. A task without a parameter of that
    name can't accept it: `delay()` fails at once, and a signature fails when it is sent:

    ```text
    TypeError: send_receipt() got an unexpected keyword argument 'countdown'
    ```

    A task with `**kwargs` accepts it silently, and runs at once.

    ## Bad

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        mail_receipt(order_pk)


    def pay(order):
        send_receipt.delay(order.pk, countdown=60)
    ```

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk, **context):
        mail_receipt(order_pk, context)


    def pay(order):
        send_receipt.delay(order.pk, countdown=60)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk, **context):
        mail_receipt(order_pk, context)


    def pay(order):
        send_receipt.apply_async(args=(order.pk,), countdown=60)
        return send_receipt.s(order.pk).set(countdown=60)
    ```

    ## Not reported when

    - the task has a parameter of that name;
    - the task takes `**kwargs`, and the option is neither `countdown` nor `eta`: `queue` or `expires` may be meant for
      the task;
    - the task's parameters can't be resolved, or its class has its own `delay` or `apply_async`;
    - the option is given to a canvas whose members can't be resolved, or which may be changed before it is sent. A
      chain passes its options to the first task only; groups and chords pass them to all of the header;
    - a test expects it: `with pytest.raises(TypeError)`.

    ## Fix

    Write `apply_async()` with the arguments in `args` and `kwargs`, and the option next to them. For a signature, write
    `.set()`. The automatic fix does exactly this, and leaves the other arguments unchanged.
    """

    code = "CLY603"
    see = ("calling#basics", "calling#eta-and-countdown")
    fixes = "safe"
    message = "{method}() has no options: task {task!r} gets {option!r} as an argument{effect}; write {advice}"

    called = (
        "A chain that is called has no options: task {task!r} gets {option!r} as an argument{effect}; write {advice}"
    )

    def check(self, fact: Invocation | Handed) -> Iterator[Violation]:
        """Report each option among the arguments of a task, or of a canvas or signature that is sent."""
        if isinstance(fact, Handed):
            yield from self._sent(fact)
        else:
            yield from self._written(fact)

    def _sent(self, sent: Handed) -> Iterator[Violation]:
        for option, defined in _options(sent).items():
            assert defined.accepts is not None
            yield self.report(
                sent.module,
                sent.more.keywords[option],
                self.called if sent.method != "delay()" else "",
                method="delay",
                task=defined.own_name,
                option=option,
                effect=" and runs at once" if defined.accepts.kwarg else ": TypeError",
                advice=f"apply_async({'args=..., ' * bool(sent.send.args)}{option}=...)",
            )

    def _written(self, call: Invocation) -> Iterator[Violation]:
        defined = call.defined
        if call.method not in DIRECT or not call.node.keywords:
            return
        arguments = arguments_of(call)
        params = None if defined is None else defined.accepts
        if defined is None or params is None or arguments is None:
            return
        # A sent signature's own arguments are reported where it is created.
        options = [name for name in options_among(params, arguments, call.method) if call.keyword(name) is not None]
        if not options or not defined.hands_on_calls or is_expected_to_fail(call.site):
            return
        effect = " and runs at once" if params.kwarg else ": TypeError"
        for option in options:
            advice = f"apply_async(args=..., {option}=...)"
            if call.method in SIGNS:
                advice = f".set({option}=...)"
                effect = " without a delay" if params.kwarg else ": TypeError"
            elif call.method == "delay_on_commit":
                advice = f"apply_async_on_commit(args=..., {option}=...)"
            if option in ("args", "kwargs"):
                advice = advice.replace(f"args=..., {option}=...", f"{option}=...")
            yield self.report(
                call.module,
                arguments.keywords[option],
                method=call.method,
                task=defined.own_name,
                option=option,
                effect=effect,
                advice=advice,
            )

    def fix(self, fact: Invocation | Handed, violation: Violation) -> Fix | None:
        """Write `apply_async()`, or `.set()` of a signature, for all options of the call at once."""
        return _fix_sent(fact) if isinstance(fact, Handed) else self._fix_written(fact)

    def _fix_written(self, call: Invocation) -> Fix | None:
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.rewrite import Rewrite, kept, task_arguments

        node, arguments, params = call.node, arguments_of(call), call.defined and call.defined.accepts
        assert arguments is not None and params, "it was reported"  # noqa: PT018
        names = options_among(params, arguments, call.method)
        options = [keyword for keyword in node.keywords if keyword.arg in names]
        others = [keyword for keyword in node.keywords if keyword not in options]
        whole = any(keyword.arg in ("args", "kwargs") for keyword in options)
        if whole and (node.args or others or call.method in SIGNS):
            return None
        text = call.module.source
        assert isinstance(node.func, ast.Attribute)
        owner = text.segment(node.func.value)
        if call.method in SIGNS:
            after = f".set({', '.join(map(text.segment, options))})"
            own = tuple(kept(text, node, (*node.args, *others)))
            return Fix((Rewrite(node, f"{owner}.{call.method}", own, after=after),), safe=True)
        given = (*task_arguments(text, node, node.args, others), *kept(text, node, options))
        method = call.method.replace("delay", "apply_async")
        return Fix((Rewrite(node, f"{owner}.{method}", given),), safe=True)


def _options(sent: Handed) -> dict[str, Defined]:
    """Return the options that a task gets as arguments, each with the definition of the first such task."""
    found: dict[str, Defined] = {}
    for call in sent.signed if sent.takes_all else ():
        defined = call.defined
        if defined is None or defined.accepts is None or is_expected_to_fail(call.site):
            continue
        options = options_among(defined.accepts, sent.more, "delay")
        if options and defined.hands_on_calls:
            for option in options:
                found.setdefault(option, defined)
    return found


def _fix_sent(sent: Handed) -> Fix | None:
    """Write `apply_async()` for a call that sends a canvas or signature."""
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.edits.rewrite import Rewrite, kept, task_arguments

    send, names = sent.send, set(_options(sent))
    others = [keyword for keyword in send.keywords if keyword.arg not in names]
    if names & {"args", "kwargs"} and (send.args or others):
        return None
    text = sent.module.source
    owner = text.segment(send.func)
    if isinstance(send.func, ast.Attribute) and send.func.attr == "delay":
        owner = owner[: owner.rindex(".")].rstrip()
    options = [keyword for keyword in send.keywords if keyword.arg in names]
    given = (*task_arguments(text, send, send.args, others), *kept(text, send, options))
    return Fix((Rewrite(send, f"{owner}.apply_async", given),), safe=True)
