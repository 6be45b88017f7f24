"""Fixes of all rules: that they clean their examples, and say how safe they are."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from flake8_celery_tasks.engine import loader, session
from flake8_celery_tasks.fixer import remedies as fixer_remedies
from flake8_celery_tasks.pages import examples, explain
from flake8_celery_tasks.rules.rule import Rule
from tests.fixing import fixed, order_for
from tests.helpers import ROOT, findings, write

FIXING = [rule for rule in loader.rules() if type(rule).fix is not Rule.fix]


def bad_cases():
    for rule in FIXING:
        sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
        for number, case in enumerate(examples.cases(sections["Bad"]), 1):
            yield pytest.param(rule, case, id=f"{rule.code}-{number}")


@pytest.mark.parametrize(("rule", "case"), list(bad_cases()))
def test_fixed_examples_are_clean(rule, case, tmp_path):
    after = fixed(tmp_path, case.files, **case.options)
    session.forget()
    left = {name: findings(tmp_path, name, **case.options) for name in case.files if name.endswith(".py")}
    for name, text in after.items():
        if text != case.files[name]:
            ast.parse(text)
    assert {violation.code for found in left.values() for violation in found} <= {rule.code}


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_pages_say_whether_the_fix_is_safe(rule, tmp_path):
    safe = set()
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    for number, case in enumerate(examples.cases(sections["Bad"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, case.files)
        for name in case.files:
            _, remedies = fixer_remedies.remedies(str(folder / name), order_for(folder, rule.code, **case.options))
            safe |= {remedy.safe for remedy in remedies}
    assert {{True: "safe", False: "unsafe"}[one] for one in safe} <= set(rule.fixes.split(" or "))
    assert safe


def test_only_fixes_of_the_command_are_listed():
    assert {rule.code for rule in loader.rules() if explain.record(rule)["fix"]} == {rule.code for rule in FIXING}


def test_usage_lists_the_fixes():
    text = (ROOT / "docs" / "usage.md").read_text(encoding="utf-8")
    rows = {kind: re.search(rf"^\| {kind} \|(.*)", text, re.MULTILINE)[1] for kind in ("safe", "unsafe")}
    listed = {kind: set(re.findall(r"CLY\d+", row)) for kind, row in rows.items()}
    assert listed == {
        kind: {rule.code for rule in FIXING if kind in rule.fixes.split(" or ")} for kind in ("safe", "unsafe")
    }


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_each_fixing_rule_cleans_an_example(rule, tmp_path):
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    counts = []
    for number, case in enumerate(examples.cases(sections["Bad"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, case.files)
        session.forget()
        names = [name for name in case.files if name.endswith(".py")]
        before = sum(len(findings(folder, name, **case.options)) for name in names)
        fixed(folder, case.files, rule.code, **case.options)
        session.forget()
        counts.append((before, sum(len(findings(folder, name, **case.options)) for name in names)))
    assert all(after <= before for before, after in counts)
    assert any(after < before for before, after in counts)


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_rules_say_how_safe_their_fixes_are(rule, tmp_path):
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    changed = {}
    for unsafe in False, True:
        for number, case in enumerate(examples.cases(sections["Bad"])):
            folder = tmp_path / f"{unsafe}-{number}"
            folder.mkdir()
            texts = fixed(folder, case.files, rule.code, unsafe=unsafe, **case.options)
            changed[unsafe] = changed.get(unsafe, False) or texts != case.files
    assert changed == {False: rule.fixes != "unsafe", True: True}
