from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.settings import queues_of, setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import QueueUse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


class QueueRefused(Rule[QueueUse]):
    """A message goes to a queue that is not declared, where Celery may create none.

    ## What happens

    With `task_create_missing_queues = False` a message may go to the queues in `task_queues`, and to no others. A call
    that names another one raises, and so does a task whose route does, each time that it is sent:

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

    ## Silent when

    - some place in the project does not switch `task_create_missing_queues` off;
    - the declared queues can't all be read, or a queue is added by `app.amqp.queues`;
    - the name of the queue can't be read, or a `Queue` object is given;
    - the module is a test or a migration.

    ## Fix

    Correct the name, or declare the queue in `task_queues`, and make sure that a worker consumes it.
    """

    code = "CLY818"
    see = ("routing#specifying-task-destination", "calling#routing-options")
    message = "Queue {queue!r} is missing from task_queues, and none is created: QueueNotFound; {advice}"
    quiet_in_tests = True

    def check(self, use: QueueUse) -> Iterator[Violation]:
        """Report a name of a queue that is not declared, where it is written."""
        known = _accepted(use.project)
        if known is not None and use.name and use.name not in known:
            advice = f"declared are {', '.join(sorted(known))}" if len(known) < 6 else "declare it"
            yield self.report(use.module, use.node, queue=use.name, advice=advice)


@query()
def _accepted(project: Project) -> frozenset[str] | None:
    """Return the only queues that the project's messages may go to, None where they may go to others."""
    creates = setting_values(project, "task_create_missing_queues")
    if not creates or any(value is not False for value in creates):
        return None
    if next(project.files.holding(b"amqp.queues", b"amqp._queues"), None) is not None:
        return None
    return queues_of(project) or None
