"""The findings of files, cached on disk: if nothing in the whole project has changed, they are reused.

A file's findings depend on its text and on the project around it: which files and folders there are, and what the files
contain. So findings are stored under a digest of all that, and dropped when any of it changes.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks import __version__
from flake8_celery_tasks.celery_model import version
from flake8_celery_tasks.celery_model.pins import places
from flake8_celery_tasks.core import own_code
from flake8_celery_tasks.core.violation import Violation
from flake8_celery_tasks.engine.seen import Seen
from flake8_celery_tasks.workspace import cache
from flake8_celery_tasks.workspace import folders as workspace_folders
from flake8_celery_tasks.workspace.folders import FOLDER, MARKS, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from flake8_celery_tasks.resolution.project import Project


class FindingsCache:
    """The findings of a project's files, with the opt-in rules whose codes start with `opted`."""

    def __init__(self, project: Project, opted: tuple[str, ...]) -> None:
        self.project = project
        self.opted = opted
        self.started = time.time_ns()
        self._new: dict[str, list[Any]] = {}

    @property
    def path(self) -> str:
        """The file of the cache."""
        given = (self.project.options, self.project.excluded, self.opted)
        return cache.file_of(self.project.layout.root, f"{given!r}", ".found.json")

    def recall(self, path: str, text: str) -> tuple[list[Violation], Seen] | None:
        """Return the findings of a file, and what was checked in it, if its text and everything else is unchanged.

        None if that is not known.
        """
        known = self._stored["found"].get(path)
        if known is None or known[0] != cache.digest(text) or not self._is_current:
            return None
        return [Violation(*row) for row in known[1]], Seen(*known[2])

    def note(self, path: str, text: str, found: Sequence[Violation], seen: Seen) -> None:
        """Store the findings of a file, and what was checked in it."""
        if path.startswith(self.project.layout.root + os.sep):
            self._new[path] = [cache.digest(text), [list(violation) for violation in found], list(seen)]

    def own_names(self) -> frozenset[str]:
        """Return the names of the project's own task decorators, from the cache or from a search."""
        kept = self._stored["own"]
        if kept and self._is_current:
            return frozenset(kept[0])
        from flake8_celery_tasks.celery_model.decorators import own_names

        return own_names(self.project)

    def save(self) -> None:
        """Write the stored findings, unless a file has changed so recently that its next change could go unnoticed."""
        stamps = self.project.files.disk.known_stamps
        own = [] if self.project.own_names is None else [sorted(self.project.own_names)]
        if (
            not (self._new or (own and own != self._stored["own"]))
            or stamps is None
            or not self.project.files.is_as_on_disk
            or self.project.files.disk.has_changed
            # A file that could not be read may become readable, and no stamp shows that.
            or not self.project.files.disk.is_readable
            or any(folder.startswith(self.project.layout.root) for folder in workspace_folders.closed())
        ):
            return
        newest = self.started - cache.RACY_NS
        outside = self.project.files.disk.outside
        if any(stamp is not None and max(stamp[:2]) >= newest for stamp in (*stamps.values(), *outside.values())):
            return
        folders = {folder: _listing(folder, self.project.layout.root) for folder in self._further_folders()}
        pinning = {
            folder: [all_folders, _place(folder, all_folders)]
            for folder, all_folders in version.places_of(self.project).items()
        }
        # Results of other processes also depend on the files that they have read.
        written = _whole(cache.read(self.path))
        known = written if self._is_valid(written) else _NOTHING
        cache.write(
            self.path,
            {
                "state": self.state,
                "files": {**known["files"], **outside},
                "folders": {**known["folders"], **folders},
                "places": {**known["places"], **pinning},
                "found": {**known["found"], **self._new},
                "own": own or known["own"],
            },
        )

    @cached_property
    def _stored(self) -> dict[str, Any]:
        return _whole(cache.read(self.path))

    @cached_property
    def _is_current(self) -> bool:
        """Whether the project is unchanged since the results were written."""
        return self._is_valid(self._stored)

    def _is_valid(self, stored: dict[str, Any]) -> bool:
        root = self.project.layout.root
        return (
            bool(stored["state"] == self.state)
            and all(cache.stamp(path) == stamp for path, stamp in stored["files"].items())
            and all(_listing(folder, root) == listing for folder, listing in stored["folders"].items())
            and all(_place(folder, given) == listing for folder, (given, listing) in stored["places"].items())
        )

    @cached_property
    def state(self) -> str:
        """A digest of the linter, and of the names and stamps of all files and folders of the project."""
        project = self.project
        parts: list[object] = [cache.FORMAT, __version__, sys.version_info[:3], own_code.state()]
        records = (project.options.celery_contract, *project.options.celery_known_tasks)
        parts.extend(cache.stamp(path) for path in records if path)
        parts.append(project.files.disk.stamps)
        parts.extend(_listing(folder, project.layout.root) for folder in project.layout.walked)
        return cache.digest("\n".join(map(str, parts)))

    def _further_folders(self) -> Iterable[str]:
        """Return the folders in or around the project that were searched but contain none of its files.

        With an `__init__.py` in its root, a project is imported from the folder above, and so are that folder's other
        entries. Other folders above were searched only for the version of Celery, and are not included.
        """
        root = self.project.layout.root
        walked = set(self.project.layout.walked)
        pinning = version.places_of(self.project)
        tops = tuple(top.rstrip(os.sep) + os.sep for top in {root, *self.project.layout.import_roots()})
        return [
            folder
            for folder in listed()
            if folder not in walked
            and (
                os.path.join(folder, "").startswith(tops)
                or (root.startswith(os.path.join(folder, "")) and folder not in pinning)
            )
        ]


