from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import CLASS, PARAM
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.binding.values import MISSING, Unknown
from flake8_celery_tasks.catalog import OLDEST
from flake8_celery_tasks.catalog.call_options import MEANT, TASK_ONLY, conflicts, keywords
from flake8_celery_tasks.catalog.methods import OPTION_KINDS
from flake8_celery_tasks.catalog.packages import PLAIN_BASES
from flake8_celery_tasks.celery_model.apps import task_cls_of
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.task import TASK_NAME, Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.calls import Invocation, Retry
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target

#: Names of the exception that `retry` accepts as `exc`.
_EXCEPTIONS: Final = frozenset({"e", "err", "error", "ex", "exception"})

#: Additional options of chords.
_CANVAS_OPTIONS: Final = frozenset({"body_id", "eager", "interval", "max_retries", "result_cls"})


class UnknownCallOption(Rule[Invocation | Retry | BeatEntry]):
    """A call has a keyword that is not an option, and Celery ignores it.

    ## What happens

    `apply_async()` and the like accept any keyword. An unknown keyword is sent along as a property of the message, and
    nothing reads it, whether it is a misspelt option, an argument for the task, or `max_retries`, which is an option of
    the task. Nothing is logged. A few names, such as `name` in `send_task()`, are exceptions: Celery uses them itself,
    and raises a `TypeError`.

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

    ## Not reported when

    - the task's class has its own `apply_async` (or `retry`), or can't be resolved: it may accept more;
    - `stamped_headers` is given: it names additional keywords;
    - the keyword is a property that a message can have, such as `expiration`, or `MessageGroupId` of Amazon SQS;
    - the task is uncertain, or the keyword is in a canvas or a beat entry, and it is neither a near miss nor an option
      of the task;
    - `retry` is called outside a task, on something that may not be a task. A helper's parameter must be named or
      annotated like a task, and the call must have one of Celery's keywords.

    ## Fix

    Correct the name, move the argument into `kwargs`, or move the option to the task. The message says which is likely,
    but can't be certain.
    """

    code = "CLY602"
    see = ("calling#basics", "Task#celery.app.task.Task.apply_async")
    message = "{method} has no option {name!r}: it is ignored; {advice}"
    conflicting = "{method} uses {name!r} itself: it raises TypeError; drop it"

    def check(self, fact: Invocation | Retry | BeatEntry) -> Iterator[Violation]:
        """Report the unknown keywords of a call, a retry or a beat entry."""
        if isinstance(fact, Invocation):
            kind = OPTION_KINDS.get(fact.method)
            if kind is not None and fact.options:
                yield from self._of_call(fact, kind)
        elif isinstance(fact, Retry):
            if fact.node.keywords:
                yield from self._of_retry(fact)
        else:
            yield from self._of_entry(fact)

    def _of_call(self, call: Invocation, kind: str) -> Iterator[Violation]:
        nodes = _unknown(call.options, kind, call.project)
        if not nodes:
            return
        sure = not isinstance(call.thing, CanvasThing)
        if isinstance(call.thing, CanvasThing):
            nodes = {name: node for name, node in nodes.items() if name not in _CANVAS_OPTIONS}
        elif call.defined is not None:
            if call.defined.overrides("apply_async") is not False:
                return
        elif call.method != "send_task" and not _has_plain_tasks(call.project):
            return
        elif isinstance(call.thing, SignatureThing):
            sure = False
        for name, node in nodes.items():
            yield from self._said(call, f"{call.method}()", name, node, kind, call.defined, sure=sure)

    def _of_retry(self, retry: Retry) -> Iterator[Violation]:
        nodes = _unknown(retry.options, "retry", retry.project)
        receiver = _receiver(retry) if nodes else None
        if receiver is None:
            return
        defined, sure = receiver
        for name, node in nodes.items():
            yield from self._said(retry, "retry()", name, node, "retry", defined, sure=sure)

    def _of_entry(self, entry: BeatEntry) -> Iterator[Violation]:
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
            if _is_unknown(name, "beat", entry.project):
                yield from self._said(entry, "the beat entry's task", name, node, "beat", None, sure=False)

    def _said(
        self,
        fact: Invocation | Retry | BeatEntry,
        method: str,
        name: str,
        node: ast.AST,
        kind: str,
        defined: Defined | None,
        *,
        sure: bool,
    ) -> Iterator[Violation]:
        """Yield the report of one keyword; if the task is not `sure`, only for a mistake with a known fix."""
        version = version_of(fact.project)
        params = None if defined is None else defined.accepts
        if name in conflicts(kind, version):
            yield self.report(fact.module, node, self.conflicting, method=method, name=name)
            return
        known = keywords(kind, version)
        meant = MEANT.get(name) if MEANT.get(name) in known else close_match(name, sorted(known))
        if kind == "retry" and name in _EXCEPTIONS:
            meant = "exc"
        if defined is not None and params is not None and name in (*params.positional, *params.keyword_only):
            advice = f"pass {defined.own_name!r} its argument in kwargs={{{name!r}: ...}}"
        elif name in TASK_ONLY:
            advice = "it belongs on the task"
        elif name == "immutable":
            advice = "it belongs on a signature"
        elif meant is not None:
            advice = f"did you mean {meant!r}?"
        elif sure:
            advice = "drop it, or pass it to the task in kwargs"
        else:
            return
        yield self.report(fact.module, node, method=method, name=name, advice=advice)


