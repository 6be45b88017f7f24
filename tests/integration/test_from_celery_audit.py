"""What `docs/from-celery-audit.md` says of the two linters, checked with both where the other one is installed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.pages import examples
from tests.helpers import write
from tests.integration.test_from_flake8_pie import expected

PAGE = Path(__file__).parents[2] / "docs" / "from-celery-audit.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAME = "shop/tasks.py"
EXAMPLE = next(section for section in examples.sections(TEXT) if section.title == "What both report").fences[0].text
ROWS = re.findall(r"^\| (CEL\d+) [^|]*\| ([^|]*)\| ([^|]*)\|$", TEXT, re.MULTILINE)
RULES = {rule.code: rule for rule in loader.rules()}


def test_what_we_report(tmp_path):
    write(tmp_path, {NAME: EXAMPLE})
    codes = ",".join(sorted(set(re.findall(r"\[(CLY\d+)", TEXT))))
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", f"--select={codes}", NAME],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    lines = [re.match(r"(?:.*?):(\d+):\d+: (\w+) ", line) for line in done.stdout.splitlines()]
    assert sorted((int(found[1]), found[2]) for found in lines) == expected(EXAMPLE, "CLY")


@pytest.mark.skipif(find_spec("celery_audit") is None, reason="celery-audit is not installed")
def test_what_celery_audit_reports(tmp_path):
    write(tmp_path, {NAME: EXAMPLE})
    done = subprocess.run(
        [sys.executable, "-m", "celery_audit.cli", ".", "--config", NAME, "--format", "json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {(finding["line"], finding["rule_id"]) for finding in json.loads(done.stdout)["findings"]}
    assert sorted(found) == sorted(set(expected(EXAMPLE, "CEL")))


def test_each_of_its_rules_has_a_row():
    assert [code for code, _, _ in ROWS] == [f"CEL{number:03}" for number in range(1, 27)]


@pytest.mark.parametrize(("code", "here", "default"), ROWS)
def test_rows_are_right(code, here, default):
    known = [(found, name) for found, name in re.findall(r"\[(CLY\d+) ([\w-]+)\]", here) if found in RULES]
    for found, name in known:
        assert f"rules/{found}.md" in here
        assert type(RULES[found]).__module__.endswith(f".{name.replace('-', '_')}")
    said = [answer == "no" for answer in default.strip().split(", ")]
    assert all(RULES[found].opt_in in said for found, _ in known)
