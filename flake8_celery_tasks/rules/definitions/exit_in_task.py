from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.scopes import FUNCTION, LAMBDA
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.calls import trys_around
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution import exceptions
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.core.violation import Violation

#: Calls that end the process, and whether they raise `SystemExit` to do so.
_EXITS = {"builtins.exit": True, "builtins.quit": True, "os._exit": False, "sys.exit": True}

#: The endings of the function names that matter here.
_NAMES = ("exit", "fork", "quit")

_SYSTEM_EXIT = ("builtins.SystemExit", "builtins.BaseException")


class ExitInTask(Rule[Task]):
    """A task calls `sys.exit()`, `exit()`, `quit()` or `os._exit()`, and ends its pool process.

    ## What happens

    A task runs in a pool process, and the call ends that process. The worker starts another one and treats the task as
    lost. `autoretry_for=(Exception,)` does not see it, since `SystemExit` is not an `Exception`:

    ```text
    Task handler raised error: WorkerLostError('Worker exited prematurely: exitcode 1.')
    ```

    Up to Celery 5.6 the result may stay PENDING forever.

    ## Bad

    ```python
    import sys

    from celery import shared_task

    from shop.search import index_is_enabled


    @shared_task(name="shop_rebuild_index")
    def rebuild_index():
        if not index_is_enabled():
            sys.exit(1)
        print("rebuilding")
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.search import index_is_enabled


    @shared_task(name="shop_rebuild_index")
    def rebuild_index():
        if not index_is_enabled():
            raise RuntimeError("The index is not enabled")
        print("rebuilding")
    ```

    ## Not reported when

    - the call is in a `try` whose handler catches `SystemExit`, or may catch it;
    - the call is in a function inside the task, which may run in its own process;
    - the task forks: `os._exit()` is how a child process ends.

    ## Fix

    Write `return` if there is nothing to do, or raise an exception if the task failed. Only you know which is meant.
    """

    code = "CLY515"
    see = ("tasks#semipredicates", "configuration#task-reject-on-worker-lost")
    message = "{call} in task {function!r} ends the pool process, and the task is lost; return, or raise"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report calls that end the process."""
        calls = list(self._calls(task))
        forks = any(path == "os.fork" for _, _, path in calls)
        for call, site, path in calls:
            around = next(around for around in site.chain() if around.kind in (FUNCTION, LAMBDA))
            if around.node is not task.function or path not in _EXITS:
                continue
            if not (self._is_caught(task, site) if _EXITS[path] else forks):
                name = unparsed(call.func)
                yield self.report(task.module, call, call=f"{name}()", function=task.node.name)

    def _calls(self, task: Task) -> Iterator[tuple[ast.Call, Site, str]]:
        """Yield the calls in the task's body that may end or start a process, each with the function that it calls."""
        for call, site in task.calls():
            value = task.module.value(call.func, site.scope)
            if isinstance(value, Ref) and _may_end(task.module, value.path):
                yield call, site, task.project.resolve(value.path, task.module).path

    def _is_caught(self, task: Task, site: Site) -> bool:
        """Return whether the task may catch a `SystemExit` from a place."""
        for node, part in trys_around(site, task.function):
            if part == "body":
                for handler in node.handlers:
                    caught = handler.type is None or exceptions.catches(
                        task.project, task.module, handler.type, site, _SYSTEM_EXIT
                    )
                    if caught is not False:
                        return True
        return False


@query()
def _may_end(module: Module, path: str) -> bool:
    """Return whether a name may stand for a function that ends or starts a process."""
    aliases = module.bindings(path.removeprefix(":"))
    return any(one.endswith(_NAMES) for one in (path, *(alias.path for alias in aliases)))
