"""Completion of what is typed in a shell, by argcomplete, where that is installed."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


#: The options that take codes of rules.
_CODES: Final = ("codes", "select", "extend_select", "ignore", "extend_ignore")


def completing(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return a parser. Where a shell asks what may follow, tell it and end the process, if argcomplete is installed."""
    if "_ARGCOMPLETE" in os.environ:
        _complete(parser)
    return parser


def _complete(parser: argparse.ArgumentParser) -> None:
    try:
        import argcomplete
    except ImportError:
        return
    for action in _actions(parser):
        completer = _completer(action.dest)
        if completer is not None:
            action.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield what a parser and its subcommands take."""
    for action in parser._actions:  # noqa: SLF001
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for inner in action.choices.values():
                yield from _actions(inner)


def _completer(name: str) -> Callable[..., list[str]] | None:
    """Return what completes an option or argument, None where the shell's own completion of paths is right."""
    if name in _CODES:
        return _codes
    if name in ("columns", "sort"):
        return _columns
    return None


def _codes(prefix: str, **_: Any) -> list[str]:
    """Return the codes of rules, and their names, behind what stands before the last comma."""
    from flake8_celery_tasks.pages import explain

    return _after_comma(prefix, [*explain.names(), *explain.names().values()])


def _columns(prefix: str, **_: Any) -> list[str]:
    from flake8_celery_tasks.command.listing import arguments

    return _after_comma(prefix, arguments.COLUMNS)


def _after_comma(prefix: str, words: list[str] | tuple[str, ...]) -> list[str]:
    before = prefix[: prefix.rfind(",") + 1]
    return [before + word for word in words]
