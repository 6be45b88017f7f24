"""What is known about a project's files, kept on disk between runs. A broken cache is ignored.

There is one file for each project, package version and Python minor, in the user's cache folder: a header line with a
digest of the rest, then JSON. A file of the project is identified by its stamp: modification and change time in
nanoseconds, size, and inode, since moving folders and links does not touch the times of their files. Files changed in
the last two seconds are not stored, since file system clocks are coarse.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks import __version__
from flake8_celery_tasks.core import own_code, regular
from flake8_celery_tasks.core.memo import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL, which takes longer than reading the cache
except ImportError:  # pragma: no cover - another Python
    from hashlib import blake2b

#: To be increased when the format changes.
FORMAT: Final = 7

#: A younger file may still change without a new stamp.
RACY_NS: Final = 2_000_000_000

#: Larger caches are not written; beyond this number, the oldest caches are deleted.
MAX_BYTES: Final = 32_000_000
MAX_FILES: Final = 100

#: Writing a cache takes as long as looking again at one file in this many.
_WORTH: Final = 1000

#: The key of the marks among the paths.
_MARKS: Final = ""

#: The positions in a file's entry: a list is the shortest JSON form for thousands of files.
STAMP, PASSES, SUMMARY, SEARCHED, HELD = range(5)

Stamp = list[int]
Summary = dict[str, Any]


def folder() -> str:
    """Return the folder for caches. Raises OSError if it can't be determined, such as without a home folder."""
    import platformdirs

    try:
        found = platformdirs.user_cache_dir("flake8-celery-tasks", appauthor=False)
    except RuntimeError as error:
        raise OSError(f"{error}") from None
    if not os.path.isabs(found):  # an unexpanded `~` would be a folder in the working directory
        raise OSError("no home")
    return found


