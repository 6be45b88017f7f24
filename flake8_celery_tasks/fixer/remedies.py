"""Fixes for what was found, each proven alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flake8_celery_tasks.core import errors
from flake8_celery_tasks.edits import imports
from flake8_celery_tasks.edits.edit import Remedy, Replacement
from flake8_celery_tasks.fixer.edited import changes
from flake8_celery_tasks.fixer.files import read
from flake8_celery_tasks.fixer.rounds import BROKEN, Attempts, State, apart, written
from flake8_celery_tasks.fixer.style import style_of
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flake8_celery_tasks.edits.edit import Edit, Import
    from flake8_celery_tasks.fixer.rounds import Offer, Order


def remedies(path: str, order: Order) -> tuple[str, list[Remedy]]:
    """Return for a file how to fix what is wanted, each violation for itself, where that has proven good."""
    try:
        return path, _remedies(path, order)
    except errors.CAUGHT:  # what is found is reported without a fix
        return path, []


def _remedies(path: str, order: Order) -> list[Remedy]:
    content = read(path)
    if content is None:
        return []
    try:
        source = Source.of(content.text, style_of(path))
        state = State(os.path.abspath(path), source, source.tree, order)
    except BROKEN:
        return []
    found = [
        Remedy(offer.violation, offer.fix.safe, tuple(_replacement(state.text, edit) for edit in edits))
        for offer, edits in proven(os.path.abspath(path), state, order)
    ]
    state.project.close(state.module)
    return found


def proven(path: str, state: State, order: Order) -> list[tuple[Offer, Sequence[Edit]]]:
    """Return the offers for a text that prove good, with all edits that each comes to."""
    added: dict[tuple[Import, ...], list[Edit]] = {}
    return [(offer, _alone(state, offer, added)) for offer in _good(path, state, order)]


def _good(path: str, state: State, order: Order) -> list[Offer]:
    """Return the offers that prove good, in groups of those that don't touch each other.

    Those that fail beside others may be good without them, so they are tried again as long as that helps.
    """
    attempts = Attempts(path, state, order, state.project)
    good: set[int] = set()
    pending = state.offers
    while pending:
        group = apart(pending)
        chosen = attempts.add([], None, group)[0]
        good.update(map(id, chosen))
        done = set(map(id, chosen or group))  # what was not good beside others may be so without them
        pending = [offer for offer in pending if id(offer) not in done]
    return [offer for offer in state.offers if id(offer) in good]


def _alone(state: State, offer: Offer, added: dict[tuple[Import, ...], list[Edit]]) -> Sequence[Edit]:
    """Return all edits that a fix comes to, with its imports; `added` keeps what imports alone come to."""
    needed = offer.fix.imports
    if not needed:
        return offer.edits
    head = imports.head(state.text, state.tree)
    if any(edit.start <= head for edit in offer.edits):
        return changes(state.text, written(state, [offer])[0])
    # To write each out takes the whole text each time.
    if needed not in added:
        added[needed] = changes(state.text, written(state, [offer._replace(edits=())])[0])
    return [*added[needed], *offer.edits]


def _replacement(text: Source, edit: Edit) -> Replacement:
    return Replacement(*text.place(edit.start), *text.place(edit.end), edit.text)
