"""A git revision's tree, as far as it matters for tasks, written to a temporary folder.

Nothing is checked out: contents are written as stored, no filter or hook runs, and the work tree stays unchanged.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import tempfile
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.version import may_pin
from flake8_celery_tasks.contract.git import LINK, SUBMODULE, GitError, Repository
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.files import MAX_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.contract.git import Entry

#: The mark for a folder that is the root of a project.
_MARK: Final = ".git"

#: Errors after which nothing more can be written. After others, only this name is impossible in the file system.
_FATAL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})

#: No link has a longer path.
_LONGEST_LINK: Final = 4096


@contextlib.contextmanager
def laid_out(folder: str, revision: str) -> Iterator[str]:
    """Write a revision's content for a folder with projects; yield the folder that stands for it.

    It has the same name, and the packages around it are packages again, so that modules have the same names. Raises
    GitError.
    """
    with contextlib.ExitStack() as stack:
        try:
            temporary = os.path.realpath(stack.enter_context(_temporary_folder()))
            names = (*_packages_above(folder), os.path.basename(folder) or "root")
            for end in range(1, len(names)):
                package = os.path.join(temporary, *names[:end])
                os.mkdir(package)
                _write(os.path.join(package, "__init__.py"))
            target = os.path.join(temporary, *names)
            _lay_out(Repository(folder), revision, target)
            _write(os.path.join(target, _MARK))
        except OSError as error:
            raise GitError(f"can't lay out {revision}: {error.strerror or error}") from None
        yield target


@contextlib.contextmanager
def _temporary_folder() -> Iterator[str]:
    """Yield a new folder, which is removed as a whole even if an interruption comes while it is created or removed."""
    with contextlib.ExitStack() as stack:
        with _signals_delayed():
            made = tempfile.TemporaryDirectory(prefix="flake8-celery-tasks-", ignore_cleanup_errors=True)
            stack.callback(_remove, made)
        yield made.name


def _remove(made: tempfile.TemporaryDirectory[str]) -> None:
    with _signals_delayed():
        made.cleanup()


@contextlib.contextmanager
def _signals_delayed() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _packages_above(folder: str) -> list[str]:
    """Return the names of the packages that contain a folder, outermost first."""
    names: list[str] = []
    above = os.path.dirname(folder)
    while folders.is_regular(above) and os.path.dirname(above) != above:
        above, name = os.path.split(above)
        names.insert(0, name)
    return names


def _lay_out(repository: Repository, revision: str, target: str) -> None:
    os.makedirs(target, exist_ok=True)
    tree = repository.tree(revision)
    if tree is None:
        return
    places: dict[str, list[str]] = {}
    links: dict[str, list[str]] = {}
    for entry in repository.entries(tree):
        if not _is_safe(entry.path):
            continue
        if entry.mode == SUBMODULE:
            _lay_out_submodule(repository, entry, target)
        elif entry.mode == LINK:
            links.setdefault(entry.object, []).append(entry.path)
        elif _is_needed(entry.path):
            places.setdefault(entry.object, []).append(entry.path)
    made: set[str] = set()
    for name, size, content in repository.contents(places, MAX_BYTES):
        for path in places[name]:
            _place(os.path.join(target, path), content, size, made)
    # Links come last, so that nothing is written through one.
    for name, _, content in repository.contents(links, _LONGEST_LINK):
        for path in links[name]:
            if content is not None and _stays_inside(path, os.fsdecode(content)):
                with contextlib.suppress(OSError, ValueError, NotImplementedError):
                    os.makedirs(os.path.dirname(os.path.join(target, path)), exist_ok=True)
                    os.symlink(content, os.fsencode(os.path.join(target, path)))


def _lay_out_submodule(repository: Repository, entry: Entry, target: str) -> None:
    """Write a submodule's content, if the submodule is present and has the commit."""
    folder = os.path.join(repository.folder, entry.path)
    if os.path.lexists(os.path.join(folder, ".git")):
        with contextlib.suppress(GitError):
            _lay_out(Repository(folder), entry.object, os.path.join(target, entry.path))
            _write(os.path.join(target, entry.path, _MARK))


def _is_safe(path: str) -> bool:
    """Return whether a path stays inside the folder: trees can be crafted by hand."""
    parts = path.split("/")
    return not any(part.lower() in ("", ".", "..", ".git") or (os.sep != "/" and os.sep in part) for part in parts)


def _is_needed(path: str) -> bool:
    """Return whether a file matters for tasks, for where modules are imported from, or for Celery's version."""
    folder, name = os.path.split(path)
    return name.endswith(".py") or name in folders.MARKS or may_pin(folder, name)


def _stays_inside(path: str, to: str) -> bool:
    """Return whether a link leads to something inside the folder, whatever other links are on its way."""
    parts = to.split("/")
    up = 0
    while parts and parts[0] == "..":
        parts.pop(0)
        up += 1
    return bool(parts) and up <= path.count("/") and parts[0] != "" and ".." not in parts and "\0" not in to


def _place(path: str, content: bytes | None, size: int, made: set[str]) -> None:
    """Write a file; one too large to be read only gets its size. Files that the file system can't hold are left out."""
    folder = os.path.dirname(path)
    try:
        if folder not in made:
            os.makedirs(folder, exist_ok=True)
            made.add(folder)
        _write(path, content or b"", size)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in _FATAL:
            raise


def _write(path: str, content: bytes = b"", size: int = 0) -> None:
    with open(path, "wb") as file:
        file.write(content)
        if len(content) < size:
            file.truncate(size)


def moved(patterns: Iterable[str], folder: str, target: str) -> tuple[str, ...]:
    """Return path patterns, with those for paths inside a folder moved to the folder that stands for it."""
    start = os.path.join(folder, "")
    return tuple(
        os.path.join(target, pattern[len(start) :]) if pattern.startswith(start) else pattern for pattern in patterns
    )
