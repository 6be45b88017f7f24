"""The project around a file: its modules, and the options that apply to it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.resolution.classes import Classes
from flake8_celery_tasks.workspace.files import Disk, Files
from flake8_celery_tasks.workspace.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Unknown, Value
    from flake8_celery_tasks.core.options import Options
    from flake8_celery_tasks.resolution.resolver import Target
    from flake8_celery_tasks.workspace.cache import Cache

    #: A function that returns the marks of files that use a project's own task decorators.
    OwnMarks = Callable[["Project"], tuple[bytes, ...]]

    #: A function that returns the classes a base like `app.Task` stands for, None if it is not such a base.
    BasesOfApp = Callable[["Project", Value, Module], "list[Target | Unknown] | None"]


class Project(Classes):
    """The project around a file: it follows names from file to file, and resolves values and classes.

    The functions of `celery_model` know which parts of it are Celery's. This class doesn't, so it asks them through
    `bases_of_app` and `own_marks`: which base classes an app gives its tasks, and how to recognise files that use the
    project's own decorators. `when_indexed` is called with the project once all its tasks have been found.
    """

    def __init__(
        self,
        files: Files,
        options: Options,
        excluded: Sequence[str] = (),
        *,
        bases_of_app: BasesOfApp | None = None,
        own_marks: OwnMarks,
        when_indexed: Callable[[Project], None] | None = None,
    ) -> None:
        super().__init__(files)
        self.options = options
        self.excluded = tuple(excluded)
        self.bases_of_app = bases_of_app
        self.own_marks = own_marks
        #: The names of the project's own task decorators, as far as they have been found; None before the search.
        self.own_names: frozenset[str] | None = None
        held = weakref.ref(self)  # a cycle would keep the whole index alive after a run

        def ask() -> tuple[bytes, ...]:
            project = held()
            assert project is not None  # only its own files ask
            return own_marks(project)

        files.own_marks = ask
        self.when_indexed = when_indexed
        #: A function that returns the contract to check against, if a record is configured.
        self.agreement: Callable[[Project], Any] | None = None

    def is_test(self, module: Module) -> bool:
        """Return whether a module is a test or a migration."""
        return self.layout.is_test(module.place)

    def _bases(self, base: Value, module: Module) -> list[Target | Unknown]:
        """Return the classes of a base: for `app.Task` the class that the app gives its tasks, and Celery's."""
        found = None if self.bases_of_app is None else self.bases_of_app(self, base, module)
        return super()._bases(base, module) if found is None else found


def files_of(root: str, options: Options, excluded: Sequence[str] = ()) -> Files:
    """Return the files of the project in a folder."""

    def open_cache() -> Cache:
        from flake8_celery_tasks.binding.summary import is_sound, merge
        from flake8_celery_tasks.workspace.cache import Cache

        return Cache(root, merge=merge, is_sound=is_sound, enabled=not options.celery_no_cache)

    layout = Layout(
        root,
        excluded=excluded,
        tests=options.celery_test_paths,
        apps=options.celery_apps,
        environment=options.celery_environment,
    )
    return Files(Disk(layout, open_cache))
