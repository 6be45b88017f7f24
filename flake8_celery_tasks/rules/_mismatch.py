"""Describe arguments that don't match a task's parameters, for the messages of CLY404 and CLY601."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flake8_celery_tasks.core.spelling import close_match
from flake8_celery_tasks.resolution.arity import MISSING, REPEATED, SURPLUS

if TYPE_CHECKING:
    import ast

    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.facts.arguments import Arguments
    from flake8_celery_tasks.resolution.arity import Misfit


def said(found: Misfit, params: Params, arguments: Arguments) -> tuple[str, str]:
    """Return the problem, and the advice that solves it."""
    names = " and ".join(repr(name) for name in found.names[:2]) + (" and others" if len(found.names) > 2 else "")
    if found.kind == SURPLUS:
        room = len(found.names)
        takes = f"takes {room} argument{'s' * (room != 1)} by position" if room else "takes no argument by position"
        advice = "pass the others by name" if params.keyword_only else f"drop {len(arguments.positional) - room}"
        return f"{takes} and is given {len(arguments.positional)}", advice
    if found.kind == REPEATED:
        return f"is given {names} by position and by name", "give it once"
    if found.kind == MISSING:
        return f"is not given {names}", "pass it too" if len(found.names) == 1 else "pass them too"
    name = found.names[0]
    if name in params.positional_only:
        return f"takes {name!r} by position only", "drop its name"
    known = (*params.positional, *params.keyword_only)
    meant = close_match(name, (other for other in known if other not in arguments.keywords))
    if meant is not None:
        return f"has no parameter {name!r}", f"did you mean {meant!r}?"
    return f"has no parameter {names}", "drop it" if len(found.names) == 1 else "drop them"


def place_of(found: Misfit, params: Params, arguments: Arguments) -> ast.AST | None:
    """Return the first surplus argument; None if an argument is missing instead."""
    if found.kind == SURPLUS:
        return arguments.positional[len(params.ordered)]
    return None if found.kind == MISSING else arguments.keywords[found.names[0]]
