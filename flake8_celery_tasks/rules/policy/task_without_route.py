from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model.definitions import name_of
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import routes_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: The number of routes that shows that a project routes its tasks, and the share of tasks that they cover.
_ROUTES: Final = 4
_PART: Final = 0.8

#: Options that set where a task goes.
_DESTINATIONS: Final = ("queue", "exchange", "routing_key")


class _Coverage(NamedTuple):
    """How many of a project's tasks its routes match."""

    routed: int
    tasks: int


class TaskWithoutRoute(Rule[Task]):
    """No route matches a task, in a project that routes its tasks.

    ## What happens

    If `task_routes` has no entry for a task, its messages go to the default queue (`task_default_queue`), and nothing
    is logged. A project that routes nearly all of its tasks may have no worker for that queue.

    ```pycon
    >>> from shop.celery import app
    >>> app.amqp.router.route({}, "shop.archive")["queue"].name
    'celery'
    ```

    ## Bad

    ```ini
    extend-select = CLY927
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_routes = {
        "shop.fetch": "slow",
        "shop.send": "mail",
        "shop.bill": "billing",
        "shop.refund": "billing",
    }
    ```

    ```python title="shop/tasks.py"
    from shop.celery import app


    @app.task(name="shop.fetch")
    def fetch():
        return "rates"


    @app.task(name="shop.send")
    def send():
        return "mail"


    @app.task(name="shop.bill")
    def bill():
        return "bill"


    @app.task(name="shop.refund")
    def refund():
        return "refund"


    @app.task(name="shop.archive")
    def archive():
        return "archive"
    ```

    ## Good

    ```ini
    extend-select = CLY927
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_routes = {
        "shop.fetch": "slow",
        "shop.send": "mail",
        "shop.bill": "billing",
        "shop.archive": "slow",
    }
    ```

    ```python title="shop/tasks.py"
    from shop.celery import app


    @app.task(name="shop.fetch")
    def fetch():
        return "rates"


    @app.task(name="shop.send")
    def send():
        return "mail"


    @app.task(name="shop.bill")
    def bill():
        return "bill"


    @app.task(name="shop.archive")
    def archive():
        return "archive"
    ```

    ## Not reported when

    - the project has fewer than four routes, or they match less than 80 % of its tasks: most tasks go to the default
      queue on purpose;
    - one of the routes can't be resolved, or is a function;
    - the task has its own `queue`, `exchange` or `routing_key`, or may have one;
    - the task's name is uncertain, or a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Add the task to `task_routes`, with the name of the default queue if need be: that is an explicit decision.
    """

    code = "CLY927"
    see = ("routing#automatic-routing", "configuration#task-routes")
    message = "No route matches task {name!r}, while {routed} of {tasks} tasks have one: it goes to the default queue"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task that the routes leave out."""
        name = name_of(task.project, task.definition)
        if name is None or not _is_forgotten(task.project, name) or not task.is_registered:
            return
        if all(task.effective(option) is MISSING for option in _DESTINATIONS):
            coverage = _coverage(task.project)
            yield self.report_definition(task, name=name, routed=coverage.routed, tasks=coverage.tasks)


def _is_forgotten(project: Project, name: str) -> bool:
    routes = routes_of(project)
    if not routes or sum(map(len, routes)) < _ROUTES or any(table.matching(name) for table in routes):
        return False
    coverage = _coverage(project)
    return coverage.routed >= _PART * coverage.tasks


@query()
def _coverage(project: Project) -> _Coverage:
    routes = routes_of(project) or []
    names = [
        name
        for name in tasks_of(project).by_name
        if not all(project.is_test(found.module) for found in tasks_of(project).definitions(name))
    ]
    routed = [name for name in names if any(table.matching(name) for table in routes)]
    return _Coverage(len(routed), len(names))
