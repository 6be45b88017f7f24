"""The pages of the rules: their sections, and their examples run."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from flake8_celery_tasks import engine, examples
from flake8_celery_tasks.rule import name_of
from tests.helpers import check

RULES = engine.rules()
SECTIONS = ["", "What happens", "Bad", "Good", "Silent when", "Fix"]


def sections_of(rule):
    return {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}


def cases_of(title):
    for rule in RULES:
        for number, case in enumerate(examples.cases(sections_of(rule)[title]), 1):
            yield pytest.param(rule, case, id=f"{rule.code}-{number}")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_rule_is_complete(rule):
    assert list(sections_of(rule)) == SECTIONS
    assert sections_of(rule)[""].text.strip().endswith(".")
    assert examples.cases(sections_of(rule)["Bad"])
    assert examples.cases(sections_of(rule)["Good"])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_file_is_called_like_the_rule(rule):
    file = Path(inspect.getfile(type(rule)))
    assert file.stem == name_of(type(rule)).replace("-", "_")


def test_codes_and_names_are_unique():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({name_of(type(rule)) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(("rule", "case"), list(cases_of("Bad")))
def test_bad_examples_are_reported(rule, case, tmp_path):
    found = check(tmp_path, case.files, **case.options)
    reported = {violation.code for violations in found.values() for violation in violations}
    assert reported == {rule.code}


@pytest.mark.parametrize(("rule", "case"), list(cases_of("Good")))
def test_good_examples_are_clean(rule, case, tmp_path):
    found = check(tmp_path, case.files, **case.options)
    assert not [violation for violations in found.values() for violation in violations]


@pytest.mark.parametrize(("rule", "case"), [*cases_of("Bad"), *cases_of("Good")])
def test_messages_are_short(rule, case, tmp_path):
    for violations in check(tmp_path, case.files, **case.options).values():
        for violation in violations:
            assert len(f"{violation.code} {violation.text}") <= 160
            assert not violation.text.endswith(".")
