from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.contract import known
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.resolution.evaluation import settled
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class RouteMatchesNothing(Rule[Setting]):
    """A route or an annotation names a task that does not exist.

    ## What happens

    Celery looks up `task_routes` and `task_annotations` by the name of the task that is sent or registered. A key that
    matches no task is never used. Nothing is logged: the intended task goes to the default queue and keeps its own
    options.

    ```pycon
    >>> from shop.celery import app
    >>> app.amqp.router.route({}, "shop.fetch_rates")["queue"].name
    'celery'
    ```

    In `task_routes`, a key with a `*` is a pattern. `task_annotations` has no patterns; only the key `"*"` is special
    there, and means all tasks.

    ## Bad

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_routes = {"shop.fetsh_rates": {"queue": "slow"}}
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.fetch_rates")
    def fetch_rates():
        print("rates")
    ```

    ## Good

    ```python title="shop/celery.py"
    from celery import Celery

    app = Celery("shop")
    app.conf.task_routes = {"shop.fetch_*": {"queue": "slow"}}
    ```

    ```python title="shop/tasks.py"
    from celery import shared_task


    @shared_task(name="shop.fetch_rates")
    def fetch_rates():
        print("rates")
    ```

    ## Not reported when

    - no task of the project shares the first dotted part of the name, and none has a similar name: the task may be in
      another package;
    - a file that can't be parsed may define the key's task, or a name that can't be resolved may be its name;
    - the module is a test.

    ## Fix

    Write the name of the intended task, or remove the key. With the right name, messages go to another queue, so make
    sure that a worker consumes it.
    """

    code = "CLY805"
    see = ("routing#automatic-routing", "configuration#task-routes", "configuration#task-annotations")
    message = "No task matches the {what} {key!r}: it has no effect; {advice}"
    no_pattern: Final = "task_annotations has no patterns: {key!r} has no effect; write the task's whole name, or '*'"
    quiet_in_tests = True

    def check(self, setting: Setting) -> Iterator[Violation]:
        """Report keys that match no task, at the key."""
        if setting.name not in ("task_annotations", "task_routes"):
            return
        project = setting.project
        others = known.known_tasks(project)
        for key, node in _keys(setting, setting.value):
            if not isinstance(key, str):
                continue
            if setting.name == "task_annotations" and "*" in key:
                if key != "*":
                    yield self.report(setting.module, node, self.no_pattern, key=key)
            elif "*" in key:
                if tasks_of(project).is_unmatched(key, others.tasks if others else ()):
                    meant = tasks_of(project).meant_by_glob(key)
                    advice = "correct or remove it" if meant is None else f"did you mean {meant!r}?"
                    yield self.report(setting.module, node, what="route", key=key, advice=advice)
            elif known.is_unknown(project, key, setting.module, closed=False):
                meant = known.meant(project, key, setting.module)
                advice = "correct or remove it" if meant is None else f"did you mean {meant!r}?"
                what = "route" if setting.name == "task_routes" else "annotation"
                yield self.report(setting.module, node, what=what, key=key, advice=advice)


def _keys(setting: Setting, node: ast.expr) -> Iterator[tuple[Any, ast.AST]]:
    """Yield the keys of a map, of the maps in a list, and of pairs in a list in a list."""
    found = display(setting.project, setting.module, node, setting.site)
    if found is not None:
        for key, written in found[0]:
            yield key, written.key
        return
    for item in getattr(node, "elts", ()):
        elements = getattr(item, "elts", None)
        if elements is None:
            yield from _keys(setting, item)
            continue
        for pair in elements:
            if isinstance(pair, ast.Tuple) and len(pair.elts) == 2:
                yield settled(setting.project, setting.module, pair.elts[0], setting.site), pair.elts[0]
