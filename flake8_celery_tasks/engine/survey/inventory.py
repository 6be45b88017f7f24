"""The inventory of a project: every task with its name, its place, the answers to the five questions, and its senders.

Tests and migrations are left out, both as places of tasks and as senders.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.catalog.settings import default_of
from flake8_celery_tasks.catalog.task_options import OPTIONS
from flake8_celery_tasks.celery_model import backends, definitions
from flake8_celery_tasks.celery_model.decorators import CLASS_TASK
from flake8_celery_tasks.celery_model.objects import SignatureThing, TaskThing
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.settings import routes_of, setting_values
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.contract.known import known_tasks
from flake8_celery_tasks.contract.record import UNCLEAR
from flake8_celery_tasks.core import errors
from flake8_celery_tasks.engine.survey.facts import facts_of
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Table
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.workspace.marks import MARKS
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.contract.record import RecordedTask
    from flake8_celery_tasks.engine.survey.facts import Fact
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.workspace.layout import Place


#: The texts that a file must contain to send, sign or schedule a task.
SENDING: Final = (
    b".delay",
    b"apply_async",
    b".apply(",
    b"send_task",
    b"signature(",
    b"subtask(",
    b".s(",
    b".si(",
    b"beat",
    b"BEAT",
)

#: The text for an unknown value.
OPEN: Final = "?"

#: The place of a task that is not part of the project.
OTHER_SERVICE: Final = "other service"

#: The suffix for a place that is an entry of the beat schedule.
BEAT: Final = " (beat)"

#: The text for a stored result if there is no result backend, or possibly none.
_NO_BACKEND: Final = "no backend"
_OPEN_BACKEND: Final = f", backend {OPEN}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the inventory says about a task, in words. `name` is None if it is unknown.

    A task of another service has no line, and its path is not a path.
    """

    name: str | None
    path: str
    line: int
    app: str
    runs: str
    retries: str
    result: str
    status: str
    start: str
    time_limit: str
    queue: str
    sent_from: tuple[str, ...]


class Sender(NamedTuple):
    """A place that sends a task: its file, relative to the root, its line, and what to add to it (` (beat)`).

    `by` is the place of the task whose body contains it, None if there is none.
    """

    path: str
    line: int
    what: str
    app: str = ""
    by: tuple[str, str, int] | None = None


class Listed(NamedTuple):
    """A task: its description in words, its facts, its senders, and the place of its definition.

    A task of another service has neither facts nor a definition.
    """

    entry: Entry
    facts: Mapping[str, Fact]
    senders: tuple[Sender, ...]
    place: tuple[str, str, int] | None = None


class Inventory(NamedTuple):
    """The tasks of some projects by name, and the names that are sent but belong to no task, with their senders."""

    tasks: list[Listed]
    unknown: dict[str, tuple[Sender, ...]]


def entries(projects: Sequence[Project], below: str = "") -> list[Entry]:
    """Return the tasks of some projects in words: see `inventory`."""
    return [one.entry for one in inventory(projects, below).tasks]


def inventory(projects: Sequence[Project], below: str = "") -> Inventory:
    """Return the tasks of some projects by name, restricted to a folder if one is given, and those of known services.

    Paths are relative to the root of the first project.
    """
    found: list[Listed] = []
    by_name: dict[object, list[Sender]] = {}
    for project in projects:
        inside = os.path.relpath(project.layout.root, projects[0].layout.root).replace(os.sep, "/")
        prefix = "" if inside == "." else f"{inside}/"
        senders = _senders(project, prefix)
        found += _listed(project, below, senders, prefix)
        for name, places in senders.items():
            by_name.setdefault(name, []).extend(places)
    names = {one.entry.name for one in found}
    others = known_tasks(projects[0])
    services = {} if others is None else others.tasks
    found += [
        Listed(_foreign(name, task, by_name.get(name, ())), {}, tuple(by_name.get(name, ())))
        for name, task in services.items()
        if name not in names and not name.startswith("celery.")
    ]
    unknown = {
        name: _ordered(places)
        for name, places in by_name.items()
        if isinstance(name, str)
        and name not in services
        and any(os.path.join(projects[0].layout.root, place.path).startswith(below) for place in places)
        and not any(tasks_of(one).has(name) for one in projects)
    }
    return Inventory(sorted(found, key=lambda one: _order(one.entry)), dict(sorted(unknown.items())))


def _order(entry: Entry) -> tuple[bool, str, str, int]:
    return entry.name is None, entry.name or "", entry.path, entry.line


def _listed(project: Project, below: str, senders: dict[object, list[Sender]], prefix: str) -> Iterator[Listed]:
    for path in project.files.holding(*MARKS):
        if not (path + os.sep).startswith(below):
            continue
        try:
            module = project.module(path)
            if module is None or project.is_test(module):
                continue
            found = [_listed_task(project, task, senders, prefix) for task in _tasks_in(project, module)]
        except errors.CAUGHT as error:
            project.failures[path] = errors.internal(error)
        else:
            yield from found


