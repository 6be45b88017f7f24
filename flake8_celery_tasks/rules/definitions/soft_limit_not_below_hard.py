from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import Invocation

#: The first version that refuses such limits, where the task itself has them.
_REFUSES = (5, 5)


class SoftLimitNotBelowHard(Rule[Facts]):
    """The soft time limit is above the hard one.

    ## What happens

    The soft limit raises `SoftTimeLimitExceeded` in the task, so that it can clean up; the hard one kills its process.
    Celery 5.5 and later refuse a soft limit above the hard one on the task itself, at every call:

    ```text
    ValueError: soft_time_limit must be less than or equal to time_limit
    ```

    From 5.7 on this counts limits of the settings too, where the task has none of its own.

    Older versions, and every version if the limits are given in the call, accept both. The pool then starts to look at
    the hard limit only when the soft one has passed. So the task runs longer than `time_limit` says, and is killed at
    the very moment it is told to clean up:

    ```text
    Soft time limit (90s) exceeded for shop_rebuild_index[...]
    Hard time limit (60s) exceeded for shop_rebuild_index[...]
    ```

    ## Bad

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", time_limit=60, soft_time_limit=90)
    def rebuild_index():
        print("rebuilding")
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index")
    def rebuild_index():
        print("rebuilding")


    def rebuild_later():
        rebuild_index.apply_async(time_limit=60, soft_time_limit=90)
    ```

    ## Good

    ```python
    from celery import shared_task


    @shared_task(name="shop_rebuild_index", time_limit=90, soft_time_limit=60)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Silent when

    - one of the limits can't be read, is 0 or None, or stands in the settings;
    - they are equal, which Celery accepts.

    ## Fix

    Usually the two are swapped. Swap them back, if the task may run as long as it then says.
    """

    code = "CLY503"
    see = ("workers#time-limits",)
    message = "soft_time_limit={soft} is above time_limit={hard}: {effect}; the soft limit has to be the lower one"
    refused = "every delay() of {function!r} raises ValueError"
    silent = "the hard limit waits for it and leaves no time to clean up"

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report pairs of limits, at the soft one where it is written."""
        for task in facts.tasks:
            written = dict(task.written(("soft_time_limit", "time_limit")))
            if written and not task.is_opaque:
                soft, hard = task.effective("soft_time_limit"), task.effective("time_limit")
                if _is_above(soft, hard):
                    node = written.get("soft_time_limit") or written["time_limit"]
                    refused = version_of(task.project) >= _REFUSES
                    effect = self.refused.format(function=task.node.name) if refused else self.silent
                    yield self.report(facts.module, node, soft=soft, hard=hard, effect=effect)
        for call in facts.invocations:
            if call.method in TAKING_OPTIONS:
                keyword = call.keyword("soft_time_limit") or call.keyword("time_limit")
                if keyword is not None:
                    soft, hard = _limit(call, "soft_time_limit"), _limit(call, "time_limit")
                    if _is_above(soft, hard):
                        yield self.report(facts.module, keyword, soft=soft, hard=hard, effect=self.silent)


def _limit(call: Invocation, name: str) -> Any:
    """Return a limit that a message carries: that of the call, else the task's."""
    own = call.argument(name)
    if own is MISSING and call.definition is not None:
        return Defined(call.project, call.definition).effective(name)
    return own


def _is_above(soft: Any, hard: Any) -> bool:
    return isinstance(soft, (int, float)) and isinstance(hard, (int, float)) and soft > hard > 0
