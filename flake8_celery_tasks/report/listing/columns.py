"""Which tasks are listed, in which order, and with which columns."""

from __future__ import annotations

import fnmatch
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.core import spelling
from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.engine.survey.facts import unanswered
from flake8_celery_tasks.engine.survey.inventory import Entry, Inventory

if TYPE_CHECKING:
    from flake8_celery_tasks.engine.survey.inventory import Listed


#: The names of the columns, in the order of the table.
COLUMNS: Final = tuple(field.name for field in fields(Entry))


class Choice(NamedTuple):
    """The requested columns, sort column, apps, queues, and whether only tasks with an open question are listed."""

    columns: tuple[str, ...] = COLUMNS
    sort: str = ""
    apps: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    unanswered: bool = False

    def applied(self, found: Inventory) -> Inventory:
        """Return the requested tasks, in the requested order.

        Unknown names have no queue and no questions; they belong to the apps that send them.
        """
        chosen = [one for one in found.tasks if self._wants(one)]
        if self.sort:
            column = self.sort.removeprefix("-")
            chosen.sort(key=lambda one: _key(one.entry, column), reverse=self.sort.startswith("-"))
        unknown = {
            name: senders
            for name, senders in found.unknown.items()
            if not (self.queues or self.unanswered) and any(self._is_of_app(sender.app) for sender in senders)
        }
        return Inventory(chosen, unknown)

    def _is_of_app(self, app: str) -> bool:
        return not self.apps or any(_is_app(app, wanted) for wanted in self.apps)

    def _wants(self, one: Listed) -> bool:
        return (
            self._is_of_app(one.entry.app)
            and (not self.queues or any(fnmatch.fnmatchcase(one.entry.queue, queue) for queue in self.queues))
            and (not self.unanswered or bool(unanswered(one.facts, one.entry.retries)))
        )


def _is_app(app: str, wanted: str) -> bool:
    """Return whether an app is the wanted one, inside it, or matches a pattern."""
    return app == wanted or app.startswith(f"{wanted}.") or fnmatch.fnmatchcase(app, wanted)


def _key(entry: Entry, column: str) -> tuple[Any, ...]:
    """Return an entry's sort key: text ignoring case, a list by its length, then by name."""
    value = getattr(entry, column)
    if isinstance(value, tuple):
        value = len(value)
    shown = str(value or "").lower() if column != "line" and not isinstance(value, int) else value
    return shown, entry.name or "", entry.path, entry.line


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns in a comma-separated list. Raises UsageError for an unknown one."""
    names = tuple(dict.fromkeys(_column("--columns", name) for name in text.split(",") if name.strip()))
    if not names:
        raise UsageError(f"argument --columns: expected names of columns: {', '.join(COLUMNS)}")
    return names


def sort_of(text: str) -> str:
    """Return the sort column, with `-` for the reverse order. Raises UsageError for an unknown one."""
    return f"{'-' if text.startswith('-') else ''}{_column('--sort', text.removeprefix('-'))}"


def _column(option: str, text: str) -> str:
    name = text.strip().lower().replace("-", "_").replace(" ", "_")
    if name not in COLUMNS:
        meant = spelling.close_match(name, COLUMNS)
        hint = f"did you mean {meant}?" if meant else f"expected one of {', '.join(COLUMNS)}"
        raise UsageError(f"argument {option}: there is no column {text.strip()!r}, {hint}")
    return name
