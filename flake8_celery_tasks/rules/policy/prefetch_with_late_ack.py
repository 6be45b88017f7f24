from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.configuration import is_unset
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import acks_late, setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import AppMade
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

_MULTIPLIER: Final = "worker_prefetch_multiplier"


class PrefetchWithLateAck(Rule[Setting | AppMade]):
    """Tasks are acknowledged late, and workers prefetch several messages for each pool process.

    ## What happens

    A worker prefetches `worker_prefetch_multiplier` messages for each of its pool processes (four if the project does
    not set it), and keeps them until they run. With late acknowledgement, a message stays reserved until its task has
    run. While one process works through four long tasks, other workers may have nothing to do, and when a worker dies,
    all its reserved messages are redelivered at once. Celery's documentation recommends 1 with `acks_late`. Nothing is
    logged.

    ```pycon
    >>> from shop.celery import app
    >>> app.conf.worker_prefetch_multiplier
    4
    ```

    ## Bad

    ```ini
    extend-select = CLY931
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_acks_late = True
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.worker_prefetch_multiplier = 10


    @app.task(name="shop_bill", acks_late=True)
    def bill(number):
        print(number)
    ```

    ## Good

    ```ini
    extend-select = CLY931
    ```

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_acks_late = True
    app.conf.worker_prefetch_multiplier = 1
    ```

    ## Not reported when

    - the multiplier is 1, or can't be resolved;
    - neither `task_acks_late` nor the option of a task outside tests certainly acknowledges late;
    - nothing sets the multiplier, and only some of the tasks acknowledge late;
    - something that configures the project can't be resolved, so it may set the multiplier;
    - the project sets `worker_disable_prefetch`;
    - the module is a test or a migration.

    ## Fix

    Write `worker_prefetch_multiplier = 1`. If there are many very short tasks, measure first: each process then waits
    for its next message. A worker that is started with `--prefetch-multiplier` ignores the setting.
    """

    code = "CLY931"
    see = ("configuration#worker-prefetch-multiplier", "tasks#Task.acks_late")
    message = "{key} = {value} with late acknowledgement: a worker keeps messages that others could run; write 1"
    unset: Final = (
        "Tasks are acknowledged late, and a worker prefetches 4 messages per process: write "
        "worker_prefetch_multiplier = 1"
    )
    quiet_in_tests = True

    def check(self, fact: Setting | AppMade) -> Iterator[Violation]:
        """Report a multiplier above 1, or a missing one."""
        project = fact.project
        if isinstance(fact, AppMade):
            given = setting_values(project, "task_acks_late")
            if not given and _is_left_out(project) and all(_lateness(project) or [False]):
                yield self.report(fact.module, fact.node, self.unset)
        elif fact.name == _MULTIPLIER:
            value = fact.settled
            is_many = isinstance(value, (int, float)) and value != 1 and not isinstance(value, bool)
            if is_many and (acks_late(project) or any(_lateness(project))) and _takes_ahead(project):
                yield self.report(fact.module, fact.node, key=fact.key, value=value)
        elif fact.name == "task_acks_late" and fact.settled is True and _is_left_out(project):
            yield self.report(fact.module, fact.node, self.unset)


@query()
def _lateness(project: Project) -> list[bool]:
    """Return whether each of the project's tasks certainly acknowledges late by its own option."""
    names = (tasks_of(project).definitions(name) for name in tasks_of(project).by_name)
    found = [item for same in names for item in same if not project.is_test(item.module)]
    return [Defined(project, item).effective("acks_late") is True for item in found]


def _is_left_out(project: Project) -> bool:
    """Return whether the project certainly does not set the multiplier."""
    return is_unset(project, _MULTIPLIER) and _takes_ahead(project)


def _takes_ahead(project: Project) -> bool:
    return not setting_values(project, "worker_disable_prefetch")
