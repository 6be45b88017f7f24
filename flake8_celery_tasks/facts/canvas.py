"""The chains, groups and chords that a file creates, their members, and what receives the result of another task."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import uses_of, walk
from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.catalog.methods import DIRECT, SAME_ARGUMENTS, SENDS
from flake8_celery_tasks.celery_model.configuration import bound_once
from flake8_celery_tasks.celery_model.decorators import OPAQUE
from flake8_celery_tasks.celery_model.objects import CANVAS, CanvasThing, SignatureThing, TaskThing, thing_of
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import Arguments, arguments_of, is_completed_later, is_immutable
from flake8_celery_tasks.facts.calls import invocations_in, signing_calls
from flake8_celery_tasks.facts.context import Fact, FileContext
from flake8_celery_tasks.facts.results import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.nodes import Use
    from flake8_celery_tasks.binding.scopes import Binding, FunctionNode, Site
    from flake8_celery_tasks.facts.calls import Invocation


class Member(NamedTuple):
    """A member of a canvas, its place, and whether another one comes before it."""

    node: ast.expr
    site: Site
    follows: bool = False


class Canvas(Fact[ast.Call | ast.BinOp]):
    """A chain, group or chord that is created here, by a call or by `a | b`.

    `members` are those that are written out: the tasks of a chain or group, the header of a chord. `body` is a chord's.
    """

    def __init__(
        self,
        context: FileContext,
        node: ast.Call | ast.BinOp,
        site: Site,
        kind: str,
        members: list[Member],
        body: Member | None = None,
    ) -> None:
        super().__init__(context, node, site)
        self.kind = kind
        self.members = members
        self.body = body

    @property
    def name(self) -> str:
        """How it is created, as a message shows it: `chain()` or `|`."""
        return "'|'" if isinstance(self.node, ast.BinOp) else f"{self.kind}()"


@query()
def canvases(context: FileContext) -> list[Canvas]:
    """Return the chains, groups and chords of a file, in source order."""
    found = []
    for call, site in context.calls_named("chain", "chord", "group", "_chain", "_chord"):
        value = context.module.value(call.func, site.scope)
        path = context.project.resolve(value.path, context.module).path if isinstance(value, Ref) else ""
        kind = CANVAS.get(path)
        if kind == "chord":
            found.append(_chord(context, call, site))
        elif kind in ("chain", "group"):
            found.append(
                Canvas(context, call, site, kind, _members(context, call.args, site, single=len(call.args) == 1))
            )
    for pipe, site in context.module.candidates.pipes:
        sides = [pipe.left, pipe.right]
        if any(isinstance(context.thing(side, site), (SignatureThing, CanvasThing)) for side in sides):
            found.append(Canvas(context, pipe, site, "chain", _members(context, sides, site)))
    found.sort(key=lambda canvas: (canvas.node.lineno, canvas.node.col_offset))
    return found


@query()
def canvas_at(context: FileContext) -> dict[int, Canvas]:
    """Return the canvases that calls and `|` create, by the identities of their nodes."""
    return {id(made.node): made for made in canvases(context)}


def _chord(context: FileContext, call: ast.Call, site: Site) -> Canvas:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    for name, arg in zip(("header", "body"), call.args, strict=False):
        given.setdefault(name, arg)
    header = [given["header"]] if "header" in given else []
    body = given.get("body")
    outer, _ = context.call_of.get(id(call), (None, None))
    if body is None and outer is not None and outer.args:  # chord(header)(body)
        body = outer.args[0]
    members = _members(context, header, site, single=True)
    return Canvas(context, call, site, "chord", members, None if body is None else Member(body, site))


def _members(context: FileContext, args: list[ast.expr], site: Site, *, single: bool = False) -> list[Member]:
    """Return the members in some arguments; a single argument may be a display or a comprehension of them."""
    found: list[Member] = []
    pending = [(arg, single) for arg in args]
    follows = False
    while pending:
        node, spread = pending.pop(0)
        starred = isinstance(node, ast.Starred)
        if isinstance(node, ast.Starred):
            node, spread = node.value, True
        if spread and isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            pending[:0] = [(item, False) for item in node.elts]
        elif spread and isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            # A comprehension has its own names; the calls in it know their places.
            calls = [inner for inner in ast.walk(node.elt) if isinstance(inner, ast.Call)]
            if calls:
                found.append(Member(node.elt, context.call_sites[id(calls[0])], follows=True))
        elif isinstance(node, ast.IfExp):
            sides = [
                _members(context, [ast.Starred(side) if starred else side], site, single=spread)
                for side in (node.body, node.orelse)
            ]
            found += [member._replace(follows=member.follows or follows) for side in sides for member in side]
            follows = follows or all(sides)
        elif not starred:
            found.append(Member(node, site, follows))
            follows = True
    return found


def is_function_task(context: FileContext, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a task made from a function that is not seen to return a signature."""
    thing = context.thing(node, site) if isinstance(node, (ast.Name, ast.Attribute)) else None
    if not isinstance(thing, TaskThing):
        return False
    definition = thing.definition
    if definition is None:
        return True
    function = definition.symbol
    if not isinstance(function, Function) or definition.decorator.form == OPAQUE:
        return False
    given = (thing_of(context.project, value, definition.module) for value in function.returns)
    return not any(isinstance(returned, (SignatureThing, CanvasThing)) for returned in given)


