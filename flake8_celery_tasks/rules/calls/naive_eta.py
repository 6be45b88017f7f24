from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.symbols import Bound
from flake8_celery_tasks.binding.values import Invoke, Member, Operation, Ref
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.facts.calls import Invocation, TaskCall
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Calls of the standard library that return a naive time unless they get a time zone, and the position of the
#: zone among their arguments.
_NAIVE: Final = {
    "datetime.datetime": 7,
    "datetime.datetime.fromtimestamp": 1,
    "datetime.datetime.now": 0,
    "datetime.datetime.today": 0,
}


class NaiveEta(Rule[Invocation | TaskCall]):
    """`eta` or `expires` is a naive time, without a time zone.

    ## What happens

    The worker treats a time without a zone as UTC, whatever `timezone` is set to, but `datetime.now()` is the sender's
    local time. West of Greenwich, such a time has already passed when the message arrives: with `eta` the task runs at
    once, with `expires` it is revoked and never runs. East of Greenwich, the task is hours late. On a server in UTC it
    works, until the code runs somewhere else. Nothing is logged about the mistake.

    ## Bad

    ```python
    from datetime import datetime, timedelta

    from celery import shared_task

    from shop.mail import mail_reminder


    @shared_task(name="shop_send_reminder")
    def send_reminder(cart_pk):
        mail_reminder(cart_pk)


    def abandon(cart):
        send_reminder.apply_async((cart.pk,), eta=datetime.now() + timedelta(hours=1))
    ```

    ## Good

    ```python
    from datetime import datetime, timedelta, timezone

    from celery import shared_task

    from shop.mail import mail_reminder


    @shared_task(name="shop_send_reminder")
    def send_reminder(cart_pk):
        mail_reminder(cart_pk)


    def abandon(cart):
        send_reminder.apply_async((cart.pk,), eta=datetime.now(timezone.utc) + timedelta(hours=1))
        send_reminder.apply_async((cart.pk,), countdown=3600)
    ```

    ## Not reported when

    - the time is `datetime.utcnow()`, which happens to be right;
    - the time is made aware: `make_aware(...)`, `.replace(tzinfo=...)`, `.astimezone()`;
    - the time comes from a parameter, an attribute, or anything else whose value can't be resolved.

    ## Fix

    Add a zone, `datetime.now(timezone.utc)`, or write `countdown`. The task then runs at a different time than before:
    the intended one.
    """

    code = "CLY607"
    see = ("calling#eta-and-countdown", "datetime#aware-and-naive-objects")
    message = "{name} gets a time without a zone, {text}: the worker treats it as UTC; write {advice}"

    def check(self, call: Invocation | TaskCall) -> Iterator[Violation]:
        """Report `eta` and `expires` of a call, or of `self.retry`."""
        if call.method not in TAKING_OPTIONS and call.method != "retry":
            return
        for name in ("eta", "expires"):
            keyword = call.keyword(name)
            if keyword is None:
                continue
            value = call.module.value(keyword.value, call.site.scope)
            if not _is_naive(call.project, value, call.module):
                continue
            text = unparsed(keyword.value)
            advice = "datetime.now(timezone.utc)" if "now" in text or "today" in text else "one with tzinfo"
            yield self.report(call.module, keyword.value, name=name, text=cut(text, 32), advice=advice)


def _is_naive(project: Project, value: Value, module: Module, depth: int = 0) -> bool:
    """Return whether a value is certainly a naive time."""
    if depth > 10:
        return False
    if isinstance(value, Operation):
        # A time plus or minus a duration is a time of the same kind. The difference of two times is not a time.
        sides = [_is_naive(project, side, module, depth + 1) for side in value.operands]
        return value.operator in ("+", "-") and sum(sides) == 1
    if isinstance(value, Ref):
        target = project.resolve(value.path, module)
        if isinstance(target.symbol, Bound) and target.module is not None and not target.rest:
            return _is_naive(project, target.symbol.value, target.module, depth + 1)
        return False
    if not isinstance(value, Invoke) or not value.complete:
        return False
    keywords = [name for name, _ in value.keywords]
    if None in keywords:
        return False
    if isinstance(value.func, Member):
        same = value.func.attribute == "replace" and "tzinfo" not in keywords and len(value.args) < 8
        return same and _is_naive(project, value.func.value, module, depth + 1)
    if not isinstance(value.func, Ref):
        return False
    zone = _NAIVE.get(project.resolve(value.func.path, module).path)
    return zone is not None and len(value.args) <= zone and not {"tz", "tzinfo"} & set(keywords)
