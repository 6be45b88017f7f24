"""Differences between two texts, as a patch."""

from __future__ import annotations

import difflib
import os
import re
import secrets
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import plain_line

if TYPE_CHECKING:
    from flake8_celery_tasks.fixer.files import Result


#: A line in the sense of `patch`.
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")

#: Characters in a file name that `patch` and git accept only in quotes, and those that a terminal does not show.
_ODD: Final = re.compile(r'["\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]')

#: What is a command in a log. Added and removed lines start with another character.
_COMMAND: Final = re.compile(r"^[ \t]*::|##\w*\[", re.MULTILINE)

#: The terminal colours of a diff's lines, by their first characters.
_COLORS: Final = {"--- ": "1", "+++ ": "1", "@@ ": "36", "-": "31", "+": "32"}


def diff(result: Result) -> str:
    """Return a unified diff of a file, in the form that `patch` and git accept: lines end in line feeds."""
    name = _named(result.path)
    lines = difflib.unified_diff(_LINE.findall(result.before), _LINE.findall(result.after), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def shown(text: str, *, colored: bool) -> str:
    """Return a diff for a terminal, with escapes for what would move its cursor. Added lines are green, others red."""
    lines = map(plain_line, _LINE.findall(text))
    return "".join(map(_colored, lines) if colored else lines)


def guarded(text: str) -> str:
    """Return a diff in which GitHub's log sees no commands: `patch` and git skip the lines around it."""
    if not _COMMAND.search(text):
        return text
    token = secrets.token_hex(16)
    return f"::stop-commands::{token}\n{text}::{token}::\n"


def _colored(line: str) -> str:
    code, end = line.rstrip("\n"), "\n" * line.endswith("\n")
    for start, color in _COLORS.items():
        if line.startswith(start):
            return f"\x1b[{color}m{code}\x1b[0m{end}"
    return line


def _named(path: str) -> str:
    r"""Return a path in the form used in diffs: relative, without `./`; one with spaces ends in a tab.

    >>> _named("./shop/tasks.py")
    'shop/tasks.py'
    >>> print(_named('"old"\nshop.py'))
    "\042old\042\012shop.py"
    >>> print(_named("\u202eshop.py"))
    "\342\200\256shop.py"
    """
    here = os.path.join(os.getcwd(), "")
    name = os.path.normpath(path).removeprefix(here).replace(os.sep, "/")
    quoted = _ODD.sub(lambda found: "".join(f"\\{byte:03o}" for byte in found[0].encode()), name)
    return f'"{quoted}"' if quoted != name else name + "\t" * (" " in name)