def _listed_task(project: Project, task: Task, senders: Mapping[object, Sequence[Sender]], prefix: str) -> Listed:
    name = task_name(task)
    # By its definition or its name.
    places = _ordered([*senders.get(task.definition.place, ()), *senders.get(name, ())])
    entry = entry_of(project, task, [place[:3] for place in places], prefix)
    return Listed(entry, facts_of(task, name), places, task.definition.place)


def _ordered(places: Iterable[Sender]) -> tuple[Sender, ...]:
    """Return places without duplicates, ordered by file and line."""
    first = {place[:3]: place for place in reversed(list(places))}
    return tuple(first[key] for key in sorted(first))


def _tasks_in(project: Project, module: Module) -> Iterator[Task]:
    project.hold(module)
    facts = Facts(project, module)
    yield from (task for task in facts.tasks if task.is_registered)
    for call in module.made():
        definition = definitions.made_by(project, call, module)
        if definition is not None and definition.decorator.form != CLASS_TASK:
            project.hold(definition.module)
            yield from (
                Task(project, definition, node, site, scope)
                for node, site, scope in definition.module.functions_called(definition.symbol.qualname)
                if node.lineno == definition.symbol.line
            )


def _foreign(name: str, task: RecordedTask | None, senders: Sequence[Sender]) -> Entry:
    """Return what is known about a task of another service."""
    result = OPEN if task is None or task.result == UNCLEAR else task.result
    queue = OPEN if task is None else task.options.get("queue", "")
    return Entry(
        name=name,
        path=OTHER_SERVICE,
        line=0,
        app="",
        runs=OPEN,
        retries=OPEN,
        result=result,
        status=OPEN,
        start=OPEN,
        time_limit=OPEN,
        queue=queue if isinstance(queue, str) else OPEN,
        sent_from=_shown([place[:3] for place in senders]),
    )


# Its senders.


def _senders(project: Project, prefix: str) -> dict[object, list[Sender]]:
    """Return the places that send a task, by the place of its definition, or by its name if it is sent by name."""
    found: dict[object, list[Sender]] = {}
    for path in project.files.holding(*SENDING):
        try:
            module = project.module(path)
            if module is None or project.is_test(module):
                continue
            project.hold(module)
            app = app_of(project, module.place)
            for key, node, what, by in list(sent_in(Facts(project, module))):
                place = Sender(prefix + module.place.relative, start_of(node)[0], what, app, by)
                found.setdefault(key, []).append(place)
        except errors.CAUGHT as error:
            project.failures[path] = errors.internal(error)
    return found


def sent_in(facts: Facts) -> Iterator[tuple[object, ast.AST, str, tuple[str, str, int] | None]]:
    """Yield what a file sends: the place of a task's definition, or a name; the sending node; what to add to it.

    The last item is the place of the task whose body contains the node, None if there is none.
    """
    for call in facts.invocations:
        by = None if call.task is None else call.task.definition.place
        if call.by_name and isinstance(call.name, str):
            yield call.name, call.node, "", by
        elif call.definition is not None and call.method != "set":
            yield call.definition.place, call.node, "", by
    for entry in facts.configured[1]:
        key = _scheduled(entry.thing("task"), entry.value("task"))
        if key is not None:
            yield key, entry.node, BEAT, None


def _scheduled(thing: Thing | None, value: object) -> object:
    if isinstance(thing, (TaskThing, SignatureThing)):
        return thing.name if thing.definition is None and isinstance(thing, SignatureThing) else _key_of(thing)
    return value if isinstance(value, str) else None


def _key_of(thing: TaskThing | SignatureThing) -> object:
    return None if thing.definition is None else thing.definition.place


# What a task says.


def task_name(task: Task) -> str | None:
    """Return the name of a task, None if it can't be determined."""
    return definitions.name_of(task.project, task.definition) if not task.is_opaque else None


def entry_of(project: Project, task: Task, places: Iterable[tuple[str, int, str]], prefix: str = "") -> Entry:
    """Return the inventory's entry for one task, which is sent from some places."""
    name = task_name(task)
    kept = _Kept(task)
    return Entry(
        name=name,
        path=prefix + task.module.place.relative,
        line=task.definition.symbol.line,
        app=app_of(project, task.module.place),
        runs=_Answer(task, "acks_late").said("at least once", "at most once"),
        retries=_retries(task),
        result=kept.said("stored", "ignored"),
        status=kept.said("tracked", "not tracked"),
        start=kept.start,
        time_limit=_limits(task),
        queue=_queue(project, task, name),
        sent_from=_shown(places),
    )


def _shown(places: Iterable[tuple[str, int, str]]) -> tuple[str, ...]:
    return tuple(f"{path}:{line}{what}" for path, line, what in sorted(set(places)))


