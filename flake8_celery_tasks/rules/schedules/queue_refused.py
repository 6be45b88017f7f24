from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.catalog.methods import DIRECT
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.settings import accepted_queues
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.schedules import options_of
from flake8_celery_tasks.resolution.evaluation import Table, settled
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.calls import Invocation, TaskCall
    from flake8_celery_tasks.facts.settings import Setting


class QueueRefused(Rule[Facts]):
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

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report each name of a queue that is not declared, where it is written."""
        known = accepted_queues(facts.project) if facts.module.source.may_hold("queue") else None
        if known is None:
            return
        for node, queue in (*_of_tasks(facts), *_of_calls(facts), *_of_entries(facts), *_of_settings(facts)):
            if isinstance(queue, str) and queue and queue not in known:
                advice = f"declared are {', '.join(sorted(known))}" if len(known) < 6 else "declare it"
                yield self.report(facts.module, node, queue=queue, advice=advice)


def _of_tasks(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    for task in facts.tasks:
        options = task.written(("queue",)) if task.is_class else task.stated()
        yield from ((node, task.option("queue")) for name, node in options if name == "queue")


def _of_calls(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    calls: list[Invocation | TaskCall] = [*facts.invocations, *facts.task_calls]
    for call in calls:
        if call.method not in DIRECT and call.method != "apply":  # there it is an argument of the task, or sent nowhere
            for keyword in call.node.keywords:
                if keyword.arg == "queue":
                    yield keyword, settled(facts.project, facts.module, keyword.value, call.site)


def _of_entries(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    for entry in facts.configured[1]:
        for name, written in options_of(entry):
            if name == "queue":
                yield written.key, settled(facts.project, facts.module, written.value, written.site)


def _of_settings(facts: Facts) -> Iterator[tuple[ast.AST, Any]]:
    for setting in facts.configured[0]:
        if setting.name == "task_default_queue":
            yield setting.node, setting.settled
        elif setting.name == "task_routes":
            for node, site in _routes(setting, setting.value):
                route = settled(facts.project, facts.module, node, site)
                yield node, route.get("queue") if isinstance(route, Table) else route


def _routes(setting: Setting, node: ast.expr) -> Iterator[tuple[ast.expr, Site]]:
    """Yield the routes of a map, of the maps in a list, and of pairs in a list in a list."""
    found = display(setting.project, setting.module, node, setting.site)
    if found is not None:
        for _, written in found[0]:
            yield written.value, written.site
        return
    for item in getattr(node, "elts", ()):
        if isinstance(item, ast.Tuple) and len(item.elts) == 2 and isinstance(item.elts[0], ast.Constant):
            yield item.elts[1], setting.site
        else:
            yield from _routes(setting, item)
