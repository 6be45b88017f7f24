"""A project in which one file holds another text."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from flake8_celery_tasks.resolution.project import Project

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.celery_model.registry import Index
    from flake8_celery_tasks.workspace.cache import Cache, Stamp


class Revised(Project):
    """A project in which one file holds another text, to be opened: what other files say is taken from the project.

    Nothing that was concluded from several files is, and nothing is saved.
    """

    def __init__(self, before: Project, path: str) -> None:
        super().__init__(before.layout.root, before.options)
        self.layout = before.layout
        self._before = before
        self._path = path

    def module(self, path: str) -> Module | None:
        """Return the module of a file."""
        return self._modules[path] if path == self._path else self._before.module(path)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file as they are on disk."""
        return self._before.read(path)

    @cached_property
    def cache(self) -> Cache:
        """What earlier runs found out."""
        return self._before.cache

    @cached_property
    def stamps(self) -> dict[str, Stamp | None]:
        """The stamps of the project's files."""
        return self._before.stamps

    @property
    def _texts_of_interest(self) -> dict[str, bytes | None]:
        return self._before._texts_of_interest  # noqa: SLF001 - of its own class

    @cached_property
    def version(self) -> tuple[int, int]:
        """The Celery version to judge by."""
        return self._before.version

    @cached_property
    def has_own_names(self) -> bool:
        """Whether some app may make automatic names in its own way."""
        return self._before.has_own_names

    @cached_property
    def tasks(self) -> Index:
        """The index of the project's tasks."""
        from flake8_celery_tasks.celery_model.registry import Index

        return Index(self)
