"""The tables of tasks: for people, for Markdown, for spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import plain, width
from flake8_celery_tasks.engine.survey.inventory import OPEN, Entry
from flake8_celery_tasks.report.listing.fit import GAP, fitting, shortened, widths_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


#: How many senders are shown in a table cell.
_SHOWN: Final = 3

#: Characters with a meaning in a Markdown table cell; addresses become links automatically.
_MARKUP: Final = re.compile(r"[\\|`*\[\]@]|:(?=//)|(?<=www)\.")

#: What a formula starts with; some spreadsheets skip blanks, and accept the wide forms.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")

_BOLD, _DIM, _RESET = "\033[1m", "\033[2m", "\033[m"


# Rendering.

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


def _row(entry: Entry, columns: Sequence[str], senders: str) -> list[str]:
    place = f"{entry.path}:{entry.line}" if entry.line else entry.path
    shown = {**asdict(entry), "name": entry.name or OPEN, "path": place, "sent_from": senders}
    return [_plain(str(shown[name])) for name in columns]


def _plain(text: str) -> str:
    """Return a text without characters that move the cursor, or are a command in a log."""
    return plain("".join(character if character.isprintable() else OPEN for character in text))


def as_table(
    found: Sequence[Entry],
    columns: Sequence[str] = (),
    *,
    color: bool = False,
    room: int = 0,
    mark: str = "\N{HORIZONTAL ELLIPSIS}",
) -> str:
    """Return an aligned table, with colours for a terminal.

    Without `columns` it has those that fit; `room` is the width of a terminal, 0 for any. `mark` stands for what is
    left out of a cell.
    """
    chosen = _shown_columns(columns)
    rows = [_row(entry, chosen, ", ".join(_first(entry))) for entry in found]
    rows.insert(0, [_HEADINGS[name] for name in chosen])
    if room:
        wanted = chosen if columns else fitting(chosen, rows, room)
        rows = [[cell for name, cell in zip(chosen, row, strict=True) if name in wanted] for row in rows]
        rows = shortened(wanted, rows, room, mark)
    widths = widths_of(rows)
    lines = []
    for number, row in enumerate(rows):
        cells = [cell + " " * (taken - width(cell)) for cell, taken in zip(row, widths, strict=True)]
        line = GAP.join(cells).rstrip()
        if color:
            line = f"{_BOLD}{line}{_RESET}" if number == 0 else line.replace("(default)", f"{_DIM}(default){_RESET}")
        lines.append(line + "\n")
    return "".join(lines)


def _first(entry: Entry) -> list[str]:
    """Return the first places that a task is sent from, and the number of further ones."""
    more = len(entry.sent_from) - _SHOWN
    last = f"{entry.sent_from[_SHOWN - 1]} and {more} more" if more > 0 else ""
    return [*entry.sent_from[: _SHOWN - 1], last] if more > 0 else list(entry.sent_from)


def _shown_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns of a table: the line of a task is part of its place."""
    named = ("path" if name == "line" else name for name in columns)
    return list(dict.fromkeys(named)) if columns else list(_HEADINGS)


def as_markdown(found: Sequence[Entry], columns: Sequence[str] = ()) -> str:
    """Return a table in Markdown."""
    chosen = _shown_columns(columns)
    rows = [[_HEADINGS[name] for name in chosen], ["---"] * len(chosen)]
    for entry in found:
        cells = dict(zip(chosen, _row(entry, chosen, ""), strict=True))
        if "sent_from" in cells:
            cells["sent_from"] = "\n".join(map(_plain, entry.sent_from))
        rows.append([_as_text(cell) for cell in cells.values()])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _as_text(cell: str) -> str:
    """Return a cell in which nothing is markup, a link or HTML; a line end becomes a line break."""
    cell = _MARKUP.sub(r"\\\g<0>", cell.replace("&", "&amp;").replace("<", "&lt;"))
    return cell.replace("\n", "<br>")


def _as_cell(value: object) -> object:
    """Return a cell that no spreadsheet treats as a formula."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def as_csv(found: Sequence[Entry], columns: Sequence[str] = ()) -> str:
    """Return comma-separated values with a header line; several senders are separated by `; `."""
    chosen = list(columns) or [field.name for field in fields(Entry)]
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(chosen)
    for entry in found:
        row = {**asdict(entry), "name": entry.name or "", "sent_from": "; ".join(entry.sent_from)}
        writer.writerow([_as_cell(row[name]) for name in chosen])
    return output.getvalue()


FORMATS: Final[Mapping[str, Callable[[Sequence[Entry], Sequence[str]], str]]] = {
    "table": as_table,
    "markdown": as_markdown,
    "csv": as_csv,
}
