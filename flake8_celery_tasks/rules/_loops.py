"""Questions about loops that several topics share."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from flake8_celery_tasks.core.memo import query

if TYPE_CHECKING:
    from flake8_celery_tasks.facts.context import FileContext


@query()
def last_calls(_context: FileContext, loop: ast.AST) -> set[int]:
    """Return the identities of the calls in a loop after which it ends, in the same block."""
    found: set[int] = set()
    blocks: list[list[ast.stmt]] = [getattr(loop, "body", [])]
    while blocks:
        block = blocks.pop()
        ends = [index for index, one in enumerate(block) if isinstance(one, (ast.Break, ast.Raise, ast.Return))]
        last = ends[-1] + 1 if ends else 0
        for statement in block[:last]:
            found.update(id(node) for node in ast.walk(statement) if isinstance(node, ast.Call))
        for statement in block[last:]:
            blocks += [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
            for name in ("handlers", "cases"):
                blocks += [inner.body for inner in getattr(statement, name, [])]
    return found
