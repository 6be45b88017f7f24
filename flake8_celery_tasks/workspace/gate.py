"""The first gate: whether a text may have to do with Celery. One substring search rules out most files of a project."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import AnyStr

#: Texts by which a module that only configures Celery is recognised.
SETTINGS = ("accept_content", "beat_", "broker_", "result_serializer", "task_", "TASK_", "worker_", "WORKER_")

#: Texts by which a module that creates an asynchronous client is recognised; tasks of other modules may use it.
CLIENTS = (
    "AsyncAnthropic(",
    "AsyncClient(",
    "AsyncElasticsearch(",
    "AsyncIOMotorClient(",
    "AsyncMongoClient(",
    "AsyncOpenAI(",
    "aioredis",
    "asyncio as ",
    "create_async_engine(",
    "redis.asyncio",
)

#: Every mistake that a rule can find needs one of these in the text: the library's name in any spelling, a method that
#: only tasks and signatures have, the start of a setting, or such a client. Longer marks would be contained in these.
MARKS = (
    *("elery", "ELERY", "_task", "task(", ".task", "import tasks", ".delay", "apply_async", "Task)"),
    *("Task,", "Task[", "Task as", "Task\n", ".s(", ".si(", ".signature(", "crontab("),
    *SETTINGS,
    *CLIENTS,
)


#: Decorators alone on their line, calls whose result gets a name in the module, other calls at module level, and the
#: bases of classes. Compiled on first use, so that it doesn't slow down the start.
_APPLIED = (
    r"\n(?:[ \t\f]*@[\s\\(]*(\w+)|[ \t\f]*class[\s\\]+\w+[\s\\]*(?:\[[^\]\n]*\][ \t]*)?\(([^)]{1,500})"
    r"|(?:\w+[ \t]*=[ \t]*)?(\w+)[\w.]*\()"
)
_BASE = r"(?<![\w.])\w+"

#: Names that never create tasks: Python's own decorators, and functions that most modules call.
_PLAIN = frozenset(
    {
        *("abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextlib"),
        *("contextmanager", "dataclass", "dataclasses", "dict", "frozenset", "functools", "getLogger", "int", "len"),
        *("list", "logging", "lru_cache", "namedtuple", "open", "os", "overload", "partial", "print", "property"),
        *("pytest", "re", "set", "staticmethod", "str", "super", "sys", "tuple", "type", "typing", "unittest"),
        "wraps",
    }
)


#: The marks of projects' own decorators by folder, as far as they were needed: most files end at the gate.
own: dict[str, tuple[str, ...]] = {}


def applied(text: str) -> set[str]:
    r"""Return the first parts of the names that a text uses as decorators and bases, or calls to bind a name.

    Names that certainly create no task are left out.

    >>> applied("import shop\n\n@shop.job\ndef bill(): ...\n")
    {'shop'}
    """
    found = set()
    for decorator, bases, called in re.findall(_APPLIED, text):
        if bases:
            found.update(re.findall(_BASE, bases))
        else:
            found.add(decorator or called)
    return found - _PLAIN


def passes(text: str, marks: tuple[str, ...] = MARKS) -> bool:
    """Return whether `text` contains one of `marks`, that is, whether it is worth traversing.

    A file that does not pass can't contain anything that a rule reports.
    """
    return holds_one(text, marks)


def holds_one(text: AnyStr, marks: tuple[AnyStr, ...]) -> bool:
    """Return whether a text contains one of some marks."""
    for part, some in _grouped(marks):
        if part in text:
            for mark in some:  # no generator: this runs for every file of a project
                if mark in text:
                    return True
    return False


#: Parts that several marks have in common: a text without them contains none of those.
_SHARED = ("ask", "sync", "ker_", "result", "retry")


@lru_cache
def _grouped(marks: tuple[AnyStr, ...]) -> tuple[tuple[AnyStr, tuple[AnyStr, ...]], ...]:
    """Return marks by a part that they share, or alone."""
    found: dict[AnyStr, list[AnyStr]] = {}
    for mark in marks:
        parts = (part if isinstance(mark, str) else part.encode() for part in _SHARED)
        found.setdefault(next((part for part in parts if part in mark), mark), []).append(mark)
    return tuple((part if len(some) > 1 else some[0], tuple(some)) for part, some in found.items())


def holds_module(path: str, ends: frozenset[str]) -> bool:
    """Return whether a file may be a module whose dotted name ends in one of `ends`: its last two parts or only one.

    >>> holds_module("/home/shop/tasks/__init__.py", frozenset({"shop.tasks"}))
    True
    """
    parts = path.replace(os.sep, "/").removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts[-2:]) in ends or parts[-1] in ends


def marks_of(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the marks for a project with its own decorators, given as dotted names or fnmatch patterns.

    >>> marks_of(("shop.jobs.job", "shop.decorators.*"))[-2:]
    ('job', 'decorators')
    """
    own = []
    for pattern in patterns:
        for part in reversed(pattern.split(".")):
            literal = max(part.replace("?", "*").replace("[", "*").split("*"), key=len)
            if literal:
                own.append(literal)
                break
    return (*MARKS, *own)
