"""What a transaction does beside a call in it, and what only where the call is not made.

A transaction around several branches may be there for one of them. The call of a task in another branch does no harm
then: nothing that the task needs is waiting for the commit.
"""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from flake8_celery_tasks.binding.nodes import last_name
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import SENDING_ATTRIBUTES
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.workspace.source import end_of, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Scope
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: Django's own names for what writes rows, those of its views and of REST framework's, and of a cursor.
_WRITES: Final = frozenset(
    {
        "abulk_create",
        "abulk_update",
        "acreate",
        "adelete",
        "aget_or_create",
        "asave",
        "aupdate",
        "aupdate_or_create",
        "execute",
        "executemany",
        "form_valid",
        "get_or_create",
        "perform_create",
        "perform_destroy",
        "perform_update",
    }
)
#: The first word of names of one's own: `create_invoice()`, `save_formset()`, and Django's `save()`, `bulk_create()`.
_VERBS: Final = frozenset({"bulk", "create", "delete", "save", "update"})
#: Of a set as well as of a relation; `user.groups.add(group)` is told from `seen.add(key)` by the dots.
_RELATED: Final = frozenset({"add", "clear", "remove", "set"})
_OF_CONTAINERS: Final = {*_RELATED, "update"}
#: Methods of loggers, of `django.contrib.messages` and of containers: they write no row.
_HARMLESS: Final = frozenset(
    {
        *("critical", "debug", "error", "exception", "info", "log", "success", "warning"),
        *("append", "discard", "extend", "insert", "pop", "popitem", "reverse", "setdefault", "sort"),
        *SENDING_ATTRIBUTES,
        "send_task",
    }
)

#: The first word of names of what only raises where something is wrong, and Django's and REST framework's own.
_CHECKS: Final = frozenset({"assert", "check", "raise", "require", "validate", "verify"})
_RAISING: Final = frozenset({"full_clean", "is_valid", "permission_denied", "throttled"})

_LEAVES: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)


def may_write(
    project: Project, module: Module, body: list[ast.stmt], scope: Scope, call: ast.Call, *, visibly: bool = False
) -> bool:
    """Return whether a transaction may write where it makes a call.

    `body` is what the transaction holds. False where nothing that runs with the call can be seen to write, while
    something else is done in a branch that runs without it, or `visibly` says that it has to be seen.
    """
    writes, others = _reader(module, project).body(body, scope).answer(call)
    return writes or not (others or visibly)


@query()
def _reader(module: Module, project: Project) -> _Reader:
    return _Reader(project, module)


#: What is true of some code with the call in it: it writes, it does anything without the call, it is left after it.
_Beside: TypeAlias = tuple[bool, bool, bool]
#: Of those the first two, for a whole transaction.
_Answer: TypeAlias = tuple[bool, bool]
_FLAGS: Final = (False, True)
_ALL: Final = [(writes, others, left) for writes in _FLAGS for others in _FLAGS for left in _FLAGS]


class _Block:
    """What the statements before and after each statement of a block do."""

    def __init__(self, body: list[ast.stmt], reader: _Reader, scope: Scope) -> None:
        passed = [_passed(statement) for statement in body]
        #: Of the statements before the one at an index: do they write, and do they anything where they end the block?
        self.writes_before = _ever([reader.writes(with_it, scope) for with_it, _ in passed])
        self.others_before = _ever([reader.acts(without) for _, without in passed])
        #: Of those after it, from the end: do they write, do they anything, is the block left?
        self.writes_after = _ever([reader.writes([statement], scope) for statement in reversed(body)])[::-1]
        self.acts_after = _ever([reader.acts([statement]) for statement in reversed(body)])[::-1]
        self.leaves_after = _ever([isinstance(statement, _LEAVES) for statement in reversed(body)])[::-1]

    def among(self, index: int, inside: _Beside) -> _Beside:
        """Return what is true of the block, from what is true of the statement at an index of it."""
        writes, others, left = inside
        writes = writes or self.writes_before[index]
        others = others or self.others_before[index]
        if left:
            return writes, others or self.acts_after[index + 1], True
        return writes or self.writes_after[index + 1], others, self.leaves_after[index + 1]


