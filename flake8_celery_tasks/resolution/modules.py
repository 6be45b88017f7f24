"""The modules of a project: parsed on first use, and dropped once many others have been used since."""

from __future__ import annotations

import ast
import contextlib
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.core.memo import Memo
from flake8_celery_tasks.workspace.cache import stamp
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.candidates import Candidates
    from flake8_celery_tasks.workspace.files import Files
    from flake8_celery_tasks.workspace.layout import Layout

#: How many parsed modules stay in memory. With fewer, modules that call helpers which send tasks are parsed repeatedly,
#: and the remains of their trees take more memory than the modules until the garbage collector runs.
KEPT: Final = 192

#: How many bytes of source the trees may have that are kept until their files are checked: forty times as much memory.
KEPT_BYTES: Final = 4_000_000


class Modules(Memo):
    """The modules of a project. The contents of a file that can't be read or parsed count as unknown."""

    def __init__(self, files: Files) -> None:
        super().__init__()
        self.files = files
        self._modules: dict[str, Module | None] = {}
        self._current: Module | None = None  # the file being checked
        self._replaced: Module | None = None  # the version from disk that it replaces
        self._held: list[Module] = []  # modules whose nodes are being visited
        self._recent: dict[str, None] = {}  # the modules whose trees are in memory, oldest first
        self._expected: frozenset[str] = frozenset()  # the files that will be checked
        self._waiting: dict[str, int] = {}  # those whose trees are in memory until then, with their sizes in bytes
        self._room = KEPT_BYTES
        #: The files in which a question about the whole project failed, with the error message.
        self.failures: dict[str, str] = {}
        #: Candidates to be released soon, if a caller collects them.
        self._dropped: list[tuple[str, list[Candidates]]] | None = None

    @property
    def layout(self) -> Layout:
        """The folders of the project."""
        return self.files.disk.layout

    def expect(self, paths: Iterable[str]) -> None:
        """Announce the files that will be checked: a tree that a question needs before then is needed again."""
        self._expected = frozenset(paths)

    def tree_of(self, path: str, source: Source) -> ast.Module | None:
        """Return the tree of a text that will be checked, if it is in memory."""
        module = self._modules.get(path) if path in self._expected else None
        return module.tree if module is not None and source.is_text_of(module.text) else None

    def open(self, path: str, source: Source, tree: ast.Module) -> Module:
        """Return the module for a file that is being checked. It replaces the version on disk."""
        module = Module(self.layout.place(path), source, tree, lambda: self._parse(path), is_from_disk=False)
        self._current = module
        self.files.hold(path, module.source)
        self._replaced = self._modules.get(path)
        if self._replaced is not None and self._replaced.tree is tree:
            module.take_over(self._replaced)
        self._room += self._waiting.pop(path, 0)
        self._keep(path, module)
        return module

    def hold(self, module: Module) -> None:
        """Keep the tree of one more module, since its facts refer to nodes. Only the last module's tree is kept."""
        self._current = module
        self.files.drop()

    def close(self, module: Module) -> None:
        """Drop the nodes of a file that has been checked; the caller owns its tree, its definitions stay known."""
        self._current = None
        self.files.drop()
        path = module.place.path
        self._recent.pop(path, None)
        summary = None
        if module.source.is_text_of(self.files.read(path)):
            module.is_from_disk = True
            if self.files.disk.is_searched:
                # Earlier runs and earlier files have asked it for more.
                summary = self.files.disk.cache.summary(path, module.place.package)
                if self._replaced is not None:
                    self._modules[path] = self._replaced
                    self._return_tree(path, module, self._replaced)
        else:
            self.files.is_as_on_disk = False
        module.shed(summary)
        if self.files.disk.is_large(path):  # the others see it as if it had not been checked
            self._modules[path] = None

    def _return_tree(self, path: str, module: Module, replaced: Module) -> None:
        """Keep the tree of a file that has been checked as that of any other, in a run that checks many."""
        if path in self._expected:
            replaced.take_over(module)
            self._used(path)

    def _keep(self, path: str, module: Module | None) -> None:
        self._modules[path] = module
        if path in self._expected and module is not None and module.text is not None:
            size = len(module.text)
            if size <= self._room:
                self._room -= size
                self._waiting[path] = size
                module.is_expected = True
        self._used(path)

    def _used(self, path: str) -> None:
        """Record that a module's tree is in memory, and drop the oldest if there are many."""
        if path in self._waiting:
            return
        self._recent.pop(path, None)
        self._recent[path] = None
        for oldest in list(self._recent)[: len(self._recent) - KEPT]:
            dropped = self._modules[oldest]
            if dropped is not self._current and dropped not in self._held:
                del self._recent[oldest]
                if dropped is not None:
                    self._drop(oldest, dropped)

    @contextlib.contextmanager
    def holding(self, module: Module) -> Iterator[None]:
        """Keep the tree of a module while its nodes are in use, whatever else is read in the meantime."""
        self._held.append(module)
        try:
            yield
        finally:
            self._held.remove(module)

    def _drop(self, path: str, module: Module) -> None:
        found = module.shed()
        if self._dropped is not None:
            self._dropped.append((path, found))

    def modules_of(self, paths: Iterable[str]) -> Iterator[tuple[str, Module | None]]:
        """Yield the modules of files one after the other, dropping them again as others are loaded.

        For callers that keep nothing that refers to a module's nodes. Otherwise it would be up to the garbage collector
        to free them, and it may be switched off or frozen.
        """
        lent = set(self._recent)  # the caller may be using their nodes
        around, self._dropped = self._dropped, []
        try:
            for path in paths:
                yield path, self.attempt(path)
                # Memory that is used again is faster than more of it.
                self._drop_unless_lent(path, lent)
            for path in list(self._recent):
                self._drop_unless_lent(path, lent)
        finally:
            self._dropped = around

    def attempt(self, path: str) -> Module | None:
        """Return the module of one of many files, None also if the linter itself fails on it."""
        try:
            return self.module(path)
        except errors.CAUGHT as error:
            self.failures[path] = errors.internal(error)
            return None

    def _drop_unless_lent(self, path: str, lent: set[str]) -> None:
        """Drop the tree of a module that only `modules_of` needed."""
        module = self._modules.get(path)
        if path in self._recent and path not in lent and module is not self._current and module not in self._held:
            del self._recent[path]
            if module is not None:
                self._drop(path, module)
        self._release(lent)

    def _release(self, lent: set[str]) -> None:
        assert self._dropped is not None
        for path, found in self._dropped:
            if path in lent:
                lent.discard(path)
            else:
                for candidates in found:
                    candidates.release()
        self._dropped.clear()

    def _parse(self, path: str) -> ast.Module | None:
        """Return the tree of a file whose module is already known."""
        self._used(path)
        return parse(self.files.read(path))

    def module(self, path: str) -> Module | None:
        """Return the module of a file, None if it can't be read or parsed."""
        if path not in self._modules:
            disk = self.files.disk
            place = self.layout.place(path)
            # Reading a few files is faster than loading the cache, until a question concerns the whole project.
            summary = disk.cache.summary(path, place.package) if disk.is_searched else None
            text = self.files.read(path) if summary is None else None
            tree = None if text is None else parse(text)
            module = None
            if tree is not None or summary is not None:
                module = Module(place, Source(()), tree, lambda: self._parse(path), summary=summary, text=text)
            self._keep(path, module)
        return self._modules[path]

    def modules_known(self) -> list[Module]:
        """Return the modules that have been requested so far."""
        return [module for module in self._modules.values() if module is not None]

    def save(self) -> None:
        """Save what is known about the project's files for the next run."""
        disk = self.files.disk
        for path, module in self._modules.items():
            if module is not None and path not in disk.cache.entries and self.layout.is_elsewhere(path):
                disk.cache.note(path, stamp(path), passes=False)
            # Content read before a file changed must not be saved under the stamp that the file has now.
            if module is None or path not in disk.cache.entries or not disk.is_as_stamped(path):
                continue
            known = disk.cache.kept_summary(path, module.place.package)
            if module.is_from_disk and module.grown and (known is None or module.knows_more(known)):
                with contextlib.suppress(ValueError, *errors.CAUGHT):  # what is not kept is found out again
                    disk.cache.keep(path, module.summary())
        if disk.cache.is_worth_saving:
            installed = (path for path in disk.cache.entries if self.layout.is_elsewhere(path))
            disk.cache.save({*self.layout.files(), *installed})


@lru_cache(maxsize=16)
def parse_text(text: str) -> ast.Module | None:
    """Return the tree of a text in an editor, None if it can't be parsed.

    The encoding that the text declares is that of its file. Several parts of a request need the tree: none modifies it.
    """
    return parse(text.removeprefix("\ufeff"))


def parse(text: bytes | str | None) -> ast.Module | None:
    """Return the tree of a module, None if it can't be parsed."""
    if text is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return None
