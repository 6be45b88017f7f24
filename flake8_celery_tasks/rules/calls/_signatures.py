"""Callbacks and heads of a canvas, as rules about calls see them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.nodes import uses_of
from flake8_celery_tasks.catalog.methods import DIRECT, SAME_ARGUMENTS, SENDS, SIGNS
from flake8_celery_tasks.celery_model.configuration import bound_once
from flake8_celery_tasks.celery_model.objects import CanvasThing, ResultThing, SignatureThing, TaskThing
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.canvas import is_function_task
from flake8_celery_tasks.rules._messages import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Binding, Site
    from flake8_celery_tasks.facts.facts import Facts


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


def receivers(facts: Facts) -> Iterator[tuple[ast.expr, Site, str]]:
    """Yield the expressions that get a result of what comes before, where they stand, and what that is."""
    for canvas in facts.canvases:
        if canvas.kind == "chain":
            following = (member for member in canvas.members if member.follows)
            yield from ((member.node, member.site, "the result before it") for member in following)
    for callback in callbacks(facts):
        if not callback.on_error:
            what = "the list of results" if callback.is_body else "the result it is linked to"
            yield callback.node, callback.site, what


def heads(facts: Facts, node: ast.expr, site: Site) -> Iterator[ast.Call]:
    """Yield the calls that make the signatures which get the result that something is given."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
        if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
            return
        node = node.func.value
    made = _made(facts, node, site)
    if made is not None:
        yield from heads(facts, made.value, made.site)
        return
    canvas = facts.canvas_at.get(id(node))
    if canvas is not None:
        for member in canvas.members[:1] if canvas.kind == "chain" else canvas.members:
            yield from heads(facts, member.node, member.site)
    elif isinstance(node, ast.Call):
        yield node


#: What can be done to a signature without changing its arguments.
_KEEPING: Final = SENDS | {"link", "link_error", "on_error"}


def _made(facts: Facts, node: ast.expr, site: Site) -> Binding | None:
    """Return what binds a local name to a call, if nothing changes what that gives; None for anything else."""
    binding = bound_once(node, site) if isinstance(node, ast.Name) else None
    function = site.function()
    if binding is None or function is None or not isinstance(binding.node, ast.Call):
        return None
    if binding.site.function() is not function or binding.statement is None:
        return None
    given = _given_to_canvas(facts)
    for use in (use for statement in function.body for use in uses_of(statement, {binding.name})):
        is_kept = id(use.node) in given if use.attribute is None else use.attribute in _KEEPING
        if not is_kept:
            return None
    return binding


@query()
def _given_to_canvas(facts: Facts) -> set[int]:
    """Return the expressions that canvases of a file are made of, and callbacks, by identity."""
    members = [member for made in facts.canvases for member in (*made.members, *([made.body] if made.body else ()))]
    return {*(id(member.node) for member in members), *(id(callback.node) for callback in callbacks(facts))}


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
