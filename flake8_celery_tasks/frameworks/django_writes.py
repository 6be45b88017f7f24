"""What a transaction does together with a call in it, and what it does only without the call.

A transaction around several branches may be there for one of them. A task call in another branch is then harmless:
nothing that the task needs is waiting for the commit.
"""

from __future__ import annotations

import ast
import builtins
from bisect import bisect_left, bisect_right
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from flake8_celery_tasks.binding.nodes import last_name, unsubscripted
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import SENDING_ATTRIBUTES
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.workspace.source import end_of, first_of, start_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Scope, Site
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.resolution.resolver import Target


#: Django's own names for methods that write rows, including those of its views, REST framework's views and cursors.
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
#: The first word of a project's own names: `create_invoice()`, `save_formset()`, and of Django's `save()`,
#: `bulk_create()`.
_VERBS: Final = frozenset({"bulk", "create", "delete", "save", "update"})
#: Methods of sets as well as relations; the dots tell `user.groups.add(group)` from `seen.add(key)`.
_RELATED: Final = frozenset({"add", "clear", "remove", "set"})
_OF_CONTAINERS: Final = {*_RELATED, "update"}
#: Objects that store data elsewhere: `cache.set()`, `default_storage.save()`, `caches["default"].delete()`.
_NO_ROWS: Final = frozenset({"cache", "caches", "default_storage", "redis", "redis_client", "session", "storage"})
#: Packages whose functions with such names do write rows.
_OF_ROWS: Final = frozenset({"django", "rest_framework"})
#: Methods of loggers, of `django.contrib.messages` and of containers: they write no rows.
_HARMLESS: Final = frozenset(
    {
        *("critical", "debug", "error", "exception", "info", "log", "success", "warning"),
        *("append", "discard", "extend", "insert", "pop", "popitem", "reverse", "setdefault", "sort"),
        *SENDING_ATTRIBUTES,
        "send_task",
    }
)

#: The first word in names of functions that only raise on errors, and those of Django and REST framework.
_CHECKS: Final = frozenset({"assert", "check", "raise", "require", "validate", "verify"})
_RAISING: Final = frozenset({"full_clean", "is_valid", "permission_denied", "throttled"})

#: How many calls deep to look for writes.
_DEPTH: Final = 3

_LEAVES: Final = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_LOOPS: Final = (ast.For, ast.AsyncFor, ast.While)


def may_write(
    project: Project, module: Module, body: list[ast.stmt], scope: Scope, call: ast.Call, *, visibly: bool = False
) -> bool:
    """Return whether a transaction may write if it makes a call.

    `body` is the content of the transaction. False if no visible write runs together with the call, and either a branch
    that runs without the call does something else, or `visibly` means that the write must be visible.
    """
    writes, others = _reader(module, project).body(body, scope).answer(call)
    return writes or not (others or visibly)


def writes_before(project: Project, module: Module, body: list[ast.stmt], scope: Scope, call: ast.Call) -> bool:
    """Return whether a certain write of rows runs before a call in a body."""
    return _reader(module, project).before(body, scope, call)


@query()
def _reader(module: Module, project: Project) -> _Reader:
    return _Reader(project, module)


#: What is true of code that contains the call: it writes, it acts without the call, it leaves the block after the call.
_Beside: TypeAlias = tuple[bool, bool, bool]
#: The first two of these, for a whole transaction.
_Answer: TypeAlias = tuple[bool, bool]
_FLAGS: Final = (False, True)
_ALL: Final = [(writes, others, left) for writes in _FLAGS for others in _FLAGS for left in _FLAGS]


