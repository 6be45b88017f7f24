from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Modules that Django itself imports, and the module that runs when a package is imported.
_IMPORTED: Final = frozenset({"admin", "apps", "models", "settings", "urls"})


class TaskOutsideTasksModule(Rule[Task]):
    """A task is defined in a module that no worker imports.

    ## What happens

    A worker only knows the tasks of the modules that it has imported: the module of the app, those that
    `autodiscover_tasks` finds (named `tasks`, unless `related_name` says otherwise), those in `include` and `imports`,
    and everything that these import. The process that sends has imported the module, so sending works, but the worker
    discards the message:

    ```text
    Received unregistered task of type 'shop_send_receipt'.
    The message has been ignored and discarded.
    ```

    A module inside a package `tasks` is not found automatically either: `tasks/__init__.py` has to import it.

    ## Bad

    ```ini
    extend-select = CLY919
    ```

    ```python title="shop/jobs.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="project/celery.py"
    from celery import Celery

    app = Celery("project")
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.autodiscover_tasks()
    ```

    ## Good

    ```ini
    extend-select = CLY919
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="project/celery.py"
    from celery import Celery

    app = Celery("project", include=["shop.jobs"])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.autodiscover_tasks()
    ```

    ```python title="shop/jobs.py"
    from celery import shared_task


    @shared_task(name="shop_count_orders")
    def count_orders(day):
        return len(day)
    ```

    ## Not reported when

    - anything in the project outside tests and management commands imports the module: in a Django project, the
      worker's checks import the URLs, and so the views;
    - the module is named `tasks` or like a `related_name`, is the `__init__` of a package, or is imported by Django
      itself (`models`, `apps`, `admin`, `urls`, `settings`);
    - the module creates a Celery app, or imports one in a project without `autodiscover_tasks`: it may be started with
      `celery -A`;
    - the module's dotted name is in a string somewhere, as in `include`, `imports`, or one of the project's own
      settings;
    - the app's module, or a package around the module, imports modules by name (`import_module`, `walk_packages`);
    - `autodiscover_tasks`, `include` or `imports` names a package around the module and finds nothing there: CLY814
      reports the cause;
    - the project creates no Celery app, or configures what it includes with something that can't be resolved;
    - the module is a test or a migration.

    ## Fix

    Move the task to a `tasks` module, import its module there, or name it in `include`. A task without an explicit name
    gets a new name when it moves (CLY101).
    """

    code = "CLY919"
    see = ("Celery#celery.Celery.autodiscover_tasks", "configuration#imports")
    message = "No worker imports {name}, so none knows task {function!r}: import it in a tasks module, or use include="
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task of a module that nothing imports."""
        place = task.module.place
        last = place.name.rpartition(".")[2]
        if place.is_package or not place.certain or last in _IMPORTED or not task.is_registered:
            return
        if not _decisions.may_be_loaded(task.project, task.module):
            yield self.report_definition(task, name=place.name, function=task.node.name)