# Receivers of another task's result or error.


class Callback(Fact[ast.expr]):
    """A signature, or something used as one, that receives a result or an error: its position, and in which `place`.

    `on_error` means that it is for errors, `is_body` that it is the body of a chord.
    """

    def __init__(
        self,
        context: FileContext,
        node: ast.expr,
        site: Site,
        place: str,
        *,
        on_error: bool = False,
        is_body: bool = False,
    ) -> None:
        super().__init__(context, node, site)
        self.place = place
        self.on_error = on_error
        self.is_body = is_body


@query()
def callbacks(context: FileContext) -> list[Callback]:
    """Return the callbacks that are linked to calls and signatures, and the bodies of chords."""
    found = []
    for call in invocations_in(context):
        for name in ("link", "link_error") if call.method not in DIRECT else ():
            keyword = call.keyword(name)
            if keyword is not None:
                values = keyword.value.elts if isinstance(keyword.value, (ast.List, ast.Tuple)) else [keyword.value]
                place, on_error = f"'{name}='", name != "link"
                found += [Callback(context, value, call.site, place, on_error=on_error) for value in values]
    for node, site in context.calls_named("link", "link_error", "on_error"):
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(
            context.thing(func.value, site), (SignatureThing, CanvasThing)
        ):
            place, on_error = f"{func.attr}()", func.attr != "link"
            found += [Callback(context, value, site, place, on_error=on_error) for value in node.args[:1]]
    for canvas in canvases(context):
        if canvas.body is not None:
            found.append(Callback(context, canvas.body.node, canvas.body.site, "the body of chord()", is_body=True))
    return found


class Linking(Fact[ast.Call]):
    """Any call with `link=` or `link_error=`: the keywords."""

    def __init__(self, context: FileContext, node: ast.Call, site: Site, keywords: list[ast.keyword]) -> None:
        super().__init__(context, node, site)
        self.keywords = keywords


def linking(context: FileContext) -> Iterator[Linking]:
    """Yield the calls in a file with `link=` or `link_error=`."""
    for call, site in context.module.candidates.calls if context.module.source.may_hold("link") else ():
        keywords = [keyword for keyword in call.keywords if keyword.arg in ("link", "link_error")]
        if keywords:
            yield Linking(context, call, site, keywords)


class Receiver(Fact[ast.expr]):
    """An expression that receives the result before it: a step of a chain, a callback, the body of a chord.

    `what` says which result it receives, as messages show it.
    """

    def __init__(self, context: FileContext, node: ast.expr, site: Site, what: str) -> None:
        super().__init__(context, node, site)
        self.what = what

    def signatures(self) -> Iterator[Invocation]:
        """Yield the calls that create the signatures which receive the result."""
        signing = signing_calls(self.context)
        for head in _heads(self.context, self.node, self.site, set()) if signing else ():
            if id(head) in signing:
                yield signing[id(head)]


