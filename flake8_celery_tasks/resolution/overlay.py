"""A project in which one file holds another text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.resolution.project import Project
from flake8_celery_tasks.workspace.files import Files

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module


class Overlay(Project):
    """A project in which one file holds another text, to be opened: what other files say is taken from the project.

    Nothing that was concluded from several files is, but the answers of queries that are `shared`; nothing is saved.
    """

    def __init__(self, before: Project, path: str) -> None:
        super().__init__(Files(before.files.disk), before.options, before.excluded, bases_of_app=before.bases_of_app)
        self.agreement = before.agreement
        self.before: Project = before
        self._path = path

    def module(self, path: str) -> Module | None:
        """Return the module of a file."""
        return self._modules[path] if path == self._path else self.before.module(path)
