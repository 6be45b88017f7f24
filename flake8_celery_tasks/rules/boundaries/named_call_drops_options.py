from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import routes_of, setting_values
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.contract import known
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.resolution.evaluation import is_plain
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace import layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.resolution.project import Project

#: Options that route a message. One of them in the call decides the route.
ROUTING: Final = ("queue", "exchange", "routing_key")

#: The other options of a task for its messages, which only the sender can set.
PUBLISHING: Final = ("priority", "expires", "serializer")

#: Settings that may give an option the same value, and their defaults.
_DEFAULTS: Final = {
    "queue": ("task_default_queue", "celery"),
    "priority": ("task_default_priority", None),
    "serializer": ("task_serializer", "json"),
}


class NamedCallDropsOptions(Rule[Invocation]):
    """A task is sent by name without the options that its decorator sets for its messages.

    ## What happens

    `queue`, `expires`, `priority` and similar options belong to the message, and the sender creates the message.
    `delay()` takes them from the task object; `send_task()` has only a name. So the message never expires, has no
    priority, and goes to the default queue, which perhaps no worker consumes. Nothing is logged, neither by the sender
    nor by a worker on the intended queue. Celery 5.7 deprecates `queue` on a task (CLY917), but with `delay()` it still
    works.

    Up to Celery 5.6 this always happens. From 5.7 on, `send_task()` looks up the task and keeps the options, but only
    in a process that has imported and registered it, which the other app's process may not have done. `ignore_result`,
    time limits and `acks_late` are not lost, since the worker applies them. The only exception is Celery 5.6.3, which
    stores the result of such a call despite `ignore_result`.

    ## Bad

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images", queue="images", expires=60)
    def generate_og_images(post_pk):
        print(post_pk)
    ```

    ```python title="blog/views.py"
    from celery import current_app


    def publish(post):
        current_app.send_task("content_generate_og_images", args=[post.pk])
    ```

    ## Good

    ```python title="content/tasks.py"
    from celery import shared_task


    @shared_task(name="content_generate_og_images", queue="images", expires=60)
    def generate_og_images(post_pk):
        print(post_pk)
    ```

    ```python title="blog/views.py"
    from celery import current_app


    def publish(post):
        current_app.send_task("content_generate_og_images", args=[post.pk], queue="images", expires=60)
    ```

    ## Not reported when

    - the call sets the option; any of `queue`, `exchange` and `routing_key` counts for all three;
    - `task_routes` covers the name, or can't be resolved: it then decides the queue, for calls by name too;
    - the option has the project's default value;
    - caller and task belong to one app, or the call is in a task and the project runs on Celery 5.7 or later: the
      process has then registered the task;
    - several tasks have the name, or `**options` in the call may contain the option;
    - the task belongs to another service, and its record in `celery-known-tasks` does not give the option's value;
    - the module is a test (`celery-test-paths`) or a migration.

    ## Fix

    Repeat the options in the call, or better, move `queue` into `task_routes`, which every sender reads. The messages
    then go to a different queue, so make sure that a worker consumes it.
    """

    code = "CLY405"
    see = ("routing#specifying-task-destination", "calling#routing-options", "Celery#celery.Celery.send_task")
    message = "send_task() does not read the decorator of {name!r}: {lost}; {advice}"
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report a call by name that loses options of the task, at the call."""
        if call.method != "send_task" or not isinstance(call.name, str):
            return
        options = self._options(call, call.name)
        lost = [name for name in (*ROUTING, *PUBLISHING) if name in options and _is_lost(call, name, options[name])]
        if any(call.argument(name) is not MISSING for name in ROUTING) or (
            not {*ROUTING}.isdisjoint(lost) and _may_be_routed(call.project, call.name)
        ):
            lost = [name for name in lost if name not in ROUTING]
        if lost:
            names = lost[0] if len(lost) == 1 else f"{', '.join(lost[:-1])} and {lost[-1]}"
            is_lost, advice = ("is lost", "repeat it here") if len(lost) == 1 else ("are lost", "repeat them here")
            yield self.report(call.module, call.node, name=call.name, lost=f"its {names} {is_lost}", advice=advice)

    def _options(self, call: Invocation, name: str) -> Mapping[str, Any]:
        """Return the options that a task sets for its messages, if the process of the call does not know them."""
        other = known.foreign(call.project, name)
        if other is not None:
            return {option: value for option, value in other.options.items() if value is not None}
        tasks = tasks_of(call.project)
        found = tasks.definitions(name)
        if len(found) != 1 or call.project.is_test(found[0].module) or tasks.may_be_unread(name):
            return {}
        task = Defined(call.project, found[0])
        if not self._is_apart(call, task):
            return {}
        return {option: task.option(option) for option in (*ROUTING, *PUBLISHING) if task.states(option)}

    def _is_apart(self, call: Invocation, task: Defined) -> bool:
        """Return whether the process of the call probably has not registered the task."""
        project = call.project
        own, other = (project.layout.app(module.place) for module in (call.module, task.module))
        if own is None or other is None or layout.is_one_app(own, other):
            return False
        return call.task is None or version_of(project) < (5, 7)


def _is_lost(call: Invocation, name: str, value: Any) -> bool:
    """Return whether a call omits an option of the task whose value differs from the project's default."""
    return call.argument(name) is MISSING and value is not None and not _is_default(call.project, name, value)


def _is_default(project: Project, name: str, value: Any) -> bool:
    if name not in _DEFAULTS:
        return False
    setting, otherwise = _DEFAULTS[name]
    return all(value == default or not is_plain(default) for default in setting_values(project, setting) or [otherwise])


def _may_be_routed(project: Project, name: str) -> bool:
    """Return whether `task_routes` covers a name, or may cover it because it can't be resolved."""
    routes = routes_of(project)
    return routes is None or any(table.has_other_keys or table.matching(name) for table in routes)
