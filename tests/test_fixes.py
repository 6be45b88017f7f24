"""Fixes: what each writes, what it leaves alone, and that a fixed file is a fixed point."""

from __future__ import annotations

import ast
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks import engine, examples, fixing, project
from flake8_celery_tasks.fixes import (
    AddParameter,
    Fix,
    Insert,
    MakeTuple,
    RemoveKeyword,
    RemoveParameter,
    RenameKeyword,
    Replace,
    Rewrite,
    SetKeyword,
    Span,
)
from flake8_celery_tasks.options import Options
from flake8_celery_tasks.rule import Rule
from flake8_celery_tasks.text import Text, Unfixable
from tests.helpers import findings, write

FIXING = [rule for rule in engine.rules() if type(rule).fix is not Rule.fix]


def order_for(*codes, unsafe=True, **options):
    def wants(_path, _lines, _tree, found):
        return [violation for violation in found if not codes or violation.code in codes]

    return fixing.Order(options=Options.of(options), unsafe=unsafe, wants=wants)


def fixed(folder, files, *codes, unsafe=True, **options):
    """Write a project, fix it, and return the texts of its files."""
    write(folder, files)
    project.forget()
    names = [name for name in files if name.endswith(".py")]
    order = order_for(*codes, unsafe=unsafe, **options)
    list(fixing.fix_files([str(folder / name) for name in names], order))
    again = list(fixing.fix_files([str(folder / name) for name in names], order))
    assert not again, "a fixed file is a fixed point"
    return {name: (folder / name).read_bytes().decode() for name in files}


def fix_one(folder, text, *codes, **options):
    return fixed(folder, {"shop/tasks.py": text}, *codes, **options)["shop/tasks.py"]


def task(text, imports="from celery import shared_task\n"):
    return f"{imports}\n\n{text}"


# All rules with fixes.


def bad_cases():
    for rule in FIXING:
        sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
        for number, case in enumerate(examples.cases(sections["Bad"]), 1):
            yield pytest.param(rule, case, id=f"{rule.code}-{number}")


@pytest.mark.parametrize(("rule", "case"), list(bad_cases()))
def test_fixed_examples_are_clean(rule, case, tmp_path):
    after = fixed(tmp_path, case.files, **case.options)
    project.forget()
    left = {name: findings(tmp_path, name, **case.options) for name in case.files if name.endswith(".py")}
    for name, text in after.items():
        if text != case.files[name]:
            ast.parse(text)
    if (rule.code, case.line) not in {}:
        remaining = [v for found in left.values() for v in found]
        assert all(v.code == rule.code for v in remaining)


@pytest.mark.parametrize("rule", FIXING, ids=lambda rule: rule.code)
def test_each_fixing_rule_cleans_an_example(rule, tmp_path):
    sections = {section.title: section for section in examples.sections(inspect.getdoc(type(rule)))}
    counts = []
    for number, case in enumerate(examples.cases(sections["Bad"])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write(folder, case.files)
        project.forget()
        names = [name for name in case.files if name.endswith(".py")]
        before = sum(len(findings(folder, name, **case.options)) for name in names)
        fixed(folder, case.files, rule.code, **case.options)
        project.forget()
        counts.append((before, sum(len(findings(folder, name, **case.options)) for name in names)))
    assert all(after <= before for before, after in counts)
    assert any(after < before for before, after in counts)
