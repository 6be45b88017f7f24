"""How findings and the inventory are written: one module for each format.

Each has `render`, which returns the whole text.
"""

from __future__ import annotations

import os
from typing import Final

#: The formats besides flake8's own text.
FORMATS: Final = ("json", "sarif", "github", "gitlab")

#: How bad an opt-in rule, any other, and a file that can't be read is: as words of the formats.
POLICY: Final = "CLY9"
BROKEN: Final = "E9"
INTERNAL: Final = "CLY000"


def shown(path: str) -> str:
    """Return a path as the formats write it: with slashes, below the working folder without `./`."""
    return os.path.normpath(path).replace(os.sep, "/")


def level(code: str, policy: str, usual: str, broken: str) -> str:
    """Return the word for how bad a finding is."""
    if code.startswith((BROKEN, INTERNAL)):
        return broken
    return policy if code.startswith(POLICY) else usual
