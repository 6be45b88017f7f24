"""Schedules written in the file being checked: `crontab` calls and beat entries."""

from __future__ import annotations

import ast
import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import last_name, unparsed, unstarred
from flake8_celery_tasks.binding.values import MISSING, UNKNOWN, Ref
from flake8_celery_tasks.catalog.call_options import BEAT_KEYS
from flake8_celery_tasks.catalog.crontab import BY_NAME, EXTRA_KEYWORDS, FIELDS, shortest_gap, split_line
from flake8_celery_tasks.catalog.methods import DIRECT, SIGNS
from flake8_celery_tasks.celery_model.configuration import display
from flake8_celery_tasks.celery_model.objects import thing_of
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.context import Fact
from flake8_celery_tasks.resolution.evaluation import Called, Table, is_plain, settled
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.celery_model.configuration import Written
    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.celery_model.objects import Thing
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.resolution.project import Project


#: The positional parameters of `add_periodic_task`; the second is called `sig` there.
PERIODIC: Final = ("schedule", "task", "args", "kwargs", "name")

#: So many words behind a `*` are data.
_MANY: Final = 50


def crontabs(context: FileContext) -> Iterator[Crontab]:
    """Yield the calls of `crontab` in a file."""
    project, module = context.project, context.module
    if not module.source.may_hold("crontab") and not module.source.may_hold("from_string"):
        return
    names = {binding.name for binding in module.candidates.imports if binding.path.endswith(":crontab")}
    for call, site in module.candidates.calls:
        name = last_name(call.func)
        if name not in ("crontab", "from_string") and name not in names:
            continue
        value = module.value(call.func, site.scope)
        path = project.resolve(value.path, module).path if isinstance(value, Ref) else ""
        path = path.replace("celery.task.schedules.", "celery.schedules.")  # up to Celery 4
        if path in ("celery.schedules.crontab", "celery.schedules.crontab.from_string"):
            yield _crontab(project, module, call, site, from_line=path.endswith(".from_string"))


def _crontab(project: Project, module: Module, call: ast.Call, site: Site, *, from_line: bool) -> Crontab:
    given: dict[str, ast.expr] = {}
    spread: dict[str, Any] = {}
    args = [pair for item in call.args for arg in unstarred(item) for pair in _unpacked(project, module, arg, site)]
    complete = not any(isinstance(arg, ast.Starred) and value is UNKNOWN for arg, value in args)
    positional = len(args) if complete else 0
    if complete and not from_line:
        for field, (arg, value) in zip(FIELDS, args, strict=False):
            given[field.name] = arg
            if value is not UNKNOWN:
                spread[field.name] = value
    for keyword in call.keywords:
        if keyword.arg is not None:
            given[keyword.arg] = keyword.value
        else:
            table = settled(project, module, keyword.value, site)
            found = display(project, module, keyword.value, site)
            complete = complete and isinstance(table, Table) and table.complete
            for key, written in found[0] if found else ():
                if isinstance(key, str):
                    given[key] = written.value
            if found is None and isinstance(table, Table):
                spread.update({str(key): value for key, value in table.items()})
                given.update(dict.fromkeys(spread, keyword.value))
    return Crontab(
        project, module, call, site, given, positional, complete=complete, from_line=from_line, spread=spread
    )


def _unpacked(project: Project, module: Module, arg: ast.expr, site: Site) -> list[tuple[ast.expr, Any]]:
    """Return an argument, or a `*spread` with each value that it holds: a constant tuple, or the words of a text."""
    if not isinstance(arg, ast.Starred):
        return [(arg, UNKNOWN)]
    values: Any = settled(project, module, arg.value, site)
    func = arg.value.func if isinstance(arg.value, ast.Call) and not arg.value.args else None
    if isinstance(func, ast.Attribute) and func.attr == "split":
        text = settled(project, module, func.value, site)
        values = tuple(text.split()) if isinstance(text, str) else UNKNOWN
    if not isinstance(values, tuple) or not 0 < len(values) < _MANY:
        return [(arg, UNKNOWN)]
    return [(arg, value) for value in values]


def is_of_entries(context: FileContext, node: ast.Dict, site: Site) -> bool:
    """Return whether each member of a dict has a task and a schedule, and one a `crontab`."""
    keys: set[object] = set()
    schedules = []
    for member in node.values:
        entry = member if isinstance(member, ast.Dict) else ast.Dict([], [])
        given = {getattr(key, "value", None): value for key, value in zip(entry.keys, entry.values, strict=True)}
        if not {"task", "schedule"} <= given.keys():
            return False
        keys.update(given)
        schedules.append(given["schedule"])
    return keys.issubset(BEAT_KEYS) and any(_is_crontab(context, schedule, site) for schedule in schedules)


def _is_crontab(context: FileContext, node: ast.expr, site: Site) -> bool:
    project, module = context.project, context.module
    value = module.value(node.func, site.scope) if isinstance(node, ast.Call) else None
    return isinstance(value, Ref) and project.resolve(value.path, module).path == "celery.schedules.crontab"


def options_of(entry: BeatEntry) -> list[tuple[str, Written]]:
    """Return the message options that an entry of the beat schedule spells out in this file."""
    options = entry.given.get("options")
    if entry.call is not None or options is None:
        return list(entry.extra.items())
    found = display(entry.project, entry.module, options.value, options.site)
    return [(name, written) for name, written in found[0] if isinstance(name, str)] if found else []