def receivers(context: FileContext) -> Iterator[Receiver]:
    """Yield the expressions of a file that receive the result of what comes before."""
    for canvas in canvases(context):
        for member in canvas.members if canvas.kind == "chain" else ():
            if member.follows:
                yield Receiver(context, member.node, member.site, "the result before it")
    for callback in callbacks(context):
        if not callback.on_error:
            what = "the list of results" if callback.is_body else "the result it is linked to"
            yield Receiver(context, callback.node, callback.site, what)


def _heads(context: FileContext, node: ast.expr, site: Site, seen: set[int]) -> Iterator[ast.Call]:
    """Yield the calls that create the signatures which receive the result passed to an expression.

    `seen` are the identities of the values of names that were followed: a canvas may have a name many times.
    """
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
        if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
            return
        node = node.func.value
    made = _made(context, node, site)
    if made is not None:
        if id(made.value) not in seen:
            seen.add(id(made.value))
            yield from _heads(context, made.value, made.site, seen)
        return
    canvas = canvas_at(context).get(id(node))
    if canvas is not None:
        for member in canvas.members[:1] if canvas.kind == "chain" else canvas.members:
            yield from _heads(context, member.node, member.site, seen)
    elif isinstance(node, ast.Call):
        yield node


#: Uses of a signature that leave its arguments unchanged.
_KEEPING: Final = SENDS | {"link", "link_error", "on_error"}


def _made(context: FileContext, node: ast.expr, site: Site) -> Binding | None:
    """Return the binding of a local name to a call, if nothing modifies the result; None otherwise."""
    binding = bound_once(node, site) if isinstance(node, ast.Name) else None
    function = site.function()
    if binding is None or function is None or not isinstance(binding.node, ast.Call):
        return None
    if binding.site.function() is not function or binding.statement is None:
        return None
    return binding if _is_kept(context, function, binding.name) else None


@query()
def _is_kept(context: FileContext, function: FunctionNode, name: str) -> bool:
    """Return whether nothing in a function modifies the signature or canvas with a name."""
    given = _given_to_canvas(context)
    return all(
        id(use.node) in given if use.attribute is None else use.attribute in _KEEPING
        for use in _uses(context, function).get(name, ())
    )


@query()
def _uses(_context: FileContext, function: FunctionNode) -> dict[str, list[Use]]:
    """Return the uses of all names in a function."""
    names = {node.id for statement in function.body for node in walk(statement) if isinstance(node, ast.Name)}
    found: dict[str, list[Use]] = {}
    for statement in function.body:
        for use in uses_of(statement, names):
            found.setdefault(use.name, []).append(use)
    return found


@query()
def _given_to_canvas(context: FileContext) -> set[int]:
    """Return the identities of the expressions that are members of a file's canvases, or callbacks."""
    members = [member for made in canvases(context) for member in (*made.members, *([made.body] if made.body else ()))]
    return {*(id(member.node) for member in members), *(id(callback.node) for callback in callbacks(context))}


# Arguments passed when a canvas, or a signature with a name, is sent.

#: Attributes of a signature whose use leaves its arguments unchanged.
_HARMLESS = SENDS | SAME_ARGUMENTS | {"apply", "clone", "id", "link", "link_error", "name", "task"}


class Handed:
    """The arguments passed by a call that sends a canvas, or a signature with a name.

    `send` is that call, `more` are the arguments that it passes, and `signed` the calls that create the signatures
    which certainly receive them.
    """

    def __init__(self, context: FileContext, send: ast.Call, more: Arguments, signed: list[Invocation]) -> None:
        self.context = context
        self.project = context.project
        self.module = context.module
        self.send = send
        self.more = more
        self.signed = signed

    @property
    def method(self) -> str:
        """How it is sent, for messages: `delay()`."""
        func = self.send.func
        return f"{func.attr}()" if isinstance(func, ast.Attribute) and func.attr in SENDS else "calling it"

    @property
    def takes_all(self) -> bool:
        """Whether all arguments of the sending call go to the task."""
        func = self.send.func
        return not isinstance(func, ast.Attribute) or func.attr == "delay"


