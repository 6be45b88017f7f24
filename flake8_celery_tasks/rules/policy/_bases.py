"""The tasks that inherit from a task class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


def heirs(project: Project, base: Target) -> Iterator[Defined]:
    """Yield the tasks of a project, outside tests, whose class is the given one or inherits from it."""
    found: dict[tuple[str, str, int], Definition] = {}
    tasks = tasks_of(project)
    for name in tasks.by_name:
        found.update((item.place, item) for item in tasks.definitions(name))
    for definition in found.values():
        if not project.is_test(definition.module):
            task = Defined(project, definition)
            if task.inherits(base.path):
                yield task
