"""The chains, groups and chords that a file makes, with the nodes that they are made of."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.binding.values import Ref
from flake8_celery_tasks.celery_model.decorators import OPAQUE
from flake8_celery_tasks.celery_model.objects import CANVAS, CanvasThing, SignatureThing, TaskThing, thing_of

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.context import FileContext


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
            found.append(Canvas(call, site, kind, _members(context, call.args, site, single=len(call.args) == 1)))
    for pipe, site in context.module.candidates.pipes:
        sides = [pipe.left, pipe.right]
        if any(isinstance(context.thing(side, site), (SignatureThing, CanvasThing)) for side in sides):
            found.append(Canvas(pipe, site, "chain", _members(context, sides, site)))
    found.sort(key=lambda canvas: (canvas.node.lineno, canvas.node.col_offset))
    return found


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
    return Canvas(call, site, "chord", members, None if body is None else Member(body, site))


def _members(context: FileContext, args: list[ast.expr], site: Site, *, single: bool = False) -> list[Member]:
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
                found.append(Member(node.elt, context.call_sites[id(calls[0])], follows=True))
        elif isinstance(node, ast.IfExp):
            found.extend(Member(side, site, follows) for side in (node.body, node.orelse))
            follows = True
        elif not starred:
            found.append(Member(node, site, follows))
            follows = True
    return found


def is_function_task(context: FileContext, node: ast.expr, site: Site) -> bool:
    """Return whether an expression is a task made of a function, of which nothing says that it gives a signature."""
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
