"""The first argument: the name of a subcommand, or a guess at what was meant."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.command.output.writing import PROGRAM
from flake8_celery_tasks.core import spelling
from flake8_celery_tasks.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


#: Options that need no subcommand.
_ALONE: Final = ("-h", "--help", "-V", "--version")


def check(arguments: Sequence[str], names: Iterable[str]) -> None:
    """Raise UsageError if the first argument is neither a subcommand nor an option that needs none."""
    word = arguments[0]
    known = list(names)
    if word in known or word in _ALONE:
        return
    if word.startswith("-") and word != "-":
        rest = [word, *arguments[1:]]
        named = next((name for name in rest if name in known), None)
        if named is not None:
            rest.remove(named)
        raise UsageError(f"the command comes first: {_line([named or 'check', *rest])}")
    if _is_path(word):
        raise UsageError(f"{word!r} is not a command; to check it: {_line(['check', *arguments])}")
    meant = "--help" if word == "help" else spelling.close_match(word.lower(), known)
    hint = f"did you mean {meant}?" if meant else f"the commands are {', '.join(known[:-1])} and {known[-1]}"
    raise UsageError(f"there is no command {word!r}, {hint}")


def _is_path(word: str) -> bool:
    return word == "-" or os.path.lexists(word) or "/" in word or os.sep in word or word.endswith(".py")


def _line(arguments: Sequence[str]) -> str:
    return f"{PROGRAM} {shlex.join(arguments)}"