class _Block:
    """What the statements before and after each statement of a block do."""

    def __init__(self, body: list[ast.stmt], reader: _Reader, scope: Scope) -> None:
        passed = [_passed(statement) for statement in body]
        #: Do the statements before an index write, and do they act if they end the block?
        self.writes_before = _ever([reader.writes(with_it, scope) for with_it, _ in passed])
        self.others_before = _ever([reader.acts(without, scope) for _, without in passed])
        #: Do the statements from an index to the end write, do they act, do they leave the block?
        self.writes_after = _ever([reader.writes([statement], scope) for statement in reversed(body)])[::-1]
        self.acts_after = _ever([reader.acts([statement], scope) for statement in reversed(body)])[::-1]
        self.leaves_after = _ever([isinstance(statement, _LEAVES) for statement in reversed(body)])[::-1]

    def among(self, index: int, inside: _Beside) -> _Beside:
        """Return what is true of the block, given what is true of its statement at an index."""
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
    """The content of a transaction. Each `elif` is nested in the previous one, so results are computed only once."""

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
        acting = [self.reader.acts(part, self.scope) for part in parts]
        head: list[ast.AST] = []
        if isinstance(statement, (ast.If, ast.Match)):
            head = [statement.test if isinstance(statement, ast.If) else statement.subject]
        head_writes = self.reader.writes(head, self.scope)
        all_writing, all_acting = sum(writing), sum(acting)
        for part, writes, acts in zip(parts, writing, acting, strict=True):
            answers: dict[_Beside, _Answer] = {}
            for inside in _ALL:
                if head:
                    around = (inside[0] or head_writes, inside[1] or all_acting > acts, inside[2])
                else:  # a handler may run after part of the body, and later code after a handler
                    left = inside[2] and isinstance(statement, (ast.With, ast.AsyncWith))
                    around = (inside[0] or all_writing > writes, inside[1], left)
                answers[inside] = place.answers[place.block.among(place.at, around)]
            yield part, answers

    def answer(self, call: ast.Call) -> _Answer:
        """Return whether the transaction writes if it makes a call, and whether it acts without it."""
        position = start_of(call)
        place = self._places[bisect_right(self._starts, position) - 1]
        while place.outer is not None and position >= end_of(place.statement):
            place = place.outer
        statement = place.statement
        inside = (self.reader.writes([statement], self.scope), False, isinstance(statement, _LEAVES))
        return place.answers[place.block.among(place.at, inside)]


def _start(place: _Place) -> tuple[int, int]:
    return start_of(first_of(place.statement))


class _Calls:
    """The calls of a module in source order: those in a node are found by its position, without a visit to the node."""

    def __init__(self, module: Module) -> None:
        self.all = sorted((call for call, _ in module.candidates.calls), key=start_of)
        self._starts = list(map(start_of, self.all))

    def inside(self, node: ast.AST) -> tuple[int, int]:
        """Return the index of the first call in a node, and that of the first one after it."""
        return bisect_left(self._starts, start_of(first_of(node))), bisect_left(self._starts, end_of(node))


@query()
def _calls(module: Module) -> _Calls:
    return _Calls(module)


class _Some:
    """Whether some call in a node has a property. Each `elif` is nested in the previous one: no call is asked twice."""

    def __init__(self, calls: _Calls, holds: Callable[[ast.Call, Scope], bool]) -> None:
        self.calls = calls
        self.holds = holds
        self._having: set[int] = set()
        self._next = list(range(len(calls.all) + 1))  # after each call that lacks the property, one that may have it

    def any_in(self, node: ast.AST, scope: Scope, but: ast.AST | None = None) -> bool:
        """Return whether a call in a node, other than `but`, has the property."""
        index, end = self.calls.inside(node)
        index = self._after(index)
        while index < end:
            if self.calls.all[index] is but:
                index = self._after(index + 1)
                continue
            if index in self._having or self.holds(self.calls.all[index], scope):
                self._having.add(index)
                return True
            self._next[index] = index + 1
            index = self._after(index)
        return False

    def _after(self, index: int) -> int:
        found = index
        while self._next[found] != found:
            found = self._next[found]
        while index != found:
            self._next[index], index = found, self._next[index]
        return found


