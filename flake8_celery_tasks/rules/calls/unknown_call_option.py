from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog import OLDEST
from flake8_celery_tasks.catalog.call_options import MEANT, TASK_ONLY, conflicts, keywords
from flake8_celery_tasks.catalog.methods import OPTION_KINDS
from flake8_celery_tasks.celery_model.apps import task_cls_of
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import Invocation, TaskCall
    from flake8_celery_tasks.facts.schedules import BeatEntry
    from flake8_celery_tasks.resolution.project import Project

#: What the exception is called that `retry` takes as `exc`.
_EXCEPTIONS: Final = frozenset({"e", "err", "error", "ex", "exception"})

#: Further options of chords.
_CANVAS_OPTIONS: Final = frozenset({"body_id", "eager", "interval", "max_retries", "result_cls"})


class UnknownCallOption(Rule[Facts]):
    """A call is given a keyword that is not an option, and Celery ignores it.

    ## What happens

    `apply_async()` and the like accept any keyword. One that Celery doesn't know travels along as a property of the
    message, and nothing reads it: not the misspelt delay, not the argument that was meant for the task, not
    `max_retries`, which is an option of the task. Nothing is logged. The exceptions are a few names that Celery uses
    itself, such as `name` in `send_task()`: they raise a `TypeError`.

    ## Bad

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk, language="en"):
        mail_receipt(order_pk, language)


    def pay(order):
        send_receipt.apply_async((order.pk,), count_down=60)
        send_receipt.apply_async((order.pk,), language="de")
        send_receipt.apply_async((order.pk,), max_retries=5)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, delay=60)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.mail import mail_receipt
    from shop.web import download


    @shared_task(name="shop_send_receipt", max_retries=5, autoretry_for=(ConnectionError,))
    def send_receipt(order_pk, language="en"):
        mail_receipt(order_pk, language)


    @shared_task(name="shop_fetch_rates", bind=True)
    def fetch_rates(self, url):
        try:
            return download(url)
        except ConnectionError as exc:
            raise self.retry(exc=exc, countdown=60)


    def pay(order):
        send_receipt.apply_async((order.pk,), {"language": "de"}, countdown=60, priority=3)
    ```

    ## Silent when

    - the task's class has an `apply_async` (or `retry`) of its own, or can't be read: it may accept more;
    - `stamped_headers` is given: it names further keywords;
    - the keyword is a property that a message can have, such as `expiration`, or `MessageGroupId` of Amazon SQS;
    - the task is not certain, or it is a canvas or a beat entry, and the keyword is neither a near miss nor an option
      of the task.

    ## Fix

    Correct the name, move the argument into `kwargs`, or move the option to the task. The message says which is likely,
    but it can't be certain.
    """

    code = "CLY602"
    see = ("calling#basics", "Task#celery.app.task.Task.apply_async")
    message = "{method} has no option {name!r}: it is ignored; {advice}"
    conflicting = "{method} uses {name!r} itself: it raises TypeError; drop it"

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the unknown keywords of calls, of retries and of beat entries."""
        for call in facts.invocations:
            kind = OPTION_KINDS.get(call.method)
            if kind is not None and call.options:
                yield from self._of_call(facts, call, kind)
        for retry in facts.task_calls:
            if retry.method == "retry" and retry.options:
                yield from self._of_retry(facts, retry)
        for entry in facts.configured[1]:
            yield from self._of_entry(facts, entry)

    def _of_call(self, facts: Facts, call: Invocation, kind: str) -> Iterator[Violation]:
        nodes = _unknown(call, kind, facts.project)
        if not nodes:
            return
        sure = not isinstance(call.thing, CanvasThing)
        if isinstance(call.thing, CanvasThing):
            nodes = {name: node for name, node in nodes.items() if name not in _CANVAS_OPTIONS}
        elif call.defined is not None:
            if call.defined.overrides("apply_async") is not False:
                return
        elif call.method != "send_task" and not _has_plain_tasks(facts.project):
            return
        elif isinstance(call.thing, SignatureThing):
            sure = False
        for name, node in nodes.items():
            yield from self._said(facts, f"{call.method}()", name, node, kind, call.defined, sure=sure)

    def _of_retry(self, facts: Facts, call: TaskCall) -> Iterator[Violation]:
        nodes = _unknown(call, "retry", facts.project)
        if not nodes or call.task is None or call.task.overrides("retry", "apply_async") is not False:
            return
        for name, node in nodes.items():
            yield from self._said(facts, "retry()", name, node, "retry", call.task, sure=True)

    def _of_entry(self, facts: Facts, entry: BeatEntry) -> Iterator[Violation]:
        nodes: dict[str, ast.AST] = {name: written.key for name, written in entry.extra.items()}
        options = entry.given.get("options")
        if options is not None and isinstance(options.value, ast.Dict):
            nodes = {
                key.value: key
                for key in options.value.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
        if "stamped_headers" in nodes:
            return
        for name, node in nodes.items():
            if _is_unknown(name, "beat", facts.project):
                yield from self._said(facts, "the beat entry's task", name, node, "beat", None, sure=False)

    def _said(
        self, facts: Facts, method: str, name: str, node: ast.AST, kind: str, defined: Defined | None, *, sure: bool
    ) -> Iterator[Violation]:
        """Yield the report of one keyword; where the task is not `sure`, only that of a mistake with a known cure."""
        version = version_of(facts.project)
        params = None if defined is None else defined.accepts
        if name in conflicts(kind, version):
            yield self.report(facts.module, node, self.conflicting, method=method, name=name)
            return
        known = keywords(kind, version)
        meant = MEANT.get(name) if MEANT.get(name) in known else close_match(name, sorted(known))
        if kind == "retry" and name in _EXCEPTIONS:
            meant = "exc"
        if defined is not None and params is not None and name in (*params.positional, *params.keyword_only):
            advice = f"pass {defined.own_name!r} its argument in kwargs={{{name!r}: ...}}"
        elif name in TASK_ONLY:
            advice = "it belongs on the task"
        elif meant is not None:
            advice = f"did you mean {meant!r}?"
        elif sure:
            advice = "drop it, or pass it to the task in kwargs"
        else:
            return
        yield self.report(facts.module, node, method=method, name=name, advice=advice)


def _unknown(call: Invocation | TaskCall, kind: str, project: Project) -> dict[str, ast.AST]:
    """Return the keywords of a call that are no options."""
    written: dict[str, ast.AST] = {keyword.arg: keyword for keyword in call.options if keyword.arg is not None}
    if "stamped_headers" in written:
        return {}
    return {name: node for name, node in written.items() if _is_unknown(name, kind, project)}


def _is_unknown(name: str, kind: str, project: Project) -> bool:
    """Return whether a keyword is no option of the project's Celery; most are one of any."""
    return name not in keywords(kind, OLDEST) and name not in keywords(kind, version_of(project))


def _has_plain_tasks(project: Project) -> bool:
    """Return whether the project's apps have Celery's own task class."""
    return task_cls_of(project) is MISSING and not project.options.celery_custom_task_class
