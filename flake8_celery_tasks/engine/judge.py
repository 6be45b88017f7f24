"""Turns facts into violations: each rule gets the facts of its kinds, and the results are put in source order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flake8_celery_tasks.facts.facts import KINDS, Facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from flake8_celery_tasks.binding.module import Module
    from flake8_celery_tasks.core.violation import Violation
    from flake8_celery_tasks.engine.loader import ByKind
    from flake8_celery_tasks.resolution.project import Project
    from flake8_celery_tasks.rules.rule import Rule


#: The kinds of facts, by name.
_NAMED: Final = {kind.__name__: kind for kind in KINDS}


def check(project: Project, module: Module, chosen: ByKind) -> list[Violation]:
    """Return the violations in a module, in source order. `chosen` are the rules that run."""
    return sorted({violation for _, _, violation in judge(project, module, chosen)})


def judge(
    project: Project, module: Module, chosen: ByKind, crashed: Callable[[str, Exception], None] | None = None
) -> Iterator[tuple[Rule[Any], Any, Violation]]:
    """Yield the violations in a module, each with the rule and the fact that it checked.

    If a rule crashes, `crashed` is called with its code and the error, and only that rule's findings are lost. Without
    `crashed`, the error is raised.
    """
    facts = Facts(project, module)
    is_test: bool | None = None
    for kind, some in chosen.items():
        try:
            found = list(facts.of(_NAMED[kind]))
        except Exception as error:
            if crashed is None:
                raise
            crashed(f"facts of {kind}", error)
            continue
        for imported in some if found else ():
            rule = imported()
            if rule.quiet_in_tests:
                if is_test is None:
                    is_test = project.is_test(module)
                if is_test:
                    continue
            yield from _judged(rule, found, crashed)


def _judged(
    rule: Rule[Any], facts: Iterable[Any], crashed: Callable[[str, Exception], None] | None
) -> Iterator[tuple[Rule[Any], Any, Violation]]:
    if crashed is None:
        for fact in facts:
            for violation in rule.check(fact):
                yield rule, fact, violation
        return
    try:
        yield from [(rule, fact, violation) for fact in facts for violation in rule.check(fact)]
    except Exception as error:
        crashed(rule.code, error)
