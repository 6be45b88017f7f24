"""Where an exception that controls a task ends up: what catches it on its way out of the function."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, Union, cast

from flake8_celery_tasks.binding.scopes import FUNCTION, LAMBDA, TRY, WITH
from flake8_celery_tasks.binding.symbols import Class, Function
from flake8_celery_tasks.binding.values import UNKNOWN, Ref
from flake8_celery_tasks.resolution.resolver import Target

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.binding.values import Unknown
    from flake8_celery_tasks.resolution.project import Project


RETRY: Final = "celery.exceptions.Retry"
IGNORE: Final = "celery.exceptions.Ignore"
REJECT: Final = "celery.exceptions.Reject"
MAX_RETRIES: Final = "celery.exceptions.MaxRetriesExceededError"

#: The base classes of `Retry`, `Ignore` and `Reject`.
BASES: Final = frozenset(
    {
        "builtins.BaseException",
        "builtins.Exception",
        "celery.exceptions.CeleryError",
        "celery.exceptions.TaskPredicate",
    }
)

#: What can swallow an exception: a handler, a `return` in a `finally`, a `with suppress(...)`.
Catcher = Union[ast.ExceptHandler, ast.Return, ast.withitem]  # noqa: UP007

# How a block of statements may end.
_FALLS: Final = "falls through"
_RETURNS: Final = "returns"
_BREAKS: Final = "leaves a loop"
_RAISES_SAME: Final = "raises what it caught"
_RAISES: Final = "raises something else"
_UNCLEAR: Final = "unclear"
_SWALLOWS: Final = {_FALLS, _RETURNS, _BREAKS}
_LOUD: Final = {_RAISES_SAME, _RAISES}


#: `try`, including `except*` if this Python has it.
TRIES: Final = (ast.Try, getattr(ast, "TryStar", ast.Try))


def fate(project: Project, module: Module, site: Site, path: str, me: str | None) -> Catcher | Unknown | None:
    """Return what swallows an exception raised at a place before it leaves the enclosing function.

    `path` is the canonical name of the exception: `Retry`, `Ignore` or `Reject`; `me` is the name of the bound task.
    None means that it leaves the function unchanged. UNKNOWN means that it may be caught, or that another exception
    replaces it.
    """
    for around in site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            break
        found: Catcher | Unknown | None = None
        if around.kind == TRY:
            flow = _Flow(project, module, around, me)
            found = flow.past_try(around.try_, around.part, path)
        elif around.kind == WITH:
            found = _past_with(project, module, around, path)
        if found is not None:
            return found
    return None


def retried_by(
    project: Project, module: Module, site: Site, path: str, me: str | None, retries: Collection[int]
) -> ast.ExceptHandler | ast.stmt | None:
    """Return the code that certainly retries after an exception is raised at a place: a handler or a `finally`.

    Takes the arguments of `fate`, and the identities of the calls that retry. For a `finally` its first statement is
    returned.
    """
    for around in site.chain():
        if around.kind in (FUNCTION, LAMBDA):
            break
        if around.kind == WITH and _past_with(project, module, around, path) is not None:
            break
        if around.kind == TRY:
            node = around.try_
            flow = _Flow(project, module, around, me)
            handler = flow.catcher(node.handlers, path) if around.part == "body" else None
            if isinstance(handler, ast.ExceptHandler) and flow.retries(handler.body, retries):
                return handler
            if around.part != "finally" and flow.retries(node.finalbody, retries):
                return node.finalbody[0]
            if handler is not None and flow.past_try(node, around.part, path) is not None:
                break
    return None


def ends_normally(
    project: Project, module: Module, site: Site, function: FunctionNode, node: ast.expr, me: str | None
) -> bool:
    """Return whether a function, once it has reached an expression, certainly returns and doesn't raise on purpose."""
    flow = _Flow(project, module, site, me)
    ends = {_FALLS}
    for owner, body, index in reversed(_way_to(function, node)):
        if isinstance(body[index], (ast.Return, ast.Raise)):
            ends = flow.ends([body[index]]) - {_UNCLEAR}
        if _FALLS in ends:
            ends = (ends - {_FALLS}) | flow.ends(body[index + 1 :])
        if hasattr(owner, "handlers"):
            if body is owner.body and _FALLS in ends:
                ends = (ends - {_FALLS}) | flow.ends(owner.orelse)
            ends |= flow.ends(owner.finalbody) - {_FALLS} if body is not owner.finalbody else set()
        elif isinstance(owner, (ast.For, ast.AsyncFor, ast.While)):
            # Another iteration may end differently.
            ends = (ends | flow.ends(owner.body)) - {_BREAKS} | {_FALLS}
        if ends & {*_LOUD, _UNCLEAR}:
            return False
    return True


