"""Regular files: only these are opened, and writes are all or nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

#: Don't wait for a pipe's writer, and don't let a terminal become the controlling one. Windows has neither flag.
_QUIETLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

#: The attribute that holds an access control list.
_ACCESS: Final = "system.posix_acl_access"


#: How many bytes of content are remembered at most.
REMEMBERED: Final = 64_000_000


class _Memory:
    """The content of files by their identities, each with what changes when they do."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int], tuple[tuple[int, int, int], bytes]] = {}
        self.room = REMEMBERED

    def recall(self, found: os.stat_result) -> bytes | None:
        """Return the content of a file that has not changed."""
        changed, content = self.known.get((found.st_dev, found.st_ino), (None, b""))
        return content if changed == _changing(found) else None

    def note(self, found: os.stat_result, content: bytes) -> None:
        """Remember the content of a file, if there is room."""
        if found.st_ino and len(content) <= self.room:
            self.room -= len(content)
            self.known[found.st_dev, found.st_ino] = _changing(found), content


def _changing(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size


_memory: _Memory | None = None


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Read each file once as long as it does not change: several questions are about all files of a project."""
    global _memory
    before = _memory
    _memory = before or _Memory()
    try:
        yield
    finally:
        _memory = before


def read(path: str, most: int = -1) -> bytes:
    """Return a file's content, or its first `most` bytes. Raises OSError, also if it is not a regular file."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # opening a device can have side effects
        raise OSError("not a regular file")
    if _memory is None or most >= 0:
        return _read(path, most)
    content = _memory.recall(found)
    if content is None:
        content = _read(path, most)
        _memory.note(found, content)
    return content


def _read(path: str, most: int) -> bytes:
    descriptor = os.open(path, _QUIETLY)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("not a regular file")
        content = file.readall() if most < 0 else _first(descriptor, most)
    if content is None:  # no data is available yet
        raise OSError("nothing to be read")
    return content


def is_waited_for(path: str) -> bool:
    """Return whether reading a file could block forever: a pipe, or a file of the kernel's without content so far.

    `/proc/kmsg` claims to be an empty regular file.
    """
    try:
        found = os.stat(path)
        if stat.S_ISREG(found.st_mode) and not found.st_size:
            read(path, 1)
    except BlockingIOError:
        return True
    except (OSError, ValueError):  # opening it gives the reason
        return False
    return not stat.S_ISREG(found.st_mode)


def _first(descriptor: int, most: int) -> bytes:
    parts = []
    while most > 0:
        part = os.read(descriptor, most)
        if not part:
            break
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def take_over(path: str, other: str) -> None:
    """Give a file the owner, group, permissions and extended attributes of another. Raises OSError.

    The attributes include access control lists: one that the folder gives to new files is removed.
    """
    found = os.stat(path)
    if hasattr(os, "chown") and (found.st_uid, found.st_gid) != (os.stat(other).st_uid, os.stat(other).st_gid):
        os.chown(other, found.st_uid, found.st_gid)
    if hasattr(os, "listxattr"):
        _take_over_attributes(path, other)
    os.chmod(other, stat.S_IMODE(found.st_mode))


def _take_over_attributes(path: str, other: str) -> None:
    try:
        names = os.listxattr(path)
    except OSError:  # the file system has no extended attributes
        return
    if _ACCESS in set(os.listxattr(other)).difference(names):
        os.removexattr(other, _ACCESS)
    for name in names:
        os.setxattr(other, name, os.getxattr(path, name))


def replace(path: str, content: bytes, mode: int = 0o600) -> None:
    """Replace a file or a link by a new file. Raises OSError; in that case nothing has changed."""
    with _beside(path, content) as partial:
        os.chmod(partial, mode)
        os.replace(partial, path)


@contextlib.contextmanager
def _beside(path: str, content: bytes) -> Iterator[str]:
    """Yield the path of a new file with some content next to another, which is removed unless it was renamed."""
    descriptor, partial = tempfile.mkstemp(dir=os.path.dirname(path) or ".", prefix=".", suffix=".tmp")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        yield partial
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)


def exchange(path: str, content: bytes, before: bytes | None = None) -> bool:
    """Replace the content of a file atomically, and keep all that belongs to the file.

    Returns False, and does nothing, if the content is not, or no longer, `before`. Raises AttributesError if owner or
    attributes can't be kept, otherwise OSError. Nothing has changed then.
    """
    if os.stat(path).st_nlink > 1:  # a new file would not be the one that the other names refer to
        return _overwrite(path, content, before)
    with _beside(path, content) as partial:
        try:
            take_over(path, partial)
        except OSError:
            raise AttributesError from None
        if before is not None and _read(path, -1) != before:
            return False
        os.replace(partial, path)
        return True


class AttributesError(OSError):
    """The owner or the attributes of a file can't be given to a new file."""


def _overwrite(path: str, content: bytes, before: bytes | None = None) -> bool:
    """Overwrite the content of a file in place, as `exchange` replaces it. What fails halfway is undone."""
    with open(path, "r+b", buffering=0) as file:
        found = file.readall()
        if before is not None and found != before:
            return False
        try:
            _fill(file, content)
        except BaseException:
            _fill(file, found)
            raise
    return True


def _fill(file: io.FileIO, content: bytes) -> None:
    file.seek(0)
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    file.truncate(len(content))


def write(path: str, text: str) -> None:
    """Write a text to a file atomically, keeping what belongs to the file, and following links inside its folder.

    Something other than a regular file, such as `/dev/stdout`, is written to directly. Raises OSError, also for a link
    that leads out of the folder: a repository may contain one.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        return
    real = os.path.realpath(path)
    if os.path.islink(path) and not real.startswith(os.path.join(os.path.realpath(os.path.dirname(path)), "")):
        raise OSError(errno.ELOOP, "it is a link that leads out of its folder")
    content = text.encode("utf-8")
    if not os.path.exists(real):
        replace(real, content, _mode())
        return
    try:
        exchange(real, content)
    except AttributesError:  # the file of another user, who lets this one write to it
        _overwrite(real, content)


def _mode() -> int:
    """Return the permissions that a new file gets."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
