from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.methods import TAKING_OPTIONS
from flake8_celery_tasks.celery_model.configuration import is_passing_place, places_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: The first versions that refuse such limits: on the task itself, and in the settings.
_REFUSES: Final = (5, 5)
_REFUSES_SETTINGS: Final = (5, 7)

_SOFT: Final = "soft_time_limit"
_HARD: Final = "time_limit"


class SoftLimitNotBelowHard(Rule[Task | Invocation | Setting]):
    """The soft time limit is above the hard one.

    ## What happens

    The soft limit raises `SoftTimeLimitExceeded` in the task, so that it can clean up. The hard one kills its process.
    Celery 5.5 and later refuse a soft limit above the hard one on the task itself, at every call:

    ```text
    ValueError: soft_time_limit must be less than or equal to time_limit
    ```

    From 5.7 on, Celery also checks the limits in the settings if the task has none: with `task_soft_time_limit = 60`, a
    task with only `time_limit=30` fails.

    Older versions accept both, and so does every version if the limits are given in the call. The pool then checks the
    hard limit only after the soft one has passed. The task runs longer than `time_limit` says, and is killed just when
    it should clean up:

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

    ```python
    from celery import Celery

    app = Celery("shop", broker="memory://")
    app.conf.update(task_soft_time_limit=60, task_time_limit=300)


    @app.task(name="shop_rebuild_index", time_limit=30)
    def rebuild_index():
        print("rebuilding")
    ```

    ## Good

    ```python
    from celery import Celery, shared_task

    app = Celery("shop", broker="memory://")
    app.conf.update(task_soft_time_limit=60, task_time_limit=300)


    @shared_task(name="shop_rebuild_index", time_limit=90, soft_time_limit=60)
    def rebuild_index():
        print("rebuilding")


    @app.task(name="shop_count_words", time_limit=30, soft_time_limit=20)
    def count_words():
        print("counting")
    ```

    ## Not reported when

    - one of the limits can't be resolved, or is 0;
    - the task has no limit of its own: two limits in the settings are reported where they are set;
    - a limit in the settings can't be resolved in one of the places that set it, or some of its values are right
      (places for development and tests are ignored);
    - the limits are equal, which Celery accepts.

    ## Fix

    Usually the two are swapped. Swap them back if the task may run as long as the limits then say.
    """

    code = "CLY503"
    see = ("workers#time-limits",)
    message = "soft_time_limit={soft} is above time_limit={hard}: {effect}; the soft limit has to be the lower one"
    refused = "every delay() of {function!r} raises ValueError"
    all_refused = "every delay() raises ValueError"
    silent = "the hard limit waits for it and leaves no time to clean up"

    def check(self, fact: Task | Invocation | Setting) -> Iterator[Violation]:
        """Report a pair of limits, at the soft one where it is written."""
        if isinstance(fact, Task):
            yield from self._of_task(fact)
        elif isinstance(fact, Invocation):
            keyword = fact.keyword(_SOFT) or fact.keyword(_HARD) if fact.method in TAKING_OPTIONS else None
            if keyword is not None:
                limits = _Limits(fact.project, _limit(fact, _SOFT), _limit(fact, _HARD))
                yield from self._judge(fact, keyword, limits, self.silent)
        elif fact.name == f"task_{_SOFT}" and not is_passing_place(fact.module, fact.site):
            refused = version_of(fact.project) >= _REFUSES_SETTINGS
            limits = _Limits(fact.project, fact.settled, MISSING)
            yield from self._judge(fact, fact.node, limits, self.all_refused if refused else self.silent)

    def _of_task(self, task: Task) -> Iterator[Violation]:
        written = dict(task.written((_SOFT, _HARD))) or {
            name: node for name, node in task.stated() if name in (_SOFT, _HARD)
        }
        if written and not task.is_opaque:
            limits = _Limits(task.project, task.effective(_SOFT), task.effective(_HARD))
            refused = version_of(task.project) >= (_REFUSES_SETTINGS if limits.are_set else _REFUSES)
            effect = self.refused.format(function=task.node.name) if refused else self.silent
            yield from self._judge(task, written.get(_SOFT) or written[_HARD], limits, effect)

    def _judge(
        self, fact: Task | Invocation | Setting, node: ast.AST, limits: _Limits, effect: str
    ) -> Iterator[Violation]:
        if limits.are_wrong:
            yield self.report(fact.module, node, soft=limits.soft, hard=limits.hard, effect=effect)


class _Limits:
    """The limits of a task or call, or those of the settings if it has none.

    A message shows `soft` and `hard`; `are_set` says whether one of them comes from the settings.
    """

    def __init__(self, project: Project, soft: Any, hard: Any) -> None:
        is_soft_set, is_hard_set = (limit is MISSING or limit is None for limit in (soft, hard))
        softs = _set_limits(project, _SOFT) if is_soft_set else [soft]
        hards = _set_limits(project, _HARD) if is_hard_set else [hard]
        pairs = [(one, other) for one in softs for other in hards]
        self.are_set = is_soft_set or is_hard_set
        self.are_wrong = bool(pairs) and all(_is_above(one, other) for one, other in pairs)
        self.soft = f"{min(softs)} of the settings" if is_soft_set and self.are_wrong else soft
        self.hard = f"{max(hards)} of the settings" if is_hard_set and self.are_wrong else hard


def _set_limits(project: Project, name: str) -> list[Any]:
    """Return the values that the project gives to the setting of a limit, outside development and tests."""
    places = places_of(project, f"task_{name}", running=True)
    return [UNKNOWN if module is None else project.settle(value, module) for value, module in places]


def _limit(call: Invocation, name: str) -> Any:
    """Return the limit in a message: the call's, otherwise the task's."""
    own = call.argument(name)
    if own is MISSING and call.definition is not None:
        return Defined(call.project, call.definition).effective(name)
    return own


def _is_above(soft: Any, hard: Any) -> bool:
    return isinstance(soft, (int, float)) and isinstance(hard, (int, float)) and soft > hard > 0
