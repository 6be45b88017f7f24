"""The chains, groups and chords that a file makes, with the nodes that they are made of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.arguments import DIRECT
from flake8_celery_tasks.recognise import OPAQUE
from flake8_celery_tasks.symbols import Function
from flake8_celery_tasks.things import (
    CANVAS,
    SENDS,
    SIGNS,
    CanvasThing,
    ResultThing,
    SignatureThing,
    TaskThing,
    thing_of,
)
from flake8_celery_tasks.values import Ref, unparsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.collect import Site
    from flake8_celery_tasks.link import Facts

#: Methods that give a signature back with the same arguments.
_UNCHANGED: Final = frozenset({"on_error", "set"})

#: Longer expressions are cut in messages.
_WIDTH: Final = 30

#: The end of what is cut.
CUT: Final = "..."


class Member(NamedTuple):
    """An expression that a canvas is made of, where it stands, and whether another one comes before it."""

    node: ast.expr
    site: Site
    follows: bool = False


class Canvas:
    """A chain, group or chord that is made here, by a call or by `a | b`.

    `members` are what it is made of as far as they are written out: the tasks of a chain or group, the header of a
    chord. `body` is a chord's.
    """

    def __init__(
        self, node: ast.Call | ast.BinOp, site: Site, kind: str, members: list[Member], body: Member | None = None
    ) -> None:
        self.node = node
        self.site = site
        self.kind = kind
        self.members = members
        self.body = body

    @property
    def name(self) -> str:
        """What it is made by, as a message shows it: `chain()` or `|`."""
        return "'|'" if isinstance(self.node, ast.BinOp) else f"{self.kind}()"


def canvases(facts: Facts) -> list[Canvas]:
    """Return the chains, groups and chords of a file, in source order."""
    found = []
    for call, site in facts.calls_named("chain", "chord", "group", "_chain", "_chord"):
        value = facts.module.value(call.func, site.scope)
        path = facts.project.resolve(value.path, facts.module).path if isinstance(value, Ref) else ""
        kind = CANVAS.get(path)
        if kind == "chord":
            found.append(_chord(facts, call, site))
        elif kind in ("chain", "group"):
            found.append(Canvas(call, site, kind, _members(facts, call.args, site, single=len(call.args) == 1)))
    for pipe, site in facts.module.candidates.pipes:
        sides = [pipe.left, pipe.right]
        if any(isinstance(facts.thing(side, site), (SignatureThing, CanvasThing)) for side in sides):
            found.append(Canvas(pipe, site, "chain", _members(facts, sides, site)))
    found.sort(key=lambda canvas: (canvas.node.lineno, canvas.node.col_offset))
    return found


def _chord(facts: Facts, call: ast.Call, site: Site) -> Canvas:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    for name, arg in zip(("header", "body"), call.args, strict=False):
        given.setdefault(name, arg)
    header = [given["header"]] if "header" in given else []
    body = given.get("body")
    outer, _ = facts.call_of.get(id(call), (None, None))
    if body is None and outer is not None and outer.args:  # chord(header)(body)
        body = outer.args[0]
    members = _members(facts, header, site, single=True)
    return Canvas(call, site, "chord", members, None if body is None else Member(body, site))


def _members(facts: Facts, args: list[ast.expr], site: Site, *, single: bool = False) -> list[Member]:
    """Return what some arguments hold; a single one may be a display, or a comprehension, of them."""
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
            # The names of a comprehension are its own; the calls in it know where they stand.
            calls = [inner for inner in ast.walk(node.elt) if isinstance(inner, ast.Call)]
            if calls:
                found.append(Member(node.elt, facts.call_sites[id(calls[0])], follows=True))
        elif isinstance(node, ast.IfExp):
            found.extend(Member(side, site, follows) for side in (node.body, node.orelse))
            follows = True
        elif not starred:
            found.append(Member(node, site, follows))
            follows = True
    return found


class Callback(NamedTuple):
    """A signature, or what stands for one, that gets a result or an error: where it stands, and in which `place`.

    `on_error` says that it is for errors, `is_body` that it is the body of a chord.
    """

    node: ast.expr
    site: Site
    place: str
    on_error: bool = False
    is_body: bool = False


def callbacks(facts: Facts) -> Iterator[Callback]:
    """Yield what is linked to calls and signatures, and the bodies of chords."""
    for invocation in facts.invocations:
        for name in ("link", "link_error") if invocation.method not in DIRECT else ():
            keyword = invocation.keyword(name)
            if keyword is not None:
                values = keyword.value.elts if isinstance(keyword.value, (ast.List, ast.Tuple)) else [keyword.value]
                yield from (Callback(value, invocation.site, f"'{name}='", on_error=name != "link") for value in values)
    for call, site in facts.calls_named("link", "link_error", "on_error"):
        func = call.func
        if isinstance(func, ast.Attribute) and isinstance(facts.thing(func.value, site), (SignatureThing, CanvasThing)):
            place, on_error = f"{func.attr}()", func.attr != "link"
            yield from (Callback(value, site, place, on_error) for value in call.args[:1])
    for canvas in facts.canvases:
        if canvas.body is not None:
            yield Callback(canvas.body.node, canvas.body.site, "the body of chord()", is_body=True)


def heads(facts: Facts, node: ast.expr) -> Iterator[ast.Call]:
    """Yield the calls that make the signatures which get the result that something is given."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _UNCHANGED:
        if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
            return
        node = node.func.value
    canvas = facts.canvas_at.get(id(node))
    if canvas is not None:
        for member in canvas.members[:1] if canvas.kind == "chain" else canvas.members:
            yield from heads(facts, member.node)
    elif isinstance(node, ast.Call):
        yield node


