"""What `docs/from-flake8-pie.md` says of the two plugins, checked with both."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

from flake8_celery_tasks.pages import examples
from tests.helpers import ROOT, write

PAGE = ROOT / "docs" / "from-flake8-pie.md"
NAME = "shop/tasks.py"
OURS = "CLY101,CLY801,CLY912,CLY913"
THEIRS = "PIE783,PIE784,PIE785"

SECTIONS = [
    pytest.param(section.fences[0].text, id=section.title)
    for section in examples.sections(PAGE.read_text(encoding="utf-8"))
    if section.title.startswith("What ")
]


def expected(text, prefix):
    return sorted(
        (number, code)
        for number, line in enumerate(text.splitlines(), 1)
        for code in re.findall(rf"\b{prefix}\d+", line.partition("  #")[2])
    )


def reported(folder, text, codes):
    write(folder, {NAME: text})
    done = subprocess.run(
        [sys.executable, "-m", "flake8", "--isolated", f"--select={codes}", NAME],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    lines = [re.match(r"(?:.*?):(\d+):\d+: (\w+) ", line) for line in done.stdout.splitlines()]
    return sorted((int(found[1]), found[2]) for found in lines)


@pytest.mark.parametrize("text", SECTIONS)
def test_what_we_report(text, tmp_path):
    assert reported(tmp_path, text, OURS) == expected(text, "CLY")


@pytest.mark.skipif(find_spec("flake8_pie") is None, reason="flake8-pie is not installed")
@pytest.mark.skipif(sys.version_info >= (3, 14), reason="flake8-pie asks for ast.Str, which Python 3.14 has not")
@pytest.mark.parametrize("text", SECTIONS)
def test_what_flake8_pie_reports(text, tmp_path):
    assert reported(tmp_path, text, THEIRS) == expected(text, "PIE")


def test_there_are_examples_of_all():
    assert len(SECTIONS) == 3
    page = PAGE.read_text(encoding="utf-8")
    for code in f"{OURS},{THEIRS}".split(","):
        assert code in page
