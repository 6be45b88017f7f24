"""The tasks of other services, as `celery-known-tasks` names them: by their records, or by what their workers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.contract import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flake8_celery_tasks.contract.record import RecordedTask


class KnownTasks(NamedTuple):
    """The tasks of other services.

    `tasks` holds them by name: with None where nothing but the name is known, or several services have it. `uncertain`
    are the places, as `module:function`, of tasks whose names can't be known.
    """

    tasks: Mapping[str, RecordedTask | None]
    uncertain: tuple[str, ...] = ()

    def may_have(self, name: str) -> bool:
        """Return whether a task whose name can't be known may have a name.

        What is known of it is where it stands: its name is taken to begin with its top package, or to end as its
        function is called.
        """
        first, last = name.partition(".")[0], name.rpartition(".")[2]
        for place in self.uncertain:
            module, _, function = place.rpartition(":")
            if first == module.partition(".")[0] or last == function.rpartition(".")[2]:
                return True
        return False


def load(paths: Iterable[str]) -> KnownTasks:
    """Return the tasks that some files name. Raises RecordError for one that is neither kind of file."""
    uncertain: list[str] = []
    found: dict[str, list[RecordedTask]] = {}
    for path in paths:
        content = record.content_of(path)
        if _is_registered(content):
            # A record says more of a task than a worker does.
            for name in _registered(content):
                found.setdefault(name, [])
            continue
        read = record.of(content, path)
        uncertain += read.uncertain
        for name, task in read.tasks.items():
            found.setdefault(name, []).append(task)
    tasks = {
        name: several[0] if several and all(task == several[0] for task in several) else None
        for name, several in found.items()
    }
    return KnownTasks(tasks, tuple(uncertain))


def _is_registered(content: object) -> bool:
    """Return whether some JSON is what `celery inspect registered --json` prints: a list for each worker."""
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in content.values())
    )


def _registered(content: Mapping[str, list[str]]) -> Iterator[str]:
    for names in content.values():
        for name in names:
            # `shop.pay [rate_limit=10/m]`: behind the name some attributes, where the task has them.
            yield name.partition(" [")[0] if name.endswith("]") else name