def misuse(facts: Facts, node: ast.expr, site: Site, place: str) -> str | None:
    """Return what is wrong with an expression that stands where a signature belongs, None where it may be one.

    It is wrong where it is certainly a task that is called, sent or bare. `place` is where it stands.
    """
    if isinstance(node, ast.Call):
        func = node.func
        if is_function_task(facts, func, site):
            better = shown(ast.Call(ast.Attribute(func, "s"), node.args, node.keywords), f"{shown(func)}.s(...)")
            return f"'{shown(node)}' runs the task here and {place} gets its value, not a signature; write '{better}'"
        if isinstance(func, ast.Attribute) and func.attr in SENDS and isinstance(facts.thing(node, site), ResultThing):
            better = shown(func.value)
            if isinstance(facts.thing(func.value, site), TaskThing):
                arguments = ast.Call(ast.Attribute(func.value, "s"), node.args, node.keywords)
                better = shown(arguments, f"{better}.s(...)") if func.attr == "delay" else f"{better}.s(...)"
            return f"'{shown(node)}' sends the task at once and {place} gets its result; write '{better}'"
    elif is_function_task(facts, node, site):
        return f"{place} is given the task '{shown(node)}', not a signature of it; write '{shown(node)}.s()'"
    elif isinstance(node, ast.Attribute) and node.attr in SENDS | SIGNS and is_function_task(facts, node.value, site):
        return f"{place} is given the method '{shown(node)}', not a signature; write '{shown(node.value)}.s()'"
    return None


def is_function_task(facts: Facts, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a task made of a function, of which nothing says that it gives a signature."""
    thing = facts.thing(node, site) if isinstance(node, (ast.Name, ast.Attribute)) else None
    if not isinstance(thing, TaskThing):
        return False
    definition = thing.definition
    if definition is None:
        return True
    function = definition.symbol
    if not isinstance(function, Function) or definition.decorator.form == OPAQUE:
        return False
    given = (thing_of(facts.project, value, definition.module) for value in function.returns)
    return not any(isinstance(returned, (SignatureThing, CanvasThing)) for returned in given)


def shown(node: ast.expr, short: str = "") -> str:
    """Return an expression as a message shows it: where it is long `short`, or its outline, or the beginning of it."""
    text = unparsed(node)
    if len(text) <= _WIDTH:
        return text
    if short:
        return short
    outline = _outline(node)
    return outline if len(outline) <= 2 * _WIDTH else f"{text[: _WIDTH - 3]}{CUT}"


def _outline(node: ast.expr) -> str:
    """Return what an expression calls, without arguments.

    >>> _outline(ast.parse("chain(one.s(1), two.s()).set(queue='slow')", mode="eval").body)
    'chain(...).set(...)'
    """
    if isinstance(node, ast.Call):
        return f"{_outline(node.func)}({'...' if node.args or node.keywords else ''})"
    if isinstance(node, ast.Attribute):
        return f"{_outline(node.value)}.{node.attr}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        first = node
        while isinstance(first.left, ast.BinOp):
            first = first.left
        between = "" if first is node else " ... |"
        return f"{_outline(first.left)} |{between} {_outline(node.right)}"
    return unparsed(node)
