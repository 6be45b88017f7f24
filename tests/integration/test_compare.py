"""What `docs/compare.md` says agrees with the pages about each of the two linters."""

from __future__ import annotations

import re

import pytest

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.rules.rule import name_of
from tests.helpers import ROOT

DOCS = ROOT / "docs"
TEXT = (DOCS / "compare.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| \[(CLY\d+) ([\w-]+)\]\(rules/(\w+)\.md\) \| (.*) \| (.*) \| (yes|no) \|$", TEXT, re.MULTILINE)
PAGES = {"PIE": "from-flake8-pie.md", "CEL": "from-celery-audit.md"}
RULES = {rule.code: rule for rule in loader.rules()}


@pytest.mark.parametrize("theirs", PAGES)
def test_the_same_rules_are_counterparts(theirs):
    shown = [(code, other) for code, *_, pie, audit, _ in ROWS for other in re.findall(rf"{theirs}\d+", pie + audit)]
    page = (DOCS / PAGES[theirs]).read_text(encoding="utf-8")
    rows = re.findall(rf"^\| ({theirs}\d+)[^|]*\| ([^|]*)\|", page, re.MULTILINE)
    wanted = {(code, other) for other, here in rows for code in re.findall(r"\[(CLY\d+) ", here)}
    assert sorted(shown) == sorted(wanted)
    assert PAGES[theirs] in TEXT


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_rows_are_right(row):
    code, name, page, pie, audit, is_on = row
    assert page == code
    assert name == name_of(type(RULES[code]))
    assert is_on == ("no" if RULES[code].opt_in else "yes")
    assert re.fullmatch(r"none|PIE\d+(, PIE\d+)*", pie)
    assert re.fullmatch(r"none|CEL\d+(, CEL\d+)*", audit)


def test_rows_are_in_order():
    codes = [row[0] for row in ROWS]
    assert codes == sorted(set(codes))
    assert len(re.findall(r"^\| \[CLY", TEXT, re.MULTILINE)) == len(codes) > 20
