"""The examples of the pages and the edge cases of the rules, each with something in it changed."""

from __future__ import annotations

import ast
import functools
import inspect
import io
import tokenize
from typing import TYPE_CHECKING

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples
from flake8_celery_tasks.workspace.source import Source
from tests.helpers import EDGE_CASES
from tests.robustness.grammar import Grammar

if TYPE_CHECKING:
    from random import Random

    from flake8_celery_tasks.pages.examples import Case

INSERTED = (
    "*",
    "**",
    "not ",
    "await ",
    "lambda: ",
    "(",
    ")",
    ",",
    "\n",
    ";",
    ":",
    "=",
    ".",
    "@",
    "async ",
    "# é\n",
    "\\\n",
)


@functools.cache
def cases() -> tuple[Case, ...]:
    """Return all examples."""
    texts = [inspect.getdoc(type(rule)) for rule in loader.rules()]
    texts += [path.read_text(encoding="utf-8") for path in EDGE_CASES]
    return tuple(case for text in texts for section in examples.sections(text) for case in examples.cases(section))


def mutated(random: Random, text: str) -> str:
    """Return a text with a few changes, most of which leave it a program."""
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        change = random.choice((_node, _node, _node, _token, _token, _statement, _layout))
        text = change(random, text)
    return text


def _node(random: Random, text: str) -> str:
    """Write another expression in place of one."""
    try:
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, (ast.expr, ast.keyword, ast.arg))]
    except (SyntaxError, ValueError):
        return _token(random, text)
    if not nodes:
        return text
    source = Source.of(text)
    node, other = random.choice(nodes), random.choice(nodes)
    start, end = source.start(node), source.end(node)
    grammar = Grammar(random)
    grammar.fuel = random.randint(0, 12)
    written = source.segment(other) if random.random() < 0.5 else grammar.value()
    if random.random() < 0.2:
        written = f"({written})"
    if random.random() < 0.1:
        written = f"{text[start:end]}, {written}"
    return text[:start] + written + text[end:]


def _token(random: Random, text: str) -> str:
    """Delete a token, double it, swap it with another one, or put something before it."""
    source = Source.of(text)
    try:
        tokens = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.string.strip()]
    except (tokenize.TokenError, SyntaxError):
        return text
    if not tokens:
        return text
    spans = [(source.line_offset(t.start[0]) + t.start[1], source.line_offset(t.end[0]) + t.end[1]) for t in tokens]
    (start, end), other = random.choice(spans), random.choice(spans)
    kind = random.randrange(5)
    if kind == 0:
        return text[:start] + text[end:]
    if kind == 1:
        return text[:end] + " " + text[start:]
    if kind == 2:
        return text[:start] + text[slice(*other)] + text[end:]
    if kind == 3:
        return text[:start] + random.choice(INSERTED) + text[start:]
    return text[:start] + random.choice(("self", "x", "None", "*x", "0", '"é"', "add")) + text[end:]


def _statement(random: Random, text: str) -> str:
    """Delete a statement, double it, move it, put another one before it, or something around it."""
    try:
        statements = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)]
    except (SyntaxError, ValueError):
        return text
    if not statements:
        return text
    source = Source.of(text)
    node, other = random.choice(statements), random.choice(statements)
    start, end = source.line_start(source.start(node)), source.line_end(source.end(node))
    lines, indent = text[start:end], source.indent(source.start(node))
    kind = random.randrange(6)
    if kind == 0:
        return text[:start] + indent + "pass\n" + text[end:]
    if kind == 1:
        return text[:start] + lines + text[start:]
    if kind == 2:
        place = source.line_start(source.start(other))
        return text[:place] + lines + text[place:]
    if kind == 3:
        grammar = Grammar(random)
        grammar.fuel = random.randint(0, 25)
        return text[:start] + "".join(f"{indent}{line}\n" for line in grammar.statement()) + text[start:]
    head = random.choice(("if x:", "for x in y:", "try:", "with transaction.atomic():", "def f(x):", "class C(Task):"))
    inner = "".join(f"    {line}" for line in lines.splitlines(keepends=True))
    tail = f"{indent}finally:\n{indent}    pass\n" if head == "try:" else ""
    return text[:start] + f"{indent}{head}\n{inner}{tail}" + text[end:]


def _layout(random: Random, text: str) -> str:
    """Change what is between the tokens."""
    kind = random.randrange(7)
    if kind == 0:
        return text.replace("\n", random.choice(("\r\n", "\r", "  # é\n", " \n", "\n\n")))
    if kind == 1:
        return text.replace("    ", random.choice(("\t", "  ", "        ")))
    if kind == 2:
        return text.rstrip("\n")
    if kind == 3:
        return text.replace('"', "'")
    if kind == 4:
        return text.replace("(", random.choice(("( ", "(\n", "(\\\n", "((")), 1 + random.randrange(3))
    if kind == 5:
        return text.replace(", ", random.choice((",", " ,\n    ", ",  # é\n  ")))
    return random.choice(("\x0c", '"""é"""; ', "# coding: utf-8\n", "import x; ", "if 1:\n  x\n")) + text
