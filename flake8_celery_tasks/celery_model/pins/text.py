"""Parsers for requirements files, `setup.cfg`, `setup.py` and Conda's YAML."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING, Final

from flake8_celery_tasks.celery_model.pins.names import is_aside
from flake8_celery_tasks.celery_model.pins.requirement import LONGEST, Include, Mention, is_mentioned, mentions

if TYPE_CHECKING:
    import configparser
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.pins.requirement import Found

_INCLUDES: Final = ("--requirement", "--constraint", "-r", "-c")
_EDITABLE: Final = ("--editable", "-e")

#: Keywords and keys of `setup.py` and `setup.cfg` for packages that are not needed when tasks run.
_SETUP_ONLY: Final = frozenset({"setup_requires", "tests_require"})

#: Conda's exact pin with a build (`celery=5.2.7=py39_0`), and one after a space (`celery 5.2.7`).
_CONDA: Final = r"(?i:celery)\s*(?:(==?\s*[\w.*]+)(?:=\S*)?|(?<=\s)(\d[\w.*]*)(?:\s.*)?)"
_FIELD: Final = r"(name|version|category):\s*[\"']?([\w.+-]+)"


def requirements(text: str) -> Iterator[Found]:
    """Yield what a pip requirements file says about Celery, and the other files that it includes."""
    for number, line in _logical_lines(text):
        yield from _requirement(line, number)


def _requirement(line: str, number: int) -> Iterator[Found]:
    if not line.startswith("-") and not is_mentioned(line):
        return
    line = _without_comment(line).strip()
    option = next((option for option in (*_INCLUDES, *_EDITABLE) if line.startswith(option)), None)
    if option is not None:
        line = line[len(option) :].lstrip(" \t=").strip("\"'")
        if option in _INCLUDES:
            if line and "://" not in line:
                yield Include(line)
            return
    yield from mentions(_without_options(line), number)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with the numbers at which they start; a trailing backslash continues a line."""
    parts: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), 1):
        if not parts:
            start = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            parts.append(line[:-1])
            continue
        yield start, "".join([*parts, line]).lstrip()
        parts.clear()
    if parts:
        yield start, "".join(parts).lstrip()


def _without_comment(line: str) -> str:
    """Return a line up to the `#` that starts a comment: at its beginning or after whitespace."""
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def _without_options(line: str) -> str:
    """Return a requirement without the pip options after it, such as `--hash`."""
    for blank in (" -", "\t-"):
        line = line.partition(blank)[0]
    return line


def conda(text: str) -> Iterator[Found]:
    """Yield what an `environment.yml` says about Celery; a pip list in it is parsed as a requirements file."""
    for number, line in enumerate(text.splitlines(), 1):
        item = line.strip()
        if item.startswith("- "):
            item = item[2:].strip().strip("\"'").strip()
            found = (
                re.fullmatch(_CONDA, _without_comment(item).strip().rpartition("::")[2])
                if len(item) < LONGEST
                else None
            )
            if found:
                yield Mention(found[1] or found[2], number)
            elif not item.startswith("-e"):
                yield from _requirement(item.rpartition("::")[2], number)


def yaml_lock(text: str) -> Iterator[Found]:
    """Yield the versions of Celery in a lock file of Conda's tools: items with name and version, or an address."""
    fields: dict[str, str] = {}
    start = 1
    for number, line in enumerate(text.splitlines(), 1):
        item = line.strip()
        if item == "-" or item.startswith("- "):
            yield from _locked(fields, start)
            fields, start = {}, number
            item = item[1:].lstrip()
            if "/celery-" in item:
                yield from (found._replace(locked=True) for found in mentions(item.partition(": ")[2], number))
        field = re.match(_FIELD, item)
        if field is not None:
            fields.setdefault(field[1], field[2])
    yield from _locked(fields, start)


def _locked(fields: dict[str, str], line: int) -> Iterator[Mention]:
    """Yield what the fields of an item in a lock file say."""
    if fields.get("name") == "celery" and "version" in fields:
        yield Mention(fields["version"], line, aside=is_aside(fields.get("category", "")), locked=True)


def config(text: str) -> Iterator[Found]:
    """Yield what a `setup.cfg` says about Celery."""
    import configparser

    # Long runs of spaces cost the parser quadratic time.
    lines = [" " * line[:1].isspace() + " ".join(line.split()) for line in text.splitlines()]
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string("\n".join(lines))
    except configparser.Error:
        return
    for option, value in (*_items(parser, "options"), *_items(parser, "options.extras_require")):
        for line in value.splitlines():
            if line.startswith("file:"):
                yield from (Include(path.strip()) for path in line[5:].split(","))
            elif is_mentioned(line):
                number = next(number for number, found in enumerate(lines, 1) if line in found)
                yield from mentions(_without_comment(line), number, aside=_is_aside(option))


def _items(parser: configparser.ConfigParser, section: str) -> Iterator[tuple[str, str]]:
    """Yield the options of a section that list requirements."""
    for option, value in parser.items(section) if parser.has_section(section) else ():
        if value and (section != "options" or option.endswith(("_requires", "_require"))):
            yield option, value


def _is_aside(name: str) -> bool:
    """Return whether a keyword of `setup`, or a group of extras, is for packages that are not there when tasks run."""
    return name in _SETUP_ONLY or is_aside(name)


def setup(text: str) -> Iterator[Found]:
    """Yield what the strings in a `setup.py` say about Celery; a string with just the name may mean anything."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return
    nodes: list[tuple[ast.AST, bool]] = [(tree, False)]
    while nodes:
        node, aside = nodes.pop()
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and is_mentioned(node.value):
                for offset, line in enumerate(node.value.splitlines()):
                    yield from (
                        mention for mention in mentions(line, node.lineno + offset, aside=aside) if mention.spec
                    )
        else:
            named = dict(_named(node))
            nodes.extend(
                (child, aside or (child in named and _is_aside(named[child]))) for child in ast.iter_child_nodes(node)
            )


def _named(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield the parts of a node that have a name there: as an argument, as a variable, or in a dict."""
    if isinstance(node, ast.keyword):
        yield node.value, node.arg or ""
    elif isinstance(node, ast.Assign):
        yield node.value, " ".join(target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield value, key.value
