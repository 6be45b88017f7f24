"""Comments that silence findings: adds them, and reports those that silence nothing."""

from __future__ import annotations

import ast
import contextlib
import re
import tokenize
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8.processor import FileProcessor

from flake8_celery_tasks.core.violation import INTERNAL, PREFIX, UNUSED, is_broken
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.fixer import files as fixer_files
from flake8_celery_tasks.flake8_host import reporting
from flake8_celery_tasks.flake8_host.ranges import source_of
from flake8_celery_tasks.flake8_host.reporting import Checked, Row
from flake8_celery_tasks.workspace.source import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from flake8.violation import Violation

    from flake8_celery_tasks.flake8_host.configuration import Configuration


#: The comments that flake8 obeys. Codes may be separated by commas and spaces.
NOQA: Final = re.compile(
    r"# noqa(?::\s?(?P<codes>[A-Z]+[0-9]+(?:(?:\s*,\s*|\s+)[A-Z]+[0-9]+)*))?(?![A-Z0-9])", re.IGNORECASE
)
_CODE: Final = re.compile(r"[A-Z]+[0-9]+", re.IGNORECASE)

_NO_PLACE: Final = "line {} can't have a comment that silences it, left alone"
_UNREADABLE: Final = "can't be read, left alone"


class Comment(NamedTuple):
    """A comment: its line (from 1), its column (from 0), and its text."""

    line: int
    column: int
    text: str


