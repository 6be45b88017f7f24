from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.catalog.task_options import OPTIONS
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: The first version in which Celery warns about an option as an attribute of tasks.
_SINCE: Final = {
    option.name: option.deprecated
    for option in OPTIONS.values()
    if option.deprecated is not None and option.removed is not None
}


class DeprecatedTaskOption(Rule[Task]):
    """A task has an option that Celery has deprecated as an attribute of tasks.

    ## What happens

    From Celery 5.7 on, `queue`, `exchange`, `exchange_type`, `routing_key`, `delivery_mode` and `priority` on a task
    are deprecated. Celery 6 will ignore them, so the task will go to the default queue. The warning is only visible
    where Python shows deprecation warnings:

    ```text
    CDeprecationWarning:
    The 'queue' task attribute is deprecated and scheduled for removal in
    version 6.0. Use the task_routes setting instead.
    ```

    ## Bad

    ```ini
    extend-select = CLY917
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_render_film", queue="slow")
    def render_film(film_pk):
        print(film_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY917
    ```

    ```python
    from celery import Celery, shared_task

    app = Celery("shop")
    app.conf.task_routes = {"shop_render_film": {"queue": "slow"}}


    @shared_task(name="shop_render_film")
    def render_film(film_pk):
        print(film_pk)
    ```

    ## Not reported when

    - the project runs on a Celery before 5.7: its lock or requirements pin it, or `celery-target-version` names it;
    - the option comes from shared defaults (`**DEFAULTS`), a base class or a decorator of the project;
    - the option is in a call: `apply_async(queue="slow")` stays valid;
    - the module is a test or a migration.

    ## Fix

    Move the option to `task_routes`, under the name of the task. Every process that sends the task needs the setting; a
    process without it sends to the default queue.
    """

    code = "CLY917"
    see = ("routing#automatic-routing", "configuration#task-routes")
    message = (
        "{option}= on a task is deprecated since Celery {since} and 6.0 ignores it: set {instead} for {function!r}"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report each explicit deprecated option."""
        for name, node in task.written(_SINCE):
            since = _SINCE[name]
            if version_of(task.project) >= since:
                version = ".".join(str(part) for part in since)
                yield self.report(
                    task.module, node, option=name, since=version, instead="task_routes", function=task.node.name
                )
