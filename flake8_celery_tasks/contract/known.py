"""The tasks of other services, as `celery-known-tasks` names them: by their records, or by what their workers say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.contract import record
from flake8_celery_tasks.contract.present import Present, signature_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.contract.record import RecordedTask
    from flake8_celery_tasks.resolution.project import Project


class KnownTasks(NamedTuple):
    """The tasks of other services.

    `tasks` holds them by name: with None where nothing but the name is known, or several services have it. `uncertain`
    are the places, as `module:function`, of tasks whose names can't be known.
    """

    tasks: Mapping[str, RecordedTask | None]
    uncertain: tuple[str, ...] = ()

    def may_have(self, name: str) -> bool:
        """Return whether a task whose name can't be known may have a name.

        What is known of it is where it is: its name is taken to begin with its top package, or to end as its
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


# What a project knows of names.


@query(shared=True)
def known_tasks(project: Project) -> KnownTasks | None:
    """Return the tasks of other services, None where no record of one is named."""
    return load(project.options.celery_known_tasks) if project.options.celery_known_tasks else None


@query()
def _present(project: Project) -> Present:
    return Present([project])


@query(shared=True)
def _words(project: Project) -> Words:
    known = known_tasks(project)
    return Words({} if known is None else known.tasks)


def is_unknown(project: Project, name: str, origin: Module, *, closed: bool = True) -> bool:
    """Return whether certainly no task has a name, of the project or of a service that it knows.

    Where it knows any, the name need not be like one of the project's: all names are known then. Without `closed` it
    has to be all the same.
    """
    tasks, known = tasks_of(project), known_tasks(project)
    if known is None:
        return tasks.is_unknown(name, origin)
    if name in known.tasks or name.startswith("celery.") or known.may_have(name):
        return False
    present = _present(project)
    if name in present.by_name or present.may_have(name):
        return False
    return tasks.is_unknown(name, origin, closed=closed)


def meant(project: Project, name: str, origin: Module) -> str | None:
    """Return the name of a task that was probably meant, None where it may be any or none."""
    return tasks_of(project).meant(name, origin) or _words(project).close_match(name)


def foreign(project: Project, name: str) -> RecordedTask | None:
    """Return what is known of the task of another service, None where the name may be the project's own."""
    known = known_tasks(project)
    return None if known is None or tasks_of(project).has(name) else known.tasks.get(name)


def signature(project: Project, name: str) -> Params | None:
    """Return the parameters of the only task of a name, as its senders see them; None where they can't be known."""
    tasks = tasks_of(project)
    found = tasks.definitions(name)
    if len(found) == 1 and not project.is_test(found[0].module) and not tasks.may_be_unread(name):
        return signature_of(Defined(project, found[0]))
    other = None if found else foreign(project, name)
    return None if other is None else other.signature
