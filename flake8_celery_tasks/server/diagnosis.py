"""The findings in an open file, with the ranges of their nodes."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flake8_celery_tasks.core.memo import query
from flake8_celery_tasks.engine import concern, judge, loader
from flake8_celery_tasks.engine.run import collector_off
from flake8_celery_tasks.flake8_host import checker, reporting
from flake8_celery_tasks.flake8_host.ranges import ranges
from flake8_celery_tasks.pages import explain
from flake8_celery_tasks.resolution.modules import parse_text
from flake8_celery_tasks.server.desk import UNTITLED
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Iterator, Mapping

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.flake8_host.configuration import Configuration
    from flake8_celery_tasks.server.desk import Buffer, Desk, Sight
    from flake8_celery_tasks.server.text import Text

SOURCE: Final = "flake8-celery-tasks"


class Problem(NamedTuple):
    """A finding: line (from 1) and column (from 0) in characters, as in `check`; the range in offsets."""

    code: str
    message: str
    line: int
    column: int
    start: int
    end: int

    @property
    def link(self) -> str:
        """The address of the rule's page, empty if it has none."""
        return addresses().get(self.code, "")


@cache
def addresses() -> Mapping[str, str]:
    """Return the addresses of the rules' pages, by code."""
    return {rule.code: explain.address(rule) for rule in loader.rules()}


def problems(
    desk: Desk,
    buffer: Buffer,
    buffers: Mapping[str, Buffer],
    log: Callable[[str], None] = lambda _: None,
) -> list[Problem]:
    """Return what `check` would report for an open file, in source order."""
    if not desk.settings.enable:
        return []
    home = desk.home(buffer.path)
    is_untitled = os.path.basename(buffer.path) == UNTITLED
    if home.configuration is None or not (is_untitled or home.reaches(buffer.path)):
        return []
    text = buffer.text.text
    run = home.configuration.run
    if not (run.passes(buffer.path, text) or gate.applied(text)):
        return []
    with home.entered(), collector_off():
        sight = desk.seen(buffer.path, buffers, home, home.configuration)
        if not concern.passes(run, buffer.path, text, sight.project):
            return []
        return list(_reported(sight, buffer, log))


# A client that has shown the findings asks for their fixes next.
@query(key=lambda buffer, _log: (buffer.path, buffer.text))
def _reported(sight: Sight, buffer: Buffer, log: Callable[[str], None]) -> list[Problem]:
    return list(_located(buffer.text, _decided(sight, buffer, log)))


def _decided(sight: Sight, buffer: Buffer, log: Callable[[str], None]) -> list[tuple[int, int, str, str]]:
    """Return what is reported: line, column from 0, code, text."""
    configuration = sight.configuration

    def find(_lines: list[str], tree: ast.Module) -> list[Violation]:
        return _found(sight, buffer, tree, log)

    lines = [line.rstrip("\r\n") + "\n" if line.endswith(("\r", "\n")) else line for line in buffer.text.lines if line]
    checked = checker.check_text(buffer.path, lines, configuration, find, parse_text(buffer.text.text))
    rows = _new(checked, configuration)
    decided, _ = reporting.decide(configuration.options, [checked._replace(rows=rows)])
    return [(one.line_number, one.column_number - 1, one.code, one.text) for one in decided]


def _found(sight: Sight, buffer: Buffer, tree: ast.Module, log: Callable[[str], None]) -> list[Violation]:
    project = sight.project
    facts = sight.facts(buffer.path)
    module = project.made(buffer.path, buffer.text.source, tree) if facts is None else facts.module
    project.files.hold(buffer.path, module.source)

    def crashed(what: str, error: Exception) -> None:
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
        log(f"{buffer.path}: {what} has crashed at {where}: {type(error).__name__}: {error}")

    chosen = loader.by_kind(sight.configuration.run.opted)
    return sorted({violation for _, _, violation in judge.judge(project, module, chosen, crashed)})


def _new(checked: reporting.Checked, configuration: Configuration) -> list[reporting.Row]:
    """Return the reports that are not in the baseline."""
    from flake8_celery_tasks.engine import baseline

    known = configuration.run.baseline
    if known is None:
        return checked.rows
    identities = [baseline.identity(row.code, checked.scopes.get(row.line, ""), row.text) for row in checked.rows]
    are_new = known.are_new(checked.path, identities)
    return [row for row, is_new in zip(checked.rows, are_new, strict=True) if is_new]


def _located(text: Text, decided: list[tuple[int, int, str, str]]) -> Iterator[Problem]:
    places = ranges(text.source, [(line, column, code) for line, column, code, _ in decided])
    for (line, column, code, message), (start, end) in zip(decided, places, strict=True):
        yield Problem(code, message, line, column, start, end)


def data_of(problem: Problem) -> dict[str, Any]:
    """Return the data that a client returns with a diagnostic: its position according to `check`."""
    return {"code": problem.code, "line": problem.line, "column": problem.column + 1}
