from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.settings import queues_of, setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import Words
from flake8_celery_tasks.facts.options import QueueUse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Calls that declare queues at run time.
_DECLARES: Final = (b".add_consumer(", b".queues.add(", b".select_add(", b"worker_direct", b"WORKER_DIRECT")


class QueueNotDeclared(Rule[QueueUse]):
    """Code names a queue that `task_queues` does not declare.

    ## What happens

    Celery creates the queue when the first message is sent. A worker that is started without `-Q` only consumes the
    queues in `task_queues`, so these messages wait forever. Nothing is logged.

    ## Bad

    ```ini
    extend-select = CLY928
    ```

    ```python
    from celery import Celery
    from kombu import Queue

    app = Celery("shop")
    app.conf.task_queues = [Queue("celery"), Queue("billing")]


    @app.task(name="shop_bill")
    def bill(number):
        print(number)


    def close(number):
        bill.apply_async((number,), queue="biling")
    ```

    ## Good

    ```ini
    extend-select = CLY928
    ```

    ```python
    from celery import Celery
    from kombu import Queue

    app = Celery("shop")
    app.conf.task_queues = [Queue("celery"), Queue("billing")]


    @app.task(name="shop_bill")
    def bill(number):
        print(number)


    def close(number):
        bill.apply_async((number,), queue="billing")
    ```

    ## Not reported when

    - the project declares no queues, or one of them can't be resolved;
    - queues are declared at run time (`queues.add`, `add_consumer`), or workers have their own queues
      (`worker_direct`);
    - `task_create_missing_queues` is off: the call then fails (CLY818);
    - the name of the queue can't be resolved, or the queue is an object;
    - the module is a test or a migration.

    ## Fix

    Correct the name, or declare the queue in `task_queues`. Also declare queues that workers only consume with `-Q`, so
    that the list is complete.
    """

    code = "CLY928"
    see = ("routing#manual-routing", "configuration#task-queues")
    message = "task_queues declares no queue {name!r}, so no worker consumes it unless -Q names it: {advice}"
    quiet_in_tests = True

    def check(self, use: QueueUse) -> Iterator[Violation]:
        """Report the name of an undeclared queue."""
        declared = queues_of(use.project)
        if not declared or use.name in declared or _is_open(use.project):
            return
        meant = _words(use.project).close_match(use.name)
        advice = "declare it, or correct the name" if meant is None else f"did you mean {meant!r}?"
        yield self.report(use.module, use.node, name=use.name, advice=advice)


@query()
def _words(project: Project) -> Words:
    return Words(sorted(queues_of(project) or ()))


@query()
def _is_open(project: Project) -> bool:
    """Return whether queues may be declared elsewhere, or are never created."""
    creates = setting_values(project, "task_create_missing_queues")
    return (
        not all(isinstance(value, (bool, int)) and value for value in creates)
        or next(project.files.holding(*_DECLARES), None) is not None
    )
