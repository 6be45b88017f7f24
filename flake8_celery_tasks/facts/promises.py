"""What a record says of the file at hand that is not so any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.workspace.marks import MARKS

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.contract.agreement import Gone, Kept
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.resolution.project import Project


class GoneTask:
    """A recorded name that no task has any more. `task` is what it became, None where it stands for the module."""

    def __init__(self, project: Project, module: Module, gone: Gone, task: Task | None) -> None:
        self.project = project
        self.module = module
        self.gone = gone
        self.task = task

    @property
    def name(self) -> str:
        """The recorded name."""
        return self.gone.name

    @property
    def is_sent_by_new_name(self) -> bool:
        """Whether some file of the project has the name of today as a text, as who sends by name has."""
        name = "" if self.gone.entry is None else self.gone.entry.name
        quoted = [quote + name.encode("utf-8", "surrogatepass") + quote for quote in (b"'", b'"')]
        texts = (self.project.files.read(path) or b"" for path in self.project.files.holding(*MARKS))
        return any(text in content for content in texts for text in quoted)


class KeptTask:
    """A recorded name that exactly one task has, in the file at hand."""

    def __init__(self, kept: Kept, task: Task) -> None:
        self.module = task.module
        self.kept = kept
        self.task = task

    @property
    def name(self) -> str:
        """The recorded name."""
        return self.kept.name

    def parameter(self, name: str) -> ast.arg | None:
        """Return the node of a parameter of today, None where the function has none of that name."""
        args = self.task.function.args
        every = (*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg)
        return next((arg for arg in every if arg is not None and arg.arg == name), None)


def gone_tasks(facts: Facts) -> Iterator[GoneTask]:
    """Yield the recorded names that are gone and that the file tells of."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(facts.project)
    for gone in () if found is None else found.gone_in(facts.module.place.path):
        if gone.entry is None:
            yield GoneTask(facts.project, facts.module, gone, None)
        elif (task := _task(facts, gone.entry.definition)) is not None:
            yield GoneTask(facts.project, facts.module, gone, task)


def kept_tasks(facts: Facts) -> Iterator[KeptTask]:
    """Yield the recorded names that tasks of the file have."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(facts.project)
    for kept in () if found is None else found.kept_in(facts.module.place.path):
        if (task := _task(facts, kept.entry.definition)) is not None:
            yield KeptTask(kept, task)


def _task(facts: Facts, definition: Definition) -> Task | None:
    """Return the task of a definition in the file, with its nodes."""
    for task in facts.tasks:
        if task.definition.place == definition.place:
            return task
    # One that a call makes of a function: `app.task(function)`.
    for node, site, scope in facts.module.functions_called(definition.symbol.qualname):
        if node.lineno == definition.symbol.line:
            return Task(facts.project, definition, node, site, scope)
    return None


def gone_name(task: Task) -> GoneTask | None:
    """Return the recorded name of a task that goes by another one now, None where there is none."""
    from flake8_celery_tasks.contract import agreement

    found = agreement.agreement_of(task.project)
    for gone in () if found is None else found.gone_in(task.module.place.path):
        if gone.entry is not None and gone.entry.definition.place == task.definition.place:
            return GoneTask(task.project, task.module, gone, task)
    return None
