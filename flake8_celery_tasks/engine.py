"""Facts to violations: each rule is given the facts of its kind, and what it says is put in source order."""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flake8_celery_tasks.link import Facts
from flake8_celery_tasks.rule import Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flake8_celery_tasks.module import Module
    from flake8_celery_tasks.project import Project


@cache
def rules() -> tuple[Rule[Any], ...]:
    """Return all rules, by code. The folder is the registry: each file in a topic's folder is a rule."""
    package = f"{__package__}.rules"
    folder = os.path.join(os.path.dirname(__file__), "rules")
    found: list[Rule[Any]] = []
    for topic in sorted(os.listdir(folder)):
        below = os.path.join(folder, topic)
        if "." in topic or topic.startswith("_") or not os.path.isdir(below):
            continue
        for name in sorted(os.listdir(below)):
            if name.endswith(".py") and not name.startswith("_"):
                module = import_module(f"{package}.{topic}.{name[:-3]}")
                found.extend(
                    value()
                    for value in vars(module).values()
                    if isinstance(value, type) and issubclass(value, Rule) and value.__module__ == module.__name__
                )
    return tuple(sorted(found, key=lambda rule: rule.code))


@cache
def wanted(opted: tuple[str, ...] = ()) -> tuple[Rule[Any], ...]:
    """Return the rules that run: all but the opt-in ones, and of these the ones whose codes start with a prefix."""
    return tuple(rule for rule in rules() if not rule.opt_in or rule.code.startswith(opted))


def check(project: Project, module: Module, chosen: Iterable[Rule[Any]] | None = None) -> list[Violation]:
    """Return the violations in a module, in source order. Without `chosen`, all rules run that are not opt-in."""
    return sorted({violation for _, _, violation in judge(project, module, wanted() if chosen is None else chosen)})


def judge(project: Project, module: Module, chosen: Iterable[Rule[Any]]) -> Iterator[tuple[Rule[Any], Any, Violation]]:
    """Yield what rules say of a module, each time with the rule and the fact that it judged."""
    facts = Facts(project, module)
    is_test: bool | None = None
    for rule in chosen:
        for fact in facts.of(rule.kind):
            if rule.quiet_in_tests:
                if is_test is None:
                    is_test = project.is_test(module)
                if is_test:
                    break
            for violation in rule.check(fact):
                yield rule, fact, violation