def _way_to(function: FunctionNode, node: ast.expr) -> list[tuple[Any, list[ast.stmt], int]]:
    """Return the blocks that contain an expression, outermost first: each with its owner and the statement's index."""
    way: list[tuple[Any, list[ast.stmt], int]] = []
    owners: list[Any] = [function]
    while owners:
        owner = owners.pop()
        for body in _blocks(owner):
            for index, statement in enumerate(body):
                if any(inner is node for inner in ast.walk(statement)):
                    way.append((owner, body, index))
                    owners = [statement]
    return way


def _blocks(node: Any) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body


def catches(project: Project, module: Module, node: ast.expr, site: Site, paths: Iterable[str]) -> bool | Unknown:
    """Return whether a handler's type is or contains one of some exceptions, given by their canonical names."""
    if isinstance(node, ast.Tuple):
        return _any([catches(project, module, item, site, paths) for item in node.elts])
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return holds(project.settle(module.value(node, site.scope), module), paths, name)


def holds(value: Any, paths: Iterable[str], name: str = "") -> bool | Unknown:
    """Return whether a settled class, or tuple of classes, is or contains one of some exceptions.

    A class that can't be resolved is recognised by its name: `self.model.DoesNotExist` is not one of Celery's.
    """
    if isinstance(value, (tuple, list, set)):
        return _any([holds(item, paths) for item in value])
    if isinstance(value, Target):
        if value.path in paths and not value.rest:
            return True
        if isinstance(value.symbol, Class) or value.foreign:
            return False
        name = name or value.path.rpartition(".")[2]
    if name in {path.rpartition(".")[2] for path in paths}:
        return UNKNOWN
    return False if name[:1].isupper() and not name.isupper() else UNKNOWN


def _any(answers: list[bool | Unknown]) -> bool | Unknown:
    if any(answer is True for answer in answers):
        return True
    return UNKNOWN if any(answer is UNKNOWN for answer in answers) else False


def _past_with(project: Project, module: Module, site: Site, path: str) -> Catcher | Unknown | None:
    for item in site.items:
        call = item.context_expr
        if not isinstance(call, ast.Call):
            continue
        value = module.value(call.func, site.scope)
        if isinstance(value, Ref) and project.resolve(value.path, module).path == "contextlib.suppress":
            caught = _any([catches(project, module, arg, site, BASES | {path}) for arg in call.args])
            if caught is not False:
                return item if caught is True else UNKNOWN
    return None


