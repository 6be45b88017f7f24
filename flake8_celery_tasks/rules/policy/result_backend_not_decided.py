from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.configuration import is_unset
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import AppMade
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


class ResultBackendNotDecided(Rule[AppMade]):
    """Nothing says where results are stored, or that they are not.

    ## What happens

    Without `result_backend`, the return values of tasks are discarded, and nothing is logged. The error only appears
    when code asks for a result, in the first chord or the first `.get()`:

    ```text
    NotImplementedError: No result backend is configured.
    ```

    ## Bad

    ```ini
    extend-select = CLY935
    ```

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost/0")


    @app.task(name="shop_count")
    def count(numbers):
        return len(numbers)
    ```

    ## Good

    ```ini
    extend-select = CLY935
    ```

    ```python
    from celery import Celery

    app = Celery("shop", broker="redis://localhost/0")
    app.conf.task_ignore_result = True


    @app.task(name="shop_count")
    def count(numbers):
        return len(numbers)
    ```

    ## Not reported when

    - the project sets `result_backend`, or an app's `backend`, even to None: that is an explicit decision;
    - the project sets `task_ignore_result`, or all of its tasks ignore their results;
    - something that configures the project can't be resolved, so it may name a backend;
    - the module is a test or a migration.

    ## Fix

    Set `result_backend`, or write `task_ignore_result = True` if nobody needs a result. The choice is yours.
    """

    code = "CLY935"
    see = ("configuration#result-backend", "tasks#ignore-results-you-don-t-want")
    message = "Where are results stored? Nothing names a result_backend: write one, or task_ignore_result = True"
    quiet_in_tests = True

    def check(self, made: AppMade) -> Iterator[Violation]:
        """Report an app that leaves the question open."""
        if _is_open(made.project):
            yield self.report(made.module, made.node)


@query()
def _is_open(project: Project) -> bool:
    """Return whether nothing says where results are stored, and they are not ignored either."""
    return (
        next(backends.urls(project, "result_backend", "backend"), None) is None
        and is_unset(project, "task_ignore_result")
        and not _all_ignore(project)
    )


def _all_ignore(project: Project) -> bool:
    names = (tasks_of(project).definitions(name) for name in tasks_of(project).by_name)
    found = [item for same in names for item in same if not project.is_test(item.module)]
    return bool(found) and all(Defined(project, item).effective("ignore_result") is True for item in found)
