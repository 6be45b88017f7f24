"""The format for people: each finding with its rule's name and its source line, with the relevant part underlined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.core.text import LOG_COMMAND, plain, width
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.flake8_host import reporting
from flake8_celery_tasks.flake8_host.ranges import places
from flake8_celery_tasks.pages import explain
from flake8_celery_tasks.report.screen import PLAIN, link
from flake8_celery_tasks.rules.rule import name_of

if TYPE_CHECKING:
    from argparse import Namespace

    from flake8_celery_tasks.engine.findings import Finding, Outcome
    from flake8_celery_tasks.flake8_host.ranges import Place
    from flake8_celery_tasks.report.screen import Screen


_BOLD, _RED, _CYAN, _RESET = "\033[1m", "\033[1m\033[31m", "\033[36m", "\033[m"

#: The width of a tab stop.
_TAB: Final = 4

_CUT: Final = "..."


def render(outcome: Outcome, options: Namespace, screen: Screen = PLAIN) -> str:
    """Return each finding with an excerpt, for what a screen can show."""
    rules = loader.named(finding.code for finding in outcome.findings)
    names = {code: name_of(type(rule)) for code, rule in rules.items()}
    links = {code: explain.address(rule) for code, rule in rules.items()} if screen.links else {}
    known = places(outcome.findings, options)
    parts = []
    for finding in outcome.findings:
        head = _head(finding, names.get(finding.code, ""), links.get(finding.code, ""), colored=screen.colored)
        place = known.get(finding)
        parts.append(f"{head}\n{_excerpt(place, screen) if place else ''}")
    figures = reporting.figures(options, outcome.statistics, len(outcome.findings))
    return "\n".join([*parts, *([figures] if figures else [])])


def _head(finding: Finding, name: str, address: str, *, colored: bool) -> str:
    bold, red, cyan, reset = (_BOLD, _RED, _CYAN, _RESET) if colored else ("",) * 4
    colon = f"{cyan}:{reset}"
    path = f"{bold}{plain(finding.path, of_bytes=True)}{reset}"
    code = link(finding.code, address) if address else finding.code
    rule = f" {cyan}[{name}]{reset}" if name else ""
    where = f"{path}{colon}{finding.line}{colon}{finding.column}{colon}"
    return f"{where} {red}{code}{reset} {plain(finding.text)}{rule}"


def _excerpt(place: Place, screen: Screen) -> str:
    """Return the line of a place, followed by one that underlines the range."""
    source, start, end = place
    first = source.line_start(start)
    line = source.text[first : source.line_end(start)].rstrip("\r\n")
    number = str(source.line_at(start) + 1)
    begin = min(start - first, len(line))
    shown, before, size = _fitted(
        _cells(line, screen.encoding), begin, min(end - first, len(line)), screen.width - len(number) - 3
    )
    bold, red, cyan, reset = ("", _RED, _CYAN, _RESET) if screen.colored else ("",) * 4
    gap = " " * len(number)
    return (
        f"{cyan}{gap} |{reset}\n{cyan}{number} |{reset} {shown}".rstrip()
        + f"\n{cyan}{gap} |{reset} {bold}{' ' * before}{red}{'^' * size}{reset}\n"
    )


def _cells(line: str, encoding: str) -> list[str]:
    """Return how each character of a line is displayed: tabs as spaces, unprintable ones as escapes."""
    cells = []
    column = 0
    for index, character in enumerate(line):
        if character == "\t":
            cell = " " * (_TAB - column % _TAB)
        elif LOG_COMMAND.match(line, index):
            cell = "\\x23"
        elif character.isprintable() and _is_in(character, encoding):
            cell = character
        else:
            cell = ascii(character)[1:-1]
        cells.append(cell)
        column += width(cell)
    return cells


def _is_in(character: str, encoding: str) -> bool:
    if character.isascii():
        return True
    try:
        character.encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def _fitted(cells: list[str], begin: int, end: int, room: int) -> tuple[str, int, int]:
    """Return as much of a line as fits, and the start and width of its range, all in columns."""
    sizes = [width(cell) for cell in cells]
    first, last, front, back = 0, len(cells), "", ""
    if sum(sizes) > room:
        space = sum(sizes[:begin])
        while first < begin and space > room // 3:  # keep some of what comes before
            space -= sizes[first]
            first += 1
        front = _CUT if first else ""
        left = room - len(front) - len(_CUT)
        last, taken = first, 0
        while last < len(cells) and taken + sizes[last] <= left:
            taken += sizes[last]
            last += 1
        back = _CUT if last < len(cells) else ""
    before = len(front) + sum(sizes[first:begin])
    size = sum(sizes[begin : min(end, last)])
    return front + "".join(cells[first:last]) + back, before, max(size, 1)
