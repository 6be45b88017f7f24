"""Differences between two texts, as a patch."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flake8_celery_tasks.fixer.files import Result


#: What `patch` takes for a line.
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")

#: What `patch` and git take in the name of a file only where it is quoted.
_ODD: Final = re.compile(r'["\\\x00-\x1f\x7f]')

#: How a terminal shows the lines of a diff, by what they start with.
_COLORS: Final = {"--- ": "1", "+++ ": "1", "@@ ": "36", "-": "31", "+": "32"}


def diff(result: Result) -> str:
    """Return a unified diff of a file, as `patch` and git take it: lines end in line feeds."""
    name = _named(result.path)
    lines = difflib.unified_diff(_LINE.findall(result.before), _LINE.findall(result.after), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def colored(text: str) -> str:
    """Return a diff as a terminal shows it: what goes is red, what comes is green."""
    return "".join(_shown(line) for line in _LINE.findall(text))


def _shown(line: str) -> str:
    code, end = line.rstrip("\n"), "\n" * line.endswith("\n")
    for start, color in _COLORS.items():
        if line.startswith(start):
            return f"\x1b[{color}m{code}\x1b[0m{end}"
    return line


def _named(path: str) -> str:
    r"""Return a path as a diff has it: from the working directory without `./`; one with spaces ends in a tab.

    >>> _named("./shop/tasks.py")
    'shop/tasks.py'
    >>> print(_named('"old"\nshop.py'))
    "\042old\042\012shop.py"
    """
    here = os.path.join(os.getcwd(), "")
    name = os.path.normpath(path).removeprefix(here).replace(os.sep, "/")
    quoted = _ODD.sub(lambda found: f"\\{ord(found[0]):03o}", name)
    return f'"{quoted}"' if quoted != name else name + "\t" * (" " in name)
