from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.schedules import options_of
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

_LIMITS: Final = ("time_limit", "soft_time_limit")


class ZeroTimeLimit(Rule[Facts]):
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

    ## Silent when

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

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report the limits of tasks, calls and beat entries that are zero."""
        for node, option, value, whose in (*_of_tasks(facts), *_of_calls(facts), *_of_entries(facts)):
            if isinstance(value, (int, float)) and value == 0:
                yield self.report(facts.module, node, option=option, whose=whose)


def _of_tasks(facts: Facts) -> Iterator[tuple[ast.AST, str, Any, str]]:
    for task in facts.tasks:
        for option in _LIMITS:
            if task.states(option):
                yield task.keyword(option), option, task.option(option), "the project"


def _of_calls(facts: Facts) -> Iterator[tuple[ast.AST, str, Any, str]]:
    source = facts.module.source
    calls = [(call.options, call.site) for call in facts.invocations]
    calls += [(call.options, call.site) for call in facts.task_calls]
    for options, site in calls if source.may_hold("time_limit") else ():
        for keyword in options:
            if keyword.arg in _LIMITS:
                value = settled(facts.project, facts.module, keyword.value, site)
                yield keyword, keyword.arg, value, "the task or the project"


def _of_entries(facts: Facts) -> Iterator[tuple[ast.AST, str, Any, str]]:
    for entry in facts.configured[1]:
        for name, written in options_of(entry):
            if name in _LIMITS:
                value = settled(facts.project, facts.module, written.value, written.site)
                yield written.key, name, value, "the task or the project"
