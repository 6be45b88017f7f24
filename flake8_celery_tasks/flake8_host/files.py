"""The files that flake8 would check."""

from __future__ import annotations

import contextlib
import fnmatch
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from flake8 import utils
from flake8.discover_files import expand_paths

from flake8_celery_tasks.core import regular
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.engine import concern, seen
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.engine.run import Run


# Files.


def files(options: Namespace) -> list[str]:
    """Return the files to check, as flake8 finds them, except for those in hidden folders below the given paths.

    Raises UsageError for a path that does not exist.
    """
    for path in options.filenames:
        if path != "-" and not os.path.lexists(path):
            raise UsageError(f"no such file or directory: {path!r}")
    with _fast_matching():
        return [
            name
            for path in options.filenames or ["."]
            for name in expand_paths(
                paths=[path],
                stdin_display_name=options.stdin_display_name,
                filename_patterns=options.filename,
                exclude=(*options.exclude, *options.extend_exclude),
            )
            if not _is_in_hidden_folder(name[len(path) :])
        ]


def _is_in_hidden_folder(below: str) -> bool:
    """Return whether a path goes through a hidden folder, such as `.github`: no project runs what is there."""
    *folders, _ = below.split(os.sep)
    return any(folder.startswith(".") and folder not in (".", "..") for folder in folders)


def reaches(folder: str, path: str, options: Namespace) -> bool:
    """Return whether a run in a folder would check a file: neither it nor a folder on the way is excluded."""
    excluded = (*options.exclude, *options.extend_exclude)
    way = [folder]
    for part in os.path.relpath(path, folder).split(os.sep):
        way.append(os.path.join(way[-1], part))
    return _fnmatch(path, options.filename) and not any(
        _fnmatch(os.path.basename(one), excluded) or _fnmatch(one, excluded) for one in way if excluded
    )


@contextlib.contextmanager
def _fast_matching() -> Iterator[None]:
    """Replace flake8's `fnmatch` with one that tries all patterns at once: one by one is slower than reading files."""
    usual = utils.fnmatch
    utils.fnmatch = _fnmatch
    try:
        yield
    finally:
        utils.fnmatch = usual


def _fnmatch(filename: str, patterns: Sequence[str]) -> bool:
    return not patterns or _matching(tuple(patterns)).match(os.path.normcase(filename)) is not None


@lru_cache
def _matching(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(os.path.normcase(pattern)) for pattern in patterns))


def passing(names: Iterable[str], run: Run) -> list[str]:
    """Return the files whose bytes pass the gate; files that can't be read pass, so that they are reported.

    Files with decorators that look like Celery's also pass, so that these are counted.
    """
    marks = run.marks
    # Non-ASCII characters may have different bytes in another encoding.
    if not all(mark.isascii() for mark in marks):
        return list(names)
    wanted = tuple(mark.encode() for mark in (*marks, *seen.MARKS))
    names = list(names)
    with regular.remembering():
        passed = {name for name in names if _passes(name, wanted)}
        if passed and len(passed) < len(names):  # what the checks will need is also the fastest way to decide the rest
            concern.prepare(run, min(passed))
        return [name for name in names if name in passed or _concerns(name, run)]


def _passes(name: str, wanted: tuple[bytes, ...]) -> bool:
    content = None if name == "-" else _content(name)
    return content is None or gate.holds_one(content, wanted)


def _concerns(name: str, run: Run) -> bool:
    if run.recorded and gate.holds_module(os.path.abspath(name), run.recorded):
        return True
    content = _content(name)
    return content is None or concern.uses_own(run, name, content.decode("utf-8", "replace").replace("\r", "\n"))


def _content(name: str) -> bytes | None:
    try:
        return regular.read(name)
    except (OSError, MemoryError):
        return None
