"""The options of a task as facts: a JSON-compatible value, and the place that decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.settings import default_of
from flake8_celery_tasks.catalog.task_options import OPTIONS
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.settings import routes_of, setting_values
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flake8_celery_tasks.facts.task import Task

#: Where a value comes from: the definition, its base class (or the app's `task_cls`), a setting of the project, a route
#: of the project, Celery's default; `unknown` if it can't be resolved.
TASK, CLASS, PROJECT, ROUTE, DEFAULT, OPEN = "task", "class", "project", "route", "default", "unknown"

#: Where the name of a task comes from: the definition gives it, or Celery derives it from module and function.
GIVEN, DERIVED = "given", "derived"

#: The reported options, by the questions that they answer.
TOLD: Final = (
    *("bind", "acks_late", "reject_on_worker_lost", "autoretry_for", "max_retries", "default_retry_delay"),
    *("retry_backoff", "ignore_result", "track_started", "soft_time_limit", "time_limit", "rate_limit", "serializer"),
    *("queue", "priority", "expires"),
)


class Fact(NamedTuple):
    """A JSON-compatible value, None for no value or an unknown one, and its source."""

    value: Any
    source: str


def facts_of(task: Task, name: str | None) -> dict[str, Fact]:
    """Return what is known about a task: its name, which may be unknown (None), its options, and the result backend."""
    given = task.explicit_name is not MISSING
    found = {"name": Fact(name, OPEN if name is None else GIVEN if given else DERIVED)}
    found.update((option, _fact(task, option)) for option in TOLD)
    if found["queue"].source == DEFAULT:
        found["queue"] = _route(routes_of(task.project), name)
    backend = backends.backend(task.project)
    found["result_backend"] = Fact(None, OPEN) if backend is None else Fact(bool(backend), PROJECT)
    return found


def _fact(task: Task, option: str) -> Fact:
    if task.is_opaque:
        return Fact(None, OPEN)
    value, source = task.option(option), TASK
    if value is MISSING and option != "bind":
        value, source = task.effective(option), TASK if task.is_class and task.states(option) else CLASS
    setting = OPTIONS[option].setting
    if value is MISSING or (value is None and setting):
        return _of_project(task, option, setting)
    return _shown(value, source)


def _of_project(task: Task, option: str, setting: str) -> Fact:
    """Return the value that applies if neither the definition nor its class decides."""
    if not setting:
        return _shown(OPTIONS[option].default, DEFAULT)
    given = [value for value in setting_values(task.project, setting) if value is not None]
    if not given:
        return _shown(default_of(setting, version_of(task.project)), DEFAULT)
    one = given[0]
    # Different environments may have different values.
    if any(type(value) is not type(one) or value != one for value in given):
        return Fact(None, OPEN)
    return _shown(one, PROJECT)


def _route(tables: Sequence[Table] | None, name: str | None) -> Fact:
    """Return the queue that the project's routes assign to a task."""
    if tables is None or (tables and name is None):
        return Fact(None, OPEN)
    for table in tables:
        for key in sorted(table.matching(name or ""), key=len, reverse=True):
            route = table[key]
            queue = route.get("queue", MISSING) if isinstance(route, Table) else route
            return Fact(None, DEFAULT) if queue is MISSING else _shown(queue, ROUTE)
    return Fact(None, DEFAULT)


def _shown(value: object, source: str) -> Fact:
    """Return a fact for a settled value, unknown if JSON can't represent all of it."""
    shown = _plain(value)
    return Fact(None, OPEN) if shown is UNKNOWN else Fact(shown, source)


def _plain(value: object) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Target):
        return value.path.replace(":", ".")
    if isinstance(value, (list, tuple, set, frozenset)):
        items = [_plain(item) for item in value]
        return UNKNOWN if any(item is UNKNOWN for item in items) else items
    return UNKNOWN


#: The questions that a task may leave open, as columns.
QUESTIONS: Final = ("runs", "retries", "result", "status", "start")

_NOT_DECIDED: Final = frozenset({DEFAULT, OPEN})
_RETRY_POLICY: Final = ("autoretry_for", "max_retries", "default_retry_delay", "retry_backoff")


def unanswered(facts: Mapping[str, Fact], retries: str) -> tuple[str, ...]:
    """Return the questions that neither a task nor its project decides; `retries` is the answer in words.

    Without a result backend nothing is stored, so that question does not arise; nor does the one about tracking the
    start of a task that ignores its result. A task without facts, another service's, has no open questions.
    """
    if not facts:
        return ()
    undecided = {name for name, fact in facts.items() if fact.source in _NOT_DECIDED}
    stored = facts["result_backend"].value is not False
    keeps = stored and "ignore_result" in undecided
    found = {
        "runs": "acks_late" in undecided,
        "retries": retries == "?"
        or (retries == "never" and all(facts[name].source == DEFAULT for name in _RETRY_POLICY)),
        "result": keeps,
        "status": keeps,
        "start": stored and facts["ignore_result"].value is not True and "track_started" in undecided,
    }
    return tuple(name for name in QUESTIONS if found[name])
