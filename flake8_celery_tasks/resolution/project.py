"""The project around a file: what is in it, with the options that apply to it."""

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

    #: What says by which marks files are told that use task decorators of a project's own.
    OwnMarks = Callable[["Project"], tuple[bytes, ...]]

    #: What says which classes a base like `app.Task` stands for, None where it is no such base.
    BasesOfApp = Callable[["Project", Value, Module], "list[Target | Unknown] | None"]


class Project(Classes):
    """The project around a file: names are followed from file to file, values and classes are read.

    What is Celery's in it, the functions of `celery_model` say. They are unknown here, so `bases_of_app` and
    `own_marks` are questions that are put to them: which base classes an app gives its tasks, and how files are told
    that use decorators of the project's own. `when_indexed` is called with the project when all its tasks have been
    looked for.
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
        #: The names of the project's own task decorators, as far as they have been found; None before that.
        self.own_names: frozenset[str] | None = None
        held = weakref.ref(self)  # a circle would keep the whole index when a run is over

        def ask() -> tuple[bytes, ...]:
            project = held()
            assert project is not None  # it is its own files that ask
            return own_marks(project)

        files.own_marks = ask
        self.when_indexed = when_indexed
        #: What says which contract a project is held to, where a record is named.
        self.agreement: Callable[[Project], Any] | None = None

    def is_test(self, module: Module) -> bool:
        """Return whether a module is a test or a migration."""
        return self.layout.is_test(module.place)

    def _bases(self, base: Value, module: Module) -> list[Target | Unknown]:
        """Return what one of the bases of a class is: for `app.Task` what the app gives its tasks, and Celery's."""
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
