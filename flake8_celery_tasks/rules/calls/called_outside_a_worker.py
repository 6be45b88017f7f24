from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, cast

from flake8_celery_tasks.binding.nodes import last_name, suppressed, uses_of
from flake8_celery_tasks.binding.scopes import TRY
from flake8_celery_tasks.catalog.task_options import OPTIONS, TASK_API
from flake8_celery_tasks.celery_model import backends
from flake8_celery_tasks.celery_model.task import TASK_NAME
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import is_expected_to_fail
from flake8_celery_tasks.facts.canvas import callbacks, canvases
from flake8_celery_tasks.facts.results import DirectCall
from flake8_celery_tasks.resolution.arity import Given, misfits
from flake8_celery_tasks.rules._messages import shown
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from flake8_celery_tasks.binding.scopes import FunctionNode, Site
    from flake8_celery_tasks.celery_model.task import Defined
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext
    from flake8_celery_tasks.resolution.project import Project

#: Conditions on these distinguish whether a worker runs the task.
_GUARDS: Final = frozenset({"called_directly", "hostname", "id", "is_eager", "request"})


class CalledOutsideAWorker(Rule[DirectCall]):
    """A task is called as a function but needs the worker: it updates its state, retries, or is passed `self`.

    ## What happens

    A task that is called like a function runs at once, without a message, so its request is empty. `update_state()`
    needs the task's id, and fails if there is a result backend:

    ```text
    ValueError: task_id must not be empty. Got None instead.
    ```

    `self.retry()` sends nothing in that case, so nothing is retried. It raises the `exc` that it is given, otherwise
    `Retry`. The exception also leaves the caller, and a worker that runs the caller treats `Retry` as a retry of the
    caller, which never comes.

    Celery passes a bound task its `self`, even when it is called as a function. If the caller passes `self` along, it
    becomes the first of the other arguments, and shifts the rest by one:

    ```text
    TypeError: resize() takes 2 positional arguments but 3 were given
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize_all", bind=True)
    def resize_all(self, images):
        for number, image in enumerate(images):
            resize_image(image)
            self.update_state(state="PROGRESS", meta={"done": number})


    def upload(images):
        resize_all(images)
    ```

    ```python
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize", bind=True)
    def resize(self, image):
        resize_image(image, self.request.id)


    @shared_task(name="shop_resize_all", bind=True)
    def resize_all(self, images):
        for image in images:
            resize(self, image)
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.images import resize_image


    @shared_task(name="shop_resize", bind=True)
    def resize(self, image):
        resize_image(image, self.request.id)


    @shared_task(name="shop_resize_all", bind=True)
    def resize_all(self, images):
        for number, image in enumerate(images):
            resize(image)
            if self.request.id:
                self.update_state(state="PROGRESS", meta={"done": number})


    def upload(images):
        resize_all(images)
        resize_all.delay(images)
    ```

    ## Not reported when

    - the task checks its request in a condition: `if self.request.called_directly`, `if self.request.id`; or gives
      itself to a function there, or asks a method of its own class;
    - the call that needs the worker is under a condition that depends on an argument, is in a `try` or a
      `with suppress(...)` that catches what it raises, or has its own `task_id`;
    - the task retries and the call is in a `try`: the caller expects an error;
    - the project certainly stores no results;
    - the task's class has its own `__call__`, `update_state` or `retry`, or can't be resolved;
    - a decorator that can't be resolved creates the task, or is below the task decorator;
    - the task's first parameter, after its own `self`, is meant for a task too;
    - `task.run()` or `task.__wrapped__()` is called;
    - the module is a test.

    ## Fix

    Send the task, or move the shared code into a plain function. If the task has to work either way, check
    `if self.request.id` before you set the state. Drop `self` from the arguments.
    """

    code = "CLY619"
    see = ("tasks#bound-tasks", "Task#celery.app.task.Task.update_state")
    quiet_in_tests = True
    message = "Task {task!r} calls {call}(), but no worker runs it here: {effect}; send it, or check {guard}"
    shifted = "Celery already passes bound task {task!r} its self: {text!r} {effect}; drop it"

    def check(self, fact: DirectCall) -> Iterator[Violation]:
        """Report a call that passes the running task, or whose task needs a worker."""
        defined, call = fact.defined, fact.node
        if defined.bound is not True or defined.is_opaque or not defined.is_transparent:
            return
        if defined.overrides("__call__", "update_state", "retry", "request") is not False:
            return
        if is_expected_to_fail(fact.site):
            return
        if call.args and fact.context.is_running_task(call.args[0], fact.site):
            effect = _effect(defined, call)
            if effect:
                yield self.report(
                    fact.module,
                    call.args[0],
                    self.shifted,
                    task=defined.own_name,
                    text=shown(call.args[0]),
                    effect=effect,
                )
            return
        needs = _needs(defined.project, defined)
        if needs is None or id(call) in _misused(fact.context):
            return
        method, me = needs
        effect = "it raises, and retries nothing"
        if method == "retry" and _is_tried(fact.site):
            return
        if method == "update_state":
            effect = "ValueError, as it has no id"
            if backends.backend(fact.context.project) is False:
                return
        yield self.report(
            fact.module,
            call,
            task=defined.own_name,
            call=f"{me}.{method}",
            effect=effect,
            guard=f"'if {me}.request.id'",
        )


