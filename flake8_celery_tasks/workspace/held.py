"""Files as an editor holds them: several texts that take the place of what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.workspace.files import Disk, marks_held
from flake8_celery_tasks.workspace.marks import INTEREST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flake8_celery_tasks.workspace.cache import Cache, Stamp


class Held(Disk):
    """The files of a project, with the texts of some of them. All else is asked of `before`, the files on disk."""

    def __init__(self, before: Disk, held_texts: Mapping[str, bytes]) -> None:
        super().__init__(before.layout, lambda: before.cache)
        self.before = before
        self._held = dict(held_texts)

    def read(self, path: str) -> bytes | None:
        """Return the bytes of a file, None where it can't be read."""
        held_text = self._held.get(path)
        return self.before.read(path) if held_text is None else held_text

    @property
    def cache(self) -> Cache:
        """What earlier runs found out of what is on disk."""
        return self.before.cache

    @property
    def texts(self) -> dict[str, bytes | None]:
        """The files that may have to do with Celery, with their text where it was read."""
        if self._texts is None:
            texts = dict(self.before.texts)
            for path, text in self._held.items():
                texts.pop(path, None)
                if any(mark in text for mark in INTEREST):
                    texts[path] = text
            self._texts = texts
        return self._texts

    @property
    def stamps(self) -> dict[str, Stamp | None]:
        """The stamps of the project's files on disk."""
        return self.before.stamps

    def holds(self, path: str, bits: dict[bytes, int], searched: int) -> bool:
        """Return whether a file holds one of some marks, or can't be read."""
        held_text = self._held.get(path)
        return self.before.holds(path, bits, searched) if held_text is None else marks_held(held_text, bits) != 0
