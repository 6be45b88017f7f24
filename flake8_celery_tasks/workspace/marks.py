"""Texts that make a file worth considering."""

from __future__ import annotations

from typing import Final

from flake8_celery_tasks.workspace.gate import holds_one

#: Decorators of methods that don't create tasks: Python's own, and methods of their results.
ACCESSORS: Final = frozenset({"classmethod", "deleter", "getter", "property", "setter", "staticmethod"})

#: Bytes that a file must contain to be considered in queries about the whole project.
INTEREST: Final = (b"elery", b"ELERY", b"task", b"TASK", b"Task")

#: Bytes that a file must contain to define a task, or to use one of the project's own decorators.
MARKS: Final = (b"task", b"Task", b"elery")

#: A file mark: the file may define a task, as `prescan.may_define` finds.
DEFINITIONS: Final = b"\0definitions"

#: A file mark: the file may bind a task decorator to a name of its own, as `prescan.may_bind` finds. The decorator is
#: Celery's if nothing follows, otherwise the project's own with the name that follows.
BINDINGS: Final = b"\0bindings "

#: The start of a file mark: the file uses something with the name that follows, as `prescan.uses` finds.
USES: Final = b"\0uses "

#: Words that all files of a project are searched for, whether related to Celery or not: they show how Django handles
#: requests.
WORDS: Final = (b"ATOMIC_REQUESTS", b"urlpatterns")


def is_interesting(text: bytes) -> bool:
    """Return whether a text contains one of `INTEREST`."""
    return holds_one(text, INTEREST)
