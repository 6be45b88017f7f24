from __future__ import annotations

import ast
import datetime
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import branches
from flake8_celery_tasks.catalog import call_options, task_options
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.facts.options import MessageOption
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Called, Table, settled
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Boolean options of tasks and calls.
_FLAGS: Final = frozenset(
    name
    for name, types in (
        *((option.name, option.types) for option in task_options.OPTIONS.values()),
        *((option.name, option.types) for option in call_options.OPTIONS.values()),
    )
    if types in (("bool",), ("bool", "None"))
)

#: Options that take a number of seconds, or of retries. Only the last four accept a number as a string.
_NUMBERS: Final = {
    "countdown": "seconds",
    "default_retry_delay": "seconds",
    "max_retries": "a number",
    "time_limit": "seconds",
    "soft_time_limit": "seconds",
    "retry_backoff": "seconds",
    "retry_backoff_max": "seconds",
}
_LENIENT: Final = frozenset({"time_limit", "soft_time_limit", "retry_backoff", "retry_backoff_max"})

#: The effects of a value that is not a number.
_EFFECTS: Final = {
    "countdown": "the call raises TypeError",
    "default_retry_delay": "the retry is rejected with TypeError",
    "max_retries": "the first retry raises TypeError and hides the real error",
    "retry_backoff": "the task can't be registered",
    "retry_backoff_max": "the task can't be registered",
    "soft_time_limit": "no message with it can be sent or run",
    "time_limit": "no message with it can be sent or run",
}

#: The beginning of a string that may be an ISO 8601 time.
_ISO: Final = re.compile(r"\d{4}-?(\d\d|W\d)")

_NO: Final = frozenset({"", "0", "f", "false", "n", "no", "none", "off"})

#: Content types, which are not names of serializers.
_CONTENT_TYPES: Final = {
    "application/json": "json",
    "application/x-msgpack": "msgpack",
    "application/x-python-serialize": "pickle",
    "application/x-yaml": "yaml",
}

#: Names that are never registered as a compression.
_COMPRESSIONS: Final = {"deflate": "zlib", "gz": "gzip", "zip": "gzip"}


class _Wrong(NamedTuple):
    """The mistake in a value: its effect, and what to write instead."""

    effect: str
    advice: str


class InvalidOptionValue(Rule[Task | MessageOption]):
    """An option has a value that Celery can't use.

    ## What happens

    Celery checks hardly any value where it is written. It fails when the option is used. A `rate_limit` that can't be
    parsed keeps the whole worker from starting, and the error does not name the task:

    ```text
    KeyError: 'min'
    ```

    A `max_retries` that is not a number hides the real error at the first failure:

    ```text
    TypeError: '>' not supported between instances of 'int' and 'str'
    ```

    An unknown serializer fails at every send (`SerializerNotInstalled: No encoder installed for jsn`), and so does a
    `timedelta` as `countdown`, which takes a number of seconds:

    ```text
    TypeError: '<' not supported between instances of 'datetime.timedelta' and 'int'
    ```

    A string as `priority` also fails with RabbitMQ (`required argument is not an integer`); Redis and the memory broker
    ignore it.

    If the value is in the options of a beat entry, beat logs the error whenever the task is due, and never sends the
    task. Other values don't mean what they say. The string `"False"` is true. A call with `eta="tomorrow"` sends a
    message that the worker discards:

    ```text
    Received invalid task message: invalid ETA value 'tomorrow': ...
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", rate_limit="10/min")
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(OSError,), max_retries="3")
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from datetime import timedelta

    from celery import shared_task


    @shared_task(name="shop_send_reminder")
    def send_reminder(order_pk):
        print(order_pk)


    def remind(order_pk):
        send_reminder.apply_async(args=(order_pk,), countdown=timedelta(hours=1))


    def remind_again(order_pk):
        send_reminder.apply_async(args=(order_pk,), eta="tomorrow")
    ```

    ## Good

    ```python
    from datetime import timedelta

    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", rate_limit="10/m", autoretry_for=(OSError,), max_retries=3)
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_send_reminder")
    def send_reminder(order_pk):
        print(order_pk)


    def remind(order_pk):
        send_reminder.apply_async(args=(order_pk,), countdown=timedelta(hours=1).total_seconds())
    ```

    ## Not reported when

    - neither the value nor its type can be resolved;
    - the value is a number written as a string, and Celery converts it: time limits, `retry_backoff`,
      `retry_backoff_max`;
    - the serializer or compression is unknown and resembles none of Celery's: the project may register it;
    - the option is given in a call, and the task's class has its own `apply_async` or can't be resolved: it may convert
      the value;
    - a decorator of the project that can't be resolved creates the task.

    ## Fix

    Write a value of the kind that the message names. The intention is usually clear, but a valid value changes the
    task's behaviour, so check it.
    """

    code = "CLY502"
    see = ("tasks#list-of-options", "workers#rate-limits", "calling#eta-and-countdown")
    message = "{name} can't be {given}: {effect}; write {advice}"

    def check(self, fact: Task | MessageOption) -> Iterator[Violation]:
        """Report an option of a definition, a call or a beat entry, at its keyword or key."""
        if isinstance(fact, Task):
            options = () if fact.is_opaque else fact.written(task_options.OPTIONS) if fact.is_class else fact.stated()
            for name, node in options:
                if name in task_options.OPTIONS:  # nothing reads a call's option here (CLY504)
                    for value in _values(fact, name, node):
                        yield from self._judge(fact, name, value, None, node)
        elif _is_given(fact):
            for branch in fact.values:
                yield from self._judge(fact, fact.name, fact.settled(branch), fact.kind(branch), fact.node)

    def _judge(
        self, fact: Task | MessageOption, name: str, value: Any, kind: str | None, node: ast.AST
    ) -> Iterator[Violation]:
        wrong = _wrong(name, value, kind)
        if wrong:
            yield self.report(
                fact.module, node, name=name, given=_given(value, kind), effect=wrong.effect, advice=wrong.advice
            )


