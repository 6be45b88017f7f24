from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.settings import queues_of, routes_of, setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.options import QueueUse
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


#: Where messages go that are sent nowhere else.
_DEFAULT: Final = "celery"


class QueueRefused(Rule[QueueUse | Setting]):
    """A message goes to a queue that is not declared, where Celery may create none.

    ## What happens

    With `task_create_missing_queues = False` a message may go to the queues in `task_queues`, and to no others. A call
    that names another one raises, and so does a task whose route does, each time that it is sent. So does every call
    without a queue where the default one, `celery`, is not among them:

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

    - some place in the project does not switch `task_create_missing_queues` off;
    - the declared queues can't all be read, or a queue is added by `app.amqp.queues`;
    - for the default queue: `task_default_queue` or `task_routes` is given;
    - the name of the queue can't be read, or a `Queue` object is given;
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
        """Report a name of a queue that is not declared, and the setting that refuses the default one."""
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
    """Return whether what names no queue goes to one that is not declared: nothing routes it elsewhere."""
    known = _accepted(project)
    return (
        known is not None
        and _DEFAULT not in known
        and not setting_values(project, "task_default_queue")
        and routes_of(project) == []
    )


@query()
def _accepted(project: Project) -> frozenset[str] | None:
    """Return the only queues that the project's messages may go to, None where they may go to others."""
    creates = setting_values(project, "task_create_missing_queues")
    if not creates or any(value is not False for value in creates):
        return None
    if next(project.files.holding(b"amqp.queues", b"amqp._queues"), None) is not None:
        return None
    return queues_of(project) or None
