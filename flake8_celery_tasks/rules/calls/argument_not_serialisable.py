from __future__ import annotations

import ast
import datetime
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import unparsed, uses_of
from flake8_celery_tasks.binding.scopes import ASSIGN, CLASS, MODULE, PARAM
from flake8_celery_tasks.binding.values import MISSING, Ref
from flake8_celery_tasks.catalog.methods import SIGNS
from flake8_celery_tasks.celery_model.objects import SignatureThing
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import arguments_of, is_expected_to_fail, is_json, signing_call
from flake8_celery_tasks.facts.calls import Invocation
from flake8_celery_tasks.resolution import inference
from flake8_celery_tasks.resolution.evaluation import Called
from flake8_celery_tasks.resolution.resolver import Target
from flake8_celery_tasks.rules._messages import cut
from flake8_celery_tasks.rules.calls import _data_classes, _json
from flake8_celery_tasks.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Binding, Scope
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.facts.context import FileContext

_SET: Final = "a set"
_FILE: Final = "an open file"
_ITERATOR: Final = "an iterator"
_REQUEST: Final = "the request of a view"
_KEYS: Final = "a dict with tuples as keys"

#: Values that are not serialisable, and what to pass instead.
_CURES: Final = {
    _SET: "a list",
    _FILE: "its path",
    _ITERATOR: "a list",
    _REQUEST: "what the task needs from it",
    _KEYS: "strings as keys",
    "a function": "data",
    "a generator": "a list",
    "a range": "a list",
    "a timedelta": "its total_seconds()",
    _json.MEMBER: "its value",
    _json.PATH: "a string",
    "an exception": "its message",
    _data_classes.DATACLASS: "a dict (dataclasses.asdict)",
    _data_classes.MODEL: "a dict (model_dump)",
    **dict.fromkeys(_data_classes.HELD.values(), "a list of dicts"),
}

_NODES: Final = {
    ast.GeneratorExp: "a generator",
    ast.Lambda: "a function",
    ast.Set: _SET,
    ast.SetComp: _SET,
}

_CALLS: Final = {
    "builtins.enumerate": _ITERATOR,
    "builtins.filter": _ITERATOR,
    "builtins.frozenset": _SET,
    "builtins.map": _ITERATOR,
    "builtins.open": _FILE,
    "builtins.range": "a range",
    "builtins.reversed": _ITERATOR,
    "builtins.set": _SET,
    "builtins.zip": _ITERATOR,
}

#: The first version in which a call of a task with `pydantic=True` dumps the models among its arguments.
_MODELS_SINCE: Final = (5, 7)

#: Attributes of the requests of Django, Flask and others.
_OF_REQUESTS: Final = frozenset(
    {"COOKIES", "FILES", "GET", "META", "POST", "build_absolute_uri", "headers", "session", "user"}
)


class ArgumentNotSerialisable(Rule[Invocation]):
    """A task is given an argument that JSON can't encode.

    ## What happens

    Arguments travel as JSON, unless `task_serializer` says otherwise. JSON has numbers, strings, None, lists and dicts;
    Celery adds dates, UUIDs, decimals and bytes. With anything else, including a dataclass or a pydantic model, the
    call fails and sends nothing:

    ```text
    kombu.exceptions.EncodeError: Object of type set is not JSON serializable
    ```

    ## Bad

    ```python
    from celery import shared_task

    from shop.mail import mail_newsletter


    @shared_task(name="shop_send_newsletter")
    def send_newsletter(addresses):
        mail_newsletter(addresses)


    def publish(customers):
        send_newsletter.delay({customer.address for customer in customers})
    ```

    ## Good

    ```python
    from celery import shared_task

    from shop.mail import mail_newsletter


    @shared_task(name="shop_send_newsletter")
    def send_newsletter(addresses):
        mail_newsletter(addresses)


    def publish(customers):
        send_newsletter.delay(sorted({customer.address for customer in customers}))
    ```

    ## Not reported when

    - the task, the call or the project has a serializer other than JSON, or one that can't be resolved, or the project
      registers more types with kombu (`register_type`);
    - the task's class has its own `apply_async`, which may convert the argument;
    - the argument is a pydantic model for a task with `pydantic=True`, and the project runs on Celery 5.7. A model
      inside a list or a dict, or before 5.7, fails and is reported;
    - the class of the argument has a method `__json__`, which kombu calls;
    - it is uncertain what the argument is. Only literals, calls of Python's own types, paths, instances of the
      project's classes, members of its enumerations (`enum.Enum`, but not `str, Enum`), names with one such value, and
      annotated parameters are reported. A parameter `request` must be used like a view's request;
    - the call is in a `try` with `except EncodeError`, or the module is a test.

    ## Fix

    Pass a list, a number, a string, or a key by which the task can find its data. Change the task too: it has to accept
    the new argument.
    """

    code = "CLY613"
    see = ("calling#serializers",)
    message = "{text} {holds} {what}, which JSON can't encode: {effect} EncodeError; pass {cure}"
    quiet_in_tests = True

    def check(self, call: Invocation) -> Iterator[Violation]:
        """Report each argument that can't be encoded."""
        arguments = arguments_of(call)
        if arguments is None:
            return
        # A sent signature's own arguments are reported where it is created.
        signed = signing_call(call.node) if isinstance(call.thing, SignatureThing) else None
        elsewhere = set() if signed is None else {id(node) for node in ast.walk(signed[0])}
        nodes = [node for node in arguments.values if id(node) not in elsewhere]
        models = _takes_models(call)
        found = [(node, what) for node in nodes for what in [_what(call, node, call.site.scope)] if what]
        # Celery does not dump a model in a list or dict.
        found = [(node, what) for node, what in found if not (models and what == _data_classes.MODEL and _is_one(node))]
        if not found or not is_json(call) or is_expected_to_fail(call.site):
            return
        effect = "sending it raises" if call.method in SIGNS else f"{call.method}() raises"
        for node, what in found:
            text = unparsed(node)
            yield self.report(
                call.module,
                node,
                text=cut(text, 40, "This argument"),
                holds="is" if (_is_one(node) and what not in _data_classes.HELD.values()) or what == _KEYS else "holds",
                what=what,
                effect=effect,
                cure=_CURES[what],
            )


