"""The parts of a fix: operations, the changes and edits that they produce, imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.workspace.source import Source


class Edit(NamedTuple):
    """A text that replaces what is between two offsets."""

    start: int
    end: int
    text: str


class Import(NamedTuple):
    """An import that a fix needs at the top of the module: `from module import name as asname`."""

    module: str
    name: str
    asname: str = ""


class Change(NamedTuple):
    """A rewrite of what is between two offsets: `write` takes the old text and returns the new one.

    A change may be inside another one, which then gets what the inner one writes. Lines of both texts end in line
    feeds. Lines that become too long are broken afterwards. `write` may raise `Unfixable`.
    """

    start: int
    end: int
    write: Callable[[str], str]


class Operation(Protocol):
    """A transformation of some nodes."""

    def changes(self, text: Source) -> Iterator[Change | Edit]:
        """Yield the changes, of nodes or plain text. Raises `Unfixable` if the result would not be certain."""
        ...


class Fix(NamedTuple):
    """How to fix a reported violation.

    A safe fix changes neither what is on the wire nor what runs, apart from the mistake itself.
    """

    operations: tuple[Operation, ...]
    safe: bool
    imports: tuple[Import, ...] = ()


# The arguments of a rewritten call.


class New(NamedTuple):
    """A new argument of a call, as written."""

    text: str


class Old(NamedTuple):
    """An argument that a call already had, by its position among all of them; with another keyword, if one is given."""

    place: int
    keyword: str | None = None


class Packed(NamedTuple):
    """An argument that is a list or a dictionary of arguments that the call already had.

    `members` are their positions among all of them, each with the text of its key in a dictionary, if it has one.
    """

    keyword: str
    members: tuple[tuple[int, str], ...]
    is_dict: bool = False


Argument: TypeAlias = "New | Old | Packed"


# Fixes in a form that others can apply.


class Remedy(NamedTuple):
    """A fix for one violation: whether it is safe, and its edits, including those for what it needs."""

    violation: Violation
    safe: bool
    replacements: tuple[Replacement, ...]


class Replacement(NamedTuple):
    """A text that replaces a region: lines and columns start at 1, in characters; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
