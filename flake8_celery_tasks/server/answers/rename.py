"""Rename: a task's explicit name, at its definition and in every string that sends it."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.edits.edit import Edit
from flake8_celery_tasks.server.answers import common, constants
from flake8_celery_tasks.server.tasks import DEFINED, IMPORTED, NAMED, key_of

if TYPE_CHECKING:
    from flake8_celery_tasks.server.desk import Buffer, Sight
    from flake8_celery_tasks.server.tasks import Use
    from flake8_celery_tasks.server.text import Span

#: The warning that the client shows before it renames.
WARNING: Final = "Messages that are in queues keep the old name: a worker that knows only the new one drops them"


class Refused(Exception):  # noqa: N818 - what the user is told
    """A rename that can't be done with certainty. `str()` gives the reason."""


class Renamed(NamedTuple):
    """The name at a position, and the string that contains it."""

    name: str
    span: Span


def renamable(sight: Sight, buffer: Buffer, offset: int) -> Renamed:
    """Return the name of a task at a position. Raises Refused."""
    use = common.use_at(sight, buffer.path, offset)
    if use is None or use.name is None or use.kind in (DEFINED, IMPORTED):
        raise Refused("there is no name of a task here")
    span = use.literal
    if span is None:
        raise Refused("the name is not written here: rename it where it is")
    return Renamed(use.name, span)


def renaming(sight: Sight, buffer: Buffer, offset: int, new: str) -> dict[str, list[Edit]]:
    """Return the edits that give a task another name, by path. Raises Refused."""
    name = renamable(sight, buffer, offset).name
    if not new:
        raise Refused("a task needs a name")
    if not _is_text(new):
        raise Refused("the name can't be written")
    if new != name and tasks_of(sight.project).has(new):
        raise Refused(f"there is a task {new!r} already")
    definitions = sight.called(name)
    if not definitions:
        raise Refused(f"no task of the project is called {name!r}")
    named: dict[object, Use] = {}
    uses = [use for use in sight.all_uses() if use.name == name and use.kind not in (DEFINED, IMPORTED)]
    for use in uses:
        if use.kind == NAMED:
            named[use.key] = use
    if any(key_of(one) not in named for one in definitions):
        raise Refused("the name is automatic: give the task an explicit one first")
    edits: dict[str, set[Edit]] = {}
    for use in uses:
        span = use.literal or use.constant
        if span is None:
            raise Refused(f"{_shown(sight, use.span)} makes the name of other parts: it can't be renamed there")
        edits.setdefault(span.path, set()).add(_edit(sight, span, name, new))
    for constant in {use.constant: None for use in uses if use.literal is None and use.constant is not None}:
        other = constants.other_use(sight, constant, {use.span for use in uses})
        if other is not None:
            raise Refused(f"{_shown(sight, other)} uses the constant with the name too: rename both by hand")
    return {path: sorted(found) for path, found in edits.items()}


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:  # half a character
        return False
    return True


def _shown(sight: Sight, span: Span) -> str:
    text = sight.text(span.path)
    line = text.place(span.start).line + 1 if text is not None else 0
    return f"{sight.project.layout.place(span.path).relative}:{line}"


def _edit(sight: Sight, span: Span, name: str, new: str) -> Edit:
    """Return the edit of one string. Raises Refused if it can't hold the new name."""
    text = sight.text(span.path)
    written = "" if text is None else text.text[span.start : span.end]
    literal = rewritten(written, name, new)
    if literal is None:
        raise Refused(f"the name can't be written in {sight.project.layout.place(span.path).relative}")
    return Edit(span.start, span.end, literal)


def rewritten(written: str, name: str, new: str) -> str | None:
    r"""Return a string literal with another value and the same quotes; None if that is impossible.

    >>> rewritten("r'a.b'", "a.b", "a.c"), rewritten('"a.b"', "a.b", 'a"c')
    ("r'a.c'", '"a\\"c"')
    """
    body = written.lstrip("rRuUbBfF")
    prefix = written[: len(written) - len(body)]
    quote = body[:3] if body[:3] in ('"""', "'''") and len(body) >= 6 else body[:1]
    plain = repr(new)[1:-1] if new.isprintable() or "\\" in repr(new) else new
    escaped = plain.replace("\\'", "'").replace('\\"', '"').replace(quote, f"\\{quote}" if len(quote) == 1 else quote)
    candidates = [f"{prefix}{quote}{escaped}{quote}", f"{quote}{escaped}{quote}"]
    if "\\" not in new or "r" in prefix.lower():  # Python warns of a backslash that escapes nothing
        candidates.insert(0, f"{prefix}{quote}{new}{quote}")
    for candidate in candidates:
        try:
            if ast.literal_eval(written) == name and ast.literal_eval(candidate) == new and "\n" not in candidate:
                return candidate
        except (SyntaxError, ValueError):
            continue
    return None
