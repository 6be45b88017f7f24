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
    """A time limit is zero, which switches nothing off.

    ## What happens

    Celery takes zero for no limit of its own, and asks on: of a call the task, of a task the project. So `time_limit=0`
    does not save a task from `task_time_limit`, and where the project has none it says nothing at all.

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

    - the limit can't be read, or is None: that is how to say that the project's limit applies;
    - the setting of the project is zero: there is nobody else to ask;
    - the module is a test or a migration.

    ## Fix

    Write a limit above all that the task may need: there is no way to switch the project's limit off for one task. Or
    leave it out.
    """

    code = "CLY936"
    see = ("workers#time-limits", "tasks#Task.time_limit")
    message = "{option}=0 switches nothing off: Celery takes the limit of {whose}; write a high limit, or leave it out"
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
