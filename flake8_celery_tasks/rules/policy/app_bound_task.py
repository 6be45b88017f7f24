from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import dotted, unparsed
from flake8_celery_tasks.binding.scopes import IMPORT
from flake8_celery_tasks.catalog.task_options import OPTIONS
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.celery_model.decorators import APP_TASK
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Options that only `@app.task` accepts.
_APP_ONLY: Final = frozenset(option.name for option in OPTIONS.values() if not option.shared_task)


class AppBoundTask(Rule[Task]):
    """A task is created with `@app.task` of an app that its module imports.

    ## What happens

    The module can't be imported without the app, so the package can't be used in another project, and the app can't
    import the module without an import cycle. Nothing is logged: it works where it is. Neither import is needed: an app
    can find its tasks by name (`autodiscover_tasks`), and `@shared_task` adds a task to whichever app is running.

    ## Bad

    ```ini
    extend-select = CLY907
    ```

    ```python
    from project.celery import app


    @app.task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="project/celery.py"
    import os

    from celery import Celery

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    app = Celery("project")
    ```

    ## Good

    ```ini
    extend-select = CLY907
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="project/celery.py"
    import os

    from celery import Celery

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    app = Celery("project")


    @app.task(name="project_ping")
    def ping():
        print("pong")
    ```

    ## Not reported when

    - the module creates the app itself, or gets it from a call or a parameter;
    - the project does not use Django and never calls `app.set_default()`: a shared task would then belong to Celery's
      own default app, and go to `amqp://guest@localhost`, in every thread except the one that created the app;
    - the app is `celery.current_app`, which means the running app;
    - the task has an option that only `@app.task` accepts, such as `lazy` or `shared`;
    - the module is a test or a migration.

    ## Fix

    Write `@shared_task` and drop the import of the app. In a process with several apps, the task is then registered in
    all of them.
    """

    code = "CLY907"
    see = ("first-steps#using-the-shared-task-decorator",)
    message = "Task {function!r} is bound to the imported app {app!r}: write @shared_task, so that any app can run it"
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report the decorator of an imported app."""
        node = task.decorator
        if task.form != APP_TASK or node is None or not _APP_ONLY.isdisjoint(task.definition.decorator.keywords):
            return
        func = node.func if isinstance(node, ast.Call) else node
        root, attributes = dotted(func)
        app = task.definition.decorator.app
        if not isinstance(root, ast.Name) or not attributes or app is None or app.path == "celery.current_app":
            return
        found = task.site.scope.find(root.id)
        if not apps.is_current_everywhere(task.project):
            return
        if found is not None and all(binding.kind == IMPORT for binding in found[1]):
            yield self.report(task.module, func, function=task.node.name, app=unparsed(func).removesuffix(".task"))