class _Flow:
    """Follows an exception through one `try`."""

    def __init__(self, project: Project, module: Module, site: Site, me: str | None) -> None:
        self.project = project
        self.module = module
        self.site = site
        self.me = me
        self.name: str | None = None  # the handler's name for the exception

    def past_try(self, node: ast.Try, part: str, path: str) -> Catcher | Unknown | None:
        found = self._past_handlers(node.handlers, path) if part == "body" else None
        if part != "finally" and node.finalbody:
            last = self.ends(node.finalbody)
            if last == {_RETURNS}:
                return next(
                    inner for item in node.finalbody for inner in ast.walk(item) if isinstance(inner, ast.Return)
                )
            if last != {_FALLS}:
                return UNKNOWN
        return found

    def _past_handlers(self, handlers: list[ast.ExceptHandler], path: str) -> Catcher | Unknown | None:
        handler = self.catcher(handlers, path)
        if not isinstance(handler, ast.ExceptHandler):
            return handler
        ends = self.ends(handler.body)
        if _UNCLEAR in ends or (ends & _LOUD and ends & _SWALLOWS and self._tells_apart(handler)):
            return UNKNOWN
        if ends & _SWALLOWS:
            return handler
        return None if ends == {_RAISES_SAME} else UNKNOWN

    def catcher(self, handlers: list[ast.ExceptHandler], path: str) -> ast.ExceptHandler | Unknown | None:
        """Return the first handler that catches an exception, UNKNOWN if one may, None if none does."""
        for handler in handlers:
            caught: bool | Unknown = True
            if handler.type is not None:
                caught = catches(self.project, self.module, handler.type, self.site, BASES | {path})
            if caught is not False:
                self.name = handler.name
                return handler if caught is True else UNKNOWN
        return None

    def _tells_apart(self, handler: ast.ExceptHandler) -> bool:
        """Return whether a condition in a handler may depend on the caught exception, or on whether a retry is left."""
        return any(
            self._is_about_caught(test) or _is_about_retries(test)
            for node in ast.walk(handler)
            for test in _tests(node)
        )

    def _is_about_caught(self, test: ast.expr) -> bool:
        """Return whether a condition may depend on the caught exception."""
        names = {self.name, "isinstance", "type", "issubclass", "sys"} - {None}
        return any(isinstance(inner, ast.Name) and inner.id in names for inner in ast.walk(test))

    def retries(self, body: list[ast.stmt], calls: Collection[int]) -> bool:
        """Return whether a block certainly reaches one of some calls, as long as a retry is left."""
        for statement in body:
            if self._retries(statement, calls):
                return True
            if _FALLS not in (ends := self._end(statement)) or _UNCLEAR in ends:
                return False
            tests = _tests(statement)
            # What ends without a retry has to be about the retries themselves, not about what was caught.
            is_limit = any(map(_is_about_retries, tests)) and not any(map(self._is_about_caught, tests))
            if ends != {_FALLS} and not is_limit:
                return False
        return False

    def _retries(self, node: ast.stmt, calls: Collection[int]) -> bool:
        if isinstance(node, ast.If):
            branches = [self.retries(node.body, calls), self.retries(node.orelse, calls)]
            is_certain = all(branches) or (any(branches) and _is_about_retries(node.test))
            return is_certain and not (self._is_about_caught(node.test) and not all(branches))
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self.retries(node.body, calls)
        if isinstance(node, ast.Match):
            return _is_exhaustive(node) and all(self.retries(case.body, calls) for case in node.cases)
        if isinstance(node, TRIES):
            part = cast("ast.Try", node)
            return self.retries(part.body, calls) or self.retries(part.finalbody, calls)
        return _certainly_calls(node, calls)

    def ends(self, body: list[ast.stmt]) -> set[str]:
        """Return the ways in which a block may end."""
        found: set[str] = set()
        for statement in body:
            last = self._end(statement)
            found |= last - {_FALLS}
            if _FALLS not in last:
                return found
        return found | {_FALLS}

    def _end(self, node: ast.stmt) -> set[str]:
        if isinstance(node, ast.Raise):
            same = node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == self.name)
            return {_RAISES_SAME} if same else {_RAISES}
        if isinstance(node, (ast.Break, ast.Continue)):
            return {_BREAKS}
        if isinstance(node, ast.If):
            return self.ends(node.body) | self.ends(node.orelse)
        if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            ends = self.ends([*node.body, *node.orelse])
            return ends - {_FALLS} if _is_endless(node) and _BREAKS not in ends else ends - {_BREAKS} | {_FALLS}
        if isinstance(node, (ast.With, ast.AsyncWith)):
            return self.ends(node.body)
        if isinstance(node, ast.Match):
            after = set() if _is_exhaustive(node) else {_FALLS}
            return after.union(*(self.ends(case.body) for case in node.cases))
        if isinstance(node, TRIES):
            return self._end_of_try(cast("ast.Try", node))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            return {_FALLS}
        return self._end_of_simple(node) | ({_UNCLEAR} if isinstance(node, ast.Assert) else set())

    def _end_of_try(self, node: ast.Try) -> set[str]:
        found = self.ends([*node.body, *node.orelse])
        if node.handlers and found & _LOUD:
            found.add(_UNCLEAR)
        for handler in node.handlers:
            found |= self.ends(handler.body)
        last = self.ends(node.finalbody)
        return found | last if _FALLS in last else last

    def _end_of_simple(self, node: ast.stmt) -> set[str]:
        after = {_RETURNS} if isinstance(node, ast.Return) else {_FALLS}
        for call in ast.walk(node):
            if isinstance(call, ast.Call):
                if is_retry(call):
                    return {_RAISES}
                if self._may_raise(call):
                    after.add(_UNCLEAR)
        return after

    def _may_raise(self, call: ast.Call) -> bool:
        """Return whether a call may raise on purpose: it gets the task, or is a function that raises or retries."""
        if any(isinstance(arg, ast.Name) and arg.id == self.me for arg in call.args):
            return True
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == self.me:
            return func.attr not in ("retry", "send_event", "update_state")
        value = self.module.value(func, self.site.scope)
        if not isinstance(value, Ref):
            return False
        target = self.project.resolve(value.path, self.module)
        if not isinstance(target.symbol, Function) or target.module is None or target.rest:
            return target.unread
        return any(
            isinstance(inner, ast.Raise) or (isinstance(inner, ast.Attribute) and inner.attr == "retry")
            for node, _, _ in target.module.functions_called(target.symbol.qualname)
            for inner in ast.walk(node)
        )


