"""What a fix is made of: edits, imports, operations."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Protocol

from flake8_celery_tasks.edits.text import Unfixable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.text import Text


class Edit(NamedTuple):
    """Some text in place of what stands between two offsets."""

    start: int
    end: int
    text: str


class Import(NamedTuple):
    """An import that a fix needs at the top of the module: `from module import name as asname`."""

    module: str
    name: str
    asname: str = ""


class Operation(Protocol):
    """What becomes edits."""

    def edits(self, text: Text) -> Iterator[Edit]:
        """Yield the edits; raise `Unfixable` where they would not be certain."""
        ...


class Fix(NamedTuple):
    """How to mend what a rule reports.

    A safe fix changes neither what is on the wire nor what runs, but for the mistake itself.
    """

    operations: tuple[Operation, ...]
    safe: bool
    imports: tuple[Import, ...] = ()

    def edits(self, text: Text) -> tuple[Edit, ...]:
        """Return the edits, in the order of the text. Raises Unfixable."""
        found = sorted({edit for operation in self.operations for edit in operation.edits(text)})
        for before, after in pairwise(found):
            if before.end > after.start:
                raise Unfixable("two operations on one place")
        return tuple(found)


# What is offered, for others to apply.


class Remedy(NamedTuple):
    """How to mend one violation: whether it is safe, and the edits of the text with what they need besides."""

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
