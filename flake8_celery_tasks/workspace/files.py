"""The files of a project: their bytes and stamps, and which of them contain what."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.core.memo import lazy_pattern
from flake8_celery_tasks.workspace import folders
from flake8_celery_tasks.workspace.cache import stamp
from flake8_celery_tasks.workspace.marks import BINDINGS, DEFINITIONS, MARKS, USES, WORDS, is_interesting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from flake8_celery_tasks.workspace.cache import Cache, Stamp
    from flake8_celery_tasks.workspace.layout import Layout
    from flake8_celery_tasks.workspace.source import Source

#: Larger files are not parsed: their content is unknown.
MAX_BYTES: Final = 4_000_000

#: A query for files that contain one of these is about files that may define tasks.
_DEFINING: Final = frozenset((DEFINITIONS, MARKS[0]))

#: Files up to this size are searched for marks.
SEARCHED_BYTES: Final = 64_000_000


class Calls:
    """Which of some files call what, according to their texts: comments count too.

    `files` are those that call a name, or define a function of that name. `defined` is the number of functions with a
    name, and `holding` which files contain one of a few words.
    """

    def __init__(self, texts: Iterable[tuple[str, bytes]]) -> None:
        from flake8_celery_tasks.workspace.prescan import names_before_brackets

        self.files: dict[bytes, list[str]] = {}
        self.defined: dict[bytes, int] = {}
        self.holding: dict[bytes, list[str]] = {word: [] for word in WORDS}
        for path, text in texts:
            called, defined = names_before_brackets(text)
            for name in called:
                self.files.setdefault(name, []).append(path)
            for name in defined:
                self.defined[name] = self.defined.get(name, 0) + 1
            for word, paths in self.holding.items():
                if word in text:
                    paths.append(path)

    def replaced(self, texts: Sequence[tuple[str, bytes, bytes]], order: Iterable[str]) -> Calls:
        """Return the same with other texts for some files, given as path, text before and text now.

        `order` is that of all files.
        """
        changed = [
            (path, Calls([(path, before)]), Calls([(path, now)])) for path, before, now in texts if before != now
        ]
        if all(vars(before) == vars(now) for _, before, now in changed):
            return self
        rank = {path: number for number, path in enumerate(order)}
        found = Calls(())
        found.files, found.defined, found.holding = dict(self.files), dict(self.defined), dict(self.holding)
        for path, before, now in changed:
            for mine, old, new in (
                (found.files, before.files, now.files),
                (found.holding, before.holding, now.holding),
            ):
                for name in {**old, **new}:
                    paths = [*(other for other in mine.get(name, ()) if other != path), *new.get(name, ())]
                    mine[name] = sorted(paths, key=rank.__getitem__)
            for name in {**before.defined, **now.defined}:
                change = now.defined.get(name, 0) - before.defined.get(name, 0)
                found.defined[name] = found.defined.get(name, 0) + change
        return found


class Disk:
    """The files of one project as they are on disk, read on demand.

    `open_cache` returns what earlier runs found out.
    """

    def __init__(self, layout: Layout, open_cache: Callable[[], Cache]) -> None:
        self.layout = layout
        self._open_cache = open_cache
        self._texts: dict[str, bytes | None] | None = None
        #: Whether all requested files that exist could be read.
        self.is_readable = True
        self._read: dict[str, Stamp | None] = {}  # stamps of files, from before they were read

    @property
    def held(self) -> Mapping[str, bytes]:
        """The texts that replace those of files."""
        return {}

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where it can't be read."""
        if self._texts is not None:
            known = self._texts.get(path)
            if known is not None:
                return known
        return self._content(path, stamp(path))

    def _content(self, path: str, current: Stamp | None, most: int | None = None) -> bytes | None:
        """Return the bytes of a file, None if it can't be read or is larger than `most` bytes.

        `current` is its stamp, just taken.
        """
        self._read.setdefault(path, current)
        try:
            if current is None or current[2] > (MAX_BYTES if most is None else most):
                return None
            return regular.read(path)
        except (OSError, ValueError, MemoryError):
            # Nothing shows when it becomes readable: for other processes it may be so now.
            self.is_readable = self.is_readable and current is None
            return None

    @cached_property
    def cache(self) -> Cache:
        """What earlier runs found out."""
        return self._open_cache()

    @property
    def texts(self) -> dict[str, bytes | None]:
        """The files that may have to do with Celery, with their texts as far as they were read."""
        if self._texts is None:
            texts: dict[str, bytes | None] = {}
            for path, current in self.stamps.items():
                passes = self.cache.passes(path, current)
                text = None
                if passes is None:
                    text = self._content(path, current, SEARCHED_BYTES)
                    passes = text is None or is_interesting(text)
                    if text is not None:  # a file that can't be read now may be readable next time, with the same stamp
                        self.cache.note(path, current, passes=passes)
                if passes:
                    texts[path] = None if self.is_large(path) else text
            self._texts = texts
        return self._texts

    def is_large(self, path: str) -> bool:
        """Return whether a file is too large to be parsed."""
        current = self.stamps.get(path) if "stamps" in vars(self) else stamp(path)
        return current is not None and current[2] > MAX_BYTES

    @cached_property
    def stamps(self) -> dict[str, Stamp | None]:
        """The stamps of the project's files, taken before the first of them is read for a query about all."""
        return {path: stamp(path) for path in self.layout.files()}

    @property
    def known_stamps(self) -> dict[str, Stamp | None] | None:
        """The stamps, if they have been taken."""
        return self.stamps if "stamps" in vars(self) else None

    @property
    def outside(self) -> dict[str, Stamp | None]:
        """The stamps of the files that were read but are not part of the project."""
        read = {**folders.scripts(), **self._read}
        return {path: current for path, current in read.items() if path not in self.stamps}

    @cached_property
    def calls(self) -> Calls:
        """Which of all the project's files call what."""
        texts = ((path, self.read(path)) for path in self.stamps)
        return Calls((path, text) for path, text in texts if text is not None)

    def is_as_stamped(self, path: str) -> bool:
        """Return whether a file was unchanged when it was first read, or was not read."""
        current = self.stamps[path] if path in self.stamps else stamp(path)
        return path not in self._read or self._read[path] == current

    @property
    def has_changed(self) -> bool:
        """Whether a file has changed since it was first read."""
        return any(self.stamps.get(path, current) != current for path, current in self._read.items())

    @property
    def is_searched(self) -> bool:
        """Whether there was a query about the whole project."""
        return self._texts is not None

    def holds(self, path: str, bits: dict[bytes, int], searched: int) -> bool:
        """Return whether a file on disk contains one of some marks, or can't be read."""
        current = self.stamps[path]
        known = self.cache.holds(path, current, searched)
        if known is not None:
            return known
        texts = self.texts
        text = texts.get(path)
        if text is None:
            text = self._content(path, current, SEARCHED_BYTES)
            if path in texts and not self.is_large(path):
                texts[path] = text
        if text is None:
            return True
        held = marks_held(text, bits)
        self.cache.note_marks(path, current, searched, held)
        return held != 0