def _tests(node: ast.AST) -> list[ast.expr]:
    """Return the conditions of a statement or expression."""
    if isinstance(node, ast.Match):
        return [node.subject]
    return [node.test] if isinstance(node, (ast.If, ast.IfExp)) else []


def _is_about_retries(test: ast.expr) -> bool:
    """Return whether a condition depends on the number of retries so far, or on the maximum."""
    return any(isinstance(inner, ast.Attribute) and "retries" in inner.attr for inner in ast.walk(test))


#: Statements and expressions in which code may be skipped or run later.
_UNCERTAIN: Final = (ast.BoolOp, ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Match)


def _is_endless(node: ast.stmt) -> bool:
    """Return whether only a `break` leaves a loop: `while True`."""
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)


def _is_exhaustive(node: ast.Match) -> bool:
    """Return whether one case of a `match` is certainly taken: the last one is `case _`."""
    last = node.cases[-1]
    return last.guard is None and isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None


def _certainly_calls(node: ast.AST, calls: Collection[int]) -> bool:
    """Return whether a simple statement certainly makes one of some calls."""
    if isinstance(node, ast.IfExp):
        return all(_certainly_calls(side, calls) for side in (node.body, node.orelse))
    if isinstance(node, (*_UNCERTAIN, ast.For, ast.AsyncFor, ast.While)):
        return False
    return id(node) in calls or any(_certainly_calls(child, calls) for child in ast.iter_child_nodes(node))


def is_retry(call: ast.Call) -> bool:
    """Return whether a call looks like one that retries and raises: `x.retry(...)` without `throw=False`."""
    func = call.func
    return (
        isinstance(func, ast.Attribute)
        and func.attr == "retry"
        and not any(
            keyword.arg == "throw" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            for keyword in call.keywords
        )
    )
