"""Fenced examples in Markdown: the files that they show, and the marks in them."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


#: The file of an example without a title.
DEFAULT_TITLE: Final = "shop/tasks.py"

_FENCE: Final = re.compile(r"^(?P<fence>`{3,})(?P<language>[a-z0-9]*)(?P<rest>.*)$")
_TITLE: Final = re.compile(r'title="([^"]+)"')
_MARK: Final = re.compile(r"#\s*(?P<codes>CLY\d{3}(?:\s*,\s*CLY\d{3})*)(?:\s+\"(?P<text>.*)\")?\s*$")


@dataclass
class Fence:
    """One fenced block: its language, its title, its text, and the line of the document where the text starts."""

    language: str
    title: str
    text: str
    line: int


@dataclass
class Section:
    """A heading and the text below it, up to the next heading."""

    title: str
    line: int
    fences: list[Fence] = field(default_factory=list)
    text: str = ""


@dataclass
class Case:
    """Files that belong together: a project, and its options (`ini` fences)."""

    files: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True)
class Mark:
    """A finding that is expected on a line: a code, and part of the message if the mark gives one."""

    path: str
    line: int
    code: str
    text: str = ""


def sections(markdown: str) -> list[Section]:
    """Return the sections of a document; the text above the first heading is a section without a title."""
    found = [Section("", 1)]
    lines = textwrap.dedent(markdown).splitlines()
    index = 0
    while index < len(lines):
        line = lines[index]
        opened = _FENCE.match(line)
        if opened:
            end = index + 1
            while end < len(lines) and lines[end].rstrip() != opened["fence"]:
                end += 1
            title = _TITLE.search(opened["rest"])
            text = "\n".join(lines[index + 1 : end]) + "\n"
            found[-1].fences.append(Fence(opened["language"], title[1] if title else "", text, index + 2))
            found[-1].text += "\n".join(lines[index : end + 1]) + "\n"
            index = end + 1
            continue
        if line.startswith("#"):
            found.append(Section(line.lstrip("#").strip(), index + 1))
        else:
            found[-1].text += line + "\n"
        index += 1
    return found


def cases(section: Section) -> list[Case]:
    """Return the cases of a section: a fence without a title, or with one that the case has, starts the next."""
    found: list[Case] = []
    options: dict[str, str] = {}
    for fence in section.fences:
        if fence.language == "ini":
            options.update(_options(fence.text))
        elif fence.language == "python":
            title = fence.title or DEFAULT_TITLE
            if not found or title in found[-1].files or not fence.title:
                found.append(Case(line=fence.line))
            found[-1].files[title] = fence.text
        elif fence.title:
            if not found:
                found.append(Case(line=fence.line))
            found[-1].files[fence.title] = fence.text
    for case in found:
        case.options = dict(options)
    return found


def _options(text: str) -> dict[str, str]:
    options = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            options[name.strip().replace("-", "_")] = value.strip()
    return options


def marks(path: str, text: str) -> Iterator[Mark]:
    """Yield the marks in a file: a comment `# CLY101`, or `# CLY101 "part of the message"`, at a line's end."""
    for number, line in enumerate(text.splitlines(), 1):
        found = _MARK.search(line)
        if found:
            for code in found["codes"].split(","):
                yield Mark(path, number, code.strip(), (found["text"] or "").replace('\\"', '"'))
