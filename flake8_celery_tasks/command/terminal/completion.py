"""Shell completion by argcomplete, if that is installed."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.core.options import BROKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


#: The options that accept codes of rules.
_CODES: Final = ("codes", "select", "extend_select", "ignore", "extend_ignore", "enable_extensions")


def is_asked() -> bool:
    """Return whether a shell asks for completions."""
    return "_ARGCOMPLETE" in os.environ


def complete(parser: argparse.ArgumentParser, columns: Sequence[str]) -> None:
    """Print the completions that a shell asks for, and exit, if argcomplete is installed.

    `columns` are the names that `--columns` and `--sort` accept.
    """
    try:
        import argcomplete
    except ImportError:
        return
    for action in _actions(parser):
        completer = _completer(action.dest, columns)
        if completer is not None:
            action.completer = completer  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the actions of a parser and its subcommands."""
    for action in parser._actions:  # noqa: SLF001
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for inner in action.choices.values():
                yield from _actions(inner)


def _completer(name: str, columns: Sequence[str]) -> Callable[..., list[str]] | None:
    """Return the completer for an option or argument, None if the shell's own path completion is right."""
    if name in _CODES:
        return _codes
    if name in ("columns", "sort"):
        return lambda prefix, **_: _after_comma(prefix, columns)
    if name == "celery_broker":
        return lambda **_: list(BROKERS)
    return None


def _codes(prefix: str, **_: Any) -> list[str]:
    """Return the codes and names of rules, each preceded by what comes before the last comma."""
    from flake8_celery_tasks.pages import explain

    return _after_comma(prefix, [*explain.names(), *explain.names().values()])


def _after_comma(prefix: str, words: Sequence[str]) -> list[str]:
    before = prefix[: prefix.rfind(",") + 1] or prefix[: prefix.startswith("-")]
    return [before + word for word in words]
