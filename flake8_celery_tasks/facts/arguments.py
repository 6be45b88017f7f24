"""The arguments that a call passes to the task it sends, as written, each with its node."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.binding.nodes import branches, last_name, walk
from flake8_celery_tasks.binding.scopes import TRY, WITH
from flake8_celery_tasks.binding.values import MISSING, Ref
from flake8_celery_tasks.catalog import words
from flake8_celery_tasks.catalog.call_options import DELAY_MISTAKES
from flake8_celery_tasks.catalog.methods import DIRECT, PACKING, SAME_ARGUMENTS, SIGNS
from flake8_celery_tasks.celery_model.configuration import bound_once, display
from flake8_celery_tasks.celery_model.objects import SignatureThing
from flake8_celery_tasks.celery_model.settings import setting_values
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.core.record import Record
from flake8_celery_tasks.resolution.arity import Given
from flake8_celery_tasks.resolution.evaluation import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.configured.schedules import BeatEntry


#: Options of a call that are mistaken for arguments of `delay` and `s`.
OPTIONS: Final = words(
    "args compression countdown eta exchange expires headers ignore_result kwargs link link_error priority queue retry "
    "retry_policy routing_key serializer shadow soft_time_limit task_id time_limit"
)


class Arguments(Record):
    """The arguments of a task, as far as they can be resolved.

    `keywords` holds the node that gives a name: a keyword, or a key in a dict. `values` are the values written at the
    call. `more_positional` and `more_keywords` mean that others may be hidden.
    """

    __slots__ = ("keywords", "more_keywords", "more_positional", "positional", "values")

    def __init__(self) -> None:
        self.positional: list[ast.expr] = []
        self.keywords: dict[str, ast.AST] = {}
        self.values: list[ast.expr] = []
        self.more_positional = False
        self.more_keywords = False

    @property
    def given(self) -> Given:
        """The arguments in the form that `misfits` compares."""
        return Given(len(self.positional), tuple(self.keywords), self.more_positional, self.more_keywords)

    def put(self, nodes: list[ast.expr]) -> None:
        """Add positional arguments."""
        for node in nodes:
            if isinstance(node, ast.Starred):
                self.more_positional = True
            else:
                self.positional.append(node)
                self.values.append(node)

    def after(self, more: Arguments) -> Arguments:
        """Return these arguments of a signature with further ones, which Celery puts before them."""
        found = Arguments()
        found.positional = [*more.positional, *self.positional]
        found.keywords = {**self.keywords, **more.keywords}
        found.values = [*more.values, *self.values]
        found.more_positional = self.more_positional or more.more_positional
        found.more_keywords = self.more_keywords or more.more_keywords
        return found

    def name(self, name: str | None, node: ast.AST, value: ast.expr) -> None:
        """Add an argument by name; without a name it is a `**spread`."""
        if name is None:
            self.more_keywords = True
        else:
            self.keywords[name] = node
            self.values.append(value)


#: A conditional expression, and the branch that is taken for it.
_Choice = tuple[ast.expr, ast.expr]


def arguments_of(invocation: Invocation, *, alone: bool = False, choice: _Choice | None = None) -> Arguments | None:
    """Return the arguments that a call passes to the task, None if it passes none or they are written elsewhere.

    A signature that is sent on the spot has its own arguments and those of the call: `task.s(2).delay(1)`. With `alone`
    only those of the call are returned, with a `choice` those that are given if it is made.
    """
    found = _written(invocation, invocation.node, invocation.method, choice)
    if found is None or alone or not isinstance(invocation.thing, SignatureThing):
        return found
    signed = signing_call(invocation.node)
    if signed is None:
        return None
    own = _written(invocation, *signed, choice)
    if own is not None and not is_immutable(invocation, signed[0]):
        own.positional = found.positional + own.positional
        own.values += found.values
        own.keywords.update(found.keywords)
        own.more_positional |= found.more_positional
        own.more_keywords |= found.more_keywords
    return own


def arguments_in_turn(invocation: Invocation) -> Iterator[Arguments]:
    """Yield what a call hands to the task: in all, then for each branch of what is conditional and holds arguments.

    An empty branch is left out: it may be there for a case that never comes.
    """
    found = arguments_of(invocation)
    if found is None:
        return
    yield found
    for node in (holder for holder in _holders(invocation.node) if isinstance(holder, ast.IfExp)):
        for branch in (one for one in branches(node) if not _is_empty(one)):
            chosen = arguments_of(invocation, choice=(node, branch))
            assert chosen is not None, "so it is of all branches"
            yield chosen


def _is_empty(node: ast.expr) -> bool:
    return _is_none(node) or not getattr(node, "elts", getattr(node, "keys", True))


def _holders(call: ast.Call) -> Iterator[ast.expr]:
    """Yield what may hold arguments of a task: what is behind a star, and what is given whole."""
    yield from (arg.value if isinstance(arg, ast.Starred) else arg for arg in call.args)
    yield from (keyword.value for keyword in call.keywords if keyword.arg in (None, "args", "kwargs"))


def signing_call(send: ast.Call) -> tuple[ast.Call, str] | None:
    """Return the call that creates the signature sent on the spot, `task.s(1).delay()`, and its method."""
    node = send.func.value if isinstance(send.func, ast.Attribute) else send
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in SIGNS:
            return node, node.func.attr
        if node.func.attr not in SAME_ARGUMENTS:
            return None
        node = node.func.value
    return None


def signed_arguments(invocation: Invocation) -> Arguments | None:
    """Return the own arguments of a signature that is sent on the spot, None if there is no signature."""
    signed = signing_call(invocation.node) if isinstance(invocation.thing, SignatureThing) else None
    return None if signed is None else _written(invocation, *signed)


def is_immutable(invocation: Invocation, signing: ast.Call) -> bool:
    """Return whether a signature accepts no further arguments, or may accept none."""
    if getattr(signing.func, "attr", None) == "si":
        return True
    return any(
        keyword.arg == "immutable" and invocation.settled(keyword.value) is not False for keyword in signing.keywords
    )


def _written(invocation: Invocation, call: ast.Call, method: str, choice: _Choice | None = None) -> Arguments | None:
    found = Arguments()
    if method in DIRECT:
        for arg in call.args:
            if isinstance(arg, ast.Starred):
                _positional(invocation, _chosen(arg.value, choice), found)
            else:
                found.put([arg])
        for keyword in call.keywords:
            if keyword.arg is None:
                _named(invocation, _chosen(keyword.value, choice), found)
            else:
                found.name(keyword.arg, keyword, keyword.value)
        return found
    if method not in PACKING:
        return None
    start = 1 if call is invocation.node and invocation.by_name else 0
    containers = containers_of(call, start)
    if containers is None:
        found.more_positional = found.more_keywords = True
        return found
    args, kwargs = containers
    if args is not None:
        _positional(invocation, _chosen(args, choice), found)
    if kwargs is not None:
        _named(invocation, _chosen(kwargs, choice), found)
    return found


def _chosen(node: ast.expr, choice: _Choice | None) -> ast.expr:
    return choice[1] if choice is not None and choice[0] is node else node


def containers_of(call: ast.Call, start: int) -> tuple[ast.expr | None, ast.expr | None] | None:
    """Return the nodes of `args` and `kwargs`, by name or from position `start`; None if one may be hidden."""
    if any(keyword.arg is None for keyword in call.keywords):
        return None
    if any(isinstance(arg, ast.Starred) for arg in call.args[: start + 2]):
        return None
    return container_of(call, "args", start), container_of(call, "kwargs", start + 1)


def container_of(call: ast.Call, name: str, index: int) -> ast.expr | None:
    """Return the node of an argument by its name or position, None if it is not written."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    before = call.args[: index + 1]
    if len(before) <= index or any(isinstance(arg, ast.Starred) for arg in before):
        return None
    return before[index]


