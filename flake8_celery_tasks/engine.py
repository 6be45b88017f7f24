"""Facts to violations: each rule is given the facts of its kind, and what it says is put in source order."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.link import Facts
from flake8_celery_tasks.rule import OPT_IN, Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project


@cache
def rules() -> tuple[Rule[Any], ...]:
    """Return all rules, by code. The folder is the registry: each file in a topic's folder is a rule."""
    return tuple(sorted(_load(opt_in=False) + _load(opt_in=True), key=lambda rule: rule.code))


@cache
def _load(*, opt_in: bool) -> list[Rule[Any]]:
    """Return the rules that are opt-in, or those that are not: no run imports what it does not need."""
    package = f"{__package__}.rules"
    folder = os.path.join(os.path.dirname(__file__), "rules")
    found: list[Rule[Any]] = []
    for topic in sorted(os.listdir(folder)):
        below = os.path.join(folder, topic)
        if "." in topic or topic.startswith("_") or (topic == OPT_IN) != opt_in or not os.path.isdir(below):
            continue
        for name in sorted(os.listdir(below)):
            if name.endswith(".py") and not name.startswith("_"):
                module = import_module(f"{package}.{topic}.{name[:-3]}")
                found.extend(
                    value()
                    for value in vars(module).values()
                    if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
                )
    return found


@cache
def wanted(opted: tuple[str, ...] = ()) -> tuple[Rule[Any], ...]:
    """Return the rules that run: all but the opt-in ones, and of these the ones whose codes start with a prefix."""
    chosen = _load(opt_in=False)
    if opted:
        chosen = chosen + [rule for rule in _load(opt_in=True) if rule.code.startswith(opted)]
    return tuple(sorted(chosen, key=lambda rule: rule.code))


@cache
def _by_kind(chosen: tuple[Rule[Any], ...]) -> tuple[tuple[type, tuple[Rule[Any], ...]], ...]:
    """Return rules by the kind of fact that they judge."""
    kinds: dict[type, list[Rule[Any]]] = {}
    for rule in chosen:
        kinds.setdefault(rule.kind, []).append(rule)
    return tuple((kind, tuple(some)) for kind, some in kinds.items())


def check(project: Project, module: Module, chosen: Iterable[Rule[Any]] | None = None) -> list[Violation]:
    """Return the violations in a module, in source order. Without `chosen`, all rules run that are not opt-in."""
    return sorted({violation for _, _, violation in judge(project, module, wanted() if chosen is None else chosen)})


def judge(project: Project, module: Module, chosen: Iterable[Rule[Any]]) -> Iterator[tuple[Rule[Any], Any, Violation]]:
    """Yield what rules say of a module, each time with the rule and the fact that it judged."""
    facts = Facts(project, module)
    is_test: bool | None = None
    for kind, some in _by_kind(tuple(chosen)):
        found = list(facts.of(kind))
        for rule in some if found else ():
            if rule.quiet_in_tests:
                if is_test is None:
                    is_test = project.is_test(module)
                if is_test:
                    continue
            for fact in found:
                for violation in rule.check(fact):
                    yield rule, fact, violation
