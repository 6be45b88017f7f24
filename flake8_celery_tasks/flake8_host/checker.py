"""Checks one file as flake8 does, with this plugin alone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from flake8.checker import FileChecker
from flake8.processor import FileProcessor

from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.core.errors import UsageError, one_line
from flake8_celery_tasks.core.violation import INTERNAL
from flake8_celery_tasks.engine import concern, seen
from flake8_celery_tasks.engine.check import known_tree, violations
from flake8_celery_tasks.flake8_host.reporting import NOTHING, Checked, Row
from flake8_celery_tasks.workspace import gate
from flake8_celery_tasks.workspace.source import end_of, first_of, start_of, statements_in

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Sequence

    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.flake8_host.configuration import Configuration

    #: A function that finds violations in the lines and the tree of a text.
    Find = Callable[[list[str], ast.Module], list[Violation]]


def check(name: str, configuration: Configuration) -> Checked:
    """Return what this plugin, without any others, finds in a file."""
    if name != "-" and regular.is_waited_for(name):
        return Checked(name, [Row("E902", 0, 0, "OSError: not a regular file", "")], {})
    try:
        checker = _Checker(name, configuration)
    except UnicodeDecodeError as error:  # only for standard input: a file that is not UTF-8 is read as Latin-1
        raise UsageError(f"can't decode the input: {error}") from None
    except LookupError as error:  # not a text encoding, such as rot13
        return Checked(name, [Row("E902", 0, 0, f"{type(error).__name__}: {one_line(error)}", "")], {})
    except MemoryError:
        return Checked(name, [Row("E902", 0, 0, "MemoryError: the file is too large", "")], {})
    try:
        path, results, _ = checker.run_checks()
    except errors.CAUGHT as error:
        return Checked(name, [Row(INTERNAL, 1, 0, errors.internal(error), "")], {})
    return Checked(path, [Row(*row) for row in results], checker.scopes, *checker.seen[:1])


def check_text(
    name: str, lines: list[str], configuration: Configuration, find: Find, tree: ast.Module | None
) -> Checked:
    """Return the findings in a text in place of a file's; `find` looks for them, given lines and tree.

    `tree` is the text's tree, None if it can't be parsed.
    """
    path, results, _ = (checker := _Checker(name, configuration, lines, find, tree)).run_checks()
    return Checked(path, [Row(*row) for row in results], checker.scopes)


class _Processor(FileProcessor):
    """flake8's reader for one file."""

    @cached_property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.lines)

    def should_ignore_file(self) -> bool:
        """Return whether a `# flake8: noqa` ignores the file: without the word, no line is searched for it."""
        return "flake8" in self.text.lower() and super().should_ignore_file()


class _Checker(FileChecker):
    """flake8's checker for one file, with one plugin. Tokens are read only if a report may have a `# noqa`."""

    scopes: dict[int, str]
    seen: list[seen.Seen]

    def __init__(
        self,
        filename: str,
        configuration: Configuration,
        lines: list[str] | None = None,
        find: Find | None = None,
        tree: ast.Module | None = None,
    ) -> None:
        self.tree = tree
        self.told = configuration.run
        self.given = lines
        self.find = find
        super().__init__(filename=filename, plugins=NOTHING, options=configuration.options)

    def _make_processor(self) -> _Processor | None:
        try:
            return _Processor(self.filename, self.options, None if self.given is None else list(self.given))
        except OSError as error:
            self.report("E902", 0, 0, f"{type(error).__name__}: {error}")
            return None

    def run_ast_checks(self) -> None:
        self.scopes = {}
        processor = self.processor
        text = processor.text
        # The function that finds violations has already run.
        if self.find is None and not (
            concern.passes(self.told, processor.filename, text) or gate.passes(text, seen.MARKS)
        ):
            return
        try:
            tree: ast.Module = self._known_tree() or processor.build_ast()
        except (ValueError, RecursionError, MemoryError) as error:
            # Null characters, and code that is nested too deeply: newer Pythons report these themselves.
            raise SyntaxError(one_line(error) or type(error).__name__) from None
        self.tree = tree
        if self.find is not None:
            found = self.find(processor.lines, tree)
        else:
            found = violations(self.told, processor.filename, processor.lines, tree, self.seen)
        if found:
            from flake8_celery_tasks.engine import baseline

            self.scopes = baseline.scopes(tree, {violation.line for violation in found})
        for line, column, code, text in found:
            self.report(code, line, column, text)

    def _known_tree(self) -> ast.Module | None:
        if self.find is not None:
            return self.tree
        return known_tree(self.told, self.processor.filename, self.processor.lines)

    def run_checks(self) -> tuple[str, list[tuple[str, int, int, str, str | None]], dict[str, int]]:
        self.scopes = {}
        self.seen = []
        return super().run_checks()

    def process_tokens(self) -> None:
        """Do nothing: no plugin needs tokens."""

    @cached_property
    def silencing(self) -> list[int]:
        """The lines that may contain a `# noqa`."""
        if "noqa" not in self.processor.text.lower():
            return []
        return [number for number, line in enumerate(self.processor.lines, 1) if "noqa" in line.lower()]

    def is_silenced(self, line: int) -> bool:
        """Return whether the logical line of a line may contain a `# noqa`."""
        if not self.silencing:
            return False
        lines = self.processor.lines
        first, last = (1, len(lines)) if self.tree is None else statement_around(self.tree, lines, line)
        return bisect_left(self.silencing, first) < bisect_right(self.silencing, last)

    def report(self, error_code: str | None, line_number: int, column: int, text: str) -> str:
        """Store a report. Its logical line is looked up only if that matters: it needs all tokens."""
        processor = getattr(self, "processor", None)  # there is none yet if the file can't be read
        if processor is None or self.options.show_source or self.is_silenced(line_number):
            return super().report(error_code, line_number, column, text)
        assert error_code is not None
        self.results.append((error_code, line_number, column, text, ""))
        return error_code


#: For how many statements those inside are kept.
_BLOCKS: Final = 64


def statement_around(tree: ast.Module, lines: Sequence[str], line: int) -> tuple[int, int]:
    """Return the first and last line of a statement around a line, all lines if there is none.

    It is the innermost one that certainly shares no logical line with others: with those next to it or around it.
    """
    found = 1, len(lines)
    block: Sequence[ast.stmt] = tree.body
    while block:
        index = bisect_right(block, line, key=_first_line) - 1
        first, last = (_first_line(block[index]), end_of(block[index])[0]) if index >= 0 else (0, 0)
        following = _first_line(block[index + 1]) if index + 1 < len(block) else len(lines) + 1
        if not (line <= last < following and _is_first(lines, start_of(first_of(block[index])))) or _goes_on(
            lines, last
        ):
            break
        found = first, last
        block = _inside(block[index])
    return found


@lru_cache(_BLOCKS)
def _inside(statement: ast.stmt) -> list[ast.stmt]:
    """Return the statements directly in another, in the order of their lines: each finding in them asks for these."""
    return sorted(statements_in(statement), key=_first_line)


def _first_line(statement: ast.stmt) -> int:
    return start_of(first_of(statement))[0]


def _is_first(lines: Sequence[str], start: tuple[int, int]) -> bool:
    """Return whether a statement is the first thing in its logical line."""
    line, column = start
    return not lines[line - 1][:column].strip(" \t\f@") and not _goes_on(lines, line - 1)


def _goes_on(lines: Sequence[str], line: int) -> bool:
    """Return whether a line ends with a backslash."""
    return line > 0 and lines[line - 1].rstrip("\r\n").endswith("\\")
