"""The capabilities of the output: colors, columns, characters and links."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


#: The width of a report outside of terminals, and the minimum for a source excerpt.
WIDTH: Final = 120
NARROWEST: Final = 30

#: Terminals that support links, by the variables that they set and by their own names.
_LINKING: Final = ("DOMTERM", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "WT_SESSION")
_PROGRAMS: Final = frozenset({"ghostty", "Hyper", "iTerm.app", "rio", "Tabby", "vscode", "WezTerm", "zed"})
_TERMS: Final = ("alacritty", "contour", "foot", "ghostty", "xterm-ghostty", "xterm-kitty")
_VTE: Final = 5000  # 0.50


class Screen(NamedTuple):
    """The capabilities of an output."""

    colored: bool = False
    width: int = WIDTH
    encoding: str = "utf-8"
    links: bool = False


#: Capabilities that every output has.
PLAIN: Final = Screen()


def found(*, colored: bool, is_file: bool) -> Screen:
    """Return the capabilities of standard output, or of a file."""
    is_terminal = not is_file and sys.stdout.isatty()
    if not is_terminal:
        return Screen(colored, links=not is_file and bool(_forced(os.environ)))
    width = max(shutil.get_terminal_size((WIDTH, 24)).columns, NARROWEST)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return Screen(colored, width, encoding, links=colored and shows_links(os.environ))


def _forced(environment: Mapping[str, str]) -> bool | None:
    """Return whether the environment forces links on or off, None if it does neither."""
    value = environment.get("FORCE_HYPERLINK")
    return None if value is None else value.lower() not in ("", "0", "false", "no")


def shows_links(environment: Mapping[str, str]) -> bool:
    """Return whether a terminal is known to support links; others print garbage, or nothing.

    >>> shows_links({"TERM_PROGRAM": "vscode"}), shows_links({"TERM": "xterm"})
    (True, False)
    """
    forced = _forced(environment)
    if forced is not None:
        return forced
    if environment.get("CI") or environment.get("TMUX") or environment.get("TERM", "").startswith("screen"):
        return False
    version = environment.get("VTE_VERSION", "")
    return (
        (version.isdecimal() and int(version) >= _VTE)
        or any(environment.get(name) for name in _LINKING)
        or environment.get("TERM_PROGRAM") in _PROGRAMS
        or environment.get("TERM") in _TERMS
    )


def link(text: str, address: str) -> str:
    """Return a text that is a link on terminals that support links."""
    return f"\033]8;;{address}\033\\{text}\033]8;;\033\\"
