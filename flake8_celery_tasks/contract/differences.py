"""The differences between the existing record and a new one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.contract import signature
from flake8_celery_tasks.contract.record import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.contract.record import Record, RecordedTask

ADDED: Final = "added"
CHANGED: Final = "changed"
GONE: Final = "gone"
#: A task that is only defined elsewhere: no difference for its senders.
MOVED: Final = "moved"


class Difference(NamedTuple):
    """One difference between two records: the task by its name, what became of it, and in which way."""

    kind: str
    name: str
    details: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {_plain(self.name)}" + (f": {_plain(self.details)}" if self.details else "")


def differences(kept: Record, now: Record) -> Iterator[Difference]:
    """Yield the differences between two records, by name; formatting does not matter."""
    for name in sorted(kept.tasks.keys() | now.tasks.keys()):
        before, after = kept.tasks.get(name), now.tasks.get(name)
        if before is None:
            yield Difference(ADDED, name)
        elif after is None:
            yield Difference(GONE, name)
        elif changes := "; ".join(_changes(before, after)):
            yield Difference(CHANGED, name, changes)
        elif before.place != after.place:
            yield Difference(MOVED, name, f"from {before.place} to {after.place}")
    yield from (Difference(ADDED, place) for place in sorted(set(now.uncertain) - set(kept.uncertain)))
    yield from (Difference(GONE, place) for place in sorted(set(kept.uncertain) - set(now.uncertain)))


def _changes(before: RecordedTask, after: RecordedTask) -> Iterator[str]:
    if before.signature != after.signature:
        yield f"signature {_signature(before)} is {_signature(after)} now"
    for option in OPTIONS:
        old, new = (_option(task, option) for task in (before, after))
        if old != new:
            yield f"{option} {old} is {new} now"
    if before.result != after.result:
        yield f"result {before.result} is {after.result} now"


def _signature(task: RecordedTask) -> str:
    return "that can't be known" if task.signature is None else signature.as_text(task.signature)


def _option(task: RecordedTask, option: str) -> str:
    if option not in task.options:
        return "not given"
    value = task.options[option]
    if value is None:
        return "that can't be known"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _plain(text: str) -> str:
    """Return a text on one line, without characters that a terminal would obey."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
