"""The pages of the rules: their sections, and their examples run."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest
from pyflakes.checker import Checker

from flake8_celery_tasks.catalog import guide
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples, explain
from flake8_celery_tasks.rules.rule import Rule, name_of
from tests.helpers import ROOT, check

RULES = loader.rules()
#: What a bad example may show besides: a task without a name of its own loses it.
BESIDE = {"CLY411": {"CLY101"}}
SECTIONS = ["", "What happens", "Bad", "Good", "Not reported when", "Fix"]


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
def test_nothing_is_left_to_fill_in(rule):
    """`python -m flake8_celery_tasks.pages.new_rule` says TODO in all that it makes."""
    file = Path(inspect.getfile(type(rule)))
    cases = ROOT / "tests" / "rules" / file.parent.name / f"{file.stem}.md"
    truths = ROOT / "tests" / "truth" / f"test_{file.parent.name}.py"
    for path in (file, cases, truths):
        assert not path.exists() or "TODO" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_quotes_celery_or_says_that_nothing_is_logged(rule):
    """`text` is what is logged or raised, `pycon` a session; `tests/truth/test_pages.py` makes Celery say them."""
    section = sections_of(rule)["What happens"]
    languages = {fence.language for fence in section.fences}
    assert languages <= {"text", "pycon"}
    assert examples.cases(section) == []
    assert "text" in languages or "nothing is logged" in " ".join(section.text.lower().split())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_leads_to_the_documentation(rule):
    links = [guide.link(section) for section in rule.see]
    assert len(links) == len(set(links))
    assert links[0].url.startswith(guide.CELERY)
    assert explain.page(rule).endswith("".join(f"- [{link.title}]({link.url})\n" for link in links))


def test_all_known_sections_are_of_use():
    known = {f"{name}#{anchor}" for name, page in guide.PAGES.items() for anchor in page.sections}
    assert known == {section for rule in RULES for section in rule.see}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_page_says_how_to_fix_by_command(rule):
    said = explain.page(rule).partition("\n## Fix\n")[2]
    has_fix = type(rule).fix is not Rule.fix
    assert has_fix == bool(rule.fixes)
    assert (f"flake8-celery-tasks fix --select {rule.code}" in said) == has_fix
    assert ("There is no automatic fix." in said) == (not has_fix)
    assert ("--unsafe" in said) == ("unsafe" in rule.fixes)


def test_codes_in_pages_are_links():
    rule = explain.rules_called("CLY104")[0]
    assert "(CLY101)" in explain.page(rule)
    text = explain.linked(rule)
    assert "([CLY101](CLY101.md))" in text
    assert text.startswith("# CLY104 wrapper-renames-task\n")
    assert "[CLY104]" not in text
    assert "`extend-select = CLY916`" in explain.linked(explain.rules_called("CLY916")[0])


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_file_is_called_like_the_rule(rule):
    file = Path(inspect.getfile(type(rule)))
    assert file.stem == name_of(type(rule)).replace("-", "_")


def test_codes_and_names_are_unique():
    assert len({rule.code for rule in RULES}) == len(RULES)
    assert len({name_of(type(rule)) for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(("rule", "case"), [*cases_of("Bad"), *cases_of("Good")])
def test_examples_can_be_pasted(rule, case):
    """No example uses a name that it does not have, or imports one that it does not use."""
    for path, text in case.files.items():
        assert [str(message) for message in Checker(ast.parse(text), path).messages] == []


@pytest.mark.parametrize(("rule", "case"), list(cases_of("Bad")))
def test_bad_examples_are_reported(rule, case, tmp_path):
    found = check(tmp_path, case.files, **case.options)
    reported = {violation.code for violations in found.values() for violation in violations}
    assert reported - BESIDE.get(rule.code, set()) == {rule.code}


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
