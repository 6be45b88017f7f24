"""Hover: the description of a task, an option or a setting."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, NamedTuple

from flake8_celery_tasks.catalog import call_options, task_options
from flake8_celery_tasks.catalog import settings as catalog_settings
from flake8_celery_tasks.catalog.methods import OPTION_KINDS
from flake8_celery_tasks.celery_model.version import version_of
from flake8_celery_tasks.facts.calls import retries_in
from flake8_celery_tasks.server.answers import common
from flake8_celery_tasks.server.text import Span
from flake8_celery_tasks.workspace.source import start_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flake8_celery_tasks.celery_model.definitions import Definition
    from flake8_celery_tasks.facts.facts import Facts
    from flake8_celery_tasks.server.desk import Buffer, Sight

#: How many senders are shown.
SHOWN: Final = 10

_QUESTIONS: Final = {
    "runs": "Runs",
    "retries": "Retried",
    "result": "Result",
    "status": "Status",
    "start": "Start",
    "time_limit": "Time limits",
    "queue": "Queue",
}


class Hover(NamedTuple):
    """Markdown about a part of a file."""

    markdown: str
    span: Span


def hover(sight: Sight, buffer: Buffer, offset: int) -> Hover | None:
    """Return the description of what is at a position, None if there is none."""
    option = option_at(sight, buffer, offset)
    if option is not None:
        return option
    use = common.use_at(sight, buffer.path, offset)
    if use is None:
        return None
    told = [text for text in (of_task(sight, one) for one in common.meant(sight, use)) if text]
    return Hover("\n\n---\n\n".join(told), use.span) if told else None


def of_task(sight: Sight, definition: Definition) -> str:
    """Return what is known about a task."""
    task = common.task(sight, definition)
    if task is None:
        return ""
    said = common.entry(sight, task)
    lines = [
        f"```python\n{task.own_name}{common.signature(task)}\n```",
        f"Task `{said.name or '?'}` in {common.place_of(sight, definition)}",
        "\n".join(f"- {title}: {getattr(said, key)}" for key, title in _QUESTIONS.items() if getattr(said, key)),
    ]
    senders = said.sent_from
    count = f"{len(senders)} place{'' if len(senders) == 1 else 's'}"
    shown = [f"- {one}" for one in senders[:SHOWN]]
    if len(senders) > SHOWN:
        shown.append(f"- and {len(senders) - SHOWN} more")
    lines.append(
        "\n".join([f"Sent from {count}" + (":" if senders else "."), "", *shown] if shown else [f"Sent from {count}."])
    )
    document = ast.get_docstring(task.function)
    return "\n\n".join([*lines, document] if document else lines)


# Options and settings.


def option_at(sight: Sight, buffer: Buffer, offset: int) -> Hover | None:
    """Return the catalogue's description of the option or setting at a position."""
    facts = sight.facts(buffer.path)
    if facts is None:
        return None
    source = buffer.text.source
    for node, length, text in (*_documented(facts), *_read(facts, buffer.text.text, offset)):
        start = source.offset(*start_of(node))
        if isinstance(node, ast.Attribute):
            start = source.end(node) - length
        if start <= offset <= start + length:
            return Hover(text, Span(buffer.path, start, start + length))
    return None


def _documented(facts: Facts) -> Iterator[tuple[ast.AST, int, str]]:
    """Yield the nodes that start with the name of an option, the name's length, and the catalogue's description."""
    for task in facts.tasks:
        for keyword in getattr(task.decorator, "keywords", ()):
            if keyword.arg in task_options.OPTIONS:
                yield keyword, len(keyword.arg), of_task_option(keyword.arg)
        for name in task_options.OPTIONS if task.is_class else ():
            given = task.keyword(name)
            if isinstance(given, (ast.Assign, ast.AnnAssign)):
                yield given, len(name), of_task_option(name)
    calls = [call.node for call in facts.invocations if call.method in OPTION_KINDS]
    retries = [retry.node for retry in retries_in(facts) if retry.own is not None]
    for node in (*calls, *retries):
        for keyword in node.keywords:
            if keyword.arg in call_options.OPTIONS:
                yield keyword, len(keyword.arg), of_call_option(keyword.arg)
    yield from _settings(facts)


def _settings(facts: Facts) -> Iterator[tuple[ast.AST, int, str]]:
    version = version_of(facts.project)
    for setting in facts.configured[0]:
        if setting.name is not None:
            node: ast.AST = setting.node
            length = len(setting.key)
            if isinstance(node, ast.Assign):
                node = node.targets[0]
            elif isinstance(node, ast.Subscript):
                node = node.slice
            if isinstance(node, ast.Constant):
                length += 2
            yield node, length, of_setting(setting.name, version)


def _read(facts: Facts, text: str, offset: int) -> Iterator[tuple[ast.AST, int, str]]:
    """Yield the settings that a file reads, if there may be one at an offset."""
    if ".conf." in text[text.rfind("\n", 0, offset) + 1 : offset + 1]:
        version = version_of(facts.project)
        for node in common.settings_read(facts):
            if node.attr in catalog_settings.SETTINGS:
                yield node, len(node.attr), of_setting(node.attr, version)


def of_task_option(name: str) -> str:
    """Return the catalogue's description of a task option."""
    option = task_options.OPTIONS[name]
    lines = [f"**{name}**: `{option.type}`, default `{option.default!r}`"]
    if option.setting:
        lines.append(f"Where it is not given, the setting `{option.setting}` applies.")
    if option.requires:
        lines.append(f"Only `{option.requires}` makes Celery read it.")
    if option.note:
        lines.append(f"{option.note[:1].upper()}{option.note[1:]}.")
    return "\n\n".join(lines)


def of_call_option(name: str) -> str:
    """Return the catalogue's description of a call option."""
    option = call_options.OPTIONS[name]
    lines = [f"**{name}**: `{option.type}`, default `{option.default!r}`"]
    if option.note:
        lines.append(f"{option.note[:1].upper()}{option.note[1:]}.")
    return "\n\n".join(lines)


def of_setting(name: str, version: tuple[int, ...]) -> str:
    """Return the catalogue's description of a setting."""
    setting = catalog_settings.SETTINGS[name]
    default = catalog_settings.default_of(name, version)
    lines = [f"**{name}**: `{setting.type}`, default `{default!r}`"]
    option = task_options.option_of_setting(name)
    if option is not None:
        lines.append(f"The option `{option}` of a task beats it.")
    if setting.instead:
        lines.append(f"Use `{setting.instead}` instead.")
    return "\n\n".join(lines)
