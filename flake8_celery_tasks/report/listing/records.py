"""Tasks as JSON: words for people, facts for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.core.text import json_of
from flake8_celery_tasks.engine.survey.facts import unanswered
from flake8_celery_tasks.engine.survey.inventory import BEAT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flake8_celery_tasks.engine.survey.inventory import Listed, Sender


def record(one: Listed, names: Mapping[object, str | None]) -> dict[str, Any]:
    """Return what is known about a task; `names` are the names of the tasks by the places of their definitions.

    `facts` has a value and its source for each option, `senders` one object for each place, `unanswered` the questions
    that remain open. The other keys are the columns of the table, in words.
    """
    return {
        **asdict(one.entry),
        "definition": one.place[1] if one.place else None,
        "facts": {name: fact._asdict() for name, fact in one.facts.items()},
        "senders": [sender_record(sender, names) for sender in one.senders],
        "unanswered": list(unanswered(one.facts, one.entry.retries)),
    }


def sender_record(sender: Sender, names: Mapping[object, str | None]) -> dict[str, Any]:
    """Return a place that sends a task: where it is, whether a call or beat sends, and from which app and task."""
    return {
        "path": sender.path,
        "line": sender.line,
        "kind": "beat" if sender.what == BEAT else "call",
        "app": sender.app,
        "task": names.get(sender.by),
        "definition": sender.by[1] if sender.by else None,
    }


def names_of(found: Sequence[Listed]) -> dict[object, str | None]:
    """Return the names of some tasks by the places of their definitions."""
    return {one.place: one.entry.name for one in found if one.place is not None}


def as_json(found: Sequence[Listed], columns: Sequence[str] = ()) -> str:
    """Return a list of objects, limited to `columns` if these are given."""
    names = names_of(found)
    records = [record(one, names) for one in found]
    if columns:
        records = [{name: one[name] for name in columns} for one in records]
    return json_of(records) + "\n"
