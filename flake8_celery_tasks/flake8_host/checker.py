"""Checks one file as flake8 does, with this plugin alone."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from flake8.checker import FileChecker
from flake8.processor import FileProcessor

from flake8_celery_tasks.core import errors, regular
from flake8_celery_tasks.core.errors import UsageError, one_line
from flake8_celery_tasks.core.violation import INTERNAL
from flake8_celery_tasks.engine import concern, seen
from flake8_celery_tasks.engine.check import violations
from flake8_celery_tasks.flake8_host.reporting import NOTHING, Checked, Row, silencing
from flake8_celery_tasks.workspace import gate

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

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

    def _make_processor(self) -> FileProcessor | None:
        if self.given is None:
            made: FileProcessor | None = super()._make_processor()  # type: ignore[misc] # the stubs lack it
            return made
        return FileProcessor(self.filename, self.options, lines=list(self.given))

    def run_ast_checks(self) -> None:
        self.scopes = {}
        processor = self.processor
        text = "".join(processor.lines)
        # The function that finds violations has already run.
        if self.find is None and not (
            concern.passes(self.told, processor.filename, text) or gate.passes(text, seen.MARKS)
        ):
            return
        try:
            tree: ast.Module = self.tree or processor.build_ast()
        except (ValueError, RecursionError, MemoryError) as error:
            # Null characters, and code that is nested too deeply: newer Pythons report these themselves.
            raise SyntaxError(one_line(error) or type(error).__name__) from None
        if self.find is not None:
            found = self.find(processor.lines, tree)
        else:
            found = violations(self.told, processor.filename, processor.lines, tree, self.seen)
        if found:
            from flake8_celery_tasks.engine import baseline

            self.scopes = baseline.scopes(tree, {violation.line for violation in found})
        for line, column, code, text in found:
            self.report(code, line, column, text)

    def run_checks(self) -> tuple[str, list[tuple[str, int, int, str, str | None]], dict[str, int]]:
        self.scopes = {}
        self.seen = []
        return super().run_checks()

    def process_tokens(self) -> None:
        """Do nothing: no plugin needs tokens."""

    @cached_property
    def may_silence(self) -> bool:
        return silencing(self.processor.lines)

    def report(self, error_code: str | None, line_number: int, column: int, text: str) -> str:
        """Store a report. Its logical line is looked up only if that matters: it needs all tokens."""
        processor = getattr(self, "processor", None)  # there is none yet if the file can't be read
        if processor is None or self.options.show_source or self.may_silence:
            return super().report(error_code, line_number, column, text)
        assert error_code is not None
        self.results.append((error_code, line_number, column, text, ""))
        return error_code