#: Entries that make the folders next to a project matter.
_AROUND: Final = frozenset({".git", "manage.py"})

_NOTHING: Final[dict[str, Any]] = {"state": "", "files": {}, "folders": {}, "places": {}, "found": {}, "own": []}


def _whole(stored: dict[str, Any]) -> dict[str, Any]:
    """Return loaded data, or an empty dict if any of it is not of the form that `save` writes."""
    is_sound = stored.keys() == _NOTHING.keys() and all(
        value.__class__ is _NOTHING[name].__class__ for name, value in stored.items()
    )
    return stored if is_sound and all(_SHAPES[name](value) for name, value in stored.items()) else _NOTHING


def _is_known(known: object) -> bool:
    return (
        isinstance(known, list)
        and len(known) == 3
        and isinstance(known[0], str)
        and isinstance(known[1], list)
        and isinstance(known[2], list)
        and [part.__class__ for part in known[2]] == [int, int, int, str]
        and all(isinstance(row, list) and [part.__class__ for part in row] == [int, int, str, str] for row in known[1])
    )


_SHAPES: Final[dict[str, Callable[[Any], bool]]] = {
    "state": lambda _: True,
    "files": lambda files: all(stamp is None or cache.is_stamp(stamp) for stamp in files.values()),
    "folders": lambda folders: all(isinstance(listing, str) for listing in folders.values()),
    "places": lambda places: all(
        isinstance(place, list) and [part.__class__ for part in place] == [bool, str] for place in places.values()
    ),
    "found": lambda found: all(map(_is_known, found.values())),
    "own": lambda own: all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in own),
}


def _listing(folder: str, root: str) -> str:
    """Return a digest of the entries of a folder that affect where modules are, and which Celery is used.

    Of a folder above the root of a project, which may be anybody's, other folders don't matter: nothing is imported
    from there unless the root is a package, or a repository or a `manage.py` is around it.
    """
    held = workspace_folders.entries(folder)
    is_apart = (
        root.startswith(os.path.join(folder, ""))
        and _AROUND.isdisjoint(held)
        and not workspace_folders.is_regular(root)
    )
    found = [
        f"{name}/" if kind == FOLDER else name
        for name, kind in held.items()
        if name in MARKS
        or version.may_pin(folder, name)
        or (not name.startswith((".", "__pycache__")) and (name.endswith(".py") or (kind == FOLDER and not is_apart)))
    ]
    return cache.digest("\n".join([folder, *sorted(found)]))


def _place(folder: str, all_folders: bool) -> str:
    """Return a digest of the entries of a folder that affect only which Celery is used."""
    return cache.digest("\n".join([folder, *places.content(folder, folders=all_folders)]))