class Layout:
    """The comments of a text, and the lines that flake8 treats as one: those joined by strings and backslashes."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = [f"{content}\n" if (content := line.rstrip("\r\n")) != line else line for line in lines]
        self.comments: dict[int, Comment] = {}
        self._spans: dict[int, range] = {}
        feed = iter(self.lines)
        first, last = 0, 0
        with contextlib.suppress(tokenize.TokenError, SyntaxError):
            for kind, text, start, end, _ in tokenize.generate_tokens(lambda: next(feed, "")):
                if kind in (tokenize.ENDMARKER, tokenize.DEDENT):
                    continue
                first, last = first or start[0], end[0]
                if kind == tokenize.COMMENT:
                    self.comments[start[0]] = Comment(*start, text)
                if kind in (tokenize.NL, tokenize.NEWLINE):
                    self._spans.update(dict.fromkeys(range(first, last + 1), range(first, last + 1)))
                    first = 0

    def span(self, line: int) -> range:
        """Return the lines that flake8 treats as one with a given line."""
        return self._spans.get(line, range(line, line + 1))

    def physical(self, line: int) -> str:
        """Return the text that flake8 searches for a comment that silences the findings on a line."""
        return "".join(self.lines[number - 1] for number in self.span(line) if number <= len(self.lines))


# Adding.


class Added(NamedTuple):
    """How many findings were silenced, in how many files, and what was left unchanged: path and reason."""

    findings: int
    files: int
    left_alone: list[tuple[str, str]]


def add(violations: Iterable[Violation]) -> Added:
    """Add comments for findings to their files. Encodings, line ends and everything else stay unchanged."""
    by_path: dict[str, list[Violation]] = {}
    for one in violations:
        if one.code.startswith(PREFIX) and one.code not in (INTERNAL, UNUSED):
            by_path.setdefault(one.filename, []).append(one)
    silenced, changed = 0, 0
    left_alone: list[tuple[str, str]] = []
    for path, found in by_path.items():
        known = fixer_files.read(path)
        if known is None or fixer_files.is_installed(path):
            left_alone.append((path, _UNREADABLE if known is None else "is installed, left alone"))
            continue
        text, failed = with_comments(known.text, found)
        left_alone += [(path, _NO_PLACE.format(line)) for line in failed]
        problem = fixer_files.rewrite(path, known, text) if text != known.text else ""
        if problem:
            left_alone.append((path, problem))
        elif text != known.text:
            changed += 1
            silenced += sum(one.line_number not in failed for one in found)
    return Added(silenced, changed, left_alone)


def with_comments(text: str, found: Sequence[Violation]) -> tuple[str, list[int]]:
    """Return a text with comments that silence some findings, and the lines of those that no comment can silence."""
    before = Layout(lines_of(text))
    by_line: dict[int, set[str]] = {}
    for one in found:
        by_line.setdefault(before.span(one.line_number)[-1], set()).add(one.code)
    failed: set[int] = set()
    while True:
        lines = lines_of(text)
        for line, codes in by_line.items():
            if line not in failed and line <= len(lines):
                lines[line - 1] = _commented(lines[line - 1], before.comments.get(line), codes)
        after = Layout(lines)
        broken = {
            before.span(one.line_number)[-1]
            for one in found
            if not one._replace(physical_line=after.physical(one.line_number)).is_inline_ignored(False)
        }
        if broken <= failed:
            break
        failed |= broken
    result = "".join(lines)
    tree = _tree(text)
    if tree is None or _tree(result) != tree:
        return text, sorted({one.line_number for one in found})
    return result, sorted({one.line_number for one in found if before.span(one.line_number)[-1] in failed})


def _commented(line: str, comment: Comment | None, codes: Iterable[str]) -> str:
    """Return a line with a comment for some codes, merged with an existing one."""
    content = line.rstrip("\r\n")
    end = line[len(content) :]
    known = NOQA.search(content, comment.column) if comment is not None else None
    if known is not None and known["codes"]:
        there = set(_CODE.findall(known["codes"]))  # flake8 does not accept cly101 for CLY101
        more = sorted(set(codes) - there)
        separator = ", " if ", " in known["codes"] else ","
        place = known.end("codes")
        return content[:place] + "".join(f"{separator}{code}" for code in more) + content[place:] + end
    return f"{content.rstrip()}  # noqa: {','.join(sorted(codes))}{end}"


def _tree(text: str) -> str | None:
    """Return a dump of a text's syntax tree, None if it can't be parsed."""
    try:
        return ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# Comments that silence nothing.


def unused(configuration: Configuration, checked: Sequence[Checked], names: Iterable[str]) -> list[Checked]:
    """Return the findings in some files, along with the comments for our codes that silence nothing."""
    by_path = {one.path: one for one in checked}
    options = configuration.options
    open_options = _changed(configuration, disable_noqa=True).options
    for name in names:
        path = options.stdin_display_name if name == "-" else name
        one = by_path.get(path, Checked(path, [], {}))
        source = source_of(path, options)
        if source is None or "noqa" not in source.text.lower() or any(is_broken(row.code) for row in one.rows):
            continue
        if FileProcessor(path, options, lines=list(source.lines)).should_ignore_file():
            continue
        found = reporting.decide(open_options, [one])[0] if one.rows else []
        rows = list(_unused(configuration, path, Layout(source.lines), found))
        if rows:
            by_path[path] = one._replace(rows=[*one.rows, *rows])
    return list(by_path.values())


def with_unused(configuration: Configuration) -> Configuration:
    """Return a configuration that reports such comments, unless their code is ignored."""
    options = configuration.options
    if UNUSED.startswith((*(options.ignore or ()), *(options.extend_ignore or ()))):
        return configuration
    return _changed(configuration, extend_select=[*(options.extend_select or ()), UNUSED])


def _changed(configuration: Configuration, **values: object) -> Configuration:
    options = type(configuration.options)(**{**vars(configuration.options), **values})
    return configuration._replace(options=options)


def _unused(configuration: Configuration, path: str, layout: Layout, found: Sequence[Violation]) -> Iterator[Row]:
    for comment in layout.comments.values():
        known = NOQA.search(comment.text)
        if known is None or not known["codes"]:
            continue
        span = layout.span(comment.line)
        codes = [one.code for one in found if one.line_number in span]
        for code in _CODE.finditer(known["codes"]):
            name = code[0].upper()
            if not name.startswith(PREFIX) or name == UNUSED or any(one.startswith(code[0]) for one in codes):
                continue
            rules = [rule.code for rule in loader.rules() if rule.code.startswith(name)]
            running = {rule.code for rule in loader.wanted(configuration.run.opted)}
            if running.issuperset(rules) and reporting.are_selected(configuration.options, path, rules):
                advice = "remove it" if code[0] == name else f"write {name}, or remove it"
                says = f"noqa for {code[0]} silences nothing: {advice}"
                column = comment.column + known.start("codes") + code.start()
                says = says if rules else f"there is no rule {name} to silence"
                yield Row(UNUSED, comment.line, column, says, layout.physical(comment.line))
