"""Applies fixes in rounds until there is nothing left to fix."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.core.errors import Unfixable, UnknownSyntax
from flake8_celery_tasks.edits import imports
from flake8_celery_tasks.edits.changes import edits_of
from flake8_celery_tasks.engine import judge, loader, session
from flake8_celery_tasks.engine.run import Run
from flake8_celery_tasks.fixer.edited import Edits, Harmful, edited, moved
from flake8_celery_tasks.fixer.regions import Regions
from flake8_celery_tasks.fixer.style import style_of
from flake8_celery_tasks.resolution.overlay import Overlay
from flake8_celery_tasks.rules.rule import Rule
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Edit, Fix
    from flake8_celery_tasks.resolution.project import Project


#: A fix may reveal what the next one fixes. That ends soon.
ROUNDS: Final = 10

#: What the parser raises, also for deeply nested code.
BROKEN: Final = (SyntaxError, ValueError, RecursionError, MemoryError)

#: If a file has at most this many fixes, each is tried separately once all are suspects.
_FEW: Final = 4

#: How many characters the attempts of a round may check in total, and the number of attempts that are always made.
_WORK: Final = 4_000_000
_TURNS: Final = 16

#: Messages contain places of other definitions, which move.
_PLACE: Final = re.compile(r":\d+")


def _every(_path: str, _lines: list[str], _tree: ast.Module, found: list[Violation]) -> list[Violation]:
    return found


@dataclass(frozen=True)
class Order:
    """What to fix: `wants` selects those violations in a file that are enabled and not silenced."""

    run: Run = field(default_factory=Run)
    unsafe: bool = False
    wants: Callable[[str, list[str], ast.Module, list[Violation]], list[Violation]] = _every


class Fixed(NamedTuple):
    """The result for a text, and the violations that were fixed.

    `message` says why it was left unchanged, if so; `is_parsed` means that it could be parsed.
    """

    text: str
    violations: tuple[Violation, ...] = ()
    message: str = ""
    is_parsed: bool = True


class Offer(NamedTuple):
    """A fix for a violation, as edits of the current text."""

    violation: Violation
    fix: Fix
    edits: tuple[Edit, ...]


class State:
    """A text, its findings, and the fixes on offer. `known` is a project with a different version of it."""

    def __init__(self, path: str, text: Source, tree: ast.Module, order: Order, known: Project | None = None) -> None:
        self.text = text
        self.tree = tree
        if known is None:
            self.project = session.project_of(path, order.run.options, order.run.excluded)
        else:
            # A project without conclusions from the file's previous content.
            self.project = Overlay(known, path)
        self.module: Module = self.project.open(path, text, tree)
        checked = list(judge.judge(self.project, self.module, loader.by_kind(order.run.opted)))
        self.violations = {violation for _, _, violation in checked}
        self.found = Counter(map(_kind, self.violations))
        self.has_unknown_syntax = False
        self.offers = list(self._offers(path, checked, order))

    def _offers(self, path: str, checked: list[tuple[Any, Any, Violation]], order: Order) -> Iterator[Offer]:
        fixing = [item for item in checked if type(item[0]).fix is not Rule.fix]
        wanted = set(order.wants(path, list(self.text.lines), self.tree, sorted({item[2] for item in fixing})))
        for rule, fact, violation in sorted(fixing, key=lambda item: item[2]):
            if violation not in wanted:
                continue
            try:
                fix = rule.fix(fact, violation)
                edits = edits_of(fix.operations, self.text) if fix is not None and (fix.safe or order.unsafe) else ()
                if fix is not None and edits:
                    yield Offer(violation, fix, edits)
            except UnknownSyntax:
                self.has_unknown_syntax = True
            except Unfixable:
                continue

    def place(self, violation: Violation) -> int:
        """Return the offset of a violation."""
        return self.text.line_offset(violation.line) + violation.column

    def is_own(self, dotted: str) -> bool:
        """Return whether a package is the project's own."""
        return self.project.layout.has_top_level(dotted, self.module.place.root)


def fix_text(path: str, text: str, order: Order, around: Project | None = None) -> Fixed:
    """Return a file's text with all certain fixes applied; `around` is a project with a different version of it."""
    gone: list[Violation] = []
    refused: set[Violation] = set()  # in the current text: in another one they may pass
    try:
        source = Source.of(text, style_of(path))
        tree = source.tree
    except BROKEN:
        return Fixed(text, is_parsed=False)
    state = State(path, source, tree, order, around)
    known, first = state.project, state.module
    if path in known.failures:  # what it defines is unknown, to its own rules too
        known.close(first)
        return Fixed(text, message=f"{known.failures[path]}, left alone")
    for _ in range(ROUNDS):
        if state.has_unknown_syntax:
            known.close(first)
            return Fixed(text, message="has syntax that the installed libcst does not know, left alone")
        offers = [offer for offer in state.offers if offer.violation not in refused]
        if not offers:
            break
        offers = apart(offers)
        chosen, after = Attempts(path, state, order, known).add([], None, offers)
        if after is None:
            refused.update(offer.violation for offer in offers)
        else:
            gone.extend(offer.violation for offer in chosen)
            state = after
            refused.clear()
    known.close(first)
    return Fixed(state.text.text, tuple(gone))


def _kind(violation: Violation) -> tuple[str, str]:
    """Return what identifies a violation when lines move."""
    return violation.code, _PLACE.sub(":", violation.text)


