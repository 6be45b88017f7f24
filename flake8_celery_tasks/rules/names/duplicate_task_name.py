from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.core.memo import lazy_pattern, query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project

_WORD: Final = lazy_pattern(rb"[\w\x80-\xff]*")


class DuplicateTaskName(Rule[Facts]):
    """Two tasks of the project have the same name.

    ## What happens

    A worker knows one task per name. If two functions have the same name, Celery keeps one of them. Which one depends
    on the order of a set, and can differ from process to process. Both variables then run the code of that function,
    and the other function never runs. From 5.7 on, Celery warns once per name on standard error; older versions are
    silent:

    ```text
    DuplicateTaskNameWarning: Task name 'shop_send_receipt' is already registered to a different callable.

    Existing: ...
    New:      ...

    The new callable was not registered; calls under this name reach the callable registered first.
    ```

    "First" is the one that comes first in the set, not the one that was defined first. If two classes are passed to
    `register_task`, the last one wins.

    ## Bad

    ```python title="shop/orders/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/refunds/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_refund_receipt(refund_pk):
        print(refund_pk)
    ```

    ## Good

    ```python title="shop/orders/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_receipt")
    def send_receipt(order_pk):
        print(order_pk)
    ```

    ```python title="shop/refunds/tasks.py"
    from celery import shared_task


    @shared_task(name="shop_send_refund_receipt")
    def send_refund_receipt(refund_pk):
        print(refund_pk)
    ```

    ## Not reported when

    - the two are alternatives: in the branches of an `if` or a `match`, in a `try` and its handler, or in two
      functions;
    - one of them is in a test module (`celery-test-paths`), a migration, or vendored code (`vendor`);
    - their modules are imported from different folders, or the tasks belong to different Celery apps in different
      modules: they may never meet in one process;
    - one of the names is uncertain, such as the automatic name in a module that may be imported under several names;
    - one is a class that is never passed to `register_task`;
    - the names are equal because of a decorator without `functools.wraps`: that is CLY104.

    ## Fix

    Rename one of them. Messages that are still in the queue run whichever of the two is registered, so only you can
    tell which name may change.
    """

    code = "CLY102"
    see = ("tasks#names",)
    message = "Task name {name!r} is also used at {place}: Celery keeps only one of the two; rename one of them"
    quiet_in_tests = True

    def check(self, facts: Facts) -> Iterator[Violation]:
        """Report each definition that has the same name as another one, at the name."""
        if not facts.module.place.path.endswith(".py"):
            return  # no worker imports this file; standard input may be one of the project's own modules
        names = [(task, name) for task in facts.tasks if (name := _name(task)) is not None]
        counted = Counter(name for _, name in names)
        for task, name in names:
            automatic = task.explicit_name is MISSING
            # Another task can have the same automatic name only if it spells the name out or is in the same module.
            if automatic and counted[name] == 1 and not _is_written(task, name):
                continue
            rival = tasks_of(task.project).rival(task.definition, name)
            if rival is not None:
                place = _place(rival)
                if automatic:
                    yield self.report_name(task, name=name, place=place)
                else:
                    yield self.report(task.module, task.keyword("name"), name=name, place=place)


def _name(task: Task) -> str | None:
    """Return the name of a task, None unless it is certain."""
    if task.is_opaque or (task.explicit_name is MISSING and task.renaming is not None):
        return None
    return definitions.name_of(task.project, task.definition)


def _is_written(task: Task, name: str) -> bool:
    """Return whether an automatic name is spelled out anywhere in the project.

    The automatic names of a module share a prefix, so the project is searched once per module.
    """
    owner, _, last = name.rpartition(".")
    asked = _owners(task.project)
    if owner not in asked and len(asked) >= _MOST_OWNERS:
        return True
    asked.add(owner)
    return encoded(last) in _written_out(task.project, owner)


#: After searches for this many modules, it takes less to index all tasks.
_MOST_OWNERS: Final = 50


@query()
def _owners(_project: Project) -> set[str]:
    """Return the modules whose names were searched for."""
    return set()


@query()
def _written_out(project: Project, owner: str) -> frozenset[bytes]:
    """Return the words that follow the name of a module and a dot anywhere in a project."""
    start = encoded(f"{owner}.")
    texts = (project.files.read(path) or b"" for path in project.files.holding(start))
    words = (_WORD.match(rest) for text in texts for rest in text.split(start)[1:])
    return frozenset(word[0] for word in words if word is not None)


def _place(found: Definition) -> str:
    return f"{found.module.place.relative}:{found.symbol.line}"
