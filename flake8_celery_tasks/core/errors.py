"""What the command says when it is used wrongly. A module of its own, so that the command starts with few imports."""

from __future__ import annotations

from typing import Final

from flake8_celery_tasks.core.text import plain

#: How much of an error is told.
_SHOWN: Final = 200


class UsageError(Exception):
    """What the user has to change: a wrong option, value, file or path. `str()` is one line."""


def one_line(error: object) -> str:
    """Return the text of an error on one line."""
    return " ".join(str(error).split())


#: What a defect of the linter may raise. It costs the file that it is met in, never the run.
CAUGHT: tuple[type[BaseException], ...] = (Exception,)


def internal(error: BaseException) -> str:
    """Return what is said of a defect of the linter, on one line.

    >>> internal(RecursionError("too deep"))
    'internal error: RecursionError: too deep: please report'
    """
    said = f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")
    return f"internal error: {plain(said)[:_SHOWN]}: please report"


class Unfixable(Exception):  # noqa: N818 - no error: there is no fix
    """An operation can't be certain of what it would do."""


class UnknownSyntax(Unfixable):
    """Some code is in a syntax that libcst doesn't know."""
