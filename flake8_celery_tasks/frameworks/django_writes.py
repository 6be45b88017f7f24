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

from flake8_celery_tasks.binding.nodes import last_name, unsubscripted
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import SENDING_ATTRIBUTES
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.workspace.source import end_of, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Scope, Site
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
#: What keeps something elsewhere: `cache.set()`, `default_storage.save()`, `caches["default"].delete()`.
_NO_ROWS: Final = frozenset({"cache", "caches", "default_storage", "redis", "redis_client", "session", "storage"})
#: Packages whose functions write rows by the names that are looked for.
_OF_ROWS: Final = frozenset({"django", "rest_framework"})
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

#: How many calls deep it is looked whether something writes.
_DEPTH: Final = 3

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


def writes_before(project: Project, module: Module, body: list[ast.stmt], scope: Scope, call: ast.Call) -> bool:
    """Return whether something that certainly writes rows runs before a call in a body, or is the call itself."""
    return _reader(module, project).before(body, scope, call)


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
    """What a transaction holds. Each `elif` is in the one before, so nothing is asked of each of them anew."""

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
        self._calling: dict[int, bool] = {}
        self._passed: dict[int, tuple[list[tuple[int, int]], list[bool]]] = {}

    def body(self, body: list[ast.stmt], scope: Scope) -> _Body:
        """Return what is known of what a transaction holds."""
        known = self.bodies.get(id(body))
        if known is None:
            known = self.bodies[id(body)] = _Body(body, self, scope)
        return known

    def before(self, body: list[ast.stmt], scope: Scope, node: ast.AST) -> bool:
        """Return whether a call that writes rows is in a body before a node, and in no other branch."""
        position = start_of(node)
        while True:
            starts, written = self._passing(body, scope)
            index = max(bisect_right(starts, position) - 1, 0)
            if written[index]:
                return True
            statement = body[index]
            parts = () if isinstance(statement, _LOOPS) else _parts(statement)
            inner = next((part for part in parts if start_of(part[0]) <= position < end_of(part[-1])), None)
            if inner is None:
                return self._calls_write([statement], scope)
            # In a `try` all others come after the body.
            before = [statement.body] if isinstance(statement, ast.Try) and inner is not statement.body else []
            if any(self._calls_write(part, scope) for part in before):
                return True
            body = inner

    def _passing(self, body: list[ast.stmt], scope: Scope) -> tuple[list[tuple[int, int]], list[bool]]:
        """Return where the statements of a block start, and whether some statement before each certainly writes."""
        known = self._passed.get(id(body))
        if known is None:
            flags = [self._calls_write(_passed(statement)[0], scope) for statement in body]
            known = self._passed[id(body)] = ([start_of(statement) for statement in body], _ever(flags))
        return known

    def _calls_write(self, nodes: Iterable[ast.AST], scope: Scope) -> bool:
        def writes(inner: ast.AST) -> bool:
            return isinstance(inner, ast.Call) and self._writes_by_call(inner, scope)

        return any(_any_below(node, writes, self._calling) for node in nodes)

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
        return self._effect(call, scope, 0)[0]

    def _effect(self, call: ast.Call, scope: Scope, depth: int) -> tuple[bool, bool]:
        """Return whether a call writes, and whether it does anything that can't be seen."""
        found = self._functions(call, scope) if depth < _DEPTH else None
        if found is None:
            return _is_write(call) and not self._is_of_others(call, scope), not (
                _is_harmless(call) or _only_checks(call)
            )
        writes, acts = _done_by(*found, self.project, depth + 1)
        # A name like `create_invoice()` says that it writes, unless all that it does can be seen.
        return writes or (acts and _is_write(call)), acts

    def done_by(self, functions: list[tuple[FunctionNode, Site, Scope]], depth: int) -> tuple[bool, bool]:
        """Return whether functions of the module write, and whether they do anything that can't be seen."""
        acts = False
        for node, _, inside in functions:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    writes, more = self._effect(inner, inside, depth)
                    if writes:
                        return True, True
                    acts = acts or more
        return False, acts

    def _is_made_for_effect(self, node: ast.expr, scope: Scope) -> bool:
        """Return whether a statement is a call of what is not known, unless it is in a file that can't be read."""
        call = node.value if isinstance(node, ast.Await) else node
        if (
            not isinstance(call, ast.Call)
            or _is_harmless(call)
            or _only_checks(call)
            or self._functions(call, scope) is not None
        ):
            return False
        target = self._called(call, scope)
        return target is None or not (target.foreign or self._is_in_broken_file(target))

    def _functions(self, call: ast.Call, scope: Scope) -> tuple[Module, str] | None:
        """Return the function of the project that a call calls: by a name, or a method of the class around it."""
        target = self._called(call, scope)
        if target is not None:
            if target.module is None or target.rest or not isinstance(target.symbol, Function):
                return None
            return target.module, target.symbol.qualname
        func, owner = call.func, scope.parent
        if not isinstance(func, ast.Attribute) or owner is None or not isinstance(owner.node, ast.ClassDef):
            return None
        parameters = getattr(scope.node, "args", None)
        first = [arg.arg for arg in (*parameters.posonlyargs, *parameters.args)][:1] if parameters else []
        qualname = f"{owner.qualname}.{func.attr}"
        is_own = [getattr(func.value, "id", None)] == first and self.module.functions_called(qualname)
        return (self.module, qualname) if is_own else None

    def _is_of_others(self, call: ast.Call, scope: Scope) -> bool:
        """Return whether a call is one of a package that writes no rows: `requests.delete()`."""
        target = self._called(call, scope)
        if target is None or not target.foreign:
            return False
        return ".objects." not in target.path and target.path.partition(".")[0] not in _OF_ROWS

    def _is_in_broken_file(self, target: Target) -> bool:
        owner = target.path.rpartition(".")[0]
        return target.unread and self.project.layout.find(owner, self.module.place.root) is not None

    def _called(self, call: ast.Call, scope: Scope) -> Target | None:
        value = self.module.value(call.func, scope)
        return self.project.resolve(value.path, self.module) if isinstance(value, Ref) else None


def _any_below(node: ast.AST, holds: Callable[[ast.AST], bool], known: dict[int, bool]) -> bool:
    """Return whether something holds of a node or of one below it, with what is known of nodes by identity.

    Each `elif` is in the one before: without that, a chain of them takes the square of its length.
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


# Functions may call each other.
@query(while_asking=(False, False))
def _done_by(module: Module, qualname: str, project: Project, depth: int) -> tuple[bool, bool]:
    return _reader(module, project).done_by(module.functions_called(qualname), depth)


def _is_write(call: ast.Call) -> bool:
    func = call.func
    name = last_name(func)
    if isinstance(func, ast.Attribute) and last_name(unsubscripted(func.value)) in _NO_ROWS:
        return False
    if name == "update":  # a dict's has the same name
        return not call.args or _is_of_super(func)
    if name in _RELATED:
        return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute)
    return name in _WRITES or name.lstrip("_").partition("_")[0] in _VERBS


def _is_of_super(func: ast.expr) -> bool:
    """Return whether a method is one of `super()`: that of a view, a serializer, a manager."""
    owner = func.value if isinstance(func, ast.Attribute) else None
    return isinstance(owner, ast.Call) and last_name(owner.func) == "super"


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
