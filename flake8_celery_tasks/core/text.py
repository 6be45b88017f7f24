"""Texts of a repository, which may hold anything: as bytes, and as people and their terminals are shown them."""

from __future__ import annotations


def encoded(text: str) -> bytes:
    """Return a text in UTF-8, also one with surrogates that stand alone, as escapes make them."""
    return text.encode("utf-8", "surrogatepass")


def plain(text: str) -> str:
    r"""Return a text on one line, with escapes for what is not to be seen or moves the cursor.

    >>> plain("a\x1b[31m\n\ud83d")
    'a\\x1b[31m\\n\\ud83d'
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
