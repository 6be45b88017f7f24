"""What is written for people uses the terms of docs/contributing.md."""

from __future__ import annotations

import re

import pytest

from tests.helpers import ROOT

TABLE = ROOT / "docs" / "contributing.md"
TEXTS = sorted(
    path
    for pattern in ("flake8_celery_tasks/**/*.py", "docs/*.md", "docs/rules/*.md", "*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)
ROWS = re.findall(r"^\| [^|]+ \| (`[^|]+`) \|$", TABLE.read_text(encoding="utf-8"), re.MULTILINE)
TERMS = [term for row in ROWS for term in re.findall(r"`([^`]+)`", row)]


def test_the_table_is_read():
    assert {"mend", "Silent when", "is put back"} <= set(TERMS)


@pytest.mark.parametrize("term", TERMS)
def test_nobody_writes(term):
    pattern = re.compile(rf"\b{re.escape(term)}\b".replace(r"\ ", r"\s+(?:#:?\s+)?"), re.IGNORECASE)
    found = []
    for path in TEXTS:
        text = path.read_text(encoding="utf-8")
        if path == TABLE:
            text = re.sub(r"^\|.*", "", text, flags=re.MULTILINE)
        found += [
            f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, hit.start()) + 1}" for hit in pattern.finditer(text)
        ]
    assert found == []