def _unknown(given: Iterable[ast.keyword], kind: str, project: Project) -> dict[str, ast.AST]:
    """Return the keywords of a call that are not options."""
    written: dict[str, ast.AST] = {keyword.arg: keyword for keyword in given if keyword.arg is not None}
    if "stamped_headers" in written:
        return {}
    return {name: node for name, node in written.items() if _is_unknown(name, kind, project)}


def _is_unknown(name: str, kind: str, project: Project) -> bool:
    """Return whether a keyword is not an option of the project's Celery. Most options exist in every version."""
    return name not in keywords(kind, OLDEST) and name not in keywords(kind, version_of(project))


def _has_plain_tasks(project: Project) -> bool:
    """Return whether the project's apps have Celery's own task class."""
    return task_cls_of(project) is MISSING and not project.options.celery_custom_task_class


#: Keywords that show that a `retry` of something named like a task is Celery's.
_OF_RETRY: Final = frozenset({"countdown", "eta", "exc", "max_retries", "throw"})


def _receiver(retry: Retry) -> tuple[Defined | None, bool] | None:
    """Return the task that a call of `retry` belongs to, if known, and whether it certainly belongs to a task.

    None where it may belong to something else, or to a task with its own `retry`.
    """
    context, owner, site = retry.context, retry.receiver, retry.site
    task: Defined | None = None if retry.own is None else retry.own.task
    thing = context.thing(owner, site) if task is None else None
    if isinstance(thing, TaskThing) and thing.definition is not None:
        task = Defined(retry.project, thing.definition)
    if task is not None:
        return (task, True) if task.overrides("retry", "apply_async") is False else None
    cls = context.task_class_at(site) if context.is_running_task(owner, site) else None
    if cls is not None:
        return (None, True) if _has_plain_retry(retry.project, cls) else None
    is_task = isinstance(thing, TaskThing) or _is_called_task(retry.node, owner, site)
    return (None, False) if is_task and _has_plain_tasks(retry.project) else None


def _has_plain_retry(project: Project, cls: Target) -> bool:
    """Return whether a task class certainly has Celery's own `retry`."""
    for found in project.line(cls):
        if isinstance(found, Unknown) or (found.module is None and found.path not in PLAIN_BASES):
            return False
        if isinstance(found.symbol, Class) and {"retry", "apply_async"} & set(found.symbol.names):
            return False
    return True


def _is_called_task(call: ast.Call, owner: ast.expr, site: Site) -> bool:
    """Return whether something is a helper's parameter, named like a task and retried like one."""
    found = site.scope.find(owner.id) if isinstance(owner, ast.Name) else None
    if found is None or not isinstance(owner, ast.Name) or not TASK_NAME.match(owner.id):
        return False
    is_parameter = all(binding.kind == PARAM for binding in found[1])
    is_method = found[0].parent is not None and found[0].parent.kind == CLASS
    return is_parameter and not is_method and any(keyword.arg in _OF_RETRY for keyword in call.keywords)
