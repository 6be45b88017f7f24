"""Progress on a terminal, shown once a run has lasted a second. None of it goes to standard output."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


#: After how many seconds progress is shown, and how often it is updated.
AFTER: Final = 1.0
_EVERY: Final = 0.1

Item = TypeVar("Item")

#: When the run began, as far as this module can tell: the command imports it at that time.
_began: Final = time.monotonic()


def shown(items: Iterable[Item], total: int, *, quiet: bool = False) -> Iterator[Item]:
    """Yield some items, and show on a terminal how many of them are done, once the run has lasted a second."""
    if quiet or not _is_terminal():
        yield from items
        return
    bar: _Bar | None = None
    try:
        for done, item in enumerate(items, 1):
            if bar is None and time.monotonic() - _began >= AFTER:
                bar = _Bar(total)
            if bar is not None:
                bar.show(done)
            yield item
    finally:
        if bar is not None:
            bar.close()


def _is_terminal() -> bool:
    try:
        return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:  # it is closed
        return False


class _Bar:
    """A progress bar by rich; nothing if rich is not installed. It uses no threads: a pool may fork processes later."""

    def __init__(self, total: int) -> None:
        self._last = 0.0
        self._progress: Any = None
        try:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        except ImportError:
            return
        columns = (TextColumn("files"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr)
        self._progress = Progress(*columns, console=console, transient=True, auto_refresh=False, redirect_stdout=False)
        self._task = self._progress.add_task("files", total=total)
        self._progress.start()

    def show(self, done: int) -> None:
        """Show how many items are done, unless it was updated recently."""
        now = time.monotonic()
        if self._progress is not None and now - self._last >= _EVERY:
            self._last = now
            self._progress.update(self._task, completed=done)
            self._progress.refresh()

    def close(self) -> None:
        """Restore the terminal."""
        if self._progress is not None:
            self._progress.stop()