class Held(Disk):
    """The files of a project, some with different text. Everything else comes from `before`, the files on disk."""

    def __init__(self, before: Disk, held_texts: Mapping[str, bytes]) -> None:
        super().__init__(before.layout, lambda: before.cache)
        self.before = before
        self._held = dict(held_texts)

    @property
    def held(self) -> Mapping[str, bytes]:
        """The texts that replace those of files."""
        return self._held

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where it can't be read."""
        held_text = self._held.get(path)
        return self.before.read(path) if held_text is None else held_text

    @property
    def cache(self) -> Cache:
        """What earlier runs found out about the files on disk."""
        return self.before.cache

    @property
    def texts(self) -> dict[str, bytes | None]:
        """The files that may have to do with Celery, with their texts as far as they were read."""
        if self._texts is None:
            texts = dict(self.before.texts)
            for path, text in self._held.items():
                texts.pop(path, None)
                if is_interesting(text):
                    texts[path] = text
            self._texts = texts
        return self._texts

    @property
    def stamps(self) -> dict[str, Stamp | None]:
        """The stamps of the project's files on disk."""
        return self.before.stamps

    @cached_property
    def calls(self) -> Calls:
        """Which of all the project's files call what: few of them change from one text in an editor to the next."""
        held = [(path, self.before.read(path) or b"", text) for path, text in self._held.items() if path in self.stamps]
        return self.before.calls.replaced(held, self.stamps)

    def holds(self, path: str, bits: dict[bytes, int], searched: int) -> bool:
        """Return whether a file contains one of some marks, or can't be read."""
        held_text = self._held.get(path)
        return self.before.holds(path, bits, searched) if held_text is None else marks_held(held_text, bits) != 0


