"""Texts that a file must hold to matter."""

from __future__ import annotations

from typing import Final

#: What makes no task of a method: decorators of Python's own, and methods of what they return.
ACCESSORS: Final = frozenset({"classmethod", "deleter", "getter", "property", "setter", "staticmethod"})

#: What the bytes of a file must hold to be looked at by questions about the whole project.
INTEREST: Final = (b"elery", b"ELERY", b"task", b"TASK", b"Task")

#: What a file must hold to define a task, or to be where a decorator of the project's own is used.
MARKS: Final = (b"task", b"Task", b"elery")

#: As a mark of a file: that it may define a task, as `scan.may_define` says.
DEFINITIONS: Final = b"\0definitions"

#: As a mark of a file: that it may bind a task decorator to a name of its own, as `prescan.may_bind` says. Celery's if
#: nothing follows, else that of the project's own whose name follows.
BINDINGS: Final = b"\0bindings "

#: As the beginning of a mark: that a file uses something of the name that follows, as `prescan.uses` says.
USES: Final = b"\0uses "

#: What any file of a project is looked through for, whether it has to do with Celery or not: what says how Django
#: handles requests.
WORDS: Final = (b"ATOMIC_REQUESTS", b"urlpatterns")