class _Place(NamedTuple):
    """A statement, its place in its block, and the answer for the whole transaction by what is true of the block."""

    statement: ast.stmt
    block: _Block
    at: int
    answers: dict[_Beside, _Answer]
    outer: _Place | None


class _Body:
    """What a transaction holds. Each `elif` stands in the one before, so nothing is asked of each of them anew."""

    def __init__(self, body: list[ast.stmt], reader: _Reader, scope: Scope) -> None:
        self.reader = reader
        self.scope = scope
        places: list[_Place] = []
        pending: list[tuple[list[ast.stmt], dict[_Beside, _Answer], _Place | None]]
        pending = [(body, {found: found[:2] for found in _ALL}, None)]
        while pending:
            inner, answers, outer = pending.pop()
            block = _Block(inner, reader, scope)
            for index, statement in enumerate(inner):
                place = _Place(statement, block, index, answers, outer)
                places.append(place)
                pending += [(*below, place) for below in self._below(place)]
        places.sort(key=_start)
        self._places = places
        self._starts = list(map(_start, places))

    def _below(self, place: _Place) -> Iterator[tuple[list[ast.stmt], dict[_Beside, _Answer]]]:
        """Yield the blocks of a statement, with the answers by what is true of them."""
        statement = place.statement
        if isinstance(statement, _LOOPS):  # it may take all branches in turn
            return
        parts = list(_parts(statement))
        writing = [self.reader.writes(part, self.scope) for part in parts]
        acting = [self.reader.acts(part) for part in parts]
        head: list[ast.AST] = []
        if isinstance(statement, (ast.If, ast.Match)):
            head = [statement.test if isinstance(statement, ast.If) else statement.subject]
        head_writes = self.reader.writes(head, self.scope)
        for part, writes, acts in zip(parts, writing, acting, strict=True):
            answers: dict[_Beside, _Answer] = {}
            for inside in _ALL:
                if head:
                    around = (inside[0] or head_writes, inside[1] or sum(acting) > acts, inside[2])
                else:  # a handler may run after a part of the body, and what follows after a handler
                    left = inside[2] and isinstance(statement, (ast.With, ast.AsyncWith))
                    around = (inside[0] or sum(writing) > writes, inside[1], left)
                answers[inside] = place.answers[place.block.among(place.at, around)]
            yield part, answers

    def answer(self, call: ast.Call) -> _Answer:
        """Return whether the transaction writes where it makes a call, and whether it does anything without it."""
        position = start_of(call)
        place = self._places[bisect_right(self._starts, position) - 1]
        while place.outer is not None and position >= end_of(place.statement):
            place = place.outer
        statement = place.statement
        inside = (self.reader.writes([statement], self.scope), False, isinstance(statement, _LEAVES))
        return place.answers[place.block.among(place.at, inside)]


def _start(place: _Place) -> tuple[int, int]:
    return start_of((getattr(place.statement, "decorator_list", None) or [place.statement])[0])


