from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.configuration import is_unset
from flake8_celery_tasks.celery_model.settings import queues_of, routes_of, setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.options import QueueUse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


#: The queue of messages that name no queue.
_DEFAULT: Final = "celery"


class QueueRefused(Rule[QueueUse | Setting]):
    """A message goes to a queue that is not declared, and Celery must not create missing queues.

    ## What happens

    With `task_create_missing_queues = False`, messages may only go to the queues in `task_queues`. A call that names
    another queue raises an error. So does a call of a task whose route names one, and a call without a queue if the
    default queue, `celery`, is not declared. Without `task_queues` Celery declares only the default queue:

    ```text
    celery.exceptions.QueueNotFound: "Queue 'mail' missing from task_queues"
    ```

    ## Bad

    ```python
    from celery import Celery
    from kombu import Queue

    app = Celery("shop", broker="memory://")
    app.conf.task_create_missing_queues = False
    app.conf.task_queues = [Queue("celery"), Queue("mails")]


    @app.task(name="shop_remind")
    def remind(order_pk):
        print(order_pk)


    def close(order_pk):
        remind.apply_async((order_pk,), queue="mail")
    ```

    ## Good

    ```python
    from celery import Celery
    from kombu import Queue

    app = Celery("shop", broker="memory://")
    app.conf.task_create_missing_queues = False
    app.conf.task_queues = [Queue("celery"), Queue("mails")]


    @app.task(name="shop_remind")
    def remind(order_pk):
        print(order_pk)


    def close(order_pk):
        remind.apply_async((order_pk,), queue="mails")
    ```

    ## Not reported when

    - the project never sets `task_create_missing_queues`, or somewhere sets it to something other than False;
    - one of the declared queues can't be resolved, or `app.amqp.queues` adds a queue;
    - nothing declares queues, and something that configures the project can't be resolved;
    - the message goes to the default queue, and the project sets `task_default_queue` or `task_routes`;
    - the name of the queue can't be resolved, or the queue is a `Queue` object;
    - the module is a test or a migration.

    ## Fix

    Correct the name, or declare the queue in `task_queues`, and make sure that a worker consumes it.
    """

    code = "CLY818"
    see = ("routing#specifying-task-destination", "calling#routing-options")
    default: Final = (
        "Calls without a queue go to {queue!r}, which task_queues lacks: QueueNotFound; set task_default_queue"
    )
    message = "Queue {queue!r} is missing from task_queues, and none is created: QueueNotFound; {advice}"
    quiet_in_tests = True

    def check(self, fact: QueueUse | Setting) -> Iterator[Violation]:
        """Report the name of an undeclared queue, and the setting that refuses the default queue."""
        if isinstance(fact, Setting):
            if fact.name == "task_create_missing_queues" and fact.settled is False and _lacks_default(fact.project):
                yield self.report(fact.module, fact.node, self.default, queue=_DEFAULT)
            return
        known = _accepted(fact.project)
        if known is not None and fact.name and fact.name not in known:
            advice = f"declared are {', '.join(sorted(known))}" if len(known) < 6 else "declare it"
            yield self.report(fact.module, fact.node, queue=fact.name, advice=advice)


@query()
def _lacks_default(project: Project) -> bool:
    """Return whether messages without a queue go to an undeclared one: nothing routes them elsewhere."""
    known = _accepted(project)
    return (
        known is not None
        and _DEFAULT not in known
        and not setting_values(project, "task_default_queue")
        and routes_of(project) == []
    )


@query()
def _accepted(project: Project) -> frozenset[str] | None:
    """Return the only queues that the project's messages may go to; None if they may go to others."""
    creates = setting_values(project, "task_create_missing_queues")
    if not creates or any(value is not False for value in creates):
        return None
    if next(project.files.holding(b"amqp.queues", b"amqp._queues"), None) is not None:
        return None
    if is_unset(project, "task_queues"):
        # Then Celery declares the default queue.
        default = setting_values(project, "task_default_queue") or [_DEFAULT]
        return frozenset(default) if all(isinstance(name, str) for name in default) else None
    return queues_of(project) or None
