"""Guesses which name a misspelt one was meant to be."""

from __future__ import annotations

import fnmatch
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core.text import literal_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


#: Longer names are not treated as misspellings: nobody types them.
LONGEST: Final = 200

#: How many nodes of the tree are visited for one word before the search is given up.
_PLACES: Final = 1500


def close_match(word: str, candidates: Iterable[str], limit: int = 2) -> str | None:
    """Return the candidate that `word` is a misspelling of, or None.

    A name that differs only in case, plurals or underscores comes first (`timelimit`, `max_retry`, `ackLate`), then the
    one at the smallest edit distance: letters inserted, deleted, replaced or swapped with a neighbour. The distance is
    at most `limit`, at most 1 where either name has fewer than eight letters, and 0 where either has fewer than three.
    In names of up to five letters the first letter must match, since `case` is not `base`. Ties go to the earlier
    candidate. A `word` that is a candidate itself is not a misspelling.
    """
    names = tuple(candidates)
    if word in names:
        return None
    best, best_distance = None, limit + 1
    key = _skeleton(word)
    for name in names:
        if _skeleton(name) == key:
            return name
        allowed = min(best_distance - 1, _allowance(word, name))
        if allowed > 0 and abs(len(word) - len(name)) <= allowed:
            distance = edit_distance(word, name)
            if distance <= allowed:
                best, best_distance = name, distance
    return best


def edit_distance(one: str, other: str) -> int:
    """Count the insertions, deletions, replacements and swaps of neighbours that turn `one` into `other`.

    This is the restricted Damerau-Levenshtein distance: no position is edited twice.
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, goal in enumerate(other, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != goal))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == goal:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


class Words:
    """Many candidates, such as all task names of a project, in which misspelt words are looked up repeatedly.

    They are kept in a trie: a common prefix is compared once, and only as far as it can matter.
    """

    def __init__(self, candidates: Iterable[str]) -> None:
        self._places: dict[str, int] = {}
        self._skeletons: dict[str, str] = {}
        self._tree: dict[str, Any] = {}
        for name in candidates:
            self._places.setdefault(name, len(self._places))
            self._skeletons.setdefault(_skeleton(name), name)
            if len(name) > LONGEST:
                continue
            node = self._tree
            for letter in name:
                node = node.setdefault(letter, {})
            node[""] = name  # the end of a word

    def close_match(self, word: str, limit: int = 2) -> str | None:
        """Return what the function `close_match` would return."""
        if word in self._places:
            return None
        same = self._skeletons.get(_skeleton(word))
        if same is not None:
            return same
        for edits in range(1, limit + 1):
            if len(word) > LONGEST:
                break
            found = self._near(word, edits)
            if found is None:
                break
            near = [name for name in found if edits <= _allowance(word, name)]
            if near:
                return min(near, key=self._places.__getitem__)
        return None

    def _near(self, word: str, edits: int) -> list[str] | None:
        """Return the candidates within `edits` edits, computing one row of `edit_distance` for each node.

        Returns None if there are so many that the search would take long.
        """
        found: list[str] = []
        places = 0
        blank = [edits + 1] * len(word)
        pending: list[tuple[dict[str, Any], int, list[int], list[int], str]]
        pending = [(self._tree, 1, [min(place, edits + 1) for place in range(len(word) + 1)], [], "")]
        while pending:
            node, depth, above, before, last = pending.pop()
            places += len(node)
            if places > _PLACES:
                return None
            for letter, below in node.items():
                if not letter:
                    if above[-1] == edits:
                        found.append(below)
                    continue
                row = [depth, *blank]
                least = depth
                for place in range(max(1, depth - edits), min(len(word), depth + edits) + 1):
                    goal = word[place - 1]
                    cost = min(above[place] + 1, row[place - 1] + 1, above[place - 1] + (letter != goal))
                    if before and place > 1 and letter == word[place - 2] and last == goal:
                        cost = min(cost, before[place - 2] + 1)
                    row[place] = cost
                    if cost < least:
                        least = cost
                if least <= edits:
                    pending.append((below, depth + 1, row, above, letter))
        return found


def _skeleton(name: str) -> str:
    """Return `name` in lower case, with its words in the singular and without underscores."""
    return "".join(_singular(word) for word in name.lower().split("_"))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word.removesuffix("s")


def _allowance(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    if max(len(one), len(other)) > LONGEST or shorter < 3 or (shorter <= 5 and one[0] != other[0]):
        return 0
    return 1 if shorter < 8 else 2


class Globbed:
    """Dotted names that globs are compared with: only those that start as the glob does."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        self._by_end: dict[str, list[str]] = {}
        for name in self._names:
            for index, letter in enumerate(name[:LONGEST]):
                if letter == ".":
                    self._by_end.setdefault(name[index + 1 :], []).append(name)
        self._ends = sorted(self._by_end)

    def has_match(self, glob: str, *others: Iterable[str]) -> bool:
        """Return whether a glob matches a name, or one of some others."""
        start = literal_start(glob)
        return any(True for _ in _matching(self._names, glob)) or any(
            name.startswith(start) and fnmatch.fnmatchcase(name, glob) for names in others for name in names
        )

    def ending(self, glob: str) -> dict[str, str]:
        """Return the names whose ends match a glob, with the longest of these ends."""
        found: dict[str, str] = {}
        for end in _matching(self._ends, glob):
            for name in self._by_end[end]:
                found[name] = max(found.get(name, ""), end, key=len)
        return found


def _matching(names: list[str], glob: str) -> Iterator[str]:
    """Yield those of some sorted names that a glob matches."""
    start = literal_start(glob)
    for index in range(bisect_left(names, start), len(names)):
        if not names[index].startswith(start):
            break
        if fnmatch.fnmatchcase(names[index], glob):
            yield names[index]
