"""flake8's decisions about findings, and its formats."""

from __future__ import annotations

import io
from argparse import Namespace
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8.checker import Manager
from flake8.exceptions import ExecutionError
from flake8.formatting.base import BaseFormatter
from flake8.formatting.default import Default
from flake8.plugins.finder import Checkers
from flake8.processor import FileProcessor
from flake8.style_guide import Decision, StyleGuideManager

from flake8_celery_tasks.core.errors import UsageError, one_line
from flake8_celery_tasks.core.violation import UNPARSED
from flake8_celery_tasks.engine.seen import Seen
from flake8_celery_tasks.flake8_host.configuration import FORMATTERS

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterable, Sequence

    from flake8.statistics import Statistics
    from flake8.violation import Violation

    from flake8_celery_tasks.core.violation import Violation as Ours
    from flake8_celery_tasks.flake8_host.configuration import Configuration


NOTHING: Final = Checkers([], [], [])


class Row(NamedTuple):
    """One report, as flake8 stores it until it decides. Columns start at 0; `physical` is the line for a `# noqa`."""

    code: str
    line: int
    column: int
    text: str
    physical: str | None


class Checked(NamedTuple):
    """The findings in a file, the names of the definitions around them by line, and what was checked."""

    path: str
    rows: list[Row]
    scopes: dict[int, str]
    seen: Seen = Seen()


def jobs(options: Namespace) -> int:
    """Return the number of processes that flake8 would use."""
    count: int = _deciding(options, BaseFormatter(options)).jobs
    return count


def silencing(lines: Sequence[str]) -> bool:
    """Return whether lines may contain a `# noqa`."""
    return "noqa" in "".join(lines).lower()


# Deciding what is reported.


class _Collector(BaseFormatter):
    def after_init(self) -> None:
        self.violations: list[Violation] = []

    def handle(self, error: Violation) -> None:
        self.violations.append(error)


def _deciding(options: Namespace, formatter: BaseFormatter) -> Manager:
    try:
        guide = StyleGuideManager(options, formatter)
    except ExecutionError as error:
        raise UsageError(one_line(error)) from None
    return Manager(guide, NOTHING, [])


def with_unparsed(options: Namespace) -> Namespace:
    """Return options that select flake8's code for files that can't be parsed, unless it is ignored explicitly.

    Such a file must not look clean just because only our codes were requested.
    """
    ignored = (*(options.ignore or ()), *(options.extend_ignore or ()))
    if not (options.select or options.extend_select) or UNPARSED.startswith(tuple(ignored)):
        return options
    chosen = [*(options.extend_select or ()), UNPARSED]
    return Namespace(**{**vars(options), "extend_select": chosen})


def decide(options: Namespace, checked: Iterable[Checked]) -> tuple[list[Violation], Statistics]:
    """Return the reported violations: selected ones without a `# noqa`, in flake8's order."""
    collector = _Collector(options)
    manager = _deciding(options, collector)
    manager.results = [(one.path, [tuple(row) for row in one.rows], {}) for one in checked]
    manager.report()
    return collector.violations, manager.style_guide.stats


def are_selected(options: Namespace, path: str, codes: Iterable[str]) -> bool:
    """Return whether all findings with some codes would be reported in a file."""
    guide = _deciding(options, BaseFormatter(options)).style_guide.style_guide_for(path)
    return all(guide.should_report_error(code) is Decision.Selected for code in codes)


def reported(
    configuration: Configuration, name: str, lines: list[str], tree: ast.Module, found: Iterable[Ours]
) -> list[Ours]:
    """Return those of our violations in a file's current lines that would be reported: selected, not silenced."""
    options, run = configuration
    processor = FileProcessor(name, options, lines=list(lines))
    if processor.should_ignore_file():
        return []
    known = list(found)
    if run.baseline is not None:
        known = run.baseline.new(name, tree, known)
    # Finding the logical lines needs all tokens.
    silenced = silencing(lines)
    physical = {item.line: processor.noqa_line_for(item.line) if silenced else "" for item in known}
    rows = [Row(item.code, item.line, item.column, item.text, physical[item.line]) for item in known]
    decided = {
        (error.line_number, error.column_number - 1, error.code, error.text)
        for error in decide(options, [Checked(name, rows, {})])[0]
    }
    return [item for item in known if item in decided]


def formatted(options: Namespace, violations: Iterable[Violation], statistics: Statistics) -> str:
    """Return the report that flake8 would print."""
    name = {0: options.format, 1: "quiet-filename"}.get(options.quiet, "quiet-nothing")
    formatter = FORMATTERS.get(name, Default)(options)
    if isinstance(formatter, Default) and name not in FORMATTERS and "%(" not in name:
        formatter.error_format = Default.error_format  # a format from another plugin
    formatter.output_fd = output = io.StringIO()
    options.tee = False
    count = 0
    for violation in violations:
        formatter.handle(violation)
        count += 1
    return output.getvalue() + figures(options, statistics, count)


def figures(options: Namespace, statistics: Statistics, count: int) -> str:
    """Return the numbers that flake8 would print after its report, if they are requested."""
    formatter = BaseFormatter(options)
    formatter.output_fd = output = io.StringIO()
    if options.statistics:
        formatter.show_statistics(statistics)
    if options.count:
        output.write(f"{count}\n")
    return output.getvalue()
