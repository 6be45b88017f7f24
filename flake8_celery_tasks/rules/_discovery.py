"""The modules that a project's workers load."""

from __future__ import annotations

import os
import re
from functools import cached_property
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.scopes import IMPORT
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Invoke, Ref, Unknown
from flake8_celery_tasks.celery_model import apps, definitions
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.apps import AUTODISCOVER, discovered_by_calls
from flake8_celery_tasks.frameworks.django_models import is_django
from flake8_celery_tasks.workspace.imports import BY_NAME, files_of, imports_of, names_imported

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.values import Value
    from flake8_celery_tasks.facts.apps import Discovery
    from flake8_celery_tasks.resolution.project import Project


#: Words in the name of a decorator that may make a task.
_LIKE_TASK: Final = re.compile("task|job|celery|worker", re.IGNORECASE)


class Loading:
    """What a project's workers load, as far as its files show it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._defining: dict[str, bool] = {}
        self._likely: dict[str, bool] = {}
        self._closures: dict[frozenset[str], frozenset[str]] = {}

    def files(self, module: Module, name: str, related: str | None) -> set[str]:
        """Return the files that run when a module loads a name: the name's own, and the related module's."""
        layout, root = self.project.layout, module.place.root
        found = set(files_of(layout, root, name))
        package = name
        if layout.find(name, root) is None:
            package = name.rpartition(".")[0]  # then Celery tries the parent package
        if related is not None and package:
            found.update(files_of(layout, root, f"{package}.{related}"))
        return found

    def closure(self, files: Iterable[str]) -> frozenset[str]:
        """Return files and everything in the project that they import."""
        start = frozenset(files)
        if start not in self._closures:
            seen, pending = set(start), list(start)
            while pending:
                path = pending.pop()
                new = set(imports_of(self.project.layout, self.project.layout.place(path), self._text(path))) - seen
                seen |= new
                pending.extend(new)
            self._closures[start] = frozenset(seen)
        return self._closures[start]

    def _text(self, path: str) -> bytes:
        return (self.project.files.read(path) or b"") if path.endswith(".py") else b""

    def defines(self, path: str) -> bool:
        """Return whether a file defines tasks, or can't be parsed."""
        if path not in self._defining:
            module = self.project.module(path) if path.endswith(".py") else None
            self._defining[path] = path.endswith(".py") and (
                module is None
                or any(True for _ in definitions.definitions(self.project, module))
                or any(definitions.made_by(self.project, call, module) is not None for call in module.made())
            )
        return self._defining[path]

    def _may_define(self, path: str) -> bool:
        """Return whether a file decorates a function with something from outside that is called like a task."""
        if path not in self._likely:
            module = self.project.module(path) if path.endswith(".py") else None
            self._likely[path] = module is not None and any(
                self._is_like_task(value, module)
                for qualname, _ in module.definable()
                for symbol in module.symbols(qualname)
                if isinstance(symbol, Function)
                for value in symbol.decorators
            )
        return self._likely[path]

    def _is_like_task(self, value: Value, module: Module) -> bool:
        made = value.func if isinstance(value, Invoke) else value
        target = self.project.resolve(made.path, module) if isinstance(made, Ref) else None
        return target is not None and target.module is None and _LIKE_TASK.search(target.path) is not None

    def loads_tasks(self, files: Iterable[str]) -> bool:
        """Return whether files, or anything they import, define or may define tasks outside the apps' own modules.

        They may define tasks if they import a module by an unknown name, or tasks from outside the project.
        """
        for path in self.closure(files):
            text = self._text(path)
            is_own = path not in self.app_files
            if is_own and (self.defines(path) or any(mark in text for mark in BY_NAME) or self._may_define(path)):
                return True
            place = self.project.layout.place(path)
            for name in names_imported(place, text):
                if "tasks" in name.split(".") and self.project.layout.find(name.partition(".")[0], place.root) is None:
                    return True
        return False

    @cached_property
    def app_files(self) -> frozenset[str]:
        """The files that create an app: every worker loads them."""
        return frozenset(
            module.place.path
            for module in apps.modules_with_apps(self.project)
            if any(apps.makes_app(self.project, module, call, site) for call, site in module.candidates.calls)
        )

    def below(self, module: Module, name: str) -> list[str]:
        """Return the files outside tests with tasks in a package, or in its nearest parent that exists."""
        layout = self.project.layout
        while name:
            found = layout.find(name, module.place.root)
            if found is not None and (found.endswith("__init__.py") or not found.endswith(".py")):
                folder = (os.path.dirname(found) if found.endswith(".py") else found) + os.sep
                inside = [path for path in layout.files() if path.startswith(folder)]
                return [path for path in inside if not layout.is_test(layout.place(path)) and self.defines(path)]
            name = name.rpartition(".")[0]
        return []

    # What is always loaded.

    @cached_property
    def everywhere(self) -> frozenset[str] | None:
        """The files that some worker of the project loads; None if that is unknown."""
        late, forced, is_known = self._discovered
        return self.closure({*late, *forced, *self._started, *self._of_django}) if is_known else None

    def is_late(self, module: Module) -> bool:
        """Return whether discovery, `include` or `imports` certainly imports a module, and nothing earlier does."""
        late, forced, is_known = self._discovered
        path = module.place.path
        if not is_known or path not in late or path in self._with_app:
            return False
        return path not in self.closure({*forced, *(self._started - late), *self._with_app})

    @cached_property
    def _discovered(self) -> tuple[set[str], set[str], bool]:
        """The files that configuration names, those loaded at once, and whether all names can be resolved."""
        late: set[str] = set()
        forced: set[str] = set()
        is_known = True
        for found in self._places():
            files = forced if found.is_forced else late
            if isinstance(found.related, Unknown) or (found.names is None and found.text is None and not found.is_call):
                is_known = False
            elif found.names is None and found.text is None:
                files |= self._ending_in(found.related or "tasks")
            else:
                for name, _ in found.names or ():
                    files |= self.files(found.module, name, found.related)
        layout = self.project.layout
        for value in (*setting_values(self.project, "imports"), *setting_values(self.project, "include")):
            is_known = is_known and not isinstance(value, Unknown)
            listed = value if isinstance(value, (list, tuple, set)) else [value]
            late |= {path for item in listed if isinstance(item, str) for path in files_of(layout, layout.root, item)}
        return late, forced, is_known

    def _places(self) -> Iterator[Discovery]:
        """Yield the calls of `autodiscover_tasks` and the `include` of apps, outside tests."""
        project, layout = self.project, self.project.layout
        for path in project.files.holding(AUTODISCOVER.encode(), b"elery("):
            module = None if layout.is_test(layout.place(path)) else project.module(path)
            if module is not None:
                yield from discovered_by_calls(project, module)

    def _ending_in(self, *names: str) -> set[str]:
        """Return the files of all modules with one of the names, in any package."""
        layout = self.project.layout
        ends = tuple(f".{name}" for name in names)
        places = [layout.place(path) for path in layout.files()]
        return {place.path for place in places if f".{place.name}".endswith(ends) and not layout.is_test(place)}

    @cached_property
    def _of_django(self) -> set[str]:
        """The modules that Django itself imports."""
        return self._ending_in("apps", "models") if is_django(self.project) else set()

    @cached_property
    def _started(self) -> set[str]:
        """The files that import the app: a worker loads them with it, or may be started by them."""
        project, layout = self.project, self.project.layout
        found = set(self._with_app)
        for path in project.files.holding(b"elery"):
            if not layout.is_test(layout.place(path)) and self._may_start(path):
                found.add(path)
        return found

    @cached_property
    def _with_app(self) -> set[str]:
        """The files that create an app, and the packages around them: these run first."""
        layout = self.project.layout
        places = [layout.place(path) for path in self.app_files]
        return {*self.app_files, *(path for place in places for path in files_of(layout, place.root, place.name))}

    def _may_start(self, path: str) -> bool:
        """Return whether a file imports an app and defines no task, or can't be parsed."""
        project, module = self.project, self.project.module(path)
        if module is None:
            return True
        return not self.defines(path) and any(
            binding.kind == IMPORT and apps.app_of(project, project.resolve(binding.path, module)) is not None
            for binding in module.candidates.imports
        )


@query()
def loading(project: Project) -> Loading:
    """Return what a project's workers load."""
    return Loading(project)
