from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import Const
from flake8_celery_tasks.catalog.methods import SIGNS
from flake8_celery_tasks.celery_model import backends, configuration
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.rules.policy import _decisions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Ways to create a signature: the members of a canvas may need a result, even one that is None.
_SIGNS: Final = tuple(sorted(SIGNS))
_SIGNED: Final = re.compile(rb"(?<![\w\x80-\xff])([\w\x80-\xff]+)\.(?:s|si|signature|subtask)\(")


class ResultStoredForNothing(Rule[Task]):
    """A task returns nothing, but its result is stored.

    ## What happens

    Each run writes `None` to the result backend, if there is one, where it stays for a day (`result_expires`). That
    costs a round trip and some memory for a value that nobody needs. Nothing is logged about it. `ignore_result=True`
    saves the cost; failures are still logged.

    ## Bad

    ```ini
    extend-select = CLY916
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ## Good

    ```ini
    extend-select = CLY916
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_send_receipt", ignore_result=True)
    def send_receipt(order_pk):
        print(order_pk)


    @shared_task(name="shop_import_orders", ignore_result=False)
    def import_orders(path):
        print(path)


    @shared_task(name="shop_count_orders")
    def count_orders(day):
        return len(day)
    ```

    ## Not reported when

    - the project creates its app, and nothing in its settings or its app names a result backend, or a file that may
      name one can't be parsed;
    - the task, a base class, the app's `task_cls`, shared defaults or a decorator of the project has `ignore_result`,
      or one of these can't be resolved;
    - the project sets `task_ignore_result`;
    - the task's state is used: it has `track_started`, or its body calls `update_state`;
    - a signature of the task is created anywhere in the project (`send_receipt.s(...)`): a chord needs the results of
      its header;
    - a decorator that can't be resolved is below the task decorator: it may return something;
    - a class-based task is never registered;
    - the module is a test or a migration.

    ## Fix

    Write `ignore_result=True`, or `ignore_result=False` if something waits for the end of the task or reads its state.
    The choice is yours.
    """

    code = "CLY916"
    see = ("tasks#ignore-results-you-don-t-want",)
    message = (
        "Task {function!r} returns nothing, and each run stores None: write ignore_result=True, or False where its "
        "state is read"
    )
    quiet_in_tests = True

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a task without a result whose result is stored."""
        function = task.runs
        if function is None or function.yields or function.is_async or not task.is_transparent:
            return
        if any(value != Const(None) for value in function.returns):
            return
        if any(use.attribute in ("update_state", "replace") for use in task.uses) or self._is_tracked(task):
            return
        if not _decisions.leaves_open(task, "ignore_result") or self._is_signed(task):
            return
        stored = backends.backend(task.project)
        is_likely = configuration.is_all_parsed(task.project) and backends.has_sign_of_backend(task.project)
        if stored or (stored is None and is_likely):
            yield self.report_definition(task, function=task.node.name)

    def _is_tracked(self, task: Task) -> bool:
        return task.states("track_started") or bool(setting_values(task.project, "task_ignore_result"))

    def _is_signed(self, task: Task) -> bool:
        return task.node.name.encode() in _signed(task.project)


@query()
def _signed(project: Project) -> frozenset[bytes]:
    """Return the names of all tasks that the project creates signatures of."""
    marks = [f".{method}(".encode() for method in _SIGNS]
    texts = (project.files.read(path) or b"" for path in project.files.holding(*marks))
    return frozenset(name for text in texts for name in _SIGNED.findall(text))
