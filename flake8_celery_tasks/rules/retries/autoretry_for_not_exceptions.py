from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.binding.nodes import last_name, unparsed
from flake8_celery_tasks.binding.symbols import Class
from flake8_celery_tasks.facts.task import Task
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import FunctionNode
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.edits.edit import Fix
    from flake8_celery_tasks.resolution.project import Project

#: Suffixes that mark a class outside the project as an exception.
_ENDINGS: Final = ("Error", "Exception", "Timeout", "Failure")


class AutoretryForNotExceptions(Rule[Task]):
    """`autoretry_for`, `dont_autoretry_for` or `throws` is not a tuple of exception classes, or has one it never sees.

    ## What happens

    `autoretry_for` and (from Celery 5.3 on) `dont_autoretry_for` are made into tuples when the task is registered. A
    single class is not a tuple, even in parentheses: without a comma `(ConnectionError)` is the class itself. The error
    is raised when the app is finalised, far from the task. Tasks that would have been registered after this one are
    lost too:

    ```text
    TypeError: 'type' object is not iterable
    ```

    A string, an exception object or a tuple inside the tuple fails later. Whenever the task raises an exception, this
    error replaces it, and nothing is retried:

    ```text
    TypeError: catching classes that do not inherit from BaseException is not allowed
    ```

    `throws` can be a class, a tuple, or a tuple of tuples. With a list, a set or a string, even inside the tuple, a
    `TypeError` replaces the task's error in the same way:

    ```text
    TypeError: isinstance() arg 2 must be a type, a tuple of types, or a union
    ```

    `autoretry_for` wraps the function and nothing else. It never sees an exception that the `before_start` hook of the
    task's class raises: the task fails at once. Nor does it see `TimeLimitExceeded` and `WorkerLostError`: the process
    that ran the task is killed, and the worker that reports it retries nothing.

    ## Bad

    ```python
    from celery import shared_task

    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=ConnectionError)
    def fetch_rates(url):
        return download(url)
    ```

    ```python
    from celery import shared_task

    from shop.payments import charge_once
    from shop.web import download


    @shared_task(name="shop_fetch_prices", autoretry_for=("ConnectionError",))
    def fetch_prices(url):
        return download(url)


    @shared_task(name="shop_charge", throws=[ValueError])
    def charge(order_pk):
        charge_once(order_pk)
    ```

    ```python
    from celery import Task, shared_task

    from shop.web import download, is_up


    class DownError(Exception): ...


    class Checking(Task):
        abstract = True

        def before_start(self, task_id, args, kwargs):
            if not is_up():
                raise DownError(task_id)


    @shared_task(name="shop_fetch_stock", base=Checking, autoretry_for=(DownError,), retry_backoff=True)
    def fetch_stock(url):
        return download(url)
    ```

    ```python
    from celery import shared_task
    from celery.exceptions import TimeLimitExceeded

    from shop.web import download


    @shared_task(name="shop_fetch_stock", autoretry_for=(TimeLimitExceeded,), time_limit=60)
    def fetch_stock(url):
        return download(url)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.payments import charge_once
    from shop.web import download


    @shared_task(name="shop_fetch_rates", autoretry_for=(ConnectionError,))
    def fetch_rates(url):
        return download(url)


    @shared_task(name="shop_fetch_prices", autoretry_for=[ConnectionError, TimeoutError])
    def fetch_prices(url):
        return download(url)


    @shared_task(name="shop_charge", throws=ValueError)
    def charge(order_pk):
        charge_once(order_pk)
    ```

    ```python
    from celery import shared_task
    from celery.exceptions import SoftTimeLimitExceeded

    from shop.web import download


    @shared_task(name="shop_fetch_stock", autoretry_for=(SoftTimeLimitExceeded,), soft_time_limit=60, time_limit=90)
    def fetch_stock(url):
        return download(url)
    ```

    ## Not reported when

    - `autoretry_for` or `dont_autoretry_for` is a list or a set: only `throws` needs a tuple;
    - a name can't be resolved to something that is certainly wrong;
    - the exception that `before_start` raises is also named elsewhere in the project, other than to catch it;
    - the project raises `TimeLimitExceeded` or `WorkerLostError` itself, or lets tasks wait for results
      (`allow_join_result`), which raise them.

    ## Fix

    Make it a tuple of classes: `autoretry_for=(ConnectionError,)`. The automatic fix does this for a single class, and
    for a list in `throws`. It is safe, since the value that it replaces can't have worked. Only you know which class a
    string was meant to name. A lower `soft_time_limit` raises `SoftTimeLimitExceeded` in the task, which is retried.
    """

    code = "CLY214"
    see = ("tasks#Task.autoretry_for", "tasks#Task.throws")
    fixes = "safe"
    message = "{option} {flaw}: {effect}; write {advice}"
    unseen = (
        "autoretry_for never sees {exc!r}: only before_start() raises it, outside the retries; raise it in the task"
    )

    outside: Final = "autoretry_for never sees {exc!r}: the process that runs the task is killed; {instead}"

    def check(self, task: Task) -> Iterator[Violation]:
        """Report a value that Celery can't use, or its first such member, and exceptions that are never seen."""
        yield from self._unseen(task)
        yield from self._outside(task)
        for option, node in task.written(_OPTIONS):
            value = task.option(option)
            advice = "a tuple of exception classes"
            flaw = effect = ""
            if isinstance(value, tuple) or (option != "throws" and isinstance(value, (list, set))):
                index, what = _bad_member(task.project, value, nested=option == "throws")
                flaw = what and f"contains {what}"
                node = _member(node, index)
            elif option == "throws":
                what = "" if value is None else _other(task.project, value)
                flaw = what and f"is {what}"
            elif _is_exception(task.project, value):
                flaw, effect = "is a class, not a tuple", "TypeError when the app is finalised"
                advice = f"({unparsed(_value(node))},)"
            else:
                what = _other(task.project, value)
                flaw = what and f"is {what}"
                effect = "" if isinstance(value, str) else "TypeError when the app is finalised"
            if flaw:
                effect = effect or _EFFECTS[option]
                yield self.report(task.module, node, option=option, flaw=flaw, effect=effect, advice=advice)

    def _unseen(self, task: Task) -> Iterator[Violation]:
        """Report exceptions in `autoretry_for` that only `before_start` raises."""
        for _, node in task.written(("autoretry_for",)):
            value = task.option("autoretry_for")
            for index, member in enumerate(value if isinstance(value, (tuple, list, set)) else ()):
                if isinstance(member, Target) and isinstance(member.symbol, Class) and not member.rest:
                    hook = _hook(task)
                    if hook is not None and _only_in(task.project, member, *hook):
                        exc = member.symbol.qualname
                        yield self.report(task.module, _member(node, index), self.unseen, exc=exc)

    def _outside(self, task: Task) -> Iterator[Violation]:
        """Report exceptions in `autoretry_for` that the worker makes up for a process that is gone."""
        for _, node in task.written(("autoretry_for",)):
            value = task.option("autoretry_for")
            members = [getattr(member, "path", "") for member in value] if isinstance(value, (tuple, list)) else []
            for index, path in enumerate(members):
                exc, instead = path.rpartition(".")[2], _OUTSIDE.get(path)
                if instead is None or _may_be_raised_in_task(task.project, exc):
                    continue
                if instead == _LIMIT and task.states("soft_time_limit") and not _SOFT.isdisjoint(members):
                    instead = "drop it: SoftTimeLimitExceeded is retried"
                if instead == _LOST and task.states("acks_late") and task.states("reject_on_worker_lost"):
                    instead = "drop it"
                yield self.report(task.module, _member(node, index), self.outside, exc=exc, instead=instead)

    def fix(self, task: Task, violation: Violation) -> Fix | None:
        """Turn a single class, or the list in `throws`, into a tuple."""
        from flake8_celery_tasks.edits.edit import Fix
        from flake8_celery_tasks.edits.operations import MakeTuple

        for option, node in task.written(_OPTIONS):
            if isinstance(node, ast.keyword) and task.module.source.position(node) == violation[:2]:
                value = task.option(option)
                is_list = option == "throws" and isinstance(value, list) and isinstance(node.value, ast.List)
                if is_list or (option != "throws" and _is_exception(task.project, value)):
                    return Fix((MakeTuple(node.value),), safe=True)
        return None


