"""The errors of the command. A module of its own, so that the command starts with few imports."""

from __future__ import annotations

from typing import Final

from flake8_celery_tasks.core.text import plain

#: How many characters of an error are shown.
_SHOWN: Final = 200

#: The same for a mistake of the user.
_LONGEST: Final = 2000


class UsageError(Exception):
    """A mistake that the user has to fix: a wrong option, value, file or path. `str()` gives one line."""


def one_line(error: object) -> str:
    """Return the text of an error on one line."""
    return " ".join(str(error).split())


def shortened(text: str) -> str:
    """Return a text without its middle if it is very long: an option's value may have megabytes."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}...{text[-_LONGEST // 2 :]}"


#: How the message for a bug in the linter starts.
INTERNAL: Final = "internal error: "

#: What a bug in the linter may raise. It costs the file that it occurs in, never the run.
CAUGHT: tuple[type[BaseException], ...] = (Exception,)


def internal(error: BaseException) -> str:
    """Return the one-line message for a bug in the linter.

    >>> internal(RecursionError("too deep"))
    'internal error: RecursionError: too deep: please report'
    """
    said = f"{type(error).__name__}: {one_line(error)}".removesuffix(": ")
    return f"{INTERNAL}{plain(said)[:_SHOWN]}: please report"


class Unfixable(Exception):  # noqa: N818 - no error: there is no fix
    """An operation that can't be sure of its effect."""


class UnknownSyntax(Unfixable):
    """Code in a syntax that libcst doesn't know."""
