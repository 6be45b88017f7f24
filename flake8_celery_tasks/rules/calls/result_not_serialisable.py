from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.facts.results import Returned, is_called
from flake8_celery_tasks.rules.calls import _json
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.task import Task

#: What to return instead, where "what the caller needs of it" is not enough.
_CURES: Final = {
    _json.DURATION: "its total_seconds()",
    _json.EXCEPTION: "its message, or raise it",
    _json.FILE: "its path",
    _json.GENERATOR: "a list",
    _json.INSTANCE: "its key",
    _json.ITERATOR: "a list",
    _json.KEYS: "strings as keys",
    _json.PATH: "str() of it",
    _json.RANGE: "a list",
    _json.ROWS: "a list of values",
    _json.SET: "a sorted list",
    _json.VIEW: "a list",
}

#: Words of files that may teach JSON to encode more.
_ENCODERS: Final = (b"register_type(", b"kombu.serialization", b"kombu.utils.json")


class ResultNotSerialisable(Rule[Returned]):
    """A task returns something that JSON can't encode.

    ## What happens

    A task's return value is stored as JSON, unless `result_serializer` says otherwise. JSON has numbers, strings, None,
    lists and dicts; Celery adds dates, UUIDs, decimals and bytes. Anything else fails only after the function has
    returned: its work is done, but the task is marked as failed. `autoretry_for` does not see that error:

    ```text
    Task shop_send_newsletter[...] raised unexpected: EncodeError(TypeError('Object of type set is not JSON ...
    ```

    A test that runs the task eagerly, or calls it, does not show the mistake.

    ## Bad

    ```python
    from celery import shared_task

    from shop.mail import mail_newsletter


    @shared_task(name="shop_send_newsletter")
    def send_newsletter(addresses):
        failed = set()
        for address in addresses:
            try:
                mail_newsletter(address)
            except ConnectionError:
                failed.add(address)
        return failed
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.mail import mail_newsletter


    @shared_task(name="shop_send_newsletter")
    def send_newsletter(addresses):
        failed = set()
        for address in addresses:
            try:
                mail_newsletter(address)
            except ConnectionError:
                failed.add(address)
        return sorted(failed)
    ```

    ## Not reported when

    - the task or the project ignores results, or the project certainly has no result backend: nothing is then encoded;
    - the project sets a different `result_serializer`, or one that can't be resolved, or registers more types or
      serializers with kombu (`register_type`, `kombu.serialization`);
    - the task takes pydantic models (`pydantic=True`): it may return them too;
    - the task is also called as a function outside tests, or given to one that may call it: the value may be meant for
      that caller;
    - a decorator below the task decorator, or a `__call__` of the task's class, may convert the value, or can't be
      resolved;
    - it is uncertain what the task returns: a name has to have one kind of value;
    - the module is a test.

    ## Fix

    Return a list, a string, a number, or a key by which the caller can find the data. If nobody reads the result,
    return nothing, or set `ignore_result=True`.
    """

    code = "CLY620"
    see = ("calling#serializers", "tasks#ignore-results-you-don-t-want")
    quiet_in_tests = True
    message = "Task {task!r} returns {what}, which JSON can't encode: it fails after its work is done; {cure}"

    def check(self, fact: Returned) -> Iterator[Violation]:
        """Report return values that certainly can't be encoded."""
        what = _json.unencodable(fact.project, fact.module, fact.node, fact.site)
        if what is not None and _is_stored(fact.task) and not is_called(fact.task):
            cure = f"return {_CURES[what]}" if what in _CURES else "return what the caller needs of it"
            yield self.report(fact.module, fact.node, task=fact.task.node.name, what=what, cure=cure)


def _is_stored(task: Task) -> bool:
    """Return whether a task's result is stored as JSON, as far as the project's configuration shows."""
    if task.is_opaque or not task.is_transparent or task.overrides("__call__") is not False:
        return False
    if task.option("pydantic") is not MISSING or backends.backend(task.project) is False:
        return False
    if task.may_ignore_result:
        return False
    if any(value != "json" for value in setting_values(task.project, "result_serializer")):
        return False
    return next(task.project.files.holding(*_ENCODERS), None) is None
