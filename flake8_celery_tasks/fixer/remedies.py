"""Fixes for individual findings, each verified alone."""

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
    """Return the requested fixes for a file, one for each violation, if it was verified."""
    try:
        return path, _remedies(path, order)
    except errors.CAUGHT:  # the findings are reported without fixes
        return path, []


def _remedies(path: str, order: Order) -> list[Remedy]:
    content = read(path)
    if content is None:
        return []
    try:
        source = Source.of(content.text, style_of(path))
        tree = source.tree
    except BROKEN:
        return []
    state = State(os.path.abspath(path), source, tree, order)
    found = [
        Remedy(offer.violation, offer.fix.safe, tuple(_replacement(state.text, edit) for edit in edits))
        for offer, edits in proven(os.path.abspath(path), state, order)
    ]
    state.project.close(state.module)
    return found


def proven(path: str, state: State, order: Order) -> list[tuple[Offer, Sequence[Edit]]]:
    """Return the offers for a text that pass verification, with all edits that each needs."""
    added: dict[tuple[Import, ...], list[Edit]] = {}
    return [(offer, _alone(state, offer, added)) for offer in _good(path, state, order)]


def _good(path: str, state: State, order: Order) -> list[Offer]:
    """Return the offers that pass verification, in groups whose members don't touch each other.

    An offer that fails together with others may pass without them, so it is tried again as long as that helps.
    """
    attempts = Attempts(path, state, order, state.project)
    good: set[int] = set()
    pending = state.offers
    while pending:
        group = apart(pending)
        chosen = attempts.add([], None, group)[0]
        good.update(map(id, chosen))
        done = set(map(id, chosen or group))  # an offer that failed together with others may pass without them
        pending = [offer for offer in pending if id(offer) not in done]
    return [offer for offer in state.offers if id(offer) in good]


def _alone(state: State, offer: Offer, added: dict[tuple[Import, ...], list[Edit]]) -> Sequence[Edit]:
    """Return all edits of a fix, including its imports; `added` caches the edits for imports alone."""
    needed = offer.fix.imports
    if not needed:
        return offer.edits
    head = imports.head(state.text, state.tree)
    if any(edit.start <= head for edit in offer.edits):
        return changes(state.text, written(state, [offer])[0])
    # Each insertion needs a pass over the whole text.
    if needed not in added:
        added[needed] = changes(state.text, written(state, [offer._replace(edits=())])[0])
    return [*added[needed], *offer.edits]


def _replacement(text: Source, edit: Edit) -> Replacement:
    return Replacement(*text.place(edit.start), *text.place(edit.end), edit.text)
