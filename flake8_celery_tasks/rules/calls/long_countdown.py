from __future__ import annotations

import ast
import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import MISSING, Unknown
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.catalog.task_options import DEFAULT_MAX_RETRIES
from flake8_celery_tasks.celery_model.backends import DEFAULTS, patience
from flake8_celery_tasks.celery_model.settings import acks_late, setting_values
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.options import MessageOption
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_LIMITS: Final = ("time_limit", "soft_time_limit")

_OTHER_LIMIT: Final = {"task_time_limit": "task_soft_time_limit", "task_soft_time_limit": "task_time_limit"}

_NOW: Final = frozenset({"datetime.datetime.now", "datetime.datetime.utcnow", "django.utils.timezone.now"})


class LongCountdown(Rule[Task | MessageOption | Setting]):
    """A task may run later, or for longer, than the broker's visibility timeout.

    ## What happens

    A worker reserves a message at once, even if its task is due later, and acknowledges it only when the task runs.
    Redis and SQS redeliver a message that is not acknowledged within the visibility timeout: an hour with Redis, half
    an hour with SQS, unless the project sets a different one. Each worker that gets the message waits too, and the task
    runs once for each delivery. The log only shows that one worker after another received it:

    ```text
    Task shop_remind[...] received
    Task shop_remind[...] received
    ```

    The same applies to the delays of retries (`default_retry_delay`, and `retry_backoff_max` if the backoff gets that
    far), and to a task that is acknowledged late: a task that may run for two hours is started again after one.

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")


    @app.task(name="shop_remind")
    def remind(number):
        print(number)


    def order(number):
        remind.apply_async((number,), countdown=24 * 60 * 60)
    ```

    ## Good

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost:6379/0")
    app.conf.broker_transport_options = {"visibility_timeout": 2 * 24 * 60 * 60}


    @app.task(name="shop_remind")
    def remind(number):
        print(number)


    def order(number):
        remind.apply_async((number,), countdown=24 * 60 * 60)
    ```

    ## Not reported when

    - the broker is not known: neither `broker_url` nor an app's `broker` can be resolved, or they differ, and the
      option `celery-broker` is not set. If they come from an environment variable, its default applies. Settings for
      development and tests are ignored (`settings/local.py`, `class TestConfig`);
    - the broker is RabbitMQ, or another one without a visibility timeout;
    - `broker_transport_options` can't be resolved, or sets a longer timeout;
    - the wait can't be resolved, or has no effect: each retry sets its own delay instead of `default_retry_delay`, or
      the backoff never reaches `retry_backoff_max`;
    - a task that is acknowledged late has no time limit, or a lower soft one.

    ## Fix

    Store the time in the database and let a periodic task look for what is due. Or raise the visibility timeout above
    the longest wait. A longer timeout also means that messages of a dead worker are redelivered later.
    """

    code = "CLY615"
    see = ("calling#eta-and-countdown", "redis#visibility-timeout", "sqs#visibility-timeout")
    late: Final = (
        "A run may take {wait} s, but the visibility timeout of {broker} is {limit} s: the task is started again "
        "before its late acknowledgement; lower it, or raise visibility_timeout"
    )
    message = (
        "{wait} s is longer than the visibility timeout of {broker} ({limit} s): the task runs more than once; "
        "schedule it, or raise visibility_timeout"
    )

    def check(self, fact: Task | MessageOption | Setting) -> Iterator[Violation]:
        """Report what makes a message wait for a known time that is too long."""
        if isinstance(fact, Task):
            waits = _of_task(fact)
        else:
            waits = _of_message(fact) if isinstance(fact, MessageOption) else _of_setting(fact)
        for node, wait, longest, message in waits:
            limit = patience(fact.project) if wait > min(DEFAULTS.values()) else None
            if limit is not None and wait > limit.seconds:
                yield self.report(
                    fact.module,
                    node,
                    getattr(self, message),
                    wait=f"{longest}{wait:g}",
                    broker=limit.broker,
                    limit=f"{limit.seconds:g}",
                )


class _Wait(NamedTuple):
    """A place that makes a message wait for its acknowledgement: the seconds, and the name of the rule's message."""

    node: ast.AST
    seconds: float
    longest: str = ""
    message: str = "message"


