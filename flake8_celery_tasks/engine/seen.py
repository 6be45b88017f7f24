"""What a run has checked: tasks, and decorators that look like Celery's but are not recognised."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.values import Invoke

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.resolution.project import Project


#: Keywords that only Celery's decorators accept. Other libraries have `name`, `queue` and `time_limit`, too.
KEYWORDS: Final = frozenset(
    {
        *("acks_late", "acks_on_failure_or_timeout", "autoretry_for", "bind", "default_retry_delay"),
        *("dont_autoretry_for", "ignore_result", "reject_on_worker_lost", "retry_backoff", "retry_backoff_max"),
        *("retry_jitter", "soft_time_limit", "store_errors_even_if_ignored", "track_started"),
    }
)

#: A file that contains none of these, and no other trace of Celery, has no such decorator.
MARKS: Final = ("acks_late=", "autoretry_for=", "bind=True", "ignore_result=", "retry_backoff=", "soft_time_limit=")


class Seen(NamedTuple):
    """The content of a file: tasks, and unknown decorators with Celery's keywords, and one of these by name."""

    tasks: int = 0
    unknown: int = 0
    line: int = 0
    name: str = ""


class Total(NamedTuple):
    """The content of many files: tasks, the files that contain them, unknown decorators, and one's place and name."""

    tasks: int = 0
    files: int = 0
    unknown: int = 0
    place: str = ""
    name: str = ""


def total(found: Iterable[tuple[str, Seen]]) -> Total:
    """Return the total for some files, given with their paths."""
    by_path = sorted(found)
    unknown = [(path, seen) for path, seen in by_path if seen.unknown]
    first = sorted(unknown, key=lambda one: not one[1].name)[:1]  # an option can name it
    return Total(
        sum(seen.tasks for _, seen in by_path),
        sum(seen.tasks > 0 for _, seen in by_path),
        sum(seen.unknown for _, seen in unknown),
        *(f"{path}:{seen.line}" for path, seen in first),
        *(seen.name for _, seen in first),
    )


def seen_in(project: Project, module: Module) -> Seen:
    """Return the content of a module whose tree is in memory. Tasks in tests are left out, as in the inventory."""
    if project.is_test(module):
        return Seen()
    from flake8_celery_tasks.celery_model.definitions import definitions, made_by  # not for files that are known

    tasks = sum(1 for _ in definitions(project, module))
    tasks += sum(made_by(project, call, module) is not None for call in module.made())
    unknown = sorted(_unknown(project, module), key=lambda one: not one[1])
    return Seen(tasks, len(unknown), *(unknown[0] if unknown else (0, "")))


def _unknown(project: Project, module: Module) -> Iterator[tuple[int, str]]:
    """Yield the line of each decorator that has Celery's keywords and makes no task, and its dotted name if it has one.

    A parameter or the result of a call has none: no option can name it.
    """
    from flake8_celery_tasks.celery_model.decorators import decorator_of

    for node, site, _ in module.candidates.functions:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and any(map(_is_celery, decorator.keywords)):
                value = module.value(decorator, site.scope)
                if decorator_of(project, value, module) is None:
                    yield decorator.lineno, project.path_of(value.func, module) if isinstance(value, Invoke) else ""


def _is_celery(keyword: ast.keyword) -> bool:
    if keyword.arg == "bind":
        return isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    return keyword.arg in KEYWORDS