def _effect(defined: Defined, call: ast.Call) -> str:
    """Return what happens with a task that is passed by position; an empty string if that may be intended."""
    params = defined.accepts
    if params is None or (not params.ordered and params.vararg):
        return ""
    if params.ordered and TASK_NAME.match(params.ordered[0]):
        return ""
    names = tuple(keyword.arg for keyword in call.keywords if keyword.arg is not None)
    is_open = any(isinstance(arg, ast.Starred) for arg in call.args), len(names) < len(call.keywords)
    given = Given(sum(not isinstance(arg, ast.Starred) for arg in call.args), names, *is_open)
    if next(misfits(params, given), None) is not None:
        return "is one argument too many, TypeError"
    return f"becomes its {params.ordered[0]!r}"


def _is_tried(site: Site) -> bool:
    """Return whether a call is in a `try` that catches something: it expects the error."""
    return any(
        around.kind == TRY and around.part == "body" and isinstance(around.node, ast.Try) and around.node.handlers
        for around in site.chain()
    )


@query()
def _misused(context: FileContext) -> set[int]:
    """Return the identities of expressions where a signature belongs: calls there are CLY608 and CLY610."""
    members = [member.node for canvas in canvases(context) for member in canvas.members]
    return {id(node) for node in (*members, *(callback.node for callback in callbacks(context)))}


@query(key=lambda defined: defined.definition.place)
def _needs(_project: Project, defined: Defined) -> tuple[str, str] | None:
    """Return the worker's method that a task certainly calls, and the name of the task's own parameter."""
    found = [] if defined.runs is None else defined.module.functions_called(defined.runs.qualname)
    return _need_of(found[0][0]) if len(found) == 1 else None


def _need_of(function: FunctionNode) -> tuple[str, str] | None:
    args = [*function.args.posonlyargs, *function.args.args]
    me = args[0].arg if args else ""
    uses = [use for statement in function.body for use in uses_of(statement, {me})]
    methods = {id(use.node): use.attribute for use in uses if use.attribute in ("update_state", "retry")}
    guards = _GUARDS | _of_request(function, me)
    tests = (test for node in ast.walk(function) for test in _conditions(node)) if methods else ()
    if not methods or any(_asks(test, guards) or _is_handed_on(test, me) for test in tests):
        return None
    params = {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)} - {me}
    for call in _reached(function.body, params):
        method = methods.get(id(call.func))
        given = {keyword.arg for keyword in call.keywords}
        if method == "update_state" and not (call.args or None in given) and _has_no_id(call):
            return method, me
        if method == "retry" and not (call.args or given & {"throw", None}):
            return method, me
    return None


def _has_no_id(call: ast.Call) -> bool:
    """Return whether a call of `update_state` is for the running task."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "task_id"]
    return all(isinstance(node, ast.Attribute) and node.attr == "id" for node in given)


def _conditions(node: ast.AST) -> list[ast.expr]:
    """Return the conditions of a statement or expression, assertions included."""
    if isinstance(node, ast.BoolOp):
        return node.values
    return [node.test] if isinstance(node, (ast.If, ast.IfExp, ast.While, ast.Assert)) else []


def _of_request(function: FunctionNode, me: str) -> set[str]:
    """Return the names that a function binds to parts of its request, or to what a check of the task itself gives."""
    return {
        target.id
        for node in ast.walk(function)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None
        if _is_handed_on(node.value, me)
        or any(isinstance(inner, ast.Attribute) and inner.attr == "request" for inner in ast.walk(node.value))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name)
    }


#: What a task has from Celery.
_OF_CELERY: Final = frozenset({*OPTIONS, *TASK_API})


def _is_handed_on(node: ast.expr, me: str) -> bool:
    """Return whether an expression gives the task to a function, or asks its own class: it may look for a worker."""
    return any(use.attribute is None or use.attribute not in _OF_CELERY for use in uses_of(node, {me}))


def _asks(test: ast.expr, guards: Collection[str]) -> bool:
    """Return whether a condition may depend on the request."""
    return any(last_name(node) in guards for node in ast.walk(test) if isinstance(node, (ast.Name, ast.Attribute)))


def _reached(body: list[ast.stmt], params: set[str]) -> Iterator[ast.Call]:
    """Yield the calls that a function reaches with any arguments, including those in handlers, but not caught ones."""
    pending: list[ast.AST] = [*reversed(body)]
    while pending:
        node = pending.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and _mentions(node.test, params):
            pending.append(node.test)
        elif isinstance(node, (ast.With, ast.AsyncWith)) and any(_is_caught(suppressed(item)) for item in node.items):
            pending += [item.context_expr for item in node.items]
        elif isinstance(node, ast.Match) and _mentions(node.subject, params):
            pending.append(node.subject)
        elif hasattr(node, "handlers") and any(_catches_all(handler) for handler in node.handlers):
            statement = cast("ast.Try", node)
            pending += [*statement.finalbody, *statement.orelse, *statement.handlers]
        else:
            if isinstance(node, ast.Call):
                yield node
            pending += reversed(list(ast.iter_child_nodes(node)))


def _mentions(test: ast.expr, names: set[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(test))


def _catches_all(handler: ast.ExceptHandler) -> bool:
    """Return whether a handler may catch what `update_state` raises outside a worker."""
    caught = handler.type
    return caught is None or _is_caught(caught.elts if isinstance(caught, ast.Tuple) else [caught])


def _is_caught(types: list[ast.expr]) -> bool:
    return any(last_name(one) in ("", "BaseException", "Exception", "TypeError", "ValueError") for one in types)
