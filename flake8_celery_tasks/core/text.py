"""Text from a repository, which may contain anything: encoding, TOML, display, and the style of line breaks."""

from __future__ import annotations

import re
import sys
from typing import Any, Final, NamedTuple


def encoded(text: str) -> bytes:
    """Return a text in UTF-8, even one with lone surrogates, as escapes can produce."""
    return text.encode("utf-8", "surrogatepass")


def toml(text: str) -> dict[str, Any]:
    """Return the content of a TOML text. Raises ValueError if it is not TOML, RecursionError if it nests too deeply."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def literal(value: object) -> str:
    """Return the `repr` of a value, with the items of sets in the same order in every run.

    >>> literal(({"b", "a"}, set()))
    "({'a', 'b'}, set())"
    """
    if isinstance(value, (set, frozenset)) and value:
        return f"{{{', '.join(sorted(map(literal, value)))}}}"
    if type(value) is list:
        return f"[{', '.join(map(literal, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    return repr(value)


#: What GitHub, Azure Pipelines and TeamCity take for a command, anywhere in a line of a log. GitHub also has commands
#: that start with two colons, after blanks.
LOG_COMMAND: Final = re.compile(r"##(?=\w*\[)")


def json_of(value: object) -> str:
    r"""Return a value as indented JSON, in which nothing is a command if it is printed to a log.

    >>> print(json_of("##[group]"))
    "#\u0023[group]"
    """
    import json  # not needed by every run

    return LOG_COMMAND.sub(r"#\\u0023", json.dumps(value, indent=2))


def plain(text: str, *, of_bytes: bool = False) -> str:
    r"""Return a text on one line, with escapes for characters that are invisible, move the cursor or control a log.

    `of_bytes` leaves surrogates that stand for undecodable bytes of a file name: they are written as those bytes.

    >>> plain("a\x1b[31m\n\ud83d")
    'a\\x1b[31m\\n\\ud83d'
    """
    if not text.isprintable():
        text = "".join(
            letter if letter.isprintable() or (of_bytes and "\udc80" <= letter <= "\udcff") else ascii(letter)[1:-1]
            for letter in text
        )
    text = LOG_COMMAND.sub(r"#\\x23", text)
    content = text.lstrip()
    return f"{text[: -len(content)]}\\x3a{content[1:]}" if content.startswith("::") else text


def plain_line(line: str) -> str:
    r"""Return a line of source code for a terminal, with escapes as in `plain`. Its indentation, tabs and end are kept.

    >>> plain_line("\tx = '\x1b[2J'\t# y\r\n")
    "\tx = '\\x1b[2J'\t# y\r\n"
    """
    content = line.rstrip("\r\n")
    inner = content.lstrip()
    if (
        content.replace("\t", "").replace("\f", "").isprintable()
        and not inner.startswith("::")
        and not LOG_COMMAND.search(content)
    ):
        return line
    parts = content[: len(content) - len(inner)], *inner.split("\t")
    return parts[0] + "\t".join(map(plain, parts[1:])) + line[len(content) :]


def width(text: str) -> int:
    """Return the number of terminal columns that a text takes.

    >>> width("名前")
    4
    """
    if text.isascii():
        return len(text)
    import unicodedata  # an ordinary run does not need it

    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.category(character) in ("Mn", "Me", "Cf") for character in text)


class Style(NamedTuple):
    """How a project breaks its lines."""

    width: int = 88
    #: Whether a trailing comma before a closing bracket keeps each item on a line of its own.
    magic: bool = True
    #: Whether any tool comment excuses a line that is too long, or only `# type: ignore`.
    pragmas: bool = False


#: The style of a project that configures nothing.
DEFAULT: Final = Style()


#: Characters that make a string a pattern.
WILD: Final = frozenset("*?[")


def literal_start(pattern: str) -> str:
    """Return the part of a pattern before its first wildcard."""
    return pattern[: next((index for index, letter in enumerate(pattern) if letter in WILD), len(pattern))]
