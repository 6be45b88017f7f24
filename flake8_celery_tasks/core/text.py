"""Texts of a repository, which may hold anything: as bytes, as TOML, as people see them, and how lines are broken."""

from __future__ import annotations

import sys
from typing import Any, Final, NamedTuple


def encoded(text: str) -> bytes:
    """Return a text in UTF-8, also one with surrogates that stand alone, as escapes make them."""
    return text.encode("utf-8", "surrogatepass")


def toml(text: str) -> dict[str, Any]:
    """Return what a text in TOML says. Raises ValueError where it is none, RecursionError where it nests too deeply."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def literal(value: object) -> str:
    """Return a value as `repr` does, but the items of a set in the same order in each run.

    >>> literal(({"b", "a"}, set()))
    "({'a', 'b'}, set())"
    """
    if isinstance(value, (set, frozenset)) and value:
        return f"{{{', '.join(sorted(map(literal, value)))}}}"
    if type(value) is list:
        return f"[{', '.join(map(literal, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    return repr(value)


def plain(text: str, *, of_bytes: bool = False) -> str:
    r"""Return a text on one line, with escapes for what is not to be seen, moves the cursor, or commands a log.

    `of_bytes` leaves what stands for bytes of a file name that is no text: it is written as these.

    >>> plain("a\x1b[31m\n\ud83d")
    'a\\x1b[31m\\n\\ud83d'
    """
    if not text.isprintable():
        text = "".join(
            letter if letter.isprintable() or (of_bytes and "\udc80" <= letter <= "\udcff") else ascii(letter)[1:-1]
            for letter in text
        )
    # GitHub takes these for commands of a workflow, where they are in a log.
    text = text.replace("##[", "#\\x23[")
    return f"\\x3a{text[1:]}" if text.startswith("::") else text


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes.

    >>> width("名前")
    4
    """
    if text.isascii():
        return len(text)
    import unicodedata  # no plain run asks

    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)


class Style(NamedTuple):
    """How a project breaks its lines."""

    width: int = 88
    #: Whether a comma before a closing bracket keeps each item in a line of its own.
    magic: bool = True
    #: Whether a line may be too long by any comment for a tool, and not by `# type: ignore` only.
    pragmas: bool = False


#: What holds where a project says nothing.
DEFAULT: Final = Style()