class _Reader:
    """Analyses the transactions of a module, each of them once."""

    def __init__(self, project: Project, module: Module) -> None:
        self.project = project
        self.module = module
        self.bodies: dict[int, _Body] = {}
        self.calls = _calls(module)
        self._writing = _Some(self.calls, self._writes_or_matters)
        self._acting = _Some(self.calls, _is_act)
        self._calling = _Some(self.calls, self._writes_by_call)
        self._passed: dict[int, tuple[list[tuple[int, int]], list[bool]]] = {}

    def body(self, body: list[ast.stmt], scope: Scope) -> _Body:
        """Return the analysis of a transaction's content."""
        known = self.bodies.get(id(body))
        if known is None:
            known = self.bodies[id(body)] = _Body(body, self, scope)
        return known

    def before(self, body: list[ast.stmt], scope: Scope, call: ast.Call) -> bool:
        """Return whether a call that writes rows comes before a call in a body, and not in another branch."""
        position = start_of(call)
        while True:
            starts, written = self._passing(body, scope)
            index = max(bisect_right(starts, position) - 1, 0)
            if written[index]:
                return True
            statement = body[index]
            parts = () if isinstance(statement, _LOOPS) else _parts(statement)
            inner = next((part for part in parts if start_of(part[0]) <= position < end_of(part[-1])), None)
            if inner is None:
                return self._calling.any_in(statement, scope, but=call)
            # In a `try`, all other blocks come after the body.
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
        return any(self._calling.any_in(node, scope) for node in nodes)

    def writes(self, nodes: Iterable[ast.AST], scope: Scope) -> bool:
        """Return whether nodes contain a call that writes rows, or one that is made only for its effect."""
        return any(self._writing.any_in(node, scope) for node in nodes)

    def acts(self, nodes: Iterable[ast.AST], scope: Scope) -> bool:
        """Return whether nodes contain a call, other than in a returned or raised expression."""
        return any(self._acting.any_in(node, scope) for node in nodes if not isinstance(node, (ast.Return, ast.Raise)))

    def _writes_or_matters(self, call: ast.Call, scope: Scope) -> bool:
        return self._writes_by_call(call, scope) or (id(call) in self._made and self._is_made_for_effect(call, scope))

    @cached_property
    def _made(self) -> Collection[int]:
        """The calls that are statements, awaited or not."""
        found = self.module.candidates
        coroutines = [node for node, _, _ in found.functions if isinstance(node, ast.AsyncFunctionDef)]
        awaits = (node for coroutine in coroutines for node in ast.walk(coroutine) if isinstance(node, ast.Await))
        return found.statements.union(id(node.value) for node in awaits if id(node) in found.statements)

    def _writes_by_call(self, call: ast.Call, scope: Scope) -> bool:
        return self._effect(call, scope, 0)[0]

    def _effect(self, call: ast.Call, scope: Scope, depth: int) -> tuple[bool, bool]:
        """Return whether a call writes, and whether it has effects that can't be seen."""
        found = self._functions(call, scope) if depth < _DEPTH else None
        if found is None:
            return _is_write(call) and not self._is_of_others(call, scope), not (
                _is_harmless(call) or _only_checks(call)
            )
        writes, acts = _done_by(*found, self.project, depth + 1)
        # A name like `create_invoice()` means a write, unless all of its effects can be seen.
        return writes or (acts and _is_write(call)), acts

    def done_by(self, functions: list[tuple[FunctionNode, Site, Scope]], depth: int) -> tuple[bool, bool]:
        """Return whether functions of the module write, and whether they have effects that can't be seen."""
        acts = False
        for node, _, inside in functions:
            for call in self.calls.all[slice(*self.calls.inside(node))]:
                writes, more = self._effect(call, inside, depth)
                if writes:
                    return True, True
                acts = acts or more
        return False, acts

    def _is_made_for_effect(self, call: ast.Call, scope: Scope) -> bool:
        """Return whether a statement is a call of something unknown, unless it is in a file that can't be read."""
        if _is_harmless(call) or _only_checks(call) or self._functions(call, scope) is not None:
            return False
        target = self._called(call, scope)
        return target is None or not (target.foreign or self._is_in_broken_file(target))

    def _functions(self, call: ast.Call, scope: Scope) -> tuple[Module, str] | None:
        """Return the project's function that a call calls: by name, or as a method of the enclosing class."""
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


def _is_act(call: ast.Call, _: Scope) -> bool:
    return not _is_harmless(call)


def _passed(statement: ast.stmt) -> tuple[list[ast.AST], list[ast.AST]]:
    """Return the parts of a statement that run before the next one, and those that leave the block instead."""
    if not isinstance(statement, (ast.If, ast.Match)):
        return [statement], []
    with_it: list[ast.AST] = [statement.test if isinstance(statement, ast.If) else statement.subject]
    without: list[ast.AST] = []
    for part in _parts(statement):
        (without if any(isinstance(inner, _LEAVES) for inner in part) else with_it).extend(part)
    return with_it, without


def _parts(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the blocks of a compound statement, except for those of functions and classes."""
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
    if name == "update":  # a dict's method has the same name
        return not call.args or _is_of_super(func)
    if name in _RELATED:
        return isinstance(func, ast.Attribute) and isinstance(func.value, ast.Attribute)
    return name in _WRITES or name.lstrip("_").partition("_")[0] in _VERBS


def _is_of_super(func: ast.expr) -> bool:
    """Return whether a method is called on `super()`: in a view, a serializer, a manager."""
    owner = func.value if isinstance(func, ast.Attribute) else None
    return isinstance(owner, ast.Call) and last_name(owner.func) == "super"


def _is_harmless(call: ast.Call) -> bool:
    name = last_name(call.func)
    return name in _HARMLESS if isinstance(call.func, ast.Attribute) else hasattr(builtins, name)


def _only_checks(call: ast.Call) -> bool:
    """Return whether a call changes at most a container: `seen.add()`, `check_stock()`."""
    name = last_name(call.func)
    return name in _OF_CONTAINERS or name in _RAISING or name.lstrip("_").partition("_")[0] in _CHECKS


def _ever(flags: list[bool]) -> list[bool]:
    """Return for each index of a list, and for its end, whether any flag before it is set."""
    return list(accumulate(flags, bool.__or__, initial=False))