class Files:
    """The files of one project, one of which may be replaced by the text in an editor."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self._buffer: tuple[str, Source] | None = None
        self._unsaved: tuple[str, bytes] | None = None
        self._marked: dict[tuple[bytes, ...], tuple[str, ...]] = {}  # results of `holding`
        #: Whether everything that was checked was on disk, and not an editor buffer.
        self.is_as_on_disk = True
        #: A function that returns the marks of files that use the project's own task decorators. A file that contains
        #: one of them may define tasks, whatever else it contains.
        self.own_marks: Callable[[], tuple[bytes, ...]] = tuple
        #: Whether these marks are complete; they are not during the search for them.
        self.is_settled = True

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file on disk, None where it can't be read."""
        return self.disk.read(path)

    # The text in an editor.

    def hold(self, path: str, source: Source) -> None:
        """Use a text in place of the file on disk."""
        self._buffer = (path, source)
        self._unsaved = None

    def drop(self) -> None:
        """Use the file on disk again."""
        self._buffer = self._unsaved = None

    @property
    def unsaved(self) -> tuple[str, bytes] | None:
        """The path and text in the editor, if the text differs from the file on disk."""
        if self._buffer is not None and self._unsaved is None:
            path, source = self._buffer
            if not source.lines or source.is_text_of(self.read(path)):
                self._buffer = None
            else:
                self._unsaved = (path, source.text.encode("utf-8", "surrogatepass"))
        return self._unsaved

    def current(self, path: str) -> bytes | None:
        """Return the bytes of a file, those in the editor if it is open there; None where it can't be read."""
        unsaved = self.unsaved
        return unsaved[1] if unsaved is not None and unsaved[0] == path else self.read(path)

    # The content of files.

    def holding(self, *marks: bytes) -> Iterator[str]:
        """Yield the project's files that contain one of the marks, or can't be read.

        Files that contain none of `INTEREST` are searched only for uses of names. A query for task definitions also
        returns files that use the project's own decorators. The file being checked is searched as in the editor, not as
        on disk; it may not be saved yet.
        """
        known = self._marked.get(marks)
        if known is not None:
            yield from known
            return
        own = () if _DEFINING.isdisjoint(marks) else self.own_marks()
        wanted = (*marks, *own)
        found: list[str] = []
        unsaved = self.unsaved
        paths = dict.fromkeys(self.disk.texts)
        if any(_is_anywhere(mark) for mark in wanted if mark in own or mark.startswith((BINDINGS, USES))):
            paths.update(dict.fromkeys(self.disk.stamps))
        if unsaved is not None:
            paths[unsaved[0]] = None
        bits = self.disk.cache.bits(wanted)
        searched = sum(bits.values())
        for path in paths:
            if unsaved is not None and path == unsaved[0]:
                holds = marks_held(unsaved[1], bits) != 0
            else:
                holds = self.disk.holds(path, bits, searched)
            if holds:
                found.append(path)
                yield path
        if self.is_settled:
            self._marked[marks] = tuple(found)

    def calling(self, name: str) -> list[str]:
        """Return the project's files that may call something with a name, sorted by folder."""
        return self._with(self.disk.calls.files.get(name.encode(), []), name.encode() + b"(")

    def wording(self, word: bytes) -> list[str]:
        """Return the project's files that contain one of `WORDS`."""
        return self._with(self.disk.calls.holding[word], word)

    def _with(self, found: list[str], text: bytes) -> list[str]:
        """Return files, including the one in the editor if its text contains the same."""
        if self.unsaved is None:
            return found
        path, buffer = self.unsaved
        return [*(other for other in found if other != path), *([path] if text in buffer else [])]

    def times_defined(self, name: str) -> int:
        """Return how many functions with a name the project's files define."""
        return self.disk.calls.defined.get(name.encode(), 0)


def _is_anywhere(mark: bytes) -> bool:
    """Return whether a mark may be in a file that contains none of `INTEREST`."""
    text = mark.removeprefix(USES).removeprefix(BINDINGS)
    return bool(text) and not is_interesting(text)


#: With fewer marks than this, all are searched for.
_FEW: Final = 30

_WORDS: Final = lazy_pattern(rb"[\w\x80-\xff]+")


def _name(mark: bytes) -> bytes:
    """Return the name that a mark for uses or bindings is about; it is empty for Celery's own."""
    return mark.removeprefix(USES).removeprefix(BINDINGS).removeprefix(DEFINITIONS)


def marks_held(text: bytes, bits: dict[bytes, int]) -> int:
    """Return the bits of the marks that a text contains."""
    from flake8_celery_tasks.workspace.prescan import holds  # a warm run needs none of its patterns

    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    held = 0
    if len(bits) > _FEW:
        words = {*_WORDS.findall(text)}
        bits = {
            mark: bit for mark, bit in bits.items() if mark[:1] != b"\0" or not (name := _name(mark)) or name in words
        }
    for mark, bit in bits.items():  # no generator: this runs for most files of a project, and for many marks
        try:
            if mark in text if mark[:1] != b"\0" else holds(text, mark):
                held |= bit
        except errors.CAUGHT:  # what asks for the file finds out
            held |= bit
    return held
