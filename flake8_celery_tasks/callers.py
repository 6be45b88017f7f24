"""What becomes of the calls of a task when its function gets the task object and did not before, or did without room.

Where all of them fail now and fit then, that is what they count on. Calls that are not in the project (a schedule in a
database, another service) are not to be seen: the project's own have to speak for them.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks import recognise
from flake8_celery_tasks.arguments import CHECKED, arguments_of
from flake8_celery_tasks.fit import misfits
from flake8_celery_tasks.link import Facts
from flake8_celery_tasks.things import SIGNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.facts import Invocation, Task
    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.symbols import Params

#: A text that may name a task or what stands in a module, such as `"shop.tasks.add.delay"`.
_NAMING: Final = re.compile(r"[\w.:-]+")

# What calls show.
HARM, UNCERTAIN, MENDED = "harm", "uncertain", "mended"


def shown(task: Task, now: Params, then: Params) -> str:
    """Return what the calls of a task in the project show of another set of parameters for them.

    HARM: one of them fits now and would not then. MENDED: there are some, they fail now, and would fit then. UNCERTAIN:
    anything else, such as a use of the task that is no call which can be read.
    """
    uses = list(_uses(task, now, then))
    if HARM in uses:
        return HARM
    return MENDED if uses and set(uses) == {MENDED} else UNCERTAIN


def is_unwrapped(task: Task) -> bool:
    """Return whether something in the project may call the bare function, behind the back of the task."""
    bare = re.compile(rb"\b%b\b[.\w]*\.__func__\b" % re.escape(task.node.name.encode()))
    return any(bare.search(task.project.read(path) or b"") for path in task.project.layout.files())


def _uses(task: Task, now: Params, then: Params) -> Iterator[str]:
    name = recognise.name_of(task.project, task.definition)
    words = {task.node.name, name or task.node.name}
    marks = [word.encode() for word in words]
    for path in task.project.layout.files():
        is_own = path == task.module.place.path
        if not is_own and not any(mark in (task.project.read(path) or b"") for mark in marks):
            continue
        module = task.module if is_own else task.project.module(path)
        if module is None:
            yield UNCERTAIN
            continue
        task.project.hold(module)
        understood = {id(part) for node in task.node.decorator_list for part in ast.walk(node)}
        for call in Facts(task.project, module).invocations:
            is_meant = call.definition is not None and call.definition.place == task.definition.place
            if is_meant or (name and call.by_name and call.name == name):
                yield _use(call, now, then)
            if is_meant or call.by_name:
                understood.update(map(id, ast.walk(call.node.func)))
            if call.by_name:
                understood.update(map(id, call.node.args[:1]))
        yield from (UNCERTAIN for _ in _mentions(module, words, understood))
    task.project.hold(task.module)


def _use(call: Invocation, now: Params, then: Params) -> str:
    arguments = arguments_of(call) if call.method in CHECKED or call.method == "send_task" else None
    if arguments is None:
        return UNCERTAIN
    given = arguments.given.partial if call.method in SIGNS else arguments.given
    fits_now, fits_then = (next(misfits(params, given), None) is None for params in (now, then))
    if fits_now:
        return UNCERTAIN if fits_then else HARM
    return MENDED if fits_then else UNCERTAIN


def _mentions(module: Module, words: set[str], understood: set[int]) -> Iterator[ast.AST]:
    """Yield what may stand for a task: its name, also as an attribute, another name for it, a text that says it."""
    for node in ast.walk(module.candidates.scope.node):
        if id(node) in understood:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _NAMING.fullmatch(node.value):
            found = node.value in words or not words.isdisjoint(re.split(r"[.:]", node.value))
        elif isinstance(node, ast.alias):
            found = node.asname not in (None, node.name) and node.name.rpartition(".")[2] in words
        else:
            found = (getattr(node, "id", None) or getattr(node, "attr", None)) in words
        if found:
            yield node