def arguments_of_entry(entry: BeatEntry) -> Arguments:
    """Return the arguments that a beat entry passes."""
    found = Arguments()
    written, value = entry.given.get("args"), entry.value("args")
    if written is not None and isinstance(written.value, (ast.Tuple, ast.List)):
        found.put(written.value.elts)
    elif written is not None and isinstance(value, (tuple, list)):
        found.positional = [written.value] * len(value)
    else:
        found.more_positional = value is not MISSING and value is not None
    written, value = entry.given.get("kwargs"), entry.value("kwargs")
    if written is not None and isinstance(value, Table):
        keys = written.value.keys if isinstance(written.value, ast.Dict) else []
        nodes = {key.value: key for key in keys if isinstance(key, ast.Constant)}
        found.keywords = {str(name): nodes.get(name, written.key) for name in value}
        found.more_keywords = not value.complete
    else:
        found.more_keywords = value is not MISSING and value is not None
    return found


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _positional(invocation: Invocation, node: ast.expr, found: Arguments) -> None:
    if isinstance(node, (ast.Tuple, ast.List)):
        found.put(node.elts)
        return
    if isinstance(node, ast.Name):
        bound = bound_once(node, invocation.site)
        if bound is not None and isinstance(bound.node, ast.Tuple) and bound.site.scope is invocation.site.scope:
            before = len(found.positional)
            found.put(bound.node.elts)
            found.positional[before:] = [node] * (len(found.positional) - before)
            return
    value = _constant(invocation, node)
    if isinstance(value, (tuple, list)):
        found.positional += [node] * len(value)
    elif not _is_none(node):
        found.more_positional = True


