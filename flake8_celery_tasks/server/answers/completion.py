"""Completion: names of tasks, their parameters, options and settings."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.binding.symbols import Function
from flake8_celery_tasks.catalog import call_options, task_options
from flake8_celery_tasks.catalog import settings as catalog_settings
from flake8_celery_tasks.catalog.methods import BY_NAME, OPTION_KINDS
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.celery_model.task import Defined
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.resolution.modules import parse
from flake8_celery_tasks.resolution.overlay import Overlay
from flake8_celery_tasks.server.answers import common, hover
from flake8_celery_tasks.server.tasks import uses_in
from flake8_celery_tasks.server.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.binding.symbols import Params
    from flake8_celery_tasks.facts.calls import Invocation
    from flake8_celery_tasks.server.desk import Buffer, Sight

#: A placeholder for the word that is being typed.
HERE: Final = "CLY_HERE_"

NAME, PARAMETER, OPTION, SETTING = "name", "parameter", "option", "setting"

_WORD: Final = re.compile(r"\w*$")
_EQUALS: Final = re.compile(r"\s*=(?!=)")
_CONF: Final = re.compile(r"conf\.\w*$")
_CLOSING: Final = {"(": ")", "[": "]", "{": "}"}
_TOKEN: Final = re.compile(r"""\"\"\"|\'\'\'|["']|\#[^\n]*|[()\[\]{}]|\\.""", re.DOTALL)


class Item(NamedTuple):
    """A completion: it replaces the text from one offset to another."""

    label: str
    kind: str
    detail: str
    documentation: str
    start: int
    end: int
    text: str


class _Open(NamedTuple):
    """What is open at a position: a string, with its start and quotes, and brackets."""

    quote: str
    start: int
    brackets: str


def completion(sight: Sight, buffer: Buffer, offset: int) -> list[Item]:
    """Return the completions at a position, whether the text can be parsed there or not."""
    text = buffer.text.text
    opened = _opened(text[:offset])
    if opened.quote:
        return _in_string(sight, buffer, offset, opened)
    word = _WORD.search(text[:offset])
    start = offset if word is None else word.start()
    tail = _tail(text, offset)
    if _CONF.search(text[:offset]):
        candidates = [
            f"{text[:start]}{HERE} = None{_rest(text, offset)}",
            f"{text[:start]}{HERE}{text[tail:]}",
            *_closed(f"{text[:start]}{HERE}", opened, text, tail),
        ]
    else:
        candidates = [
            f"{text[:start]}{HERE}=None{text[tail:]}",
            *_closed(f"{text[:start]}{HERE}=None", opened, text, tail),
        ]
    facts = _parsed(sight, buffer.path, candidates)
    equals = "" if _EQUALS.match(text, tail) else "="
    return [] if facts is None else list(_words(facts, start, offset, equals))


def _tail(text: str, offset: int) -> int:
    """Return the end of the word that continues after an offset."""
    found = re.compile(r"\w*").match(text, offset)
    return offset if found is None else found.end()


def _rest(text: str, offset: int) -> str:
    """Return the text after the line of an offset."""
    end = text.find("\n", offset)
    return "" if end < 0 else text[end:]


def _closed(head: str, opened: _Open, text: str, offset: int) -> Iterator[str]:
    closing = "".join(_CLOSING[bracket] for bracket in reversed(opened.brackets))
    yield f"{head}{closing}{text[offset:]}"
    yield f"{head}{closing}{_rest(text, offset)}"


def _opened(text: str) -> _Open:
    """Return what is open at the end of a text."""
    brackets: list[str] = []
    quote, start = "", 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        if quote:
            if token == quote or (len(quote) == 1 and token.startswith(quote)):
                quote = ""
            continue
        if token[0] in "\"'":
            quote, start = token, found.start()
        elif token in _CLOSING:
            brackets.append(token)
        elif token in ")]}" and brackets:
            brackets.pop()
    if quote in ('"', "'") and "\n" in text[start:]:
        quote = ""
    return _Open(quote, start, "".join(brackets))


def _parsed(sight: Sight, path: str, candidates: Iterable[str]) -> Facts | None:
    """Return the facts of the first text that can be parsed."""
    for text in candidates:
        tree = parse(text.encode("utf-8", "surrogatepass"))
        if tree is not None:
            project = Overlay(sight.project, path)
            return Facts(project, project.open(path, Text(text).source, tree))
    return None


# Inside a string.


def _in_string(sight: Sight, buffer: Buffer, offset: int, opened: _Open) -> list[Item]:
    text = buffer.text.text
    start = opened.start + len(opened.quote)
    end = text.find(opened.quote, offset)
    line_end = text.find("\n", offset)
    if end < 0 or (len(opened.quote) == 1 and 0 <= line_end < end):
        end = offset
    head = text[:offset] + opened.quote
    behind = text[end + len(opened.quote) :] if end > offset or text[end:].startswith(opened.quote) else text[offset:]
    whole = [text, *_closed(head, opened, text, offset)]
    keys = [f"{head}: None{behind}", *_closed(f"{head}: None", opened, text, offset)]  # the first half of an item
    found = _of_string(sight, _parsed(sight, buffer.path, [*whole, *keys]), opened.start, start, end)
    if not found and opened.brackets.endswith("{"):  # one string in braces is a set
        found = _of_string(sight, _parsed(sight, buffer.path, keys), opened.start, start, end)
    return found


