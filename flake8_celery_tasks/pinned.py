"""The Celery version that a project's lock or requirements pin."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.options import NEWEST, OLDEST

if TYPE_CHECKING:
    from flake8_celery_tasks.project import Project

_TOML: Final = re.compile(rb'\bname = "celery"\s+version = "(\d+)\.(\d+)')
_JSON: Final = re.compile(rb'"celery": \{[^{}]*"version": "==(\d+)\.(\d+)')
#: `celery[redis]==5.4.0`, alone on its line or quoted; `~=5.4` allows every 5.x.
_LINE: Final = re.compile(
    rb"""(?im)(?:^[ \t]*|["'])celery[ \t]*(?:\[[^\]]*\])?[ \t]*(?:===?[ \t]*(\d+)\.(\d+)|~=[ \t]*(\d+)\.(\d+)\.\d)"""
)
#: Poetry's `celery = "5.4.0"`, `celery = {version = "~5.4"}`.
_KEY: Final = re.compile(rb"""(?m)^celery = (?:\{[^}\n]*\bversion = )?"(?:==|~)?(\d+)\.(\d+)""")

#: The files in the root that say it, those of locks first: they hold what is installed.
_FILES: Final = (
    (("poetry.lock", "uv.lock", "pdm.lock"), (_TOML,)),
    (("Pipfile.lock",), (_JSON,)),
    (("pyproject.toml", "Pipfile"), (_LINE, _KEY)),
    (("requirements.txt", "requirements.in", "setup.cfg"), (_LINE,)),
    (("requirements/base.txt", "requirements/common.txt", "requirements/main.txt"), (_LINE,)),
)


def version_of(project: Project) -> tuple[int, int]:
    """Return the version that a project pins, the newest where no file says one, or files of a kind say several."""
    for names, patterns in _FILES:
        texts = [project.read(os.path.join(project.layout.root, *name.split("/"))) or b"" for name in names]
        found = {
            tuple(int(part) for part in match.groups() if part is not None)
            for text in texts
            for pattern in patterns
            for match in pattern.finditer(text)
        }
        if found:
            major, minor = max(found)
            return min(max((major, minor), OLDEST), NEWEST) if len(found) == 1 else NEWEST
    return NEWEST