def app_of(project: Project, place: Place) -> str:
    """Return the dotted name of a module's app, as `--app` takes it; empty if it has none."""
    app = project.layout.app(place)
    if app is None:
        return ""
    inside = os.path.relpath(app, project.layout.root) if os.path.isabs(app) else app
    return inside.removesuffix(".py").replace(os.sep, ".").replace("/", ".")


class _Answer:
    """The value of an option of a task, and what sets it: the task (or its class), the project, or Celery."""

    def __init__(self, task: Task, option: str) -> None:
        self.value: Any = UNKNOWN if task.is_opaque else task.effective(option)
        self.source = ""
        if self.value is MISSING or self.value is None:
            setting = OPTIONS[option].setting
            given = [value for value in setting_values(task.project, setting) if value is not None]
            self.source = " (project)" if given else " (default)"
            self.value = given[0] if given else default_of(setting, version_of(task.project))
            if any(type(value) is not type(self.value) or value != self.value for value in given):
                self.value = UNKNOWN

    @property
    def is_open(self) -> bool:
        """Whether the value is not known."""
        return not isinstance(self.value, (bool, int))

    def said(self, yes: str, no: str) -> str:
        """Return the answer to a yes-or-no question in words."""
        if self.is_open:
            return OPEN
        return (yes if self.value else no) + self.source


class _Kept:
    """What is stored for a task: nothing if its result is ignored (`celery/app/trace.py`), or without a backend."""

    def __init__(self, task: Task) -> None:
        self.ignored = _Answer(task, "ignore_result")
        self.started = _Answer(task, "track_started")
        self.backend = backends.backend(task.project)

    def said(self, yes: str, no: str) -> str:
        """Return whether something is stored, in words."""
        if self.ignored.is_open or self.ignored.value:
            return self.ignored.said(no, yes)
        if self.backend is False:
            return _NO_BACKEND
        return self.ignored.said(no, yes) + ("" if self.backend else _OPEN_BACKEND)

    @property
    def start(self) -> str:
        """Return whether the start is tracked, in words."""
        if self.started.is_open or not self.started.value:
            return self.started.said("tracked", "not tracked")
        if self.ignored.is_open:
            return OPEN
        if self.ignored.value:
            return "not tracked, ignored" + self.ignored.source
        if self.backend is False:
            return _NO_BACKEND
        return self.started.said("tracked", "") + ("" if self.backend else _OPEN_BACKEND)


def _retries(task: Task) -> str:
    if task.is_opaque or task.autoretries is UNKNOWN:
        return OPEN
    by_hand = any(use.attribute == "retry" for use in task.uses)
    limit = task.effective("max_retries")
    if task.autoretries is True:
        kwargs = task.effective("retry_kwargs")
        if isinstance(kwargs, Table):
            limit = kwargs.get("max_retries", limit)
    elif not by_hand:
        return "never"
    if limit is MISSING:
        limit = 3
    if limit == 0:
        return "never"
    times = "without limit" if limit is None else f"up to {limit}" if isinstance(limit, int) else f"up to {OPEN}"
    if task.autoretries is not True:
        return f"{times}, by hand"
    return f"{times} on {_errors(task.effective('autoretry_for'))}{_backoff(task)}"


def _errors(value: object) -> str:
    if not isinstance(value, (list, tuple, set)):
        return OPEN
    return " or ".join(sorted(item.path.rpartition(".")[2] if isinstance(item, Target) else OPEN for item in value))


def _backoff(task: Task) -> str:
    backoff = task.effective("retry_backoff")
    if backoff is not MISSING:
        if not isinstance(backoff, (bool, int, float)):
            return ""
        if backoff:
            return ", backoff"
    wait = task.retry_wait
    return f", every {wait:g} s" if isinstance(wait, (int, float)) else ""


def _limits(task: Task) -> str:
    found = []
    for option, kind in (("soft_time_limit", "soft"), ("time_limit", "hard")):
        answer = _Answer(task, option)
        if isinstance(answer.value, (int, float)):
            found.append(f"{answer.value:g} s {kind}{answer.source}")
        elif answer.value is not None:
            found.append(f"{OPEN} {kind}")
    return ", ".join(found) or "none"


def _queue(project: Project, task: Task, name: str | None) -> str:
    own = task.effective("queue")
    if isinstance(own, str):
        return own
    if own is not MISSING and own is not None:
        return OPEN
    return _routed(routes_of(project), name or "")


def _routed(tables: Sequence[Table] | None, name: str) -> str:
    """Return the queue that the project's routes assign to a task."""
    if tables is None:
        return OPEN
    for table in tables:
        for key in sorted(table.matching(name), key=len, reverse=True):
            route = table[key]
            queue = route.get("queue", "") if isinstance(route, Table) else route
            return queue if isinstance(queue, str) else OPEN
    return ""
