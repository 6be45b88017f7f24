"""All tasks of a project, by name: what a worker that loads every module would have registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks import recognise
from flake8_celery_tasks.catalog.task_options import BUILTIN_TASKS
from flake8_celery_tasks.recognise import CLASS_TASK, OPAQUE
from flake8_celery_tasks.symbols import Bound
from flake8_celery_tasks.values import Const, Invoke

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project
    from flake8_celery_tasks.recognise import Definition
    from flake8_celery_tasks.values import Value

#: What a file must hold to define a task, or to be where a decorator of the project's own is used.
MARKS = (b"task", b"Task", b"elery")


class Index:
    """The tasks of a project.

    `by_name` holds the definitions under each name that is certain. `possible` are names that some definition may
    have: those that a decorator which can't be read may give, automatic names of modules whose place in the import
    system is not certain. `unread` are files that could hold definitions but can't be parsed.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.by_name: dict[str, list[Definition]] = {}
        self.possible: set[str] = set()
        self.unread: list[str] = []
        #: Whether some definition has a name that nothing is known of.
        self.has_nameless = False
        for path in project.files_with(*MARKS):
            module = project.module(path)
            if module is None:
                self.unread.append(path)
                continue
            for found in _definitions(project, module):
                self._add(found)

    def _add(self, found: Definition) -> None:
        name = recognise.name_of(self.project, found)
        if name is not None and found.decorator.form != OPAQUE:
            self.by_name.setdefault(name, []).append(found)
            return
        module, function = found.module, found.symbol.qualname.rpartition(".")[2]
        parts = module.place.name.split(".")
        self.possible.update(".".join([*parts[start:], function]) for start in range(len(parts)))
        texts = list(_texts(found))
        self.possible.update(texts)
        if found.decorator.form != CLASS_TASK and not texts and found.decorator.spread:
            self.has_nameless = True

    def has(self, name: str) -> bool:
        """Return whether some task has, or may have, a name."""
        return name in self.by_name or name in self.possible or name in BUILTIN_TASKS

    @property
    def namespaces(self) -> frozenset[str]:
        """The first dotted parts of the names of the project's tasks."""
        return frozenset(name.partition(".")[0] for name in (*self.by_name, *self.possible))

    def definitions(self, name: str) -> list[Definition]:
        """Return the definitions of a name, tests left out where others define it too."""
        found = self.by_name.get(name, [])
        return [item for item in found if not self.project.is_test(item.module)] or found


def _definitions(project: Project, module: Module) -> Iterator[Definition]:
    yield from recognise.definitions(project, module)
    for name in module.names():
        for symbol in module.symbols(name):
            if isinstance(symbol, Bound) and isinstance(symbol.value, Invoke):
                found = recognise.applied(project, symbol.value, module)
                if found is not None:
                    yield found


def _texts(found: Definition) -> Iterator[str]:
    """Yield the texts that a decorator is given by position or as its name: one of them may be the task's name."""
    decorators = found.symbol.decorators
    values: tuple[Value, ...] = decorators[found.index : found.index + 1] if found.index >= 0 else ()
    for value in values:
        if isinstance(value, Invoke):
            for item in (*value.args, *(item for key, item in value.keywords if key == "name")):
                if isinstance(item, Const) and isinstance(item.value, str):
                    yield item.value
