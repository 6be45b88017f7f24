from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.decorators import only_calls, wrapper_in
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix

#: Decorators that return another function, without the methods of the task.
WRAPPERS: Final = frozenset(
    {
        "backoff.on_exception",
        "backoff.on_predicate",
        "contextlib.asynccontextmanager",
        "contextlib.contextmanager",
        "django.contrib.auth.decorators.login_required",
        "django.contrib.auth.decorators.permission_required",
        "django.contrib.auth.decorators.user_passes_test",
        "django.db.transaction.atomic",
        "django.test.override_settings",
        "django.test.utils.override_settings",
        "django.utils.translation.override",
        "functools.cache",
        "functools.lru_cache",
        "functools.singledispatch",
        "retrying.retry",
        "tenacity.retry",
        "unittest.mock.patch",
        "unittest.mock.patch.object",
    }
)

#: Advice for decorators that can't be below the task decorator either. A cache does not return a function:
#: Celery reads the parameters of a callable object and fails with an AttributeError when the app is finalised.
UNMOVABLE: Final = {
    "contextlib.asynccontextmanager": "drop it",
    "contextlib.contextmanager": "drop it",
    "django.contrib.auth.decorators.login_required": "drop it",
    "django.contrib.auth.decorators.permission_required": "drop it",
    "django.contrib.auth.decorators.user_passes_test": "drop it",
    "functools.cache": "put it on a function that the task calls",
    "functools.lru_cache": "put it on a function that the task calls",
    "functools.singledispatch": "put it on a function that the task calls",
}


class DecoratorAboveTask(Rule[Task]):
    """A decorator above the task decorator wraps the task in a plain function.

    ## What happens

    The worker runs the function that the task decorator got, without the decorators above it. A transaction, a cache or
    a lock up there has no effect when the task runs. The name refers to the outermost wrapper, which has no `delay`:

    ```text
    AttributeError: 'function' object has no attribute 'delay'
    ```

    ## Bad

    ```python
    from celery import shared_task
    from django.db import transaction


    @transaction.atomic
    @shared_task(name="shop_close_order")
    def close_order(order_pk):
        print(order_pk)
    ```

    ```python
    import functools

    from celery import shared_task


    def timed(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            print("from now on")
            return function(*args, **kwargs)

        return wrapper


    @timed
    @shared_task(name="shop_close_order")
    def close_order(order_pk):
        print(order_pk)
    ```

    ## Good

    ```python
    from celery import shared_task
    from django.db import transaction


    @shared_task(name="shop_close_order")
    @transaction.atomic
    def close_order(order_pk):
        print(order_pk)
    ```

    ## Not reported when

    - the decorator returns its argument (`receiver`, `.connect`, registries), or can't be resolved;
    - a decorator of the project sets attributes on its wrapper: `delay` may be one of them;
    - a decorator of the project does more with the task than call it: it may send it (`function.delay(...)`), or pass
      it to something that does;
    - a decorator of the project that can't be resolved creates the task.

    ## Fix

    Move the decorator below the task decorator. The automatic fix does that with well-known ones such as
    `transaction.atomic`. One of the project's own needs `functools.wraps`, otherwise the task's name changes (CLY104).
    A cache (`functools.lru_cache`, `functools.cache`) belongs on a function that the task calls: below the task
    decorator, Celery can't read the parameters of the cached object, and fails when the app is finalised.
    """

    code = "CLY513"
    see = ("tasks#multiple-decorators",)
    fixes = "safe"
    message = (
        "{decorator} above the task decorator removes .delay from {function!r} and never runs in the worker; {advice}"
    )

    def check(self, task: Task) -> Iterator[Violation]:
        """Report each wrapper above the task decorator, at the wrapper."""
        if task.is_opaque:
            return
        for node in task.above:
            if self._wraps(task, node):
                name = unparsed(node.func if isinstance(node, ast.Call) else node)
                advice = UNMOVABLE.get(self._path(task, node), "move it below")
                yield self.report(task.module, node, decorator=f"'{name}'", function=task.node.name, advice=advice)

    def _wraps(self, task: Task, node: ast.expr) -> bool:
        called = isinstance(node, ast.Call)
        value = task.module.value(node.func if isinstance(node, ast.Call) else node, task.site.scope)
        if not isinstance(value, Ref):
            return False
        target = task.project.resolve(value.path, task.module)
        if target.module is None or not isinstance(target.symbol, Function) or target.rest:
            return target.path in WRAPPERS
        wrapper = wrapper_in(task.project, target.symbol, target.module, called=called)
        return (
            wrapper is not None and wrapper.name not in _adorned(target.module) and only_calls(target.module, wrapper)
        )

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Move the lowest known decorator below the task decorator; further runs move the others."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import MoveDecorator

        known = [node for node in task.above if self._wraps(task, node) and self._can_move(task, node)]
        if not known or task.decorator is None or task.module.source.position(known[-1]) != violation[:2]:
            return None
        return Fix((MoveDecorator(known[-1], task.decorator),), safe=True)

    def _can_move(self, task: Task, node: ast.expr) -> bool:
        path = self._path(task, node)
        return path in WRAPPERS and path not in UNMOVABLE

    def _path(self, task: Task, node: ast.expr) -> str:
        value = task.module.value(node.func if isinstance(node, ast.Call) else node, task.site.scope)
        return task.project.path_of(value, task.module)


@query()
def _adorned(module: Module) -> set[str]:
    """Return the names of objects that a module sets attributes on."""
    owners = [target.value for _, target, _, _ in module.candidates.stores if isinstance(target, ast.Attribute)]
    owners += [call.args[0] for call, _ in module.calls_of("setattr") if isinstance(call.func, ast.Name) and call.args]
    return {owner.id for owner in owners if isinstance(owner, ast.Name)}
