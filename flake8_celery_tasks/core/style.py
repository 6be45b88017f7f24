"""How lines are broken."""

from __future__ import annotations

from typing import Final, NamedTuple


class Style(NamedTuple):
    """How a project breaks its lines."""

    width: int = 88
    #: Whether a comma before a closing bracket keeps each item in a line of its own.
    magic: bool = True
    #: Whether a line may be too long by any comment for a tool, and not by `# type: ignore` only.
    pragmas: bool = False


#: What holds where a project says nothing.
DEFAULT: Final = Style()
