"""Where the results of a project's tasks go: whether there is a result backend, as far as the project's files tell."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.broker import makes_app, modules_with_apps, urls, written
from flake8_celery_tasks.configuration import configurations, display

if TYPE_CHECKING:
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project

#: What switches results off, besides nothing at all (`celery/app/backends.py`).
_NONE: Final = frozenset({"", "disabled", "disabled://"})

#: What settings modules of Django hold.
_DJANGO: Final = b"INSTALLED_APPS"


def backend(project: Project) -> bool | None:
    """Return whether results are stored anywhere, None where it can't be told.

    One place that names a backend is enough. None is certain only where the project makes its apps itself, and all
    that configures them can be read. An environment variable, `CELERY_RESULT_BACKEND`, may still say otherwise.
    """
    if "result backend" not in project.memo:
        project.memo["result backend"] = _backend(project)
    known: bool | None = project.memo["result backend"]
    return known


def is_all_parsed(project: Project) -> bool:
    """Return whether no file that can't be parsed could name a backend."""
    if "parsed" not in project.memo:
        paths = project.files_with(b"elery", b"ELERY")
        project.memo["parsed"] = all(project.module(path) is not None for path in paths)
    known: bool = project.memo["parsed"]
    return known


def _backend(project: Project) -> bool | None:
    found = {
        None if module is None else _names_one(written(project, value, module))
        for value, module in urls(project, "result_backend", "backend")
    }
    if True in found:
        return True
    return False if None not in found and _is_all_read(project) else None


def _names_one(value: object) -> bool | None:
    if value is None:
        return False
    return value not in _NONE if isinstance(value, str) else None


def _is_all_read(project: Project) -> bool:
    """Return whether nothing of what configures the project's apps is out of reach."""
    modules = list(modules_with_apps(project))
    made = (makes_app(project, module, call, site) for module in modules for call, site in module.candidates.calls)
    return (
        any(made)
        and not any(_has_spread(project, module) for module in modules)
        and all(
            _has_django_settings(project) if item.is_django else bool(item.path) and _is_whole(project, item.path)
            for item in configurations(project)
        )
        and next(project.files_with(b"config_from_envvar"), None) is None
    )


def _has_spread(project: Project, module: Module) -> bool:
    """Return whether a module configures an app, or makes it, with what can't be read."""
    for call, site in module.candidates.calls:
        is_update = isinstance(call.func, ast.Attribute) and call.func.attr == "update"
        if is_update and getattr(call.func.value, "attr", "") == "conf":  # type: ignore[attr-defined]
            given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg is None)]
        elif makes_app(project, module, call, site):
            given = [keyword.value for keyword in call.keywords if keyword.arg in (None, "changes")]
        else:
            continue
        for node in given:
            shown = display(project, module, node, site)
            if shown is None or not shown[1]:
                return True
    return False


def _has_django_settings(project: Project) -> bool:
    """Return whether Django's settings are a part of the project: a package for other sites leaves them to these."""
    layout = project.layout
    return any(
        _DJANGO in (project.read(path) or b"") for path in layout.files() if not layout.is_test(layout.place(path))
    )


def _is_whole(project: Project, path: str) -> bool:
    """Return whether all names of a configuration module are bound in the project."""
    module = project.module(path)
    return module is not None and all(
        project.layout.find(star, module.place.root) is not None for star in module.candidates.stars
    )