_CAUGHT: Final = "any error of the task becomes a TypeError"
_EFFECTS: Final = {
    "autoretry_for": f"{_CAUGHT} and nothing is retried",
    "dont_autoretry_for": f"{_CAUGHT} and nothing is retried",
    "throws": _CAUGHT,
}


#: Exceptions that no task raises, and what to do instead of retrying them.
_LIMIT: Final = "retry SoftTimeLimitExceeded instead, with a soft_time_limit"
_LOST: Final = "set acks_late=True and reject_on_worker_lost=True"
_OUTSIDE: Final = {
    "billiard.exceptions.TimeLimitExceeded": _LIMIT,
    "billiard.exceptions.WorkerLostError": _LOST,
    "celery.exceptions.TimeLimitExceeded": _LIMIT,
    "celery.exceptions.WorkerLostError": _LOST,
}
_SOFT: Final = frozenset(f"{package}.exceptions.SoftTimeLimitExceeded" for package in ("billiard", "celery"))


def _may_be_raised_in_task(project: Project, exception: str) -> bool:
    """Return whether some task may see such an exception: of the project's own, or of a task that it waits for."""
    marks = (b"raise " + exception.encode(), b"allow_join_result", b"disable_sync_subtasks")
    paths = project.files.holding(*marks)
    return any(not project.layout.is_test(project.layout.place(path)) for path in paths)


