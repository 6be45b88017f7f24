"""Actions for a finding: its fix, all safe fixes of a file, a `# noqa`."""

from __future__ import annotations

import ast
import io
import tokenize
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8 import defaults

from flake8_celery_tasks.core.violation import PREFIX, Violation
from flake8_celery_tasks.edits.edit import Edit
from flake8_celery_tasks.engine.run import collector_off
from flake8_celery_tasks.fixer import remedies
from flake8_celery_tasks.fixer.edited import changes
from flake8_celery_tasks.fixer.rounds import BROKEN, Order, State, fix_text
from flake8_celery_tasks.flake8_host import reporting
from flake8_celery_tasks.workspace.source import Source

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence

    from flake8_celery_tasks.server.desk import Buffer, Sight
    from flake8_celery_tasks.server.diagnosis import Problem


#: The comment that silences a line; flake8 releases have two names for it.
_NOQA: Final[re.Pattern[str]] = getattr(defaults, "NOQA_INLINE_REGEX", None) or defaults.NOQA_INLINE_REGEXP


class Action(NamedTuple):
    """Edits of a file that fix or silence a finding. Only safe fixes are preferred."""

    title: str
    problem: Problem
    edits: tuple[Edit, ...]
    preferred: bool


def fixes(sight: Sight, buffer: Buffer, found: Sequence[Problem], *, unsafe: bool) -> list[Action]:
    """Return the fixes of some findings, each verified as `fix` does."""
    by_violation = {Violation(one.line, one.column, one.code, one.message): one for one in found}

    def wants(_path: str, _lines: list[str], _tree: ast.Module, given: list[Violation]) -> list[Violation]:
        return [one for one in given if one in by_violation]

    order = Order(sight.configuration.run, unsafe=unsafe, wants=wants)
    text = buffer.text.text
    with sight.home.entered(), collector_off():
        try:
            tree = ast.parse(text)
        except BROKEN:
            return []
        state = State(buffer.path, Source.of(text), tree, order, sight.project)
        offered = remedies.proven(buffer.path, state, order)
    found_again = ((by_violation[offer.violation], offer.fix.safe, edits) for offer, edits in offered)
    return [Action(_title(problem, safe=safe), problem, tuple(edits), safe) for problem, safe, edits in found_again]


def _title(problem: Problem, *, safe: bool) -> str:
    return f"Fix {problem.code}" if safe else f"Fix {problem.code} (unsafe: it changes what happens)"


def fix_all(sight: Sight, buffer: Buffer) -> list[Edit]:
    """Return the edits that apply all safe fixes of a file."""
    configuration = sight.configuration
    order = Order(configuration.run, unsafe=False, wants=partial(reporting.reported, configuration))
    with sight.home.entered(), collector_off():
        fixed = fix_text(buffer.path, buffer.text.text, order, sight.project)
    before = Source.of(buffer.text.text)
    return [] if fixed.text == before.text else changes(before, Source.of(fixed.text))


# Silencing.


def silenced(buffer: Buffer, found: Iterable[Problem]) -> Iterator[Action]:
    """Yield actions that disable the findings' codes on their lines, if that leaves the program unchanged."""
    for problem in found:
        if problem.code.startswith(PREFIX):
            edit = noqa(buffer.text.text, problem.line, problem.code)
            if edit is not None:
                yield Action(f"Disable {problem.code} on this line", problem, (edit,), preferred=False)


def noqa(text: str, line: int, code: str) -> Edit | None:
    r"""Return the edit that silences a code on a line, None if no comment can be added.

    >>> noqa("x = 1\n", 1, "CLY101")
    Edit(start=5, end=5, text='  # noqa: CLY101')
    >>> noqa("x = 1  # noqa: E501\n", 1, "CLY101").text
    ', CLY101'
    """
    source = Source.of(text)
    try:
        first, last = _logical_part(source, line)
    except (tokenize.TokenError, SyntaxError):
        return None
    start = source.line_offset(first)
    part = "".join(source.lines[first - 1 : last])
    known = _NOQA.search(part)
    if known is not None and known["codes"]:
        end = start + known.start("codes") + len(known["codes"].rstrip(", \t\r\n"))
        edit = Edit(end, end, f", {code}")
    else:
        end = start + len(part.rstrip())
        edit = Edit(end, end, f"  # noqa: {code}")
    return edit if _is_same_program(text, edit) else None


def _logical_part(source: Source, line: int) -> tuple[int, int]:
    """Return the first and last line that flake8 treats as one, because of multi-line strings or backslashes."""
    first: int | None = None
    last = 0
    lines = io.StringIO("".join(one.rstrip("\r\n") + "\n" for one in source.lines))
    for kind, _, start, end, _ in tokenize.generate_tokens(lines.readline):
        if kind in (tokenize.ENDMARKER, tokenize.DEDENT, tokenize.INDENT):
            continue
        first = start[0] if first is None else first
        last = max(last, end[0])
        if kind in (tokenize.NL, tokenize.NEWLINE):
            last = start[0]
            if first <= line <= last:
                return first, last
            first, last = None, 0
    return line, line


def _is_same_program(text: str, edit: Edit) -> bool:
    after = text[: edit.start] + edit.text + text[edit.end :]
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(after))
    except BROKEN:
        return False