def _of_string(sight: Sight, facts: Facts | None, quote: int, start: int, end: int) -> list[Item]:
    """Return the completions of the string whose quotes start at an offset, as a parsed text has it."""
    if facts is None:
        return []
    uses = uses_in(facts, Text(facts.module.source.text))
    if any(use.literal is not None and use.literal.start <= quote < use.literal.end for use in uses):
        return list(_names(sight, start, end))
    for call in facts.invocations:
        given = _keys_at(call, facts, quote)
        if given is not None:
            return list(_parameters(sight, call, given, start, end))
    return []


def _names(sight: Sight, start: int, end: int) -> Iterator[Item]:
    for name in sorted(tasks_of(sight.project).by_name):
        for one in sight.called(name)[:1]:
            symbol = one.symbol
            detail = shown(Defined(sight.project, one).accepts) if isinstance(symbol, Function) else ""
            yield Item(name, NAME, detail, f"Task in {common.place_of(sight, one)}", start, end, name)


def shown(params: Params | None) -> str:
    """Return parameters as written, without their defaults."""
    if params is None:
        return "(...)"
    ordered = list(params.ordered)
    optional = len(ordered) - params.defaults
    parts = [name if i < optional else f"{name}=..." for i, name in enumerate(ordered)]
    if params.vararg:
        parts.append(f"*{params.vararg}")
    elif params.keyword_only:
        parts.append("*")
    parts += [name if name in params.keyword_required else f"{name}=..." for name in params.keyword_only]
    if params.kwarg:
        parts.append(f"**{params.kwarg}")
    return f"({', '.join(parts)})"


def _keys_at(call: Invocation, facts: Facts, start: int) -> set[str] | None:
    """Return the keys in a call's `kwargs` except for the string at `start`; None if the string is not in one."""
    keyword = call.keyword("kwargs")
    method = BY_NAME.get(call.method)
    node = keyword.value if keyword is not None else None
    if node is None and method is not None and len(call.node.args) > method.args + 1:
        node = call.node.args[method.args + 1]
    keys = node.keys if isinstance(node, ast.Dict) else node.elts if isinstance(node, ast.Set) else []
    texts = [key for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    source = facts.module.source
    if not any(source.start(key) == start for key in texts):
        return None
    return {str(key.value) for key in texts if source.start(key) != start}


def _parameters(sight: Sight, call: Invocation, given: set[str], start: int, end: int) -> Iterator[Item]:
    found = [] if call.definition is None else [call.definition]
    if call.by_name and isinstance(call.name, str):
        found = sight.called(call.name)
    for one in found[:1]:
        params = Defined(sight.project, one).accepts
        if params is not None:
            for name in (*params.positional, *params.keyword_only):
                if name not in given:
                    yield Item(
                        name,
                        PARAMETER,
                        one.symbol.qualname,
                        f"Of the task in {common.place_of(sight, one)}",
                        start,
                        end,
                        name,
                    )


# Outside of strings.


def _words(facts: Facts, start: int, end: int, equals: str) -> Iterator[Item]:
    """Yield the completions of the placeholder; `equals` follows a keyword."""
    version = version_of(facts.project)
    for task in facts.tasks:
        keywords = {keyword.arg for keyword in getattr(task.decorator, "keywords", ())}
        if HERE in keywords:
            for name in sorted(task_options.decorator_names(version) - keywords):
                option = task_options.OPTIONS[name]
                yield Item(name, OPTION, option.type, hover.of_task_option(name), start, end, name + equals)
            return
    for call in facts.invocations:
        keywords = {keyword.arg for keyword in call.node.keywords}
        if HERE in keywords and call.method in OPTION_KINDS:
            for name in sorted(call_options.keywords(OPTION_KINDS[call.method], version) - keywords):
                known = call_options.OPTIONS.get(name)
                detail, said = (known.type, hover.of_call_option(name)) if known is not None else ("", "")
                yield Item(name, OPTION, detail, said, start, end, name + equals)
            return
    setting = next((one for one in facts.configured[0] if one.key == HERE), None)
    if setting is not None:
        yield from _settings(version, start, end, "" if isinstance(setting.node, ast.Attribute) else equals)
    elif any(one.attr == HERE for one in common.settings_read(facts)):
        yield from _settings(version, start, end, "")


def _settings(version: tuple[int, ...], start: int, end: int, equals: str) -> Iterator[Item]:
    for name, one in catalog_settings.SETTINGS.items():
        if one.exists(version):
            yield Item(name, SETTING, one.type, hover.of_setting(name, version), start, end, name + equals)
