"""Runs git so that it changes nothing: no hook, filter, index refresh, lock, download or replaced object."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: Variables that say where a repository is. A hook sets them for its own, with paths valid only in its folder.
_PLACES: Final = (
    *("GIT_COMMON_DIR", "GIT_DIR", "GIT_GRAFT_FILE", "GIT_IMPLICIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE", "GIT_WORK_TREE"),
)

_CALM: Final[Mapping[str, str]] = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # for versions of git that do not know the line above
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C",
}
_COMMAND: Final = ("git", "--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false")

_OBJECT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_CHUNK: Final = 1 << 20

# The modes of entries in a tree.
LINK: Final = "120000"
SUBMODULE: Final = "160000"


class GitError(UsageError):
    """Something that git can't provide. `str()` is one line."""


class Entry(NamedTuple):
    """An entry of a tree: its mode, the object, and the path inside the tree, with slashes."""

    mode: str
    object: str
    path: str


class Repository:
    """The repository that contains a folder. `prefix` is the folder's path in it, with a trailing slash, or empty."""

    def __init__(self, folder: str) -> None:
        """Find the repository of a folder. Raises GitError."""
        self.folder = folder
        self._environment = _environment()
        try:
            self.prefix = self._line("rev-parse", "--show-prefix")
        except GitError:
            if "GIT_DIR" not in os.environ:
                raise
            # A work tree that only the environment defines, for a bare repository.
            self._environment.update(
                {name: os.path.abspath(os.environ[name]) for name in ("GIT_DIR", "GIT_WORK_TREE") if name in os.environ}
            )
            self.prefix = self._line("rev-parse", "--show-prefix")
        if self._line("rev-parse", "--is-inside-work-tree") != "true":
            raise GitError(f"{folder} is in a bare repository or a .git folder, not in a work tree")

    def tree(self, revision: str) -> str | None:
        """Return a revision's tree for the folder, None if it has no such folder. Raises GitError."""
        if not revision or revision.startswith("-") or "\0" in revision:
            raise GitError(f"{revision!r} is not a revision")
        found = self._object(revision)
        top = None if found is None else self._object(f"{found}^{{tree}}")
        if top is None:
            raise GitError(f"there is no revision {revision!r}{self._why_missing()}")
        tree = self._object(f"{top}:{self.prefix.rstrip('/')}")
        return tree if tree is not None and self._line("cat-file", "-t", tree) == "tree" else None

    def entries(self, tree: str) -> Iterator[Entry]:
        """Yield all entries of a tree, recursively, without the folders themselves. Raises GitError."""
        for line in self._run("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0"):
            if line:
                what, _, path = line.partition(b"\t")
                mode, _, name = what.decode("ascii").split(" ")
                yield Entry(mode, name, os.fsdecode(path))

    def contents(self, names: Collection[str], largest: int) -> Iterator[tuple[str, int, bytes | None]]:
        """Yield objects with their size and content, None for a content larger than `largest`. Raises GitError."""
        count = 0
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{name}\n" for name in names).encode("ascii"))
            asked.seek(0)
            command = [*_COMMAND, "-C", self.folder, "cat-file", "--batch", "--buffer"]
            with subprocess.Popen(
                command, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._environment
            ) as process:
                assert process.stdout is not None
                try:
                    for found in self._read(process.stdout, largest):
                        count += 1
                        yield found
                except BaseException:
                    process.kill()
                    raise
        if count < len(names):  # git has given up, such as when it would have to fetch what a partial clone lacks
            raise GitError(f"the repository of {self.folder} lacks contents: fetch them")

    def _read(self, output: IO[bytes], largest: int) -> Iterator[tuple[str, int, bytes | None]]:
        while line := output.readline():
            name, *rest = line.decode("ascii", "replace").split()
            if len(rest) != 2:
                raise GitError(f"the repository of {self.folder} lacks the object {name}{self._why_missing()}")
            size = int(rest[1])
            if size <= largest:
                yield name, size, output.read(size)
            else:
                left = size
                while left and (chunk := output.read(min(left, _CHUNK))):
                    left -= len(chunk)
                yield name, size, None
            output.read(1)

    def _object(self, text: str) -> str | None:
        """Return the name of the object that a text refers to, None if there is none."""
        try:
            found = self._line("rev-parse", "--verify", "--quiet", text)
        except GitError:
            return None
        return found if _OBJECT.fullmatch(found) else None

    def _why_missing(self) -> str:
        if self._line("rev-parse", "--is-shallow-repository") == "true":
            return ": the clone is shallow, fetch more of its history"
        return ""

    def _line(self, *arguments: str) -> str:
        return os.fsdecode(self._run(*arguments).removesuffix(b"\n").removesuffix(b"\r"))

    def _run(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(
                [*_COMMAND, "-C", self.folder, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=self._environment,
                check=False,
            )
        except OSError as error:
            missing = isinstance(error, FileNotFoundError)
            raise GitError("git is not installed" if missing else f"can't run git: {error.strerror}") from None
        if done.returncode:
            raise GitError(self._problem(done.stderr.decode("utf-8", "replace")))
        return done.stdout

    def _problem(self, said: str) -> str:
        """Return git's error message on one line."""
        if "not a git repository" in said:
            return f"{self.folder} is in no git repository"
        if "dubious ownership" in said:
            return (
                f"git does not trust the repository of {self.folder}, which belongs to another user: "
                "git config --global --add safe.directory <folder>"
            )
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return f"git: {lines[0].removeprefix('fatal: ')}" if lines else "git failed"


def _environment() -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in _PLACES}, **_CALM}