def _values(task: Task, name: str, node: ast.AST) -> Iterator[Any]:
    """Yield the possible values of an option of a definition: several if it is conditional."""
    written = node.value if isinstance(node, ast.keyword) else None
    if isinstance(written, ast.IfExp):
        for branch in branches(written):
            yield settled(task.project, task.module, branch, task.site)
    else:
        yield task.option(name)


def _is_given(option: MessageOption) -> bool:
    """Return whether Celery gets an option as it is written."""
    owner = option.owner
    if isinstance(owner, BeatEntry):
        return option.name in call_options.OPTIONS
    is_known = option.name in call_options.OPTIONS or option.name == "max_retries"
    if not isinstance(owner, Invocation):
        return is_known and owner.method == "retry"
    return is_known and owner.method in TAKING_OPTIONS and _is_plain(owner)


def _is_plain(call: Invocation) -> bool:
    """Return whether a call passes its options to Celery, and nothing may convert them on the way."""
    if call.definition is None:
        return True
    return Defined(call.project, call.definition).overrides("apply_async", "signature", "subtask") is False


def _wrong(name: str, value: Any, kind: str | None) -> _Wrong | None:
    """Return the mistake in the value of an option; `kind` is its type if the value is not known."""
    if name in _FLAGS:
        said = isinstance(value, str) and value
        return _Wrong("a string is true whatever it says", str(value.lower() not in _NO)) if said else None
    if name in _NUMBERS:
        return _number(name, value, kind)
    judge = _JUDGES.get(name)
    return judge(value, kind) if judge else None


def _number(name: str, value: Any, kind: str | None) -> _Wrong | None:
    if name in _LENIENT and (_is_number(value) or kind == inference.STRING):
        return None
    if _is_none(value, str, bytes) or kind in (inference.STRING, inference.MAPPING, inference.DURATION):
        return _Wrong(_EFFECTS[name], _NUMBERS[name])
    return None


def _rate(value: Any, _kind: str | None) -> _Wrong | None:
    if _is_none(value) or (isinstance(value, str) and not _is_rate(value)):
        return _Wrong("no worker starts with it", "a number, or '10/s', '10/m', '10/h'")
    return None


def _eta(value: Any, kind: str | None) -> _Wrong | None:
    if isinstance(value, str):
        unread = value and not _ISO.match(value)
        return _Wrong("the worker discards the message", "an aware datetime") if unread else None
    if isinstance(value, (int, float)) and not value:
        return None
    if (_is_none(value, int, float) and value) or kind in (inference.NUMBER, inference.MAPPING, inference.DURATION):
        return _Wrong("the call raises AttributeError", "countdown for seconds, or an aware datetime")
    return None


def _expires(value: Any, kind: str | None) -> _Wrong | None:
    unread = isinstance(value, str) and value and not _ISO.match(value)
    if unread or _is_none(value) or kind in (inference.MAPPING, inference.DURATION) or _is_date(value):
        return _Wrong("every call raises an error", "seconds, or an aware datetime")
    return None


def _serializer(value: Any, _kind: str | None) -> _Wrong | None:
    if not isinstance(value, str):
        return None
    known = _CONTENT_TYPES.get(value) or close_match(value, sorted(task_options.SERIALIZERS))
    return _Wrong("every call raises SerializerNotInstalled", repr(known)) if known else None


def _compression(value: Any, _kind: str | None) -> _Wrong | None:
    if not isinstance(value, str):
        return None
    known = _COMPRESSIONS.get(value) or close_match(value, sorted(task_options.COMPRESSIONS))
    return _Wrong("every call raises KeyError", repr(known)) if known else None


def _priority(value: Any, kind: str | None) -> _Wrong | None:
    is_text = bool(value) if isinstance(value, str) else kind == inference.STRING
    if not is_text and not _is_none(value, bytes):
        return None
    others = ", other brokers ignore it" if isinstance(value, str) and not _is_number(value) else ""
    return _Wrong(f"a call over RabbitMQ fails{others}", "a number from 0 to 9")


_JUDGES: Final[dict[str, Callable[[Any, str | None], _Wrong | None]]] = {
    "compression": _compression,
    "eta": _eta,
    "expires": _expires,
    "priority": _priority,
    "rate_limit": _rate,
    "serializer": _serializer,
}


def _is_none(value: Any, *more: type) -> bool:
    """Return whether a value's type is neither number, time nor string; `more` are further wrong types."""
    return isinstance(value, (datetime.timedelta, tuple, list, set, Table, *more)) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Return whether a string is a number."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_rate(value: str) -> bool:
    """Return whether `celery.utils.time.rate` can parse a string."""
    number, _, unit = value.partition("/")
    return not value or (_is_number(number) and (not unit or unit in task_options.RATE_LIMIT_UNITS))


def _is_date(value: Any) -> bool:
    """Return whether a value is a date without a time."""
    return (
        isinstance(value, Called)
        and isinstance(value.target, Target)
        and value.target.path in ("datetime.date", "datetime.date.today")
    )


def _given(value: Any, kind: str | None) -> str:
    if isinstance(value, (str, bytes, int, float)):
        text = repr(value)
        return text if len(text) <= 24 else f"{text[:20]}...{text[-1]}"
    if isinstance(value, datetime.timedelta) or kind == inference.DURATION:
        return "a timedelta"
    if _is_date(value):
        return "a date"
    return f"a {kind}" if kind else f"a {type(value).__name__.lower().replace('table', 'dict')}"
