"""Code shortened for messages."""

from __future__ import annotations

import ast
from typing import Final

from flake8_celery_tasks.binding.nodes import unparsed

#: Longer expressions are cut in messages.
_WIDTH: Final = 30

#: The end of a text that was cut.
CUT: Final = "..."


def cut(text: str, width: int, instead: str = "") -> str:
    """Return a text of at most `width` characters: its end is cut off, or `instead` replaces the whole text."""
    if len(text) <= width:
        return text
    return instead or f"{text[: width - 3]}..."


def cut_front(text: str, width: int) -> str:
    """Return a text of at most `width` characters, with its beginning cut off: the end of a name says more."""
    return text if len(text) <= width else f"...{text[3 - width :]}"


def shown(node: ast.expr, short: str = "") -> str:
    """Return an expression as a message shows it; a long one is replaced by `short` or its outline, or cut."""
    text = unparsed(node)
    if len(text) <= _WIDTH:
        return text
    if short:
        return short
    outline = _outline(node)
    return outline if len(outline) <= 2 * _WIDTH else f"{text[: _WIDTH - 3]}{CUT}"


def _outline(node: ast.expr) -> str:
    """Return the calls of an expression, without arguments.

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
