"""May this text have to do with Celery? One substring search answers for most files of a project."""

from __future__ import annotations

import os
import re

#: What a module that only configures Celery is told by.
SETTINGS = ("accept_content", "beat_", "broker_", "result_serializer", "task_", "TASK_", "worker_", "WORKER_")

#: What a module is told by that makes an asynchronous client, which tasks of other modules may use.
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
#: only tasks and signatures have, the beginning of a setting, or such a client. Longer marks would be contained in
#: these.
MARKS = (
    *("elery", "ELERY", "_task", "task(", ".task", "import tasks", ".delay", "apply_async", "Task)"),
    *SETTINGS,
    *CLIENTS,
)


#: What is alone in its line as a decorator, what a name of the module is the result of, what the module calls. It
#: is compiled when a file has come that asks for it: nothing slows down the start.
_APPLIED = r"\n(?:[ \t]*@[ \t]*(\w+)|(?:\w+[ \t]*=[ \t]*)?(\w+)[\w.]*\()"

#: What makes no task: Python's own decorators, and what is called in most modules.
_PLAIN = frozenset(
    {
        *("abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextlib"),
        *("contextmanager", "dataclass", "dataclasses", "dict", "frozenset", "functools", "getLogger", "int", "len"),
        *("list", "logging", "lru_cache", "namedtuple", "open", "os", "overload", "partial", "print", "property"),
        *("pytest", "re", "set", "staticmethod", "str", "super", "sys", "tuple", "type", "typing", "unittest"),
        *("wraps"),
    }
)


#: The marks of decorators of projects' own by folder, as far as they have been asked for: most files end here.
own: dict[str, tuple[str, ...]] = {}


def applied(text: str) -> set[str]:
    r"""Return the first parts of the names that a text decorates with, or calls where it binds a name.

    Left out is what certainly makes no task.

    >>> applied("import shop\n\n@shop.job\ndef bill(): ...\n")
    {'shop'}
    """
    return {one or other for one, other in re.findall(_APPLIED, text)} - _PLAIN


def passes(text: str, marks: tuple[str, ...] = MARKS) -> bool:
    """Return whether `text` holds one of `marks`, that is, whether it is worth a traversal.

    A file that does not pass can hold nothing that a rule reports.
    """
    for mark in marks:  # noqa: SIM110 - no generator: this runs for every file of a project
        if mark in text:
            return True
    return False


def holds_module(path: str, ends: frozenset[str]) -> bool:
    """Return whether a file may be a module of which the last two parts of the dotted name, or the only one, are known.

    >>> holds_module("/home/shop/tasks/__init__.py", frozenset({"shop.tasks"}))
    True
    """
    parts = path.replace(os.sep, "/").removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts[-2:]) in ends or parts[-1] in ends


def marks_of(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the marks for a project with decorators of its own, given as dotted names or fnmatch patterns.

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