def _of_message(option: MessageOption) -> Iterator[_Wait]:
    if isinstance(option.owner, BeatEntry):
        wait = option.settled() if option.name == "countdown" else None
        if isinstance(wait, (int, float)):
            yield _Wait(option.node, wait)
    elif option.method in TAKING_OPTIONS or option.method == "retry":
        waits = [_wait(option, branch) for branch in option.values]
        longest = max((wait for wait in waits if wait is not None), default=None)
        if longest is not None:
            yield _Wait(option.node, longest)


def _of_task(task: Task) -> Iterator[_Wait]:
    for option, node in task.written(("default_retry_delay", "retry_kwargs", "retry_backoff_max", *_LIMITS)):
        if option in _LIMITS:
            wait = task.effective(option) if option == _limiting(task) else None
            if isinstance(wait, (int, float)) and task.acknowledges_late is True:
                yield _Wait(node, wait, message="late")
            continue
        wait = _retry_wait(task, option)
        if isinstance(wait, (int, float)):
            yield _Wait(node, wait, "up to " if option == "retry_backoff_max" else "")


def _limiting(task: Task) -> str | None:
    """Return the option that ends a run first; None if one of them can't be resolved."""
    limits = {option: task.effective(option) for option in _LIMITS}
    if not all(value is MISSING or isinstance(value, (int, float, type(None))) for value in limits.values()):
        return None
    numbers = {option: value for option, value in limits.items() if isinstance(value, (int, float)) and value > 0}
    return min(numbers, key=lambda option: numbers[option], default=None)


def _retry_wait(task: Task, option: str) -> object:
    """Return the seconds that an option makes some retry of a task wait, if it takes effect."""
    backoff = task.effective("retry_backoff")
    if option == "default_retry_delay" and _waits_by_default(task):
        return task.effective(option)
    if task.autoretries is not True or isinstance(backoff, Unknown):
        return None
    grows = backoff is not MISSING and backoff
    if option == "retry_backoff_max":
        return _longest_backoff(task, backoff) if grows else None
    if grows or (option == "default_retry_delay" and task.retry_wait != task.effective(option)):
        return None
    return task.retry_wait


def _waits_by_default(task: Task) -> bool:
    """Return whether the task retries itself with a call that sets no time."""
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == "retry"
        and getattr(call.func.value, "id", "") == task.me
        and not any(keyword.arg in ("countdown", "eta", None) for keyword in call.keywords)
        for call, _ in task.calls()
    )


def _longest_backoff(task: Task, backoff: object) -> float | None:
    """Return the longest wait of a backoff, which doubles with each retry."""
    cap, kwargs = task.effective("retry_backoff_max"), task.effective("retry_kwargs")
    most = kwargs.get("max_retries", MISSING) if isinstance(kwargs, Table) and kwargs.complete else MISSING
    if most is MISSING:
        most = task.effective("max_retries")
    most = DEFAULT_MAX_RETRIES if most is MISSING else most
    if not isinstance(cap, (int, float)) or not isinstance(backoff, (int, float)):
        return None
    if not isinstance(most, int):
        return cap if most is None and kwargs is MISSING else None
    return min(cap, int(max(1, backoff)) * 2 ** min(most - 1, 64)) if most > 0 else None


def _of_setting(setting: Setting) -> Iterator[_Wait]:
    other = _OTHER_LIMIT.get(setting.name or "")
    value = setting.settled if other is not None else None
    if other is None or not isinstance(value, (int, float)) or not acks_late(setting.project):
        return
    # The lower of the two limits applies.
    others = [item for item in setting_values(setting.project, other) if item is not None]
    if all(isinstance(item, (int, float)) and (item <= 0 or value <= item) for item in others):
        yield _Wait(setting.node, value, message="late")


def _wait(option: MessageOption, node: ast.expr) -> float | None:
    """Return the seconds that an option makes a message wait; None if that is unknown."""
    if option.name == "countdown":
        value = option.settled(node)
        return value if isinstance(value, (int, float)) else None
    if option.name == "eta" and isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [option.settled(side) for side in (node.left, node.right)]
        for now, delta in (sides, sides[::-1]):
            is_now = isinstance(now, Called) and isinstance(now.target, Target) and now.target.path in _NOW
            if is_now and isinstance(delta, datetime.timedelta):
                return delta.total_seconds()
    return None
