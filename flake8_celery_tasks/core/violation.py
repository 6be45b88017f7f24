"""One report of a rule, and the codes that reports have."""

from __future__ import annotations

from typing import Final, NamedTuple

#: How our codes start, and how those of files start that can't be read or parsed.
PREFIX: Final = "CLY"
BROKEN: Final = "E9"

#: What flake8 says of a file that the running Python can't parse.
UNPARSED: Final = "E999"

#: The code of a file that the linter itself fails in.
INTERNAL: Final = "CLY000"


#: The code of a comment that silences nothing. No rule has it: it is known when all else is decided.
UNUSED: Final = "CLY900"


class Violation(NamedTuple):
    """One report. Line from 1, column from 0 in characters; `text` has no code in front."""

    line: int
    column: int
    code: str
    text: str
