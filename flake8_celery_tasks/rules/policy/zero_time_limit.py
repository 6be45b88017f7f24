from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.facts.options import MessageOption
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_LIMITS: Final = ("time_limit", "soft_time_limit")


class ZeroTimeLimit(Rule[Task | MessageOption]):
    """A time limit is zero, which does not switch the limit off.

    ## What happens

    Celery treats zero as if no limit were given, and uses the next one: for a call, the task's limit; for a task, the
    project's. So `time_limit=0` does not exempt a task from `task_time_limit`, and without a project limit it has no
    effect.

    ```text
    Hard time limit (300s) exceeded for shop_rebuild_index[...]
    ```

    ## Bad

    ```ini
    extend-select = CLY936
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.task_time_limit = 300


    @app.task(name="shop_rebuild_index", time_limit=0)
    def rebuild_index():
        print("index")
    ```

    ## Good

    ```ini
    extend-select = CLY936
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.task_time_limit = 300


    @app.task(name="shop_rebuild_index", time_limit=6 * 60 * 60)
    def rebuild_index():
        print("index")
    ```

    ## Not reported when

    - the limit can't be resolved, or is None: None says that the project's limit applies;
    - the zero is in the project's settings: no other limit applies;
    - the module is a test or a migration.

    ## Fix

    Write a limit longer than the task can ever need, since the project's limit can't be turned off for a single task.
    Or leave the option out.
    """

    code = "CLY936"
    see = ("workers#time-limits", "tasks#Task.time_limit")
    message = "{option}=0 does not switch a limit off: Celery uses that of {whose}; write a high limit, or leave it out"
    quiet_in_tests = True

    def check(self, fact: Task | MessageOption) -> Iterator[Violation]:
        """Report a limit of a task, a call or a beat entry that is zero."""
        if isinstance(fact, Task):
            for option in _LIMITS:
                if fact.states(option) and _is_zero(fact.option(option)):
                    yield self.report(fact.module, fact.keyword(option), option=option, whose="the project")
        elif fact.name in _LIMITS and _is_zero(fact.settled()):
            yield self.report(fact.module, fact.node, option=fact.name, whose="the task or the project")


def _is_zero(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == 0