class Crontab:
    """A call of `crontab`, or of `crontab.from_string`.

    `given` holds the expression of each field (or unknown keyword) that is written out, in the order of the call;
    `positional` counts those given by position, `complete` is false where a `*` or `**` hides some, `spread` holds the
    settled values of those that come from a dict, tuple or text elsewhere (with the spread itself in `given`).
    """

    def __init__(
        self,
        project: Project,
        module: Module,
        node: ast.Call,
        site: Site,
        given: dict[str, ast.expr],
        positional: int,
        *,
        complete: bool,
        from_line: bool,
        spread: dict[str, Any],
    ) -> None:
        self.project = project
        self.module = module
        self.node = node
        self.site = site
        self.given = given
        self.positional = positional
        self.complete = complete
        self.from_line = from_line
        self.spread = spread

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The settled value of each field, if all its members can be resolved."""
        if self.line is not None:
            return dict(split_line(self.line) or {})
        values = {name: settled(self.project, self.module, node, self.site) for name, node in self.given.items()}
        return {name: value for name, value in {**values, **self.spread}.items() if is_plain(value)}

    @cached_property
    def line(self) -> str | None:
        """The argument of `from_string`, None if another function is called or it can't be resolved."""
        if not self.from_line or len(self.node.args) != 1:
            return None
        text = settled(self.project, self.module, self.node.args[0], self.site)
        return text if isinstance(text, str) else None

    def place(self, name: str) -> ast.AST:
        """Return the node of a field, or the keyword of one unknown to `crontab`; otherwise the call."""
        if self.line is not None:
            return self.node.args[0]
        if name in self.given and name not in BY_NAME:
            return next((keyword for keyword in self.node.keywords if keyword.arg == name), self.given[name])
        return self.given.get(name, self.node)

    @property
    def text(self) -> str:
        """The call as a message shows it."""
        text = unparsed(self.node)
        return text if len(text) <= 45 else "crontab(...)"


class BeatEntry(Fact[ast.AST]):
    """An entry of Celery beat's schedule: a member of a `beat_schedule`, or a call of `add_periodic_task`.

    `node` represents the whole entry: its key, or the call. `given` holds what is written out for `task` (a call's
    signature), `schedule`, `args`, `kwargs`, `options` and whatever else an entry has; `extra` holds the options of a
    call. `complete` is false if a spread hides some. `name` is the settled name of the entry.
    """

    def __init__(
        self,
        context: FileContext,
        node: ast.AST,
        site: Site,
        name: Any,
        given: dict[str, Written],
        *,
        call: ast.Call | None = None,
        extra: dict[str, Written] | None = None,
        complete: bool = True,
    ) -> None:
        super().__init__(context, node, site)
        self.name = name
        self.given = given
        self.call = call
        self.extra = extra or {}
        self.complete = complete

    def value(self, key: str) -> Any:
        """Return the settled value of a key, MISSING if the entry certainly doesn't have it."""
        return self._settled(self.given.get(key))

    def thing(self, key: str) -> Thing | None:
        """Return what the value of a key is in Celery's terms, None if it is not given."""
        written = self.given.get(key)
        if written is None:
            return None
        return thing_of(self.project, self.module.value(written.value, written.site.scope), self.module)

    def _settled(self, written: Written | None) -> Any:
        if written is None:
            return MISSING if self.complete else UNKNOWN
        return settled(self.project, self.module, written.value, written.site)

    def option(self, name: str) -> Any:
        """Return the settled value of an option that the entry sends its task with, such as `expires`."""
        if self.call is None:
            options = self.value("options")
            if options is MISSING or options is None:
                return MISSING
            if not isinstance(options, Table):
                return UNKNOWN
            return options.get(name, MISSING if options.complete else UNKNOWN)
        signature = self.given.get("task")
        if name in self.extra or signature is None:
            return self._settled(self.extra.get(name))
        # A signature may have options of its own: `add.s().set(expires=60)`.
        made = signature.value
        plain = isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute) and made.func.attr in SIGNS & DIRECT
        return self._settled(None) if plain else UNKNOWN

    @property
    def task_name(self) -> str | None:
        """The name of the task that an entry of a `beat_schedule` sends, None if it can't be determined."""
        name = self.value("task") if self.call is None else None
        return name if isinstance(name, str) else None

    @property
    def definitions(self) -> list[Definition] | None:
        """The definitions of the task that it sends; None if another one, which can't be resolved, may be meant."""
        definition = getattr(self.thing("task"), "definition", None)
        if definition is not None:
            return [definition]
        if self.task_name is None:
            return []
        return (
            None
            if tasks_of(self.project).may_be_unread(self.task_name)
            else tasks_of(self.project).definitions(self.task_name)
        )

    @property
    def period(self) -> float | None:
        """The seconds between two runs, the smallest gap for a `crontab`; None if unknown."""
        return period_of(self.value("schedule"), version_of(self.project))


def period_of(schedule: Any, version: tuple[int, int]) -> float | None:
    """Return the smallest number of seconds between two runs of a settled schedule, None if unknown."""
    if isinstance(schedule, datetime.timedelta):
        return schedule.total_seconds()
    if isinstance(schedule, (int, float)):
        return schedule
    path = schedule.target.path if isinstance(schedule, Called) and isinstance(schedule.target, Target) else ""
    if path == "celery.schedules.schedule":
        every = schedule.args[0] if schedule.args else schedule.keywords.get("run_every")
        return None if isinstance(every, Called) else period_of(every, version)
    arguments: dict[str, Any] = {}
    if path == "celery.schedules.crontab.from_string" and len(schedule.args) == 1:
        arguments = dict(split_line(str(schedule.args[0])) or {"minute": ""})
    elif path == "celery.schedules.crontab":
        arguments = {field.name: value for field, value in zip(FIELDS, schedule.args, strict=False)}
        arguments.update({str(name): value for name, value in schedule.keywords.items() if name not in EXTRA_KEYWORDS})
    else:
        return None
    return shortest_gap(arguments, version) if all(map(is_plain, arguments.values())) else None