def stamp(path: str) -> Stamp | None:
    """Return the stamp that identifies a file's current state, None if there is no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino]


class Cache:
    """The cache of one project.

    `entries` holds, by path, a stamp, whether the file passes the gate, the summary of its module if one was made, and
    which marks the file was searched for and contains: one bit for each of `marks`. The content of summaries is up to
    those who make them: `merge` returns the combined content of two summaries of the same text and package, `is_sound`
    whether a loaded one is valid.
    """

    def __init__(
        self,
        root: str,
        *,
        merge: Callable[[Summary, Summary], Summary],
        is_sound: Callable[[Summary], bool] = bool,
        enabled: bool = True,
    ) -> None:
        self.root = root
        self.enabled = enabled
        self.entries: dict[str, list[Any]] = {}
        self._merge = merge
        self._is_sound = is_sound
        self._changed: set[str] = set()  # the files whose entries are not as stored
        self._loaded: Stamp | None = None  # the state of the cache file as last read or written
        if enabled:
            self._loaded = stamp(self.path)
            self.entries = _entries(read(self.path))
        self.marks: list[str] = self.entries.pop(_MARKS, [])
        self._bits = {name: 1 << index for index, name in enumerate(self.marks)}
        self._sound: dict[str, bool] = {}  # whether summaries are valid

    @property
    def path(self) -> str:
        """The path of the cache file."""
        return file_of(self.root, own_code.state(), ".json")

    def passes(self, path: str, current: Stamp | None) -> bool | None:
        """Return whether an unchanged file passes the gate, None if that is not known."""
        entry = self.entries.get(path)
        return entry[PASSES] if entry is not None and current is not None and entry[STAMP] == current else None

    def note(self, path: str, current: Stamp | None, *, passes: bool) -> None:
        """Record whether a file passes the gate."""
        if current is not None:
            self.entries[path] = [current, passes, None, 0, 0]
            self._sound.pop(path, None)
            self._changed.add(path)

    def bits(self, marks: Iterable[bytes]) -> dict[bytes, int]:
        """Return the bits of some marks."""
        found = {}
        for mark in marks:
            name = mark.decode("latin-1")
            if name not in self._bits:
                self._bits[name] = 1 << len(self.marks)
                self.marks.append(name)
            found[mark] = self._bits[name]
        return found

    def holds(self, path: str, current: Stamp | None, bits: int) -> bool | None:
        """Return whether an unchanged file contains a mark that has one of some bits, None if that is not known."""
        entry = self.entries.get(path)
        if entry is None or entry[STAMP] != current:
            return None
        if entry[HELD] & bits:
            return True
        return None if bits & ~entry[SEARCHED] else False

    def note_marks(self, path: str, current: Stamp | None, searched: int, held: int) -> None:
        """Record which marks a file was searched for, and which of them it contains."""
        entry = self.entries.get(path)
        if entry is not None and entry[STAMP] == current:
            entry[SEARCHED] |= searched
            entry[HELD] |= held
            self._changed.add(path)

    def summary(self, path: str, package: str) -> Summary | None:
        """Return the summary of an unchanged file's module, if its relative imports start from `package`.

        A new `__init__.py` in a folder above can change that.
        """
        found = self.kept_summary(path, package)
        return found if found is not None and self.entries[path][STAMP] == stamp(path) else None

    def kept_summary(self, path: str, package: str) -> Summary | None:
        """Return the stored summary of a file, whether it has changed since or not."""
        entry = self.entries.get(path)
        if entry is None or entry[SUMMARY] is None:
            return None
        if path not in self._sound:
            self._sound[path] = self._is_sound(entry[SUMMARY])
            if not self._sound[path]:
                entry[SUMMARY] = None
        return entry[SUMMARY] if _is_from(entry[SUMMARY], package) else None

    def keep(self, path: str, summary: Summary) -> None:
        """Store a summary of a file's module, merged with the previous one. The file must already have an entry."""
        entry = self.entries[path]
        self._sound[path] = True
        if _is_from(entry[SUMMARY], summary["package"]):
            summary = self._merge(summary, entry[SUMMARY])
            if json.dumps(summary) == json.dumps(entry[SUMMARY]):
                return
        entry[SUMMARY] = summary
        self._changed.add(path)

    @property
    def is_worth_saving(self) -> bool:
        """Whether so many files have changed that looking at them again would take longer than writing the cache.

        Files that have changed just now are not stored anyway.
        """
        if not self.enabled:
            return False
        newest = time.time_ns() - RACY_NS
        stored = [path for path in self._changed if max(self.entries[path][STAMP][:2]) < newest]
        return len(stored) > len(self.entries) // _WORTH

    def save(self, paths: Collection[str]) -> None:
        """Write what is known about the files in `paths`; other files are dropped."""
        for path in [path for path in self.entries if path not in paths]:
            del self.entries[path]
        self._changed.clear()
        self._write()

    def _learn(self) -> None:
        """Merge what other processes have written since this cache was read."""
        if stamp(self.path) == self._loaded:
            return
        theirs_by_path = _entries(read(self.path))
        theirs_by_path.pop(_MARKS, None)
        for path, theirs in theirs_by_path.items():
            mine = self.entries.get(path)
            if mine is not None and theirs[SUMMARY] is not None and mine[STAMP] == theirs[STAMP]:
                if not self._is_sound(theirs[SUMMARY]):
                    continue
                self._sound[path] = True
                if mine[SUMMARY] is None:
                    mine[SUMMARY] = theirs[SUMMARY]
                elif _is_from(theirs[SUMMARY], mine[SUMMARY]["package"]):
                    mine[SUMMARY] = self._merge(mine[SUMMARY], theirs[SUMMARY])

    def _write(self) -> None:
        self._learn()
        newest = time.time_ns() - RACY_NS
        kept = {path: entry for path, entry in self.entries.items() if max(entry[STAMP][:2]) < newest}
        write(self.path, {**kept, _MARKS: self.marks})
        self._loaded = stamp(self.path)  # what this process has written need not be read


