"""One report of a rule, and the codes that are not those of a rule."""

from __future__ import annotations

from typing import Final, NamedTuple

#: The prefix of our codes, and of the codes for files that can't be read or parsed.
PREFIX: Final = "CLY"
BROKEN: Final = "E9"

#: flake8's code for a file that the running Python can't parse.
UNPARSED: Final = "E999"

#: The code for a file that the linter itself fails on.
INTERNAL: Final = "CLY000"


#: The code for a comment that silences nothing. It belongs to no rule: it is known only once everything else is
#: decided.
UNUSED: Final = "CLY900"


def is_broken(code: str) -> bool:
    """Return whether a code says that nothing is known of a file: not readable, not Python, or a failure of ours.

    >>> is_broken("E902"), is_broken("CLY101")
    (True, False)
    """
    return code == INTERNAL or code.startswith(BROKEN)


class Violation(NamedTuple):
    """One report. Lines start at 1, columns at 0 in characters; `text` does not include the code."""

    line: int
    column: int
    code: str
    text: str
