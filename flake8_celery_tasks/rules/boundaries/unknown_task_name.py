from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import attributes_in
from flake8_celery_tasks.binding.scopes import TRY
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.contract import known
from flake8_celery_tasks.facts.calls import Invocation, TaskLookup
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project


class UnknownTaskName(Rule[Invocation | BeatEntry | TaskLookup]):
    """A task is sent by a name that no task of the project has.

    ## What happens

    The sender gets no error: the message is sent, and nothing compares its name with those of the existing tasks. The
    worker logs an error and drops the message:

    ```text
    Received unregistered task of type 'shop.send_reciept'.
    The message has been ignored and discarded.
    ```

    With a beat entry, this happens each time the entry is due. A task with an explicit name can't be called by the name
    of its module and function. `app.tasks["shop.send_reciept"]` raises `NotRegistered`.

    ## Bad

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="billing/views.py"
    from celery import current_app


    def pay(order):
        current_app.send_task("shop.send_reciept", args=[order.pk])
    ```

    ```python title="project/settings.py"
    CELERY_BEAT_SCHEDULE = {
        "receipts": {"task": "shop.tasks.send_receipt", "schedule": 3600.0, "args": [1]},
    }
    ```

    ## Good

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="billing/views.py"
    from celery import current_app


    def pay(order):
        current_app.send_task("shop.send_receipt", args=[order.pk])
    ```

    ```python title="project/settings.py"
    CELERY_BEAT_SCHEDULE = {
        "receipts": {"task": "shop.send_receipt", "schedule": 3600.0, "args": [1]},
    }
    ```

    ## Not reported when

    - no task of the project shares the first dotted part of the name, and none has a similar name: it may be a task of
      a package, or of another service. With `celery-known-tasks`, which names the records of all other services, the
      rule does report such a name;
    - one of those services has a task with that name, or with an uncertain name that may be this one;
    - a file that can't be parsed, is excluded, or belongs to another project may contain the name;
    - a task of the project with an uncertain name may share its first dotted part;
    - a task has an automatic name, and an app of the project builds automatic names itself (`gen_task_name`);
    - the name points to something in its module that may be a task: a function with a decorator that can't be resolved,
      or an assigned value;
    - the name is looked up in `app.tasks` in a `try`, or under an `if` that checks for it;
    - the module is a test (`celery-test-paths`) or a migration.

    ## Fix

    Write the name of the intended task. Only you know which one it is.
    """

    code = "CLY403"
    see = (
        "tasks#names",
        "Celery#celery.Celery.send_task",
        "faq#why-do-workers-delete-tasks-from-the-queue-if-they-re-unable-to-process-them",
    )
    message = "No task is named {name!r}: the worker discards the message; {advice}"
    looked_up: Final = "No task is named {name!r}: NotRegistered is raised; {advice}"
    quiet_in_tests = True

    def check(self, fact: Invocation | BeatEntry | TaskLookup) -> Iterator[Violation]:
        """Report a name that no task has, where it is written."""
        if isinstance(fact, Invocation):
            if fact.by_name:
                yield from self._judge(fact, _given(fact), fact.name)
        elif isinstance(fact, BeatEntry):
            if fact.task_name is not None:
                yield from self._judge(fact, fact.given["task"].value, fact.task_name)
        elif not _is_asked_for(fact.site):
            yield from self._judge(fact, fact.node.slice, fact.name, self.looked_up)

    def _judge(
        self, fact: Invocation | BeatEntry | TaskLookup, node: ast.AST, name: object, message: str = ""
    ) -> Iterator[Violation]:
        project, module = fact.project, fact.module
        if isinstance(name, str) and known.is_unknown(project, name, module):
            meant = known.meant(project, name, module)
            services = "" if known.known_tasks(project) is None else " or of a known service"
            nobody = _bound(project, module, name) or f"no task of the project{services} has that name"
            advice = nobody if meant is None else f"did you mean {meant!r}?"
            yield self.report(module, node, message, name=name, advice=advice)


def _bound(project: Project, module: Module, name: str) -> str:
    """Describe what a name points to instead of a task; an empty string if it points to nothing."""
    owner, _, last = name.rpartition(".")
    symbol = project.resolve(f"{owner}:{last}", module).symbol if owner else None
    if isinstance(symbol, Function):
        return f"the function {last!r} has no task decorator"
    return f"the class {last!r} is never registered" if isinstance(symbol, Class) else ""


def _given(call: Invocation) -> ast.AST:
    """Return the node of the name that a call gives."""
    keyword = call.keyword("name" if call.method == "send_task" else "varargs")
    if keyword is not None:
        return keyword.value
    return call.node.args[0] if call.node.args else call.node


def _is_asked_for(site: Site) -> bool:
    """Return whether a lookup is guarded: by a `try`, or by an `if` that checks for the name."""
    for around in site.chain():
        if around.kind == TRY and around.part == "body":
            return True
        if isinstance(around.node, ast.If) and "tasks" in attributes_in(around.node.test):
            return True
    return False
