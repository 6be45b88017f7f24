from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.binding.nodes import uses_of
from flake8_celery_tasks.catalog.methods import SENDS
from flake8_celery_tasks.celery_model.objects import CanvasThing, SignatureThing
from flake8_celery_tasks.facts.results import Returned, is_called
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Methods of a task's class that may process the task's return value.
_HOOKS = ("__call__", "after_return", "on_success")


class SignatureReturned(Rule[Returned]):
    """A task returns a signature or canvas, which sends nothing.

    ## What happens

    A signature is a dict that records which task to call with which arguments. A task that returns one succeeds with
    that dict as its result. The tasks in it are never sent, and code that waits for the result gets the dict:

    ```text
    Task shop_ship_all[...] succeeded in ...s: {'task': 'celery.group', ...}
    ```

    ## Bad

    ```python
    from celery import group, shared_task


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    @shared_task(name="shop_ship_all")
    def ship_all(numbers):
        return group(ship.s(number) for number in numbers)
    ```

    ## Good

    ```python
    from celery import group, shared_task


    @shared_task(name="shop_ship")
    def ship(number):
        print(number)


    @shared_task(name="shop_ship_all", bind=True)
    def ship_all(self, numbers):
        raise self.replace(group(ship.s(number) for number in numbers))
    ```

    ## Not reported when

    - the task is also called as a function outside tests, or given to one that may call it: that may send the return
      value;
    - the signature has a name and something else is done with it;
    - the signature was an argument of the task;
    - a decorator below the task decorator, or a `__call__`, `on_success` or `after_return` of the task's class, may
      send it, or can't be resolved.

    ## Fix

    Write `raise self.replace(signature)` with `bind=True`: the tasks then run in place of this one, and their result
    becomes its result. If nobody needs that result, send them: `signature.delay()`. Either way, the tasks run for the
    first time.
    """

    code = "CLY519"
    see = ("Task#celery.app.task.Task.replace", "canvas#signatures")
    message = "Task {task!r} returns {what}: it succeeds with a dict, and nothing is sent; {advice}"

    def check(self, fact: Returned) -> Iterator[Violation]:
        """Report return values that are certainly signatures."""
        task = fact.task
        things = [fact.context.thing(node, site) for node, site in fact.values]
        if not things or not all(isinstance(thing, (SignatureThing, CanvasThing)) for thing in things):
            return
        if task.is_opaque or not task.is_transparent or task.overrides(*_HOOKS) is not False:
            return
        if not _is_used(fact) and not is_called(task):
            text = shown(fact.node)
            me = task.me
            advice = "add bind=True and write 'raise self.replace(...)'"
            if task.bound is True or task.is_class:
                advice = f"write 'raise {me}.replace(...)'"
            yield self.report(fact.module, fact.node, task=task.node.name, what=f"'{text}'", advice=advice)


def _is_used(fact: Returned) -> bool:
    """Return whether code uses a returned name for more than setting its options: it may send it."""
    name = fact.name
    uses = uses_of(fact.task.function, {name}) if name is not None else ()
    return any(
        use.attribute in (*SENDS, "apply", "__call__") or (use.attribute is None and use.node is not fact.node)
        for use in uses
    )
