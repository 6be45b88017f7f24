"""Fits a table to a terminal: shortens cells, and drops columns if that is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import width

if TYPE_CHECKING:
    from collections.abc import Sequence


#: The gap between two columns.
GAP: Final = "  "

#: The columns that are dropped first if the terminal is narrow.
_DROPPED: Final = ("sent_from", "start", "status", "time_limit", "app", "result", "queue", "retries", "runs", "path")

#: The minimum width of a column whose cells are wider.
_LEAST: Final = 12
_LEAST_OF: Final = {"name": 24, "path": 20}

#: Columns that are shortened from the left: the end says more.
_FROM_LEFT: Final = frozenset({"path"})


def shorten(text: str, room: int, mark: str, *, from_left: bool = False) -> str:
    """Return a text that takes at most `room` columns, with a mark for an omission.

    >>> shorten("shop.tasks.send", 9, "..."), shorten("shop/views.py:12", 9, "...", from_left=True)
    ('shop.t...', '...py:12')
    """
    if width(text) <= room:
        return text
    letters = list(text)
    taken = width(text) + width(mark)
    while taken > room and letters:
        taken -= width(letters.pop(0 if from_left else -1))
    kept = "".join(letters)
    return mark + kept if from_left else kept + mark


def widths_of(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column of some rows."""
    return [max(map(width, column)) for column in zip(*rows, strict=True)]


def fitting(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    """Return the columns that fit, where the first row contains the headings; the first column always stays."""
    least = {
        name: min(found, max(_LEAST_OF.get(name, _LEAST), width(heading)))
        for name, found, heading in zip(columns, widths_of(rows), rows[0], strict=True)
    }
    left = list(columns)
    for name in _DROPPED:
        if sum(least[one] for one in left) + len(GAP) * (len(left) - 1) <= room or len(left) == 1:
            break
        if name in left:
            left.remove(name)
    return left


def shortened(columns: Sequence[str], rows: Sequence[Sequence[str]], room: int, mark: str) -> list[list[str]]:
    """Return rows whose columns fit into the available room, the widest ones being shortened."""
    widths = widths_of(rows)
    least = [_LEAST_OF.get(name, _LEAST) for name in columns]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - room
    while over > 0:
        spare = [found - least[index] for index, found in enumerate(widths)]
        widest = max(range(len(widths)), key=lambda index: (spare[index], index))
        if spare[widest] <= 0:
            break
        widths[widest] -= 1
        over -= 1
    return [
        [
            shorten(cell, found, mark, from_left=name in _FROM_LEFT)
            for name, cell, found in zip(columns, row, widths, strict=True)
        ]
        for row in rows
    ]
