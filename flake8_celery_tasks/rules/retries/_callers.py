"""How a fix that changes whether a function receives the task object affects the calls of the task.

If all calls fail now and fit after the fix, they expect the fixed function. Calls outside the project (a schedule in a
database, another service) are invisible: the project's own calls are taken as representative.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import walk
from flake8_celery_tasks.catalog.methods import CHECKED, SIGNS
from flake8_celery_tasks.celery_model import definitions
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import arguments_of
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.arity import misfits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.task import Task
    from flake8_celery_tasks.resolution.project import Project


#: A string that may name a task or a member of a module, such as `"shop.tasks.add.delay"`.
_NAMING: Final = re.compile(r"[\w.:-]+")

#: An access to the function behind a task, if it is spelled out.
_UNWRAPPED: Final = re.compile(rb"([\w.]+)\.__func__\b")

# The verdicts on the calls.
HARM, UNCERTAIN, FIXED = "harm", "uncertain", "fixed"


def shown(task: Task, now: Params, then: Params) -> str:
    """Return how new parameters would affect the calls of a task in the project.

    HARM: a call fits the parameters `now` and would not fit `then`. FIXED: there are calls, and all of them fail now
    and would fit then. UNCERTAIN: anything else, such as a use of the task other than a call that can be resolved.
    """
    uses = list(_uses(task, now, then))
    if HARM in uses:
        return HARM
    return FIXED if uses and set(uses) == {FIXED} else UNCERTAIN


def is_unwrapped(task: Task) -> bool:
    """Return whether something in the project may bypass the task and call the bare function."""
    return task.node.name.encode() in _unwrapped(task.project)


@query()
def _unwrapped(project: Project) -> frozenset[bytes]:
    """Return the parts of all dotted names that are unwrapped anywhere in a project."""
    texts = (project.files.read(path) or b"" for path in project.layout.files())
    found = (match[1].split(b".") for text in texts for match in _UNWRAPPED.finditer(text))
    return frozenset(word for words in found for word in words)


class _Calls:
    """The task calls in one module, by the task that they call."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.by_place: dict[tuple[str, str, int], list[Invocation]] = {}
        self.by_name: dict[str, list[Invocation]] = {}
        #: Nodes of calls by name, which are not another use of the task.
        self.understood: set[int] = set()
        for call in Facts(project, module).invocations:
            if call.definition is not None:
                self.by_place.setdefault(call.definition.place, []).append(call)
            if call.by_name:
                if isinstance(call.name, str):
                    self.by_name.setdefault(call.name, []).append(call)
                self.understood.update(map(id, walk(call.node.func)))
                self.understood.update(map(id, call.node.args[:1]))


def _calls(project: Project, module: Module) -> _Calls:
    known = _known_calls(module)
    if not known or known[0].project is not project:
        known[:] = [_Calls(project, module)]
    return known[0]


@query()
def _known_calls(_: Module) -> list[_Calls]:
    return []  # only for the last project that asked: short-lived overlays share their modules


def _uses(task: Task, now: Params, then: Params) -> Iterator[str]:
    name = definitions.name_of(task.project, task.definition)
    words = {task.node.name, name or task.node.name}
    marks = [word.encode() for word in words]
    for path in task.project.layout.files():
        is_own = path == task.module.place.path
        if not is_own and not any(mark in (task.project.files.read(path) or b"") for mark in marks):
            continue
        module = task.module if is_own else task.project.module(path)
        if module is None:
            yield UNCERTAIN
            continue
        task.project.hold(module)
        calls = _calls(task.project, module)
        meant = calls.by_place.get(task.definition.place, [])
        yield from (_use(call, now, then) for call in meant)
        if name:
            sent = (call for call in calls.by_name.get(name, ()) if call not in meant)
            yield from (_use(call, now, then) for call in sent)
        understood = {id(part) for node in task.node.decorator_list for part in walk(node)}
        understood.update(id(part) for call in meant for part in walk(call.node.func))
        found = _mentions(module)
        mentions = (node for word in words for node in found.get(word, ()))
        yield from (UNCERTAIN for node in mentions if id(node) not in understood and id(node) not in calls.understood)
    task.project.hold(task.module)


def _use(call: Invocation, now: Params, then: Params) -> str:
    arguments = arguments_of(call) if call.method in CHECKED or call.method == "send_task" else None
    if arguments is None:
        return UNCERTAIN
    given = arguments.given.partial if call.method in SIGNS else arguments.given
    fits_now, fits_then = (next(misfits(params, given), None) is None for params in (now, then))
    if fits_now:
        return UNCERTAIN if fits_then else HARM
    return FIXED if fits_then else UNCERTAIN


@query()
def _mentions(module: Module) -> dict[str, list[ast.AST]]:
    """Return the nodes that may refer to a task, by its name: names, attributes, aliases and strings."""
    found: dict[str, list[ast.AST]] = {}
    for node in walk(module.candidates.scope.node):
        words: list[str] = []
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and _NAMING.fullmatch(node.value):
                words = [node.value, *re.split(r"[.:]", node.value)]
        elif isinstance(node, ast.alias):
            if node.asname not in (None, node.name):
                words = [node.name.rpartition(".")[2]]
        else:
            words = [getattr(node, "id", None) or getattr(node, "attr", None) or ""]
        for word in words:
            found.setdefault(word, []).append(node)
    return found
