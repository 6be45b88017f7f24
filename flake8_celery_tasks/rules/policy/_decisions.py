"""Helpers of the rules of house policy: the questions that a task leaves open, and what answers them."""

from __future__ import annotations

import ast
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Invoke
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.text import encoded
from flake8_celery_tasks.facts.task import RETRY_POLICY
from flake8_celery_tasks.workspace.imports import BY_NAME, files_of, imports_of
from flake8_celery_tasks.workspace.layout import is_one_app

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


def leaves_open(task: Task, option: str) -> bool:
    """Return whether neither a task nor its class sets a boolean option to true or false."""
    # For None, Celery uses the project's settings.
    value = task.effective(option)
    return (value is MISSING or value is None) and task.is_registered


def has_retry_policy(task: Task) -> bool:
    """Return whether a task has, or may have, a retry policy, including a policy of no retries."""
    return (
        not task.is_transparent
        or any(task.effective(name) is not MISSING for name in RETRY_POLICY)
        or task.retries_by_hand
    )


def is_retried(task: Task) -> bool:
    """Return whether a task is certainly retried: by `autoretry_for`, or by a call in its body."""
    limit = task.effective("max_retries")
    if limit is UNKNOWN or limit == 0:
        return False
    return task.autoretries is True or any(use.attribute == "retry" for use in task.uses)


# Imports between modules.


def is_same_app(app: str, other: str | None) -> bool:
    """Return whether two modules belong to one app, or are files next to each other outside any package."""
    if other is not None and app.endswith(".py") and other.endswith(".py"):
        return is_one_app(app, other)
    return app == other


def reaches(project: Project, start: Module, end: Module, app: str) -> bool:
    """Return whether a module imports another one, directly or through modules of an app."""
    pending, seen = [start.place.path], {start.place.path}
    while pending:
        path = pending.pop()
        if path == end.place.path:
            return True
        place = project.layout.place(path)
        if is_same_app(app, project.layout.app(place)):
            found = set(imports_of(project.layout, place, project.files.read(path) or b"")) - seen
            seen |= found
            pending.extend(found)
    return False


def may_be_loaded(project: Project, module: Module) -> bool:
    """Return whether a worker may import a module of tasks, as far as the project shows."""
    return _loading(project).may_load(module)


@query()
def _loading(project: Project) -> _Loading:
    return _Loading(project)


class _Loading:
    """What a project's workers import, as far as that is known."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._loaded: dict[str, bool] = {}
        self.apps = [path for path in self._sources(b"Celery(") if self._makes_app(path)]
        self.related: set[Any] = {"tasks"}
        #: Packages that a call or a setting names, but from which nothing is loaded: CLY814 reports that.
        self.dead: set[str] = set()
        self.discovering = self._sources(b"autodiscover_tasks(")
        for path in self.discovering:
            self.related |= self._related(path)
        self.is_known = bool(self.apps) and UNKNOWN not in self.related and not self._includes_unknown()

    def _sources(self, *marks: bytes) -> list[str]:
        layout = self.project.layout
        return [path for path in self.project.files.holding(*marks) if not layout.is_test(layout.place(path))]

    def _makes_app(self, path: str) -> bool:
        module = self.project.module(path)
        return module is not None and any(self._app_calls(module))

    def _app_calls(self, module: Module) -> Iterator[Invoke]:
        for call, site in module.candidates.calls:
            value = module.value(call, site.scope)
            if isinstance(value, Invoke) and apps.app_made_by(self.project, value, module) is not None:
                yield value

    def _related(self, path: str) -> set[Any]:
        """Return the names of modules that a file's calls of `autodiscover_tasks` look for."""
        module = self.project.module(path)
        found: set[Any] = set()
        if module is None:
            return {UNKNOWN}
        for call, site in module.candidates.calls:
            if isinstance(call.func, ast.Attribute) and call.func.attr == "autodiscover_tasks":
                self._note_dead(module, call, site)
                given = [keyword.value for keyword in call.keywords if keyword.arg == "related_name"] or call.args[1:2]
                for node in given:
                    name = self.project.settle(module.value(node, site.scope), module)
                    found.add(name if isinstance(name, str) or name is None else UNKNOWN)
        return found

    def _note_dead(self, module: Module, call: ast.Call, site: Site) -> None:
        """Record the packages in which `autodiscover_tasks` finds no module of the expected name."""
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        named.update(zip(("packages", "related_name"), call.args, strict=False))
        settled = {name: self.project.settle(module.value(node, site.scope), module) for name, node in named.items()}
        packages, related = settled.get("packages"), settled.get("related_name", "tasks")
        for package in packages if isinstance(packages, (list, tuple)) else ():
            if isinstance(package, str) and isinstance(related, str):
                found = self.project.layout.find(f"{package}.{related}", module.place.root)
                if found is None:
                    self.dead.add(package)

    def _includes_unknown(self) -> bool:
        values = [*setting_values(self.project, "imports"), *setting_values(self.project, "include")]
        for module in filter(None, map(self.project.module, self.apps)):
            for call in self._app_calls(module):
                values += [self.project.settle(value, module) for name, value in call.keywords if name == "include"]
        for value in values:
            for package in value if isinstance(value, (list, tuple, set)) else ():
                file = self.project.layout.find(package, self.project.layout.root) if isinstance(package, str) else None
                if (
                    file is not None
                    and file.endswith("__init__.py")
                    and b"import" not in (self.project.files.read(file) or b"")
                ):
                    self.dead.add(package)
        return not all(isinstance(value, (list, tuple, set)) and _is_text(value) for value in values)

    def may_load(self, module: Module) -> bool:
        """Return whether a module is found, named, imported, or loaded in an unknown way."""
        path = module.place.path
        if path not in self._loaded:
            self._loaded[path] = self._may_load(module)
        return self._loaded[path]

    def _may_load(self, module: Module) -> bool:
        place = module.place
        if not self.is_known or place.name.rpartition(".")[2] in self.related:
            return True
        if place.path in self.apps or any(place.name.startswith(f"{package}.") for package in self.dead):
            return True
        if place.path in self.imported:
            return True
        if not self.discovering and self._imports_app(module):
            return True
        quoted = (encoded(f'"{place.name}"'), encoded(f"'{place.name}'"))
        if any(self._sources(*quoted)):
            return True
        around = [*self.apps, *files_of(self.project.layout, place.root, place.package)]
        return any(mark in (self.project.files.read(path) or b"") for path in around for mark in BY_NAME)

    def _imports_app(self, module: Module) -> bool:
        """Return whether a module has a Celery app, so that `celery -A` can start it."""
        return any(
            apps.app_of(self.project, self.project.resolve(binding.path, module)) is not None
            for binding in module.candidates.imports
        )

    @cached_property
    def imported(self) -> frozenset[str]:
        """The files that something other than tests and management commands imports."""
        project = self.project
        found: set[str] = set()
        for path in project.layout.files():
            place = project.layout.place(path)
            if not project.layout.is_test(place) and "/management/commands/" not in f"/{place.relative}":
                found.update(
                    file for file in imports_of(project.layout, place, project.files.read(path) or b"") if file != path
                )
        return frozenset(found)


def _is_text(values: Collection[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
