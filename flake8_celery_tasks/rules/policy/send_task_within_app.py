from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class SendTaskWithinApp(Rule[Invocation]):
    """A task is sent by name within the app that defines it.

    ## What happens

    The purpose of sending by name is to keep apps apart. Within one app it only hides the task. Nothing is logged,
    since nothing fails as long as everything is right. But only the worker notices wrong arguments or a wrong name. Up
    to Celery 5.6, the options of the decorator (`queue`, `expires`, ...) are not used. Neither people nor tools find
    the call when they search for uses of the function.

    ## Bad

    ```ini
    extend-select = CLY922
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/views.py"
    from celery import current_app


    def pay(order):
        current_app.send_task("shop_send_receipt", args=(order.pk,))
    ```

    ## Good

    ```ini
    extend-select = CLY922
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/views.py"
    from shop.tasks import send_receipt


    def pay(order):
        send_receipt.delay(order.pk)
    ```

    ## Not reported when

    - it is uncertain whether a task of the project has that name, or a task of another app has it too;
    - the task's module imports, directly or through other modules of the app, the module that sends: the import would
      be circular;
    - the module is a test or a migration.

    ## Fix

    Import the task and write `delay` or `apply_async`. Check that the import is not circular, and check the options of
    the decorator, which then take effect.
    """

    code = "CLY922"
    see = ("calling#basics", "Celery#celery.Celery.send_task")
    message = "Task {name!r} is one of this app: send {function!r} itself, by {function}.{method}(), which is checked"
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a call that sends a task by name although the task could be imported."""
        if call.method != "send_task" or not isinstance(call.name, str):
            return
        project, module = call.project, call.module
        app = project.layout.app(module.place)
        definitions = tasks_of(project).definitions(call.name)
        if app is None or not definitions or tasks_of(project).may_be_unread(call.name):
            return
        for found in definitions:
            if not _decisions.is_same_app(app, project.layout.app(found.module.place)):
                return
            if found.module.place.path != module.place.path and _decisions.reaches(project, found.module, module, app):
                return
        function = definitions[0].symbol.qualname.rpartition(".")[2]
        options = {keyword.arg for keyword in call.node.keywords} - {"name", "args", "kwargs"}
        method = "apply_async" if options else "delay"
        yield self.report(module, call.node, name=call.name, function=function, method=method)
