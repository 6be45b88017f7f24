"""The name that was probably meant."""

from collections.abc import Iterable


def close_match(word: str, candidates: Iterable[str], limit: int = 2) -> str | None:
    """Return the candidate that `word` is a misspelling of, or None.

    A name with other case, other plurals or other underscores comes first (`timelimit`, `max_retry`, `ackLate`); then
    the smallest number of letters put in, left out, replaced or swapped with their neighbour, at most `limit`, at most
    one where either name has fewer than eight letters, and none where either has fewer than three. In names of up to
    five letters the first letter must be right, since `case` is not `base`. Ties go to the earlier candidate. A `word`
    that is a candidate itself is no misspelling.
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

    The restricted form of Damerau and Levenshtein: no place is edited twice.
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


def _skeleton(name: str) -> str:
    """`name` in lower case, its words in the singular, without underscores."""
    return "".join(_singular(word) for word in name.lower().split("_"))


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word.removesuffix("s")


def _allowance(one: str, other: str) -> int:
    shorter = min(len(one), len(other))
    if shorter < 3 or (shorter <= 5 and one[0] != other[0]):
        return 0
    return 1 if shorter < 8 else 2
