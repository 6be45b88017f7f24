"""A run of `config`: the configuration of a project or a file, and where it comes from."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from flake8.processor import FileProcessor

from flake8_celery_tasks.command.services import Homes
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.engine.survey import surroundings
from flake8_celery_tasks.flake8_host import configuration, files, origins
from flake8_celery_tasks.flake8_host.parts import parts
from flake8_celery_tasks.report.listing import surroundings as shown

if TYPE_CHECKING:
    from flake8_celery_tasks.flake8_host.configuration import Configuration


def run(given: Namespace) -> tuple[str, str | None]:
    """Return the text to write, and the file to write to. Raises UsageError."""
    asked = Namespace(**vars(given))
    path, form, target = (getattr(given, name) for name in ("path", "form", "output_file"))
    for name in ("path", "form", "output_file"):
        delattr(given, name)
        delattr(asked, name)
    if not os.path.exists(path):
        raise UsageError(f"no such file or directory: {path!r}")
    base = configuration.configuration_for(given, [path])
    inside = os.path.join(path, "any.py") if os.path.isdir(path) else path
    own = parts(base, given, [inside])[-1]
    home = Homes([own])
    project = session.project_of(os.path.abspath(inside), *home.options_of(os.path.dirname(os.path.abspath(inside))))
    found: dict[str, Any] = {
        "path": path,
        "root": surroundings.root_of(project),
        "configuration": {
            "files": origins.files_of(asked, own.table),
            "options": [one._asdict() for one in origins.origins(asked, own.table)],
        },
        "celery": surroundings.celery_of(project),
        "apps": surroundings.apps_of(project),
        "settings": surroundings.settings_of(project),
        "decorators": surroundings.decorators_of(project),
        "module": None,
    }
    if not os.path.isdir(path):
        found["module"] = {
            **surroundings.module_of(project, os.path.abspath(path)),
            "checked": _checked(path, own.configuration),
        }
    return (shown.as_json(found) if form == "json" else shown.as_text(found)), target


def _checked(path: str, applied: Configuration) -> str:
    """Return whether `check` of the working directory would check a file, and if not, why."""
    if not files.reaches(os.getcwd(), os.path.abspath(path), applied.options):
        return "no: excluded, or its name does not match the option filename"
    if not files.passing([path], applied.run):
        return "no: nothing in it has to do with Celery"
    return "no: it contains a line # flake8: noqa" if _is_silenced(path, applied) else "yes"


def _is_silenced(path: str, applied: Configuration) -> bool:
    try:
        return FileProcessor(path, applied.options).should_ignore_file()
    except (OSError, ValueError, LookupError):  # `check` reports such a file
        return False