def _bad_member(project: Project, value: Iterable[Any], *, nested: bool) -> tuple[int, str]:
    """Return the index of the first member that is certainly not an exception class, and a description of it."""
    for index, member in enumerate(value):
        if nested and isinstance(member, tuple):
            what = _bad_member(project, member, nested=True)[1]
        else:
            what = _other(project, member)
        if what:
            return index, what
    return -1, ""


def _member(node: ast.AST, index: int) -> ast.AST:
    """Return the node of a member of an option's value, or the option if the member is not written there."""
    value = _value(node)
    return value.elts[index] if index >= 0 and isinstance(value, (ast.Tuple, ast.List)) else node


def _value(node: ast.AST) -> ast.expr:
    """Return the value of an option: of a keyword, or of an assignment in a class."""
    assert isinstance(node, (ast.keyword, ast.Assign, ast.expr))
    return node if isinstance(node, ast.expr) else node.value


def _other(project: Project, value: Any) -> str:
    """Describe a value that is certainly not an exception class; return an empty string if it may be one."""
    if isinstance(value, (tuple, list, set)):
        return f"a {type(value).__name__}" if value else ""
    if isinstance(value, str):
        return f"the string {value!r}"
    if value is None or isinstance(value, (int, float)):
        return repr(value)
    return "an exception object" if isinstance(value, Called) and _is_exception(project, value.target) else ""


def _is_exception(project: Project, value: Any) -> bool:
    """Return whether a value is certainly an exception class."""
    if not isinstance(value, Target) or value.rest:
        return False
    return any(isinstance(cls, Target) and _is_called_exception(cls) for cls in project.line(value))


def _is_called_exception(cls: Target) -> bool:
    """Return whether a class outside the project is an exception, judging by its name."""
    module, _, name = cls.path.rpartition(".")
    if module == "builtins":
        found = getattr(builtins, name, None)
        return isinstance(found, type) and issubclass(found, BaseException)
    return cls.module is None and name[0].isupper() and name.endswith(_ENDINGS)


def _hook(task: Task) -> tuple[Module, FunctionNode] | None:
    """Return the `before_start` of a task's class and the module that defines it."""
    cls = task.own_class if task.is_class else task.base
    for found in task.project.line(cls) if isinstance(cls, Target) else ():
        if isinstance(found, Target) and isinstance(found.symbol, Class) and found.module is not None:
            functions = found.module.functions_called(f"{found.symbol.qualname}.before_start")
            if functions:
                return found.module, functions[-1][0]
    return None


def _only_in(project: Project, exception: Target, module: Module, hook: FunctionNode) -> bool:
    """Return whether a function raises an exception of the project that nothing else can raise."""
    name = exception.path.rpartition(".")[2]
    inside = {id(node) for node in ast.walk(hook)}
    if not any(isinstance(node, ast.Raise) and _raised(node) == name for node in ast.walk(hook)):
        return False
    for path in project.layout.files():
        if name.encode() not in (project.files.read(path) or b""):
            continue
        found = module if path == module.place.path else project.module(path)
        if found is None:
            return False
        if not project.is_test(found) and _may_raise(found.candidates.scope.node, name, inside):
            return False
    return True


def _raised(node: ast.Raise) -> str:
    """Return the name of the exception that a statement raises."""
    made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return "" if made is None else last_name(made)


def _may_raise(tree: ast.AST, name: str, inside: set[int]) -> bool:
    """Return whether a module may raise an exception, outside of some nodes: it does more than catch it by its name."""
    caught = {id(part) for node in ast.walk(tree) for place in _catching(node) for part in ast.walk(place)}
    return any(
        name in (getattr(node, "id", ""), getattr(node, "attr", ""))
        or (isinstance(node, ast.alias) and node.asname not in (None, name) and node.name.rpartition(".")[2] == name)
        for node in ast.walk(tree)
        if id(node) not in inside and id(node) not in caught
    )


def _catching(node: ast.AST) -> list[ast.expr]:
    """Return the expressions in a node that name exceptions only to catch them."""
    if isinstance(node, ast.ExceptHandler):
        return [] if node.type is None else [node.type]
    if isinstance(node, ast.keyword):
        return [node.value] if node.arg in _OPTIONS else []
    if isinstance(node, ast.Assign):
        return [node.value] if last_name(node.targets[0]) in _OPTIONS else []
    is_check = isinstance(node, ast.Call) and last_name(node.func) in ("isinstance", "issubclass")
    return node.args[1:] if is_check and isinstance(node, ast.Call) else []


_OPTIONS: Final = ("autoretry_for", "dont_autoretry_for", "throws")
