from __future__ import annotations

import ast
import datetime
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed
from flake8_celery_tasks.binding.values import MISSING
from flake8_celery_tasks.catalog.call_options import BEAT_INTERNAL_KEYS, BEAT_KEYS, OPTIONS
from flake8_celery_tasks.celery_model import settings
from flake8_celery_tasks.celery_model.objects import SignatureThing, TaskThing
from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.facts.configured.schedules import BeatEntry
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation


class InvalidBeatEntry(Rule[BeatEntry]):
    """The beat schedule has an entry that beat can't use.

    ## What happens

    An entry has a `task`, a `schedule`, and optionally `args`, `kwargs`, `options` and `relative`. With any other key,
    beat does not start:

    ```text
    TypeError: ScheduleEntry.__init__() got an unexpected keyword argument 'queue'
    ```

    A schedule is a number of seconds, a `timedelta` or an object such as `crontab(...)`. With a string or a mapping,
    beat does not start either:

    ```text
    AttributeError: 'str' object has no attribute 'app'
    ```

    With 0 or less, beat sends the task again and again without a pause. Without `task`, beat sends a message for the
    task `None`; without `schedule`, the entry never runs. `task` must be a name: a task object or a signature is never
    sent correctly.

    ## Bad

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.beat_schedule = {
        "clean-up": {"task": "shop.clean_up", "schedule": 60, "queue": "slow"},
    }
    ```

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.beat_schedule = {
        "clean-up": {"task": "shop.clean_up", "schedule": "60"},
    }
    ```

    ## Good

    ```python
    from celery import Celery

    app = Celery("shop")
    app.conf.beat_schedule = {
        "clean-up": {"task": "shop.clean_up", "schedule": 60, "options": {"queue": "slow"}},
    }
    ```

    ## Not reported when

    - the value can't be resolved;
    - an entry has other keys, and `beat_scheduler` is not Celery's own, or the project uses django-celery-beat, RedBeat
      or another scheduler that accepts more;
    - a key is missing, but a `**spread` that can't be resolved may contain it.

    ## Fix

    Move message options (`queue`, `expires`, ...) into `options`, and write the task's name. Only you know what else is
    intended.
    """

    code = "CLY804"
    see = ("periodic#available-fields",)
    message = "Beat entry {entry} has the key {key!r}: beat does not start, with TypeError{hint}"
    no_task: Final = "Beat entry {entry} has no 'task': beat sends a message that no worker knows; add the task's name"
    no_schedule: Final = "Beat entry {entry} has no 'schedule': it never runs; add seconds, a timedelta or a crontab"
    task_object: Final = (
        "Beat entry {entry} gives an object for 'task': it is never sent correctly; write its name, {name}"
    )
    wrong_type: Final = (
        "Beat entry {entry} has a {kind} for a schedule: beat does not start; write seconds, a timedelta or a crontab"
    )
    no_pause: Final = (
        "Beat entry {entry} has the schedule {value}: beat sends the task without a pause; write the seconds"
    )

    def check(self, entry: BeatEntry) -> Iterator[Violation]:
        """Report other keys, missing keys, and values that beat can't use, where they are written."""
        label = _label(entry)
        yield from self._schedule(entry, label)
        if entry.call is not None:
            return
        yield from self._task(entry, label)
        others = [key for key in entry.given if key not in BEAT_KEYS and key not in BEAT_INTERNAL_KEYS]
        if others and settings.has_celery_scheduler(entry.project):
            for key in others:
                meant = close_match(key, BEAT_KEYS)
                hint = "; remove it"
                if meant is not None:
                    hint = f"; did you mean {meant!r}?"
                elif key in OPTIONS:
                    hint = "; write it into 'options'"
                node = entry.given[key].key
                yield self.report(entry.module, node, entry=label, key=key, hint=hint)

    def _task(self, entry: BeatEntry, label: str) -> Iterator[Violation]:
        written = entry.given.get("task")
        if written is None:
            if entry.complete:
                yield self.report(entry.module, entry.node, self.no_task, entry=label)
        elif isinstance(written.value, ast.Constant) and written.value.value is None:
            yield self.report(entry.module, written.value, self.no_task, entry=label)
        elif isinstance(entry.thing("task"), (TaskThing, SignatureThing)):
            name = f"{unparsed(written.value)}.name" if isinstance(written.value, ast.Name) else "a string"
            yield self.report(entry.module, written.value, self.task_object, entry=label, name=name)

    def _schedule(self, entry: BeatEntry, label: str) -> Iterator[Violation]:
        written = entry.given.get("schedule")
        value = entry.value("schedule")
        if written is None:
            if value is MISSING and entry.call is None:
                yield self.report(entry.module, entry.node, self.no_schedule, entry=label)
        elif isinstance(value, (str, bytes)):
            yield self.report(entry.module, written.value, self.wrong_type, entry=label, kind="string")
        elif isinstance(value, (Table, list, tuple, set)):
            kind = "dict" if isinstance(value, Table) else type(value).__name__
            yield self.report(entry.module, written.value, self.wrong_type, entry=label, kind=kind)
        elif (isinstance(value, (int, float)) and value <= 0) or (
            isinstance(value, datetime.timedelta) and value <= datetime.timedelta()
        ):
            yield self.report(
                entry.module, written.value, self.no_pause, entry=label, value=unparsed(written.value)[:30]
            )


def _label(entry: BeatEntry) -> str:
    """Return an entry's name as a message shows it."""
    if isinstance(entry.name, str):
        return repr(cut(entry.name, 32))
    return "'...'" if entry.call is None else "of add_periodic_task"
