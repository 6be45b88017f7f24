"""Regular expressions from a configuration: a repository chooses pattern and text, but must not control the time."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

# The modules were renamed in 3.11, and the old names warn.
_NEW: Final = sys.version_info >= (3, 11)
codes: Final[Any] = importlib.import_module("re._constants" if _NEW else "sre_constants")
parser: Final[Any] = importlib.import_module("re._parser" if _NEW else "sre_parse")

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Longer texts are not matched against a pattern.
LONGEST: Final = 255

#: How many repetitions of the same characters may follow each other: the run time grows with that power.
_MOST: Final = 3

#: A repetition of at most this many is treated as if it were written out.
_FEW: Final = 4

_REPEATS: Final = frozenset({codes.MAX_REPEAT, codes.MIN_REPEAT})
_GROUPS: Final = frozenset({codes.SUBPATTERN, codes.ASSERT, codes.ASSERT_NOT, getattr(codes, "ATOMIC_GROUP", None)})

#: A stand-in for all characters: every one that patterns tell apart.
_LETTERS: Final = "".join(map(chr, range(33, 256))) + " \n\u20ac"


def is_slow(pattern: str) -> bool:
    r"""Return whether matching a pattern may take exponential time in the length of the text. Raises `re.error`.

    >>> is_slow(r"(a+)+c"), is_slow(r"shop(\.[a-z_]+)+")
    (True, False)
    """
    return _is_slow(parser.parse(pattern), inside=False)


def _is_slow(items: Any, *, inside: bool) -> bool:
    """Return whether a sequence is slow; `inside` means that the sequence itself is repeated."""
    items = list(items)
    if inside and not _is_told_apart(items):
        return True
    run: list[frozenset[str]] = []
    for code, given in items:
        if code in _REPEATS and given[1] > _FEW:
            taken = _letters(given[2])
            run = [one for one in run if one & taken]
            run.append(taken)
            if len(run) > _MOST:
                return True
        elif code not in _REPEATS and code is not codes.AT:
            taken = _letters([(code, given)])
            run = [one for one in run if one & taken]
        if any(_is_slow(part, inside=repeated) for part, repeated in _parts(code, given)):
            return True
    return False


def _is_told_apart(items: Any) -> bool:
    """Return whether one repetition is told from the next by a letter that can't occur anywhere else in it.

    This also holds for a sequence without repetitions whose alternatives start with different letters.
    """
    if len(items) == 1 and items[0][0] in _GROUPS:
        return _is_told_apart(list(next(iter(_parts(*items[0])))[0]))
    if any(map(_is_ambiguous, items)):
        return False
    return not any(map(_is_open, items)) or any(
        bool(code is codes.LITERAL) and chr(given) not in _letters(items[:at] + items[at + 1 :])
        for at, (code, given) in enumerate(items)
    )


def _is_open(item: tuple[Any, Any]) -> bool:
    """Return whether a part can match some text in more than one way."""
    code, given = item
    if code in _REPEATS and given[0] != given[1]:
        return True
    return any(_is_open(inner) for part, _ in _parts(code, given) for inner in part)


def _is_ambiguous(item: tuple[Any, Any]) -> bool:
    """Return whether a part has alternatives that may start with the same letter."""
    code, given = item
    if code is codes.BRANCH:
        seen: set[str] = set()
        for branch in given[1]:
            first = _letters(list(branch)[:1])
            if not first or first & seen:
                return True
            seen |= first
    return any(_is_ambiguous(inner) for part, _ in _parts(code, given) for inner in part)


def _parts(code: Any, given: Any) -> Iterator[tuple[Iterable[tuple[Any, Any]], bool]]:
    """Yield the sequences in a part of a pattern, with whether each is repeated."""
    if code in _REPEATS or code is getattr(codes, "POSSESSIVE_REPEAT", None):
        yield given[2], code in _REPEATS and given[1] > _FEW
    elif code is codes.BRANCH:
        yield from ((branch, False) for branch in given[1])
    elif code is codes.GROUPREF_EXISTS:
        yield from ((branch, False) for branch in given[1:] if branch is not None)
    elif code in _GROUPS:
        yield given[-1] if isinstance(given, tuple) else given, False


def _letters(items: Iterable[tuple[Any, Any]]) -> frozenset[str]:
    """Return the characters, of the stand-ins, that a sequence can match anywhere."""
    found: set[str] = set()
    for code, given in items:
        if code is codes.LITERAL:
            found.add(chr(given))
        elif code is codes.IN:
            found.update(_of_set(given))
        elif code in (codes.ANY, codes.NOT_LITERAL, codes.GROUPREF):
            found.update(_LETTERS)
        for part, _ in _parts(code, given):
            found |= _letters(part)
    return frozenset(found)


def _of_set(given: list[tuple[Any, Any]]) -> set[str]:
    found: set[str] = set()
    for code, value in given:
        if code is codes.LITERAL:
            found.add(chr(value))
        elif code is codes.RANGE:
            found.update(letter for letter in _LETTERS if value[0] <= ord(letter) <= value[1])
        elif code is codes.CATEGORY:
            found.update(filter(_CATEGORIES[value], _LETTERS))
    return set(_LETTERS) - found if given[0][0] is codes.NEGATE else found


def _is_word(letter: str) -> bool:
    return letter.isalnum() or letter == "_"


_CATEGORIES: Final[dict[Any, Any]] = {
    codes.CATEGORY_WORD: _is_word,
    codes.CATEGORY_NOT_WORD: lambda letter: not _is_word(letter),
    codes.CATEGORY_DIGIT: str.isdigit,
    codes.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    codes.CATEGORY_SPACE: str.isspace,
    codes.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
}
