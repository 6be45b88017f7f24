"""The linter's own code: its state, which changes with it, for editable installations."""

from __future__ import annotations

import os
from functools import cache

import flake8_celery_tasks


@cache
def state() -> str:
    """Return the path, modification time and change time (nanoseconds) of each file of the package, as one text."""
    found: list[tuple[str, int, int]] = []
    folders = list(flake8_celery_tasks.__path__)
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir() and entry.name != "__pycache__":
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    stat = entry.stat()
                    found.append((entry.path, stat.st_mtime_ns, stat.st_ctime_ns))
    return f"{found}"