def _takes_models(call: Invocation) -> bool:
    """Return whether a call may turn pydantic models into something that JSON can encode."""
    if call.defined is None or version_of(call.project) < _MODELS_SINCE:
        return False
    return call.defined.option("pydantic") not in (MISSING, False)


def _is_one(node: ast.expr) -> bool:
    return not isinstance(node, (ast.Dict, ast.DictComp, ast.List, ast.ListComp, ast.Tuple))


def _what(call: Invocation, node: ast.expr, scope: Scope, depth: int = 0) -> str | None:
    """Return what JSON can't encode in an argument; None if JSON can or may encode all of it."""
    if depth > 5:
        return None
    parts: list[ast.expr] = []
    if isinstance(node, ast.Dict):
        if any(isinstance(key, ast.Tuple) for key in node.keys):
            return _KEYS
        parts = node.values
    elif isinstance(node, ast.DictComp) and isinstance(node.key, ast.Tuple):
        return _KEYS
    elif isinstance(node, (ast.List, ast.Tuple)):
        parts = node.elts
    elif isinstance(node, (ast.ListComp, ast.DictComp)):
        made = node.elt if isinstance(node, ast.ListComp) else node.value
        parts = [made] if isinstance(made, ast.Call) else []
    if parts:
        return next((what for part in parts for what in [_what(call, part, scope, depth + 1)] if what), None)
    known = _NODES.get(node.__class__)
    if known is not None:
        return known
    if isinstance(node, ast.BinOp):
        joins = isinstance(node.op, ast.Div) and _what(call, node.left, scope, depth + 1) == _json.PATH
        return _json.PATH if joins else _valued(call, node, scope)
    if isinstance(node, ast.Name):
        found = scope.find(node.id)
        if found is not None and found[0].kind not in (MODULE, CLASS):
            return _named(call.context, call, node, scope, depth)
    return _valued(call, node, scope)


def _valued(call: Invocation, node: ast.expr, scope: Scope) -> str | None:
    symbolic = call.module.value(node, scope)
    if isinstance(node, ast.Attribute):
        member = _json.member(call.project, call.module, node, scope)
        if member is not None:
            return member
    if inference.is_path(call.project, call.module, symbolic):
        return _json.PATH
    value = call.project.settle(symbolic, call.module)
    if isinstance(value, Called) and isinstance(value.target, Target):
        known = _CALLS.get(value.target.path) or _data_classes.instance_of(call.project, value.target)
        if known is not None:
            return known
    if isinstance(value, set):
        return _SET
    if isinstance(value, datetime.timedelta):
        return "a timedelta"
    return "an exception" if inference.kind_of(call.project, call.module, node, scope) == inference.EXCEPTION else None


@query(key=lambda _call, node, scope, depth: (scope, node.id, depth))
def _named(_context: FileContext, call: Invocation, node: ast.Name, scope: Scope, depth: int) -> str | None:
    """Return what a local name's value is, if it has only one."""
    found = scope.find(node.id)
    assert found is not None
    owner, bindings = found
    kind = inference.kind_of(call.project, call.module, node, scope)
    if kind == inference.EXCEPTION:
        return "an exception"
    if kind == inference.DURATION:
        return "a timedelta"
    if len(bindings) != 1:
        return None
    binding = bindings[0]
    if binding.kind == ASSIGN and isinstance(binding.node, ast.expr):
        return _what(call, binding.node, binding.site.scope, depth + 1)
    if isinstance(binding.statement, (ast.With, ast.AsyncWith)):
        opened = [item.context_expr for item in binding.statement.items if item.optional_vars is binding.node]
        return _valued(call, opened[0], binding.site.scope) if opened else None
    if binding.kind == PARAM and isinstance(owner.node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if _is_request(call, binding.node, owner):
            return _REQUEST
        return _parameter(call, binding)
    return None


def _parameter(call: Invocation, binding: Binding) -> str | None:
    annotation = inference.annotation_of(call.module, binding)
    if isinstance(annotation, Ref) and call.project.path_of(annotation, call.module) in inference.PATHS:
        return _json.PATH
    one = _data_classes.parameter_of(call.project, call.module, binding)
    return one or _data_classes.items_of(call.project, call.module, binding)


def _is_request(call: Invocation, parameter: ast.AST, owner: Scope) -> bool:
    """Return whether a parameter is a view's request: by its annotation, or its name and the attributes used."""
    assert isinstance(parameter, ast.arg)
    if parameter.annotation is not None:
        value = call.module.value(parameter.annotation, owner.parent or owner)
        path = call.project.resolve(value.path, call.module).path if isinstance(value, Ref) else ""
        return path.rpartition(".")[2] in ("HttpRequest", "WSGIRequest") and path.startswith("django.")
    function = owner.node
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    return parameter.arg == "request" and any(
        use.attribute in _OF_REQUESTS for statement in function.body for use in uses_of(statement, {"request"})
    )
