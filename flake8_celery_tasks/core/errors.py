"""What the command says when it is used wrongly. A module of its own, so that the command starts with few imports."""

from __future__ import annotations


class UsageError(Exception):
    """What the user has to change: a wrong option, value, file or path. `str()` is one line."""


def one_line(error: object) -> str:
    """Return the text of an error on one line."""
    return " ".join(str(error).split())


class Unfixable(Exception):  # noqa: N818 - no error: there is no fix
    """An operation can't be certain of what it would do."""


class UnknownSyntax(Unfixable):
    """Some code is in a syntax that libcst doesn't know."""
