"""How a project is understood: its root, its Celery, its apps and decorators, and a file's role in it."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Invoke, Ref
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.celery_model.apps import APP_GETTERS, own_apps
from flake8_celery_tasks.celery_model.configuration import configurations
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.version import source_of, version_of
from flake8_celery_tasks.engine.survey.inventory import app_of
from flake8_celery_tasks.workspace import folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.resolution.project import Project

#: The name that Django settings modules bind.
_DJANGO: Final = re.compile(rb"^[ \t]*INSTALLED_APPS[ \t]*(?::|\+?=)", re.MULTILINE)


def root_of(project: Project) -> dict[str, Any]:
    """Return the root of a project, and what makes it the root."""
    root = project.layout.root
    marks = sorted(folders.ROOT_MARKS.intersection(folders.entries(root)))
    if project.options.celery_project_root:
        marks = ["celery-project-root"]
    return {"path": root, "because": ", ".join(marks) or "no parent folder has a project marker"}


def celery_of(project: Project) -> dict[str, Any]:
    """Return the Celery version that a project is checked against, and the line that determines it, if any."""
    pin = source_of(project)
    found = {"version": "{}.{}".format(*version_of(project)), "path": None, "line": None, "text": None}
    if project.options.celery_target_version:
        return {**found, "because": "celery-target-version"}
    if pin is None:
        return {**found, "because": "no file of the project names a version: the newest that is known"}
    return {**found, "because": "file", "path": _seen(project, pin.path), "line": pin.line, "text": pin.text}


def apps_of(project: Project) -> list[str]:
    """Return the Celery apps of a project: those that its modules bind to names, and those that create its tasks."""
    found = {f"{module.place.name}.{name}" for module, name in own_apps(project)}
    apps = [one.decorator.app for one in _definitions(project)]
    found.update(app.path.replace(":", ".") for app in apps if app is not None and app.path not in APP_GETTERS)
    return sorted(found)


def _definitions(project: Project) -> list[Definition]:
    """Return the definitions of tasks, each once: without those in tests, as `tasks` lists them, unless all are."""
    index = tasks_of(project)
    found = {one.place: one for several in index.by_name.values() for one in several}
    found.update((one.definition.place, one.definition) for one in index.unnamed)
    return [one for one in found.values() if not project.is_test(one.module)] or list(found.values())


def decorators_of(project: Project) -> list[dict[str, Any]]:
    """Return the decorators and bases that create a project's tasks, with the number of tasks, most frequent first."""
    counted = Counter(_decorator(project, one) for one in _definitions(project))
    return [
        {"name": name, "form": form, "tasks": count}
        for (name, form), count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    ]


def _decorator(project: Project, found: Definition) -> tuple[str, str]:
    """Return the name of what creates a task, and its kind."""
    form = found.decorator.form
    if not isinstance(found.symbol, Function) or found.index < 0:
        return form, form
    value = found.symbol.decorators[found.index]
    written = value.func if isinstance(value, Invoke) else value
    if not isinstance(written, Ref):
        return form, form
    return project.resolve(written.path, found.module).path.replace(":", "."), form


def settings_of(project: Project) -> list[dict[str, Any]]:
    """Return what configures a project's apps, each with the namespace that Celery uses, None for none."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in configurations(project):
        for path, what in _settings(project, one.path, one.qualname or one.key, is_django=one.is_django):
            namespace = one.namespace if one.namespace is None or isinstance(one.namespace, str) else "?"
            found[path, what] = {"path": path or None, "object": what or None, "namespace": namespace}
    return list(found.values())


def _settings(project: Project, path: str, what: str, *, is_django: bool) -> Iterator[tuple[str, str]]:
    if not is_django:
        yield _seen(project, path) if path else "", what
        return
    for one in project.layout.files():
        place = project.layout.place(one)
        if _DJANGO.search(project.files.read(one) or b"") and not project.layout.is_test(place):
            yield place.relative, "django.conf.settings"


def module_of(project: Project, path: str) -> dict[str, Any]:
    """Return how a file appears in a project: its dotted name, whether that is certain, and if not, why."""
    place = project.layout.place(path)
    doubt = definitions.doubt_of_module(project, place)
    if not doubt and definitions.has_own_names(project):
        doubt = "an app of the project may have a gen_task_name of its own"
    return {
        "path": place.relative,
        "name": place.name,
        "certain": not doubt,
        "why_not": doubt or None,
        "app": app_of(project, place) or None,
        "is_test": project.layout.is_test(place),
        "is_package": place.is_package,
    }


def _seen(project: Project, path: str) -> str:
    """Return a path relative to the root."""
    root = project.layout.root
    if os.path.isabs(path) and folders.same_drive(path, root):
        path = os.path.relpath(path, root)
    return path.replace(os.sep, "/")
