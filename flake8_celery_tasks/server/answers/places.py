"""Definition, references, symbols and lenses: the positions of tasks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.celery_model.definitions import name_of
from flake8_celery_tasks.engine.survey.inventory import OPEN
from flake8_celery_tasks.server.answers import common
from flake8_celery_tasks.server.tasks import DEFINED, NAMED, name_span

if TYPE_CHECKING:
    from flake8_celery_tasks.server.desk import Buffer, Sight
    from flake8_celery_tasks.server.text import Span


class Symbol(NamedTuple):
    """A task as a symbol, by its name or its function."""

    name: str
    container: str
    is_class: bool
    span: Span


class Lens(NamedTuple):
    """A line above a task."""

    title: str
    span: Span


def definition(sight: Sight, buffer: Buffer, offset: int) -> list[Span]:
    """Return the definitions of the task at a position."""
    use = common.use_at(sight, buffer.path, offset)
    found = [] if use is None else [common.span_of(sight, one) for one in common.meant(sight, use)]
    return [span for span in found if span is not None]


def references(sight: Sight, buffer: Buffer, offset: int, *, with_definition: bool) -> list[Span]:
    """Return all uses of the task at a position; its definition and its explicit name only if requested."""
    use = common.use_at(sight, buffer.path, offset)
    if use is None:
        return []
    left_out = () if with_definition else (DEFINED, NAMED)
    found = {
        one.place: None
        for task in common.meant(sight, use)
        for one in common.uses_of(sight, task)
        if one.kind not in left_out
    }
    if not found and use.key is None:  # it is not defined here: return at least its senders
        found = {one.place: None for one in sight.all_uses() if one.name == use.name}
    return list(found)


def symbols(sight: Sight, query: str) -> list[Symbol]:
    """Return the tasks whose name or function contains the letters of a query, in order."""
    found = []
    for key, one in sight.definitions.items():
        name, own = name_of(sight.project, one) or "", key[1].rpartition(".")[2]
        span = None
        for shown, container in ((name, own), (own, name)):
            if shown and _fits(query.lower(), shown.lower()):
                span = span or common.span_of(sight, one)
                if span is not None:
                    found.append(Symbol(shown, container, isinstance(one.symbol, Class), span))
    return found


def _fits(query: str, name: str) -> bool:
    left = iter(name)
    return all(letter in left for letter in query)


def lenses(sight: Sight, buffer: Buffer) -> list[Lens]:
    """Return the inventory's summary of each task in a file."""
    facts = sight.facts(buffer.path)
    found = []
    for task in facts.tasks if facts is not None else ():
        said = common.entry(sight, task)
        count = len(said.sent_from)
        parts = [
            f"sent from {count} place{'' if count == 1 else 's'}",
            said.runs.partition(" (")[0],
            _retries(said.retries),
        ]
        title = " · ".join(part for part in parts if part and part != OPEN)
        found.append(Lens(title, name_span(task, buffer.text.source)))
    return found


def _retries(said: str) -> str:
    """Return how often a task is retried, without the conditions.

    >>> _retries("up to 5 on ValueError, backoff"), _retries("never")
    ('up to 5 retries', 'never retried')
    """
    if said == "never":
        return "never retried"
    found = re.match(r"up to \S+?(?=,|\s|$)", said)
    return f"{found[0]} retries" if found else "retried without limit" if said != OPEN else ""