def apart(offers: Iterable[Offer]) -> list[Offer]:
    """Return the offers whose edits do not touch those of an earlier one."""
    chosen: list[Offer] = []
    known: set[tuple[Edit, ...]] = set()
    taken: list[Edit] = []  # in order; none touches one of another offer
    for offer in offers:
        if offer.edits not in known:
            before = [bisect.bisect_right(taken, edit.end, key=_start) for edit in offer.edits]
            if any(i and edit.start <= taken[i - 1].end for i, edit in zip(before, offer.edits, strict=True)):
                continue
            known.add(offer.edits)
            for edit in offer.edits:
                bisect.insort(taken, edit)
        chosen.append(offer)
    return chosen


def _start(edit: Edit) -> int:
    return edit.start


class Attempts:
    """Fixes of one round that are tried together, leaving out those with which the result is not good.

    One attempt costs as much as checking the file. So if many fixes fail, the first to be set apart are those with a
    new or remaining finding next to them. If that is all of them, one from each region is tried at a time, so that a
    failure in a region is its fault. If nothing is known, one half is tried, then the other. In a long file that may go
    on for hours, so the number of attempts is limited.
    """

    def __init__(self, path: str, state: State, order: Order, known: Project) -> None:
        self.path = path
        self.state = state
        self.order = order
        self.known = known
        self.left = max(_TURNS, _WORK // (len(state.text.text) + 1))

    def add(
        self, good: list[Offer], after: State | None, more: list[Offer], guesses: int = 3
    ) -> tuple[list[Offer], State | None]:
        """Return good fixes plus those of some more that work with them, and the result of all together."""
        if not more or not self.left:
            return good, after
        self.left -= 1
        found, guilty = self.apply([*good, *more])
        if found is not None:
            return [*good, *more], found
        suspects = [offer for offer in more if id(offer) in guilty]
        parts = [[offer for offer in more if id(offer) not in guilty], suspects]
        guesses -= 1
        if len(suspects) == len(more):
            parts = self._one_of_each_region(more)
            if len(parts) == 1 and len(self.state.offers) <= _FEW:
                parts = [[offer] for offer in more]
        elif not suspects or guesses < 0:
            parts, guesses = [more[: len(more) // 2], more[len(more) // 2 :]], 3
        if len(more) > 1 and len(parts) > 1:
            for part in parts:
                good, after = self.add(good, after, part, guesses)
        return good, after

    def _one_of_each_region(self, offers: Iterable[Offer]) -> list[list[Offer]]:
        """Return offers in groups with at most one offer for each region."""
        regions = Regions(self.state.text, self.state.tree)
        counted: Counter[int] = Counter()
        groups: list[list[Offer]] = []
        for offer in offers:
            region = regions.at(offer.edits[0].start)
            if counted[region] == len(groups):
                groups.append([])
            groups[counted[region]].append(offer)
            counted[region] += 1
        return groups

    def apply(self, offers: Sequence[Offer]) -> tuple[State | None, set[int]]:
        """Return the result of applying some fixes together, None if it is not good.

        In that case it also returns the identities of the fixes with an unexpected finding next to them, as far as
        known.
        """
        state = self.state
        try:
            text, tree, steps = written(state, offers)
        except Harmful as error:
            return None, {id(offer) for offer in offers if not error.edits.isdisjoint(offer.edits)}
        except (Unfixable, *BROKEN):
            return None, set()
        found = State(self.path, text, tree, self.order, self.known)
        fixed = Counter(map(_kind, {offer.violation for offer in offers}))
        left = {kind for kind, count in fixed.items() if found.found[kind] > state.found[kind] - count}
        # Compare by code: other findings in a rewritten call may be worded differently.
        new = _by_code(found.found) - _by_code(state.found - fixed)
        if not left and not new:
            return found, set()
        places = self._wrong(found, steps, offers, left, new)
        return None, _beside(offers, steps, places, Regions(found.text, found.tree))

    def _wrong(
        self,
        found: State,
        steps: Sequence[Edits],
        offers: Sequence[Offer],
        left: set[tuple[str, str]],
        new: Counter[str],
    ) -> Iterator[int]:
        """Yield the places of findings that should be gone, or that were not reported there before."""
        fixed = {offer.violation for offer in offers}
        places = {
            (violation.code, moved(self.state.place(violation), steps))
            for violation in self.state.violations
            if violation not in fixed
        }
        for violation in found.violations:
            if violation.code in new or _kind(violation) in left:
                place = found.place(violation)
                if (violation.code, place) not in places:
                    yield place


def _beside(offers: Sequence[Offer], steps: Sequence[Edits], places: Iterable[int], regions: Regions) -> set[int]:
    """Return the identities of the fixes whose edit is nearest to each of some places, within its region if possible.

    Places and regions are those after all steps.
    """
    edits = sorted((moved(edit.start, steps), id(offer)) for offer in offers for edit in offer.edits)
    inside: dict[int, list[tuple[int, int]]] = {}
    for edit in edits:
        inside.setdefault(regions.at(edit[0]), []).append(edit)
    found: set[int] = set()
    for place in places:
        nearby = inside.get(regions.at(place), edits)
        index = bisect.bisect_left(nearby, (place,))
        near = nearby[max(index - 1, 0) : index + 1]
        found.add(min(near, key=lambda item: abs(item[0] - place))[1])
    return found


def written(state: State, offers: Sequence[Offer]) -> tuple[Source, ast.Module, list[Edits]]:
    """Return the text with fixes applied, its tree, and the edits of each step. Raises Unfixable."""
    steps = [Edits({edit for offer in offers for edit in offer.edits})]
    text, tree = edited(state.text, state.tree, steps[0])
    for needed in sorted({needed for offer in offers for needed in offer.fix.imports}):
        steps.append(Edits(imports.added(text, tree, needed, state.is_own)))
        text, tree = edited(text, tree, steps[-1])
    return text, tree, steps


def _by_code(found: Counter[tuple[str, str]]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for (code, _), count in found.items():
        counted[code] += count
    return counted