def _is_from(summary: Summary | None, package: str) -> bool:
    """Return whether a summary is of a module whose relative imports start from `package`."""
    return summary is not None and bool(summary["package"] == package)


def _entries(data: dict[str, Any]) -> dict[str, Any]:
    """Return the content of a cache, empty if any of it is invalid."""
    marks = data.get(_MARKS, [])
    is_sound = isinstance(marks, list) and all(isinstance(mark, str) for mark in marks)
    return data if is_sound and _are_entries([entry for path, entry in data.items() if path != _MARKS]) else {}


def _are_entries(found: list[Any]) -> bool:
    """Return whether loaded data are valid entries of files: all of a column at once, for there are thousands."""
    if not found:
        return True
    if _kinds(found) != {list} or set(map(len, found)) != {5}:
        return False
    columns = list(zip(*found, strict=True))
    return (
        all(map(is_stamp, columns[STAMP]))
        and _kinds(columns[PASSES]) == {bool}
        and _kinds(columns[SUMMARY]) <= {dict, type(None)}
        and _kinds((*columns[SEARCHED], *columns[HELD])) == {int}
    )


def _kinds(values: Iterable[object]) -> set[type]:
    return set(map(type, values))


def is_stamp(found: object) -> bool:
    """Return whether loaded data is a valid stamp."""
    return isinstance(found, list) and len(found) == 4 and _kinds(found) == {int}


def file_of(root: str, key: str, suffix: str) -> str:
    """Return the path of a cache file for a project; an empty string, which is never read, if there is no folder."""
    whole = f"{FORMAT}\n{__version__}\n{sys.version_info[:2]}\n{key}\n{root}"
    try:
        return os.path.join(folder(), f"{digest(whole)}{suffix}")
    except (OSError, ImportError):
        return ""


def digest(text: str) -> str:
    """Return a digest of a text, which may contain any characters."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def read(path: str) -> dict[str, Any]:
    """Return the content of a cache file, empty if it is broken, foreign or missing."""
    with contextlib.suppress(OSError, ValueError, RecursionError, ImportError):
        if not _is_own(os.path.dirname(path)):
            return {}
        header, _, content = regular.read(path, MAX_BYTES + 200).partition(b"\n")
        if header.strip() == _digest(content):
            found = json.loads(content)
            if isinstance(found, dict):
                return found
    return {}


def write(path: str, data: dict[str, Any]) -> None:
    """Replace a cache file; if that is not possible, nothing happens."""
    try:
        content = json.dumps(data, separators=(",", ":")).encode("ascii")
        if len(content) > MAX_BYTES:
            return
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        if not _is_own(os.path.dirname(path)):
            return
        regular.replace(path, _digest(content) + b"\n" + content)
        _tidy(os.path.dirname(path))
    except (OSError, ValueError, RecursionError, ImportError):
        pass


def _is_own(place: str) -> bool:
    """Return whether only the user can write to a folder."""
    found = os.stat(place)
    return not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).hexdigest().encode("ascii")


#: The names of caches, and of files that are being written.
_OWN: Final = lazy_pattern(r"[0-9a-f]{32}(\.found|\.rules)?\.json|\..*\.tmp")


def _tidy(place: str) -> None:
    """Delete the oldest caches if there are too many, and the leftovers of killed writers."""
    found = []
    with os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if not _OWN.fullmatch(entry.name):  # the folder may be a link to some other folder
                    continue
                found.append((entry.stat().st_mtime, entry.path))
    found.sort(reverse=True)
    old = time.time() - 3600
    for age, path in found:
        if path.endswith(".tmp") and age < old:
            with contextlib.suppress(OSError):
                os.unlink(path)
    for _, path in [item for item in found if item[1].endswith(".json")][MAX_FILES:]:
        with contextlib.suppress(OSError):
            os.unlink(path)
