from __future__ import annotations

import ast
import datetime
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.celery_model.backends import patience
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

_NOW = frozenset({"datetime.datetime.now", "datetime.datetime.utcnow", "django.utils.timezone.now"})


class LongCountdown(Rule[Facts]):
    """A task is to run later than the broker waits for its message to be acknowledged.

    ## What happens

    A worker takes a message at once, even if it is to run later, and acknowledges it only when it runs. Redis and SQS
    deliver a message again if it is not acknowledged within the visibility timeout: an hour with Redis, half an hour
    with SQS, unless the project sets another. Each worker that gets it waits as well, and the task runs as many times
    as it was delivered. Nothing is logged except that it was received, by one worker after another:

    ```text
    Task shop_remind[...] received
    Task shop_remind[...] received
    ```

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

    ## Silent when

    - the broker is not known: neither `broker_url` nor an app's `broker` can be read, or they differ, and the option
      `celery-broker` is not set. If they come from an environment variable, its default counts;
    - the broker is RabbitMQ, or another that has no visibility timeout;
    - `broker_transport_options` can't be read, or sets a longer timeout;
    - the wait can't be read.

    ## Fix

    Store the time in the database and let a periodic task look for what is due, or raise the visibility timeout above
    the longest wait. A longer timeout also means that messages of a worker that died come back later.
    """

    code = "CLY615"
    see = ("calling#eta-and-countdown", "redis#visibility-timeout", "sqs#visibility-timeout")
    message = (
        "{wait} s is longer than {broker} waits for an acknowledgement ({limit} s): the task runs more than once; "
        "schedule it, or raise visibility_timeout"
    )

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report calls and retries whose wait is known and too long."""
        calls = [(call.node, call.site) for call in facts.invocations if call.method in TAKING_OPTIONS]
        calls += [(call.node, call.site) for call in facts.task_calls if call.method == "retry"]
        for node, site in calls:
            for keyword in node.keywords:
                wait = _wait(facts, keyword, site)
                limit = patience(facts.project) if wait is not None and wait > 1800 else None
                if wait is not None and limit is not None and wait > limit.seconds:
                    yield self.report(
                        facts.module, keyword, wait=f"{wait:g}", broker=limit.broker, limit=f"{limit.seconds:g}"
                    )


def _wait(facts: Facts, keyword: ast.keyword, site: Site) -> float | None:
    """Return the seconds that an option makes a message wait, None where that can't be told."""
    value = _settled(facts, keyword.value, site)
    if keyword.arg == "countdown":
        return value if isinstance(value, (int, float)) else None
    if keyword.arg == "eta" and isinstance(keyword.value, ast.BinOp) and isinstance(keyword.value.op, ast.Add):
        sides = [_settled(facts, side, site) for side in (keyword.value.left, keyword.value.right)]
        for now, delta in (sides, sides[::-1]):
            is_now = isinstance(now, Called) and isinstance(now.target, Target) and now.target.path in _NOW
            if is_now and isinstance(delta, datetime.timedelta):
                return delta.total_seconds()
    return None


def _settled(facts: Facts, node: ast.expr, site: Site) -> object:
    return facts.project.settle(facts.module.value(node, site.scope), facts.module)
