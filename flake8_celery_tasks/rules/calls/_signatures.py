"""Expressions that are used where a signature belongs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.catalog.methods import SENDS, SIGNS
from flake8_celery_tasks.celery_model.objects import ResultThing, TaskThing
from flake8_celery_tasks.facts.canvas import is_function_task
from flake8_celery_tasks.rules._messages import shown

if TYPE_CHECKING:
    from flake8_celery_tasks.binding.scopes import Site
    from flake8_celery_tasks.facts.context import FileContext


def misuse(context: FileContext, node: ast.expr, site: Site, place: str) -> str | None:
    """Return the mistake of an expression that is used where a signature belongs; None if it may be one.

    It is a mistake if it is certainly a task, called, sent or bare. `place` names the position.
    """
    if isinstance(node, ast.Call):
        func, thing = node.func, context.thing
        if is_function_task(context, func, site):
            better = shown(ast.Call(ast.Attribute(func, "s"), node.args, node.keywords), f"{shown(func)}.s(...)")
            return f"'{shown(node)}' runs the task here and {place} gets its value, not a signature; write '{better}'"
        if isinstance(func, ast.Attribute) and func.attr in SENDS and isinstance(thing(node, site), ResultThing):
            better = shown(func.value)
            if isinstance(thing(func.value, site), TaskThing):
                arguments = ast.Call(ast.Attribute(func.value, "s"), node.args, node.keywords)
                better = shown(arguments, f"{better}.s(...)") if func.attr == "delay" else f"{better}.s(...)"
            return f"'{shown(node)}' sends the task at once and {place} gets its result; write '{better}'"
    elif is_function_task(context, node, site):
        return f"{place} is given the task '{shown(node)}', not a signature of it; write '{shown(node)}.s()'"
    elif isinstance(node, ast.Attribute) and node.attr in SENDS | SIGNS and is_function_task(context, node.value, site):
        return f"{place} is given the method '{shown(node)}', not a signature; write '{shown(node.value)}.s()'"
    return None