@query()
def senders(context: FileContext) -> dict[int, list[tuple[ast.Call, Site]]]:
    """Return the sending calls with their places, by the identity of what they send.

    The sent object is written there, or is the only value of a local name.
    """
    found: dict[int, list[tuple[ast.Call, Site]]] = {}
    for call, site in context.module.candidates.calls:
        func = call.func
        owner = func.value if isinstance(func, ast.Attribute) and func.attr in SENDS else func
        if isinstance(owner, (ast.BinOp, ast.Call, ast.Name)):
            values = list(values_of(owner, site))
            if len(values) == 1:
                found.setdefault(id(unchanged(values[0][0])), []).append((call, site))
    return found


def unchanged(node: ast.expr) -> ast.expr:
    """Return the signature or canvas before `.set(...)` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
        node = node.func.value
    return node


def handed(context: FileContext) -> Iterator[Handed]:
    """Yield the arguments passed by a file's calls that send a canvas, or a signature with a name."""
    signing = signing_calls(context)
    if not signing or is_completed_later(context.module):
        return
    sends = {id(call.node): call for call in invocations_in(context)}
    for canvas in canvases(context):
        for send, _ in senders(context).get(id(canvas.node), ()):
            more = _given_by(canvas, send, sends.get(id(send)))
            yield Handed(context, send, more, list(_first(context, canvas, signing)))
    for call in signing.values():
        for send, site in senders(context).get(id(call.node), ()):
            invocation = sends.get(id(send))
            if invocation is not None and _has_name(context, send, site) and not is_immutable(call, call.node):
                given = arguments_of(invocation, alone=True)
                assert given is not None, "it is sent by delay or apply_async"
                yield Handed(context, send, given, [call])


def _given_by(canvas: Canvas, send: ast.Call, invocation: Invocation | None) -> Arguments:
    """Return the arguments passed by the call that sends a canvas."""
    found = None if invocation is None else arguments_of(invocation)
    if found is not None:
        return found
    found = Arguments()
    if canvas.kind != "chord":  # the arguments of a chord's call are its body and options
        found.put(send.args)
    if canvas.kind == "chain":
        for keyword in send.keywords:
            found.name(keyword.arg, keyword, keyword.value)
    return found


def _first(context: FileContext, canvas: Canvas, signed: dict[int, Invocation]) -> Iterator[Invocation]:
    """Yield the calls that create the signatures which receive the arguments that a canvas is sent with."""
    members = canvas.members
    if canvas.kind == "chain":
        args = canvas.node.args if isinstance(canvas.node, ast.Call) else []
        is_open = any(isinstance(arg, ast.Starred) for arg in args)
        members = [] if is_open else [member for member in members if not member.follows]
    for member in members:
        node = unchanged(member.node)
        inner = canvas_at(context).get(id(node))
        if inner is not None:
            yield from _first(context, inner, signed)
        elif id(node) in signed and not _is_immutable(signed[id(node)], member.node):
            yield signed[id(node)]


def _is_immutable(call: Invocation, node: ast.expr) -> bool:
    """Return whether a signature accepts no further arguments, or may be changed so."""
    while isinstance(node, ast.Call) and node is not call.node and isinstance(node.func, ast.Attribute):
        if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
            return True
        node = node.func.value
    return is_immutable(call, call.node)


def _has_name(context: FileContext, send: ast.Call, site: Site) -> bool:
    """Return whether the sent object has a local name, none of whose uses changes its arguments."""
    func = send.func
    name = func.value if isinstance(func, ast.Attribute) else func
    found = site.scope.find(name.id) if isinstance(name, ast.Name) else None
    if found is None or not isinstance(name, ast.Name):
        return False
    return name.id not in _altered(context, found[0].node)


@query()
def _altered(_context: FileContext, around: ast.AST) -> set[str]:
    """Return the names in a function or module that are used in a way that may change the arguments of a signature."""
    nodes = [node for node in ast.walk(around) if isinstance(node, (ast.Attribute, ast.Name))]
    harmless = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr in _HARMLESS}
    loads = (node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return {node.id for node in loads if id(node) not in harmless}