class _Reader:
    """Reads the transactions of a module, each of them once."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module
        self.bodies: dict[int, _Body] = {}
        self._writing: dict[int, bool] = {}
        self._acting: dict[int, bool] = {}

    def body(self, body: list[ast.stmt], scope: Scope) -> _Body:
        """Return what is known of what a transaction holds."""
        known = self.bodies.get(id(body))
        if known is None:
            known = self.bodies[id(body)] = _Body(body, self, scope)
        return known

    def writes(self, nodes: Iterable[ast.AST], scope: Scope) -> bool:
        """Return whether there is a call that writes rows, or one that is made for what it does alone."""

        def writes(inner: ast.AST) -> bool:
            if isinstance(inner, ast.Call):
                return self._writes_by_call(inner, scope)
            return isinstance(inner, ast.Expr) and self._is_made_for_effect(inner.value, scope)

        return any(_any_below(node, writes, self._writing) for node in nodes)

    def acts(self, nodes: Iterable[ast.AST]) -> bool:
        """Return whether anything is called, unless that is what is returned or raised."""
        return any(
            _any_below(node, _is_act, self._acting) for node in nodes if not isinstance(node, (ast.Return, ast.Raise))
        )

    def _writes_by_call(self, call: ast.Call, scope: Scope) -> bool:
        if _is_write(call):
            return True
        target = self._called(call, scope)
        functions = [] if target is None else _nodes(target)
        return any(isinstance(inner, ast.Call) and _is_write(inner) for node in functions for inner in ast.walk(node))

    def _is_made_for_effect(self, node: ast.expr, scope: Scope) -> bool:
        """Return whether a statement is a call of what is not known, unless it stands in a file that can't be read."""
        call = node.value if isinstance(node, ast.Await) else node
        if not isinstance(call, ast.Call) or _is_harmless(call) or _only_checks(call):
            return False
        target = self._called(call, scope)
        return target is None or not (_nodes(target) or target.foreign or self._is_in_broken_file(target))

    def _is_in_broken_file(self, target: Target) -> bool:
        owner = target.path.rpartition(".")[0]
        return target.unread and self.project.layout.find(owner, self.module.place.root) is not None

    def _called(self, call: ast.Call, scope: Scope) -> Target | None:
        value = self.module.value(call.func, scope)
        return self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None


def _any_below(node: ast.AST, holds: Callable[[ast.AST], bool], known: dict[int, bool]) -> bool:
    """Return whether something holds of a node or of one below it, with what is known of nodes by identity.

    Each `elif` stands in the one before: without that, a chain of them takes the square of its length.
    """
    pending = [node]
    below: list[tuple[ast.AST, ast.AST]] = []  # each node with the one that it was found in, from the top
    while pending:
        inner = pending.pop()
        if id(inner) in known:
            continue
        known[id(inner)] = holds(inner)
        for child in ast.iter_child_nodes(inner):
            below.append((child, inner))
            pending.append(child)
    for child, parent in reversed(below):
        if known[id(child)]:
            known[id(parent)] = True
    return known[id(node)]


def _is_act(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and not _is_harmless(node)


def _passed(statement: ast.stmt) -> tuple[list[ast.AST], list[ast.AST]]:
    """Return what of a statement runs before those that follow, and what leaves the block instead."""
    if not isinstance(statement, (ast.If, ast.Match)):
        return [statement], []
    with_it: list[ast.AST] = [statement.test if isinstance(statement, ast.If) else statement.subject]
    without: list[ast.AST] = []
    for part in _parts(statement):
        (without if any(isinstance(inner, _LEAVES) for inner in part) else with_it).extend(part)
    return with_it, without


def _parts(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement; those of a function and a class are none."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for name in ("body", "orelse", "finalbody"):
        yield from filter(None, [getattr(statement, name, None)])
    for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield part.body


def _nodes(target: Target) -> list[ast.AST]:
    """Return the functions of the project that a name stands for."""
    if target.module is None or target.rest or not isinstance(target.symbol, Function):
        return []
    return [node for node, _, _ in target.module.functions_called(target.symbol.qualname)]


def _is_write(call: ast.Call) -> bool:
    func = call.func
    name = last_name(func)
    if name == "update":  # a dict's has the same name
        return not call.args
    if name in _RELATED:
        return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute)
    return name in _WRITES or name.lstrip("_").partition("_")[0] in _VERBS


def _is_harmless(call: ast.Call) -> bool:
    name = last_name(call.func)
    return name in _HARMLESS if isinstance(call.func, ast.Attribute) else hasattr(builtins, name)


def _only_checks(call: ast.Call) -> bool:
    """Return whether a call changes no more than a container, or nothing at all: `seen.add()`, `check_stock()`."""
    name = last_name(call.func)
    return name in _OF_CONTAINERS or name in _RAISING or name.lstrip("_").partition("_")[0] in _CHECKS


def _ever(flags: list[bool]) -> list[bool]:
    """Return for each place in a list, and for its end, whether any flag before it is set."""
    return list(accumulate(flags, bool.__or__, initial=False))
