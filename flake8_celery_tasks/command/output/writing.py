"""Writes the command's output: the report, messages, and their colours."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO

from flake8_celery_tasks.core.errors import UsageError
from flake8_celery_tasks.core.text import plain

if TYPE_CHECKING:
    import argparse


PROGRAM: Final = "flake8-celery-tasks"

# Exit codes.
CLEAN, FOUND, USAGE, INTERRUPTED = 0, 1, 2, 130


def take(given: argparse.Namespace, name: str) -> Any:
    """Return the value of an argument and remove it, so that only configuration is left."""
    value = getattr(given, name)
    delattr(given, name)
    return value


def encoded(text: str) -> bytes:
    """Return a text in UTF-8, whatever it contains."""
    try:
        return text.encode("utf-8", "surrogateescape")  # paths
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def tell(message: str) -> None:
    """Print a message on standard error, on one line that names the program."""
    say(f"{PROGRAM}: {message}")


def say(line: str) -> None:
    """Write a line to standard error. It is fine if nobody reads it, or if it can't be written."""
    say_all(f"{plain(line)}\n")


def say_all(text: str) -> None:
    """Write a text to standard error as it is."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)


#: The values of a variable that force no colors.
_UNFORCED: Final = ("", "0", "false")


def in_color(options: argparse.Namespace, target: str | None = None) -> bool:
    """Return whether the output is colored: as the option says; with `auto`, by the environment or if it is a terminal.

    `NO_COLOR` takes precedence, as in Python itself. Zero forces nothing, as in mypy and Node.
    """
    if options.color != "auto":
        return bool(options.color == "always")
    if target is not None or os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "").lower() not in _UNFORCED for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    is_wanted = os.environ.get("TERM") != "dumb" and os.environ.get("CLICOLOR") != "0"
    return sys.stdout.isatty() and is_wanted and _has_colors()


def _has_colors() -> bool:
    """Return whether the terminal supports colors: older consoles of Windows must be switched on, as flake8 does."""
    if sys.platform != "win32":
        return True
    from flake8.formatting import _windows_color

    return bool(_windows_color.terminal_supports_color)


def write(text: str, target: str | None = None) -> None:
    """Write to a file or to the output. It is fine if nobody reads the output. Raises UsageError."""
    if target is not None:
        try:
            with open(target, "wb") as file:
                file.write(encoded(text))
        except OSError as error:
            raise UsageError(f"can't write {target}: {error.strerror}") from None
        return
    write_bytes(_for_terminal(text))


def _for_terminal(text: str) -> bytes:
    """Return the bytes of a text: in UTF-8 as flake8 writes it, or in a terminal's own encoding."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if sys.stdout.isatty() and encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
        return text.encode(encoding, "backslashreplace")
    return encoded(text)


def write_bytes(content: bytes) -> None:
    """Write to the output. It is fine if nobody reads it. Raises UsageError."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop(sys.stdout)
    except OSError as error:
        _drop(sys.stdout)
        raise UsageError(f"can't write the output: {error.strerror}") from None


def _drop(stream: TextIO) -> None:
    # Discard what is left in the buffer, so that the interpreter has nothing to complain about at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
