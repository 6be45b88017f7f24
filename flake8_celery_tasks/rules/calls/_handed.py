"""What a canvas hands to its tasks when it is sent, and a signature that has a name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from flake8_celery_tasks.catalog.methods import SAME_ARGUMENTS, SENDS, SIGNS
from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.facts.arguments import Arguments, arguments_of, is_completed_later, is_immutable
from flake8_celery_tasks.facts.results import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.facts.canvas import Canvas
    from flake8_celery_tasks.facts.facts import Facts

#: What is read of a signature and leaves its arguments alone.
_HARMLESS = SENDS | SAME_ARGUMENTS | {"apply", "clone", "id", "link", "link_error", "name", "task"}


class Handed(NamedTuple):
    """A signature that gets arguments when it is sent: the call that made it, what it gets, and the call that sends."""

    signed: Invocation
    more: Arguments
    send: ast.Call

    @property
    def method(self) -> str:
        """How it is sent, for messages: `delay()`."""
        func = self.send.func
        return f"{func.attr}()" if isinstance(func, ast.Attribute) and func.attr in SENDS else "calling it"

    @property
    def takes_all(self) -> bool:
        """Whether all arguments of the call that sends are the task's."""
        func = self.send.func
        return not isinstance(func, ast.Attribute) or func.attr == "delay"


@query()
def senders(facts: Facts) -> dict[int, list[tuple[ast.Call, Site]]]:
    """Return the calls that send something, with their places, by the identity of what they send.

    What is sent stands there, or has a local name that stands for nothing else.
    """
    found: dict[int, list[tuple[ast.Call, Site]]] = {}
    for call, site in facts.module.candidates.calls:
        func = call.func
        owner = func.value if isinstance(func, ast.Attribute) and func.attr in SENDS else func
        if isinstance(owner, (ast.BinOp, ast.Call, ast.Name)):
            values = list(values_of(owner, site))
            if len(values) == 1:
                found.setdefault(id(unchanged(values[0][0])), []).append((call, site))
    return found


def unchanged(node: ast.expr) -> ast.expr:
    """Return what a signature or canvas was before `.set(...)` and the like."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SAME_ARGUMENTS:
        node = node.func.value
    return node


@query()
def handed(facts: Facts) -> list[Handed]:
    """Return the signatures that certainly get what the call hands over that sends them."""
    signed = {id(call.node): call for call in facts.invocations if call.method in SIGNS}
    if not signed or is_completed_later(facts.module):
        return []
    sends = {id(call.node): call for call in facts.invocations}
    found = []
    for canvas in facts.canvases:
        for send, _ in senders(facts).get(id(canvas.node), ()):
            more = _given_by(canvas, send, sends.get(id(send)))
            found += [Handed(call, more, send) for call in _first(facts, canvas, signed)]
    for call in signed.values():
        for send, site in senders(facts).get(id(call.node), ()):
            invocation = sends.get(id(send))
            if invocation is not None and _has_name(send, site) and not is_immutable(call, call.node):
                given = arguments_of(invocation, alone=True)
                assert given is not None, "it is sent by delay or apply_async"
                found.append(Handed(call, given, send))
    return found


def _given_by(canvas: Canvas, send: ast.Call, invocation: Invocation | None) -> Arguments:
    """Return what the call hands over that sends a canvas."""
    found = None if invocation is None else arguments_of(invocation)
    if found is not None:
        return found
    found = Arguments()
    if canvas.kind != "chord":  # the arguments of its call are its body, and options
        found.put(send.args)
    if canvas.kind == "chain":
        for keyword in send.keywords:
            found.name(keyword.arg, keyword, keyword.value)
    return found


def _first(facts: Facts, canvas: Canvas, signed: dict[int, Invocation]) -> Iterator[Invocation]:
    """Yield the calls that make the signatures which get what a canvas is sent with."""
    members = canvas.members
    if canvas.kind == "chain":
        args = canvas.node.args if isinstance(canvas.node, ast.Call) else []
        is_open = any(isinstance(arg, ast.Starred) for arg in args)
        members = [] if is_open else [member for member in members if not member.follows]
    for member in members:
        node = unchanged(member.node)
        inner = facts.canvas_at.get(id(node))
        if inner is not None:
            yield from _first(facts, inner, signed)
        elif id(node) in signed and not _is_immutable(signed[id(node)], member.node):
            yield signed[id(node)]


def _is_immutable(call: Invocation, node: ast.expr) -> bool:
    """Return whether a signature takes no further arguments, or may be changed to."""
    while isinstance(node, ast.Call) and node is not call.node and isinstance(node.func, ast.Attribute):
        if any(keyword.arg in (None, "immutable") for keyword in node.keywords):
            return True
        node = node.func.value
    return is_immutable(call, call.node)


def _has_name(send: ast.Call, site: Site) -> bool:
    """Return whether what is sent has a local name of whose uses none changes its arguments."""
    func = send.func
    name = func.value if isinstance(func, ast.Attribute) else func
    found = site.scope.find(name.id) if isinstance(name, ast.Name) else None
    if found is None or not isinstance(name, ast.Name):
        return False
    nodes = [node for node in ast.walk(found[0].node) if isinstance(node, (ast.Attribute, ast.Name))]
    harmless = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr in _HARMLESS}
    loads = (node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    return all(id(node) in harmless for node in loads if node.id == name.id)
