"""The tasks of other services, from the files that `celery-known-tasks` names: records, or the output of workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.spelling import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.contract.present import Present
    from flake8_celery_tasks.contract.record import RecordedTask
    from flake8_celery_tasks.resolution.project import Project


class KnownTasks(NamedTuple):
    """The tasks of other services.

    `tasks` holds them by name, with None if only the name is known, or if several services have it. `uncertain` are the
    places, as `module:function`, of tasks whose names can't be determined.
    """

    tasks: Mapping[str, RecordedTask | None]
    uncertain: tuple[str, ...] = ()

    def may_have(self, name: str) -> bool:
        """Return whether a task whose name can't be determined may have a name.

        Only its place is known: its name is assumed to start with its top package, or to end with its function's name.
        """
        first, last = name.partition(".")[0], name.rpartition(".")[2]
        for place in self.uncertain:
            module, _, function = place.rpartition(":")
            if first == module.partition(".")[0] or last == function.rpartition(".")[2]:
                return True
        return False


def load(paths: Iterable[str]) -> KnownTasks:
    """Return the tasks that some files name. Raises RecordError for a file that is of neither kind."""
    from flake8_celery_tasks.contract import record  # few projects name records

    uncertain: list[str] = []
    found: dict[str, list[RecordedTask]] = {}
    for path in paths:
        content = record.content_of(path)
        if _is_registered(content):
            # A record says more about a task than a worker does.
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
    """Return whether JSON data is the output of `celery inspect registered --json`: a list for each worker."""
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in content.values())
    )


def _registered(content: Mapping[str, list[str]]) -> Iterator[str]:
    for names in content.values():
        for name in names:
            # `shop.pay [rate_limit=10/m]`: the name may be followed by attributes.
            yield name.partition(" [")[0] if name.endswith("]") else name


# What a project knows about names.


@query(shared=True)
def known_tasks(project: Project) -> KnownTasks | None:
    """Return the tasks of other services, None if no record of one is configured."""
    return load(project.options.celery_known_tasks) if project.options.celery_known_tasks else None


@query()
def _present(project: Project) -> Present:
    from flake8_celery_tasks.contract.present import Present

    return Present([project])


@query(shared=True)
def _words(project: Project) -> Words:
    known = known_tasks(project)
    return Words({} if known is None else known.tasks)


def is_unknown(project: Project, name: str, origin: Module, *, closed: bool = True) -> bool:
    """Return whether a name certainly belongs to no task, of the project or of a service that it knows.

    If it knows any service, the name need not look like one of the project's, since all names are known then. Without
    `closed` it has to.
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
    """Return the name of the task that was probably meant, None if it is ambiguous or there is none."""
    return tasks_of(project).meant(name, origin) or _words(project).close_match(name)


def foreign(project: Project, name: str) -> RecordedTask | None:
    """Return what is known about another service's task, None if the name may be the project's own."""
    known = known_tasks(project)
    return None if known is None or tasks_of(project).has(name) else known.tasks.get(name)


def signature(project: Project, name: str) -> Params | None:
    """Return the parameters of the only task with a name, as its senders see them; None if they can't be determined."""
    tasks = tasks_of(project)
    found = tasks.definitions(name)
    if len(found) == 1 and not project.is_test(found[0].module) and not tasks.may_be_unread(name):
        from flake8_celery_tasks.contract.present import signature_of

        return signature_of(Defined(project, found[0]))
    other = None if found else foreign(project, name)
    return None if other is None else other.signature
