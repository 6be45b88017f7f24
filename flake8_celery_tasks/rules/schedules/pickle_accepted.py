from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.facts.configured.settings import Setting
from flake8_celery_tasks.facts.options import MessageOption
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation

#: Settings that name serialisers.
NAMES: Final = frozenset(
    {"accept_content", "event_serializer", "result_accept_content", "result_serializer", "task_serializer"}
)

#: Pickle by its name, and by its content type.
PICKLE: Final = ("pickle", "application/x-python-serialize")


class PickleAccepted(Rule[Setting | Task | MessageOption]):
    """Messages are pickled, or workers accept pickled ones.

    ## What happens

    Loading a pickle runs the code that it contains. Anyone who can put a message on the broker, or a result into the
    result backend, can run code in a worker that accepts pickles, whatever task the message names. A worker that is
    started as root refuses to run at all:

    ```text
    Running a worker with superuser privileges when the
    worker accepts messages serialized with pickle is a very bad idea!
    ```

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.accept_content = ["json", "pickle"]
    ```

    ```python
    from celery import Celery

    app = Celery("shop", task_serializer="pickle")
    ```

    ```python
    from celery import shared_task


    @shared_task(name="shop_render", serializer="pickle")
    def render(order):
        print(order)


    def close(order):
        render.apply_async((order,), serializer="json")
    ```

    ## Good

    ```python
    from celery import Celery

    app = Celery("shop", task_serializer="json")
    app.conf.accept_content = ["json"]
    ```

    ## Not reported when

    - the value can't be resolved. The default of an environment variable applies;
    - Celery does not read the setting, because of its name or its place.

    ## Fix

    Send what JSON can encode, such as primary keys instead of objects. If the change takes long, accept both for a
    while, change the senders first, and remove pickle when no pickled message is left in the queue.
    """

    code = "CLY813"
    see = ("security#serializers", "configuration#accept-content")
    message = "{name} accepts pickle: anyone who reaches the broker can run code in the worker; use 'json'"
    sends: Final = "{name} is pickle: anyone who reaches the broker can run code where messages are read; use 'json'"

    def check(self, fact: Setting | Task | MessageOption) -> Iterator[Violation]:
        """Report pickle in a setting, or as the `serializer` of a task, a call or an entry."""
        if isinstance(fact, Setting):
            yield from self._in_setting(fact)
            return
        for node, value in _serializers(fact):
            if isinstance(value, str) and value in PICKLE:
                yield self.report(fact.module, node, self.sends, name="serializer")

    def _in_setting(self, setting: Setting) -> Iterator[Violation]:
        if setting.name not in NAMES:
            return
        value = setting.settled
        if isinstance(value, Called):
            symbolic = setting.module.value(setting.value, setting.site.scope)
            value = backends.written(setting.project, symbolic, setting.module)
        if isinstance(value, str) and value in PICKLE:
            yield self.report(setting.module, setting.value, self.sends, name=setting.key)
        elif isinstance(value, (list, tuple, set)) and any(isinstance(item, str) and item in PICKLE for item in value):
            members = getattr(setting.value, "elts", ())
            written = (node for node in members if isinstance(node, ast.Constant) and node.value in PICKLE)
            yield self.report(setting.module, next(written, setting.value), name=setting.key)


def _serializers(fact: Task | MessageOption) -> Iterator[tuple[ast.AST, Any]]:
    """Yield the `serializer` of a task, a call or a beat entry."""
    if isinstance(fact, Task):
        options = fact.written(("serializer",)) if fact.is_class else fact.stated()
        yield from ((node, fact.option(name)) for name, node in options if name == "serializer")
    elif fact.name == "serializer":
        yield from ((fact.node, fact.settled(branch)) for branch in fact.values)
