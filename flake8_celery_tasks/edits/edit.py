"""What a fix is made of: operations, the changes and edits that they come to, imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.workspace.source import Source


class Edit(NamedTuple):
    """Some text in place of what is between two offsets."""

    start: int
    end: int
    text: str


class Import(NamedTuple):
    """An import that a fix needs at the top of the module: `from module import name as asname`."""

    module: str
    name: str
    asname: str = ""


class Change(NamedTuple):
    """What is between two offsets is written anew: `write` takes its text and returns the new one.

    A change may be within another one, which then gets what the inner one writes. Lines of both texts end in line
    feeds. What a line becomes too long by is broken after that. `write` may raise `Unfixable`.
    """

    start: int
    end: int
    write: Callable[[str], str]


class Operation(Protocol):
    """What becomes of some nodes."""

    def changes(self, text: Source) -> Iterator[Change | Edit]:
        """Yield what changes: nodes, or plain text; raise `Unfixable` where that would not be certain."""
        ...


class Fix(NamedTuple):
    """How to fix what a rule reports.

    A safe fix changes neither what is on the wire nor what runs, but for the mistake itself.
    """

    operations: tuple[Operation, ...]
    safe: bool
    imports: tuple[Import, ...] = ()


# What a call is written with.


class New(NamedTuple):
    """An argument of a call that was none before, as it is written."""

    text: str


class Old(NamedTuple):
    """An argument that a call had before, by its place among all of them; with another keyword, if one is given."""

    place: int
    keyword: str | None = None


class Packed(NamedTuple):
    """An argument that is a list or a dictionary of arguments that the call had before.

    `members` are their places among all of them, each with the text of its key in a dictionary, if it has one.
    """

    keyword: str
    members: tuple[tuple[int, str], ...]
    is_dict: bool = False


Argument: TypeAlias = "New | Old | Packed"


# What is offered, for others to apply.


class Remedy(NamedTuple):
    """How to fix one violation: whether it is safe, and the edits of the text with what they need besides."""

    violation: Violation
    safe: bool
    replacements: tuple[Replacement, ...]


class Replacement(NamedTuple):
    """Some text in place of a region: lines and columns from 1, in characters; the end is not part of it."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str
