"""The places of files that may name a version of Celery: the project's root, folders inside it, and folders above."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.pins import names
from flake8_celery_tasks.workspace import folders as workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many levels up to look for the repository's root, and for requirements if there is no repository.
_HIGHEST: Final = 6
_BESIDE: Final = 2

#: How many subfolders of one folder are searched, and how many folders in all.
_FOLDERS: Final = 100
_MOST: Final = 400


class Places:
    """The places to look for the version of one project.

    `folders` records each folder that is searched, with whether all its subfolders matter or only those with
    requirements.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self.folders: dict[str, bool] = {}

    def __iter__(self) -> Iterator[list[str]]:
        """Yield the files of each place, nearest first."""
        root = self.root
        yield self._own(root)
        yield self._below(root)
        above, is_repository = self._above(root)
        below = root
        for folder in above:
            yield self._own(folder)
            if is_repository:
                yield self._below(folder, below)
            below = folder
        yield [path for inner in self._others(root) for path in self._below(inner)]
        yield self._below(root, inner=True)

    def _above(self, root: str) -> tuple[list[str], bool]:
        """Return the folders above, up to the root of the repository, and whether there is one."""
        found: list[str] = []
        home = os.path.expanduser("~")
        folder = root
        while True:
            if not names.REPOSITORY.isdisjoint(self._entries(folder)):
                return found, True
            folder = os.path.dirname(folder)
            if folder == home or os.path.dirname(folder) == folder or len(found) == _HIGHEST:
                return found[:_BESIDE], False
            found.append(folder)

    def _own(self, folder: str) -> list[str]:
        """Return the files that may pin a version in a folder and in its requirements folders."""
        found = self._files(folder)
        for name in self._subfolders(folder):
            if names.is_list(name):
                inner = os.path.join(folder, name)
                found += self._files(inner)
                found += [path for below in self._subfolders(inner) for path in self._files(os.path.join(inner, below))]
        return found

    def _below(self, folder: str, but: str = "", *, inner: bool = False) -> list[str]:
        """Return the result of `_own` for the other subfolders of a folder."""
        return [found for path in self._others(folder, inner=inner) if path != but for found in self._own(path)]

    def _others(self, folder: str, *, inner: bool = False) -> list[str]:
        """Return the other subfolders of a folder: those that are not project roots, or with `inner` those that are."""
        if len(self.folders) > _MOST:
            return []
        self.folders[folder] = True
        paths = [os.path.join(folder, name) for name in self._subfolders(folder) if not names.is_list(name)]
        return [path for path in paths if workspace.is_root(path) == inner and "pyvenv.cfg" not in self._entries(path)]

    def _files(self, folder: str) -> list[str]:
        return [
            os.path.join(folder, name)
            for name, kind in sorted(self._entries(folder).items())
            if kind == workspace.FILE and names.format_of(folder, name) is not None
        ]

    def _subfolders(self, folder: str) -> list[str]:
        found = [name for name, kind in self._entries(folder).items() if kind == workspace.FOLDER]
        return sorted(filter(_is_open, found))[:_FOLDERS]

    def _entries(self, folder: str) -> dict[str, str]:
        self.folders.setdefault(folder, False)
        return workspace.entries(folder)


def content(folder: str, *, folders: bool) -> list[str]:
    """Return the entries of a folder that matter for the version: files, and folders with a trailing slash."""
    found: list[str] = []
    for name, kind in workspace.entries(folder).items():
        is_folder = kind == workspace.FOLDER
        if name in names.REPOSITORY or (
            (_is_open(name) and (folders or names.is_list(name)))
            if is_folder
            else (name in workspace.MARKS or names.format_of(folder, name) is not None)
        ):
            found.append(f"{name}/" if is_folder else name)
    return sorted(found)


def _is_open(name: str) -> bool:
    """Return whether a folder of this name is searched."""
    return name[0] != "." and name not in workspace.SKIPPED