def _named(invocation: Invocation, node: ast.expr, found: Arguments) -> None:
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = None if key is None else invocation.settled(key)
            found.name(name if isinstance(name, str) else None, key or node, value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict" and not node.args:
        for keyword in node.keywords:
            found.name(keyword.arg, keyword, keyword.value)
    elif not _is_none(node):
        _spread(invocation, node, found)


def _spread(invocation: Invocation, node: ast.expr, found: Arguments) -> None:
    """Add the keyword arguments of a dict that is defined elsewhere, or comes after a `**`."""
    pairs, complete = display(invocation.project, invocation.module, node, invocation.site) or ([], False)
    for name, written in pairs:
        if not isinstance(name, str):
            complete = False
        elif written.site.scope is invocation.site.scope:
            found.name(name, node, written.value)
        else:
            found.keywords[name] = node
    found.more_keywords = found.more_keywords or not complete


def _constant(invocation: Invocation, node: ast.expr) -> object:
    """Return the settled value of a module's constant. A local list or dict may be modified before use."""
    value = invocation.module.value(node, invocation.site.scope)
    return invocation.settled(node) if isinstance(value, Ref) else None


def is_expected_to_fail(site: Site) -> bool:
    """Return whether a place is in a test that expects an exception, or in a `try` that catches `TypeError` and such.

    Calls that can't work are there on purpose.
    """
    for around in site.chain():
        node = around.node
        if around.kind == WITH and isinstance(node, (ast.With, ast.AsyncWith)):
            calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
            names = [last_name(call.func).lower() for call in calls]
            if any("raises" in name or name == "suppress" for name in names):
                return True
        elif around.kind == TRY and around.part == "body":
            types = [handler.type for handler in around.try_.handlers if handler.type is not None]
            named = [item for caught in types for item in (caught.elts if isinstance(caught, ast.Tuple) else [caught])]
            if any(last_name(item) in ("AttributeError", "EncodeError", "TypeError") for item in named):
                return True
    return False


def is_looked_for(module: Module, name: str, site: Site) -> bool:
    """Return whether the enclosing function checks whether something has an attribute of this name."""
    around = site.function()
    return around is not None and name in _looked_for(module, around)


@query()
def _looked_for(_: Module, function: ast.AST) -> frozenset[str]:
    """Return the strings that a function passes to `getattr` and `hasattr`."""
    return frozenset(
        arg.value
        for inner in walk(function)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id in ("getattr", "hasattr")
        for arg in inner.args
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    )


def is_json(call: Invocation) -> bool:
    """Return whether the message is certainly encoded as JSON, by an encoder that supports no more than kombu's."""
    given = call.argument("serializer")
    if given is MISSING and call.defined is not None:
        if not call.defined.hands_on_calls:
            return False
        given = call.defined.effective("serializer")
    if given is MISSING or given is None:
        if any(value != "json" for value in setting_values(call.project, "task_serializer")):
            return False
    elif given != "json":
        return False
    return next(call.project.files.holding(b"register_type("), None) is None


@query()
def is_completed_later(module: Module) -> bool:
    """Return whether a module sets arguments of some signature after creating it: `signature.kwargs["x"] = ...`."""
    stores = (target for _, target, _, _ in module.candidates.stores)
    called = (call.func.value for call, _ in module.candidates.calls if isinstance(call.func, ast.Attribute))
    return any(
        isinstance(node, ast.Attribute) and node.attr in ("args", "kwargs")
        for target in (*stores, *called)
        for node in (target, getattr(target, "value", None))
    )


def options_among(params: Params, arguments: Arguments, method: str) -> list[str]:
    """Return the call options among the arguments of `delay` or `s` that no parameter accepts."""
    if method not in DIRECT:
        return []
    taken = {*params.ordered, *params.keyword_only}
    mistakes = DELAY_MISTAKES if params.kwarg else OPTIONS
    return [name for name in arguments.keywords if name in mistakes and name not in taken]
