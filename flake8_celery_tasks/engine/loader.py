"""The rules: found in their folders, imported when a run needs them."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks import rules as package
from flake8_celery_tasks.rules.rule import OPT_IN, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@cache
def rules() -> tuple[Rule[Any], ...]:
    """Return all rules, by code. The folder is the registry: each file in a topic's folder is a rule."""
    return tuple(sorted(_load(opt_in=False) + _load(opt_in=True), key=lambda rule: rule.code))


#: A rule's code, in its class.
_CODE: Final = re.compile(r'^    code = "(\w+)"$', re.MULTILINE)


def codes() -> tuple[str, ...]:
    """Return the codes of all rules, read from their files: importing them all takes longer."""
    return tuple(sorted(_places()))


def named(some: Iterable[str]) -> dict[str, Rule[Any]]:
    """Return the rules with some codes, by code, and import only those; codes that are not ours are left out."""
    places = _places()
    found: dict[str, Rule[Any]] = {}
    for code in set(some):
        if code in places:
            found.update((rule.code, rule) for rule in _in_file(places[code]))
    return found


@cache
def _places() -> dict[str, str]:
    """Return the file of each rule, by code."""
    found: dict[str, str] = {}
    for path in _files():
        with open(path, encoding="utf-8") as file:
            found.update(dict.fromkeys(_CODE.findall(file.read()), path))
    return found


def _files() -> Iterator[str]:
    (folder,) = package.__path__
    for topic in sorted(os.listdir(folder)):
        below = os.path.join(folder, topic)
        if os.path.isdir(below):
            yield from (os.path.join(below, name) for name in sorted(os.listdir(below)) if name.endswith(".py"))


@cache
def _load(*, opt_in: bool) -> list[Rule[Any]]:
    """Return the opt-in rules, or the others: a run imports only what it needs."""
    (folder,) = package.__path__
    found: list[Rule[Any]] = []
    for topic in sorted(os.listdir(folder)):
        below = os.path.join(folder, topic)
        if "." in topic or topic.startswith("_") or (topic == OPT_IN) != opt_in or not os.path.isdir(below):
            continue
        for name in sorted(os.listdir(below)):
            if name.endswith(".py") and not name.startswith("_"):
                found += _in_file(os.path.join(below, name))
    return found


@cache
def _in_file(path: str) -> list[Rule[Any]]:
    """Return the rules that a file in a topic's folder defines."""
    folder, name = os.path.split(path)
    module = import_module(f"{package.__name__}.{os.path.basename(folder)}.{name[:-3]}")
    return [
        value()
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
    ]


@cache
def wanted(opted: tuple[str, ...] = ()) -> tuple[Rule[Any], ...]:
    """Return the rules that run: all except the opt-in ones, plus opt-in rules whose codes start with a prefix."""
    chosen = _load(opt_in=False)
    if opted:
        chosen = chosen + [rule for rule in _load(opt_in=True) if rule.code.startswith(opted)]
    return tuple(sorted(chosen, key=lambda rule: rule.code))


@cache
def by_kind(chosen: tuple[Rule[Any], ...]) -> tuple[tuple[type, tuple[Rule[Any], ...]], ...]:
    """Return the rules by the kinds of facts that they check."""
    kinds: dict[type, list[Rule[Any]]] = {}
    for rule in chosen:
        for kind in rule.kinds:
            kinds.setdefault(kind, []).append(rule)
    return tuple((kind, tuple(some)) for kind, some in kinds.items())
