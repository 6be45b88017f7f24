"""The formats in which tasks are listed."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import plain, width
from flake8_celery_tasks.engine.inventory import OPEN, Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


#: How many senders stand in a line of the table.
_SHOWN: Final = 3

#: What means something in a cell of a table in Markdown; an address becomes a link by itself.
_MARKUP: Final = re.compile(r"[\\|`*\[\]@]|:(?=//)|(?<=www)\.")

_BOLD, _DIM, _RESET = "\033[1m", "\033[2m", "\033[m"


# How it is written.

_HEADINGS: Final = {
    "name": "Task",
    "path": "Place",
    "app": "App",
    "runs": "Runs",
    "retries": "Retried",
    "result": "Result",
    "status": "Status",
    "start": "Start",
    "time_limit": "Time limits",
    "queue": "Queue",
    "sent_from": "Sent from",
}


def _cells(entry: Entry, senders: str) -> list[str]:
    place = f"{entry.path}:{entry.line}" if entry.line else entry.path
    shown = {**asdict(entry), "name": entry.name or OPEN, "path": place, "sent_from": senders}
    return [_plain(str(shown[key])) for key in _HEADINGS]


def _plain(text: str) -> str:
    """Return a text without what would move the cursor, or be a command to a log."""
    return plain("".join(character if character.isprintable() else OPEN for character in text))


def as_table(found: Sequence[Entry], *, color: bool = False) -> str:
    """Return an aligned table, with colours for a terminal."""
    rows = [list(_HEADINGS.values())]
    for entry in found:
        more = len(entry.sent_from) - _SHOWN
        rows.append(_cells(entry, ", ".join(entry.sent_from[:_SHOWN]) + (f" and {more} more" if more > 0 else "")))
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        cells = [cell + " " * (room - width(cell)) for cell, room in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        if color:
            line = f"{_BOLD}{line}{_RESET}" if number == 0 else line.replace("(default)", f"{_DIM}(default){_RESET}")
        lines.append(line + "\n")
    return "".join(lines)


def as_markdown(found: Sequence[Entry]) -> str:
    """Return a table in Markdown."""
    rows = [list(_HEADINGS.values()), ["---"] * len(_HEADINGS)]
    for entry in found:
        cells = _cells(entry, "\n")
        cells[-1] = "\n".join(map(_plain, entry.sent_from))
        rows.append([_as_text(cell) for cell in cells])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _as_text(cell: str) -> str:
    """Return a cell in which nothing is markup, a link or HTML; a line end is one."""
    cell = _MARKUP.sub(r"\\\g<0>", cell.replace("&", "&amp;").replace("<", "&lt;"))
    return cell.replace("\n", "<br>")


def _as_cell(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def as_json(found: Sequence[Entry]) -> str:
    """Return a list of objects."""
    return json.dumps([asdict(entry) for entry in found], indent=2) + "\n"


def as_csv(found: Sequence[Entry]) -> str:
    """Return comma-separated values with a line of names; several senders are separated by spaces."""
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow([field.name for field in fields(Entry)])
    for entry in found:
        row = {**asdict(entry), "name": entry.name or "", "sent_from": "; ".join(entry.sent_from)}
        writer.writerow(map(_as_cell, row.values()))
    return output.getvalue()


FORMATS: Final[Mapping[str, Callable[[Sequence[Entry]], str]]] = {
    "table": as_table,
    "markdown": as_markdown,
    "json": as_json,
    "csv": as_csv,
}
