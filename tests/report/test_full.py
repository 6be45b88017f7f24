"""The format with source excerpts."""

from __future__ import annotations

import io
from argparse import Namespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.core.text import width
from flake8_celery_tasks.engine.findings import Finding, Outcome
from flake8_celery_tasks.flake8_host.configuration import configuration_for
from flake8_celery_tasks.report import full
from flake8_celery_tasks.report.screen import Screen
from tests.helpers import write

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


def excerpt(line, begin, end, screen=None):
    """Return the two lines that show a line with a range underlined."""
    from flake8_celery_tasks.flake8_host.ranges import Place
    from flake8_celery_tasks.workspace.source import Source

    text = full._excerpt(Place(Source.of(line), begin, end), screen or Screen())
    _, shown, below, last = text.split("\n")
    assert not last
    return shown, below


@pytest.mark.parametrize(
    ("line", "begin", "end", "shown", "below"),
    [
        ("abc def\n", 4, 7, "1 | abc def", "  |     ^^^"),
        ("\tabc\tdef\n", 5, 8, "1 |     abc def", "  |         ^^^"),
        ("名前 = x", 5, 6, "1 | 名前 = x", "  |        ^"),
        ("x = 名前", 4, 6, "1 | x = 名前", "  |     ^^^^"),
        ("e\u0301 = x", 5, 6, "1 | e\u0301 = x", "  |     ^"),
        ("a\x1b[31m b", 7, 8, "1 | a\\x1b[31m b", "  |           ^"),
        ("'\u202e' b", 4, 5, "1 | '\\u202e' b", "  |          ^"),
        ("abc", 3, 3, "1 | abc", "  |    ^"),
        ("", 0, 0, "1 |", "  | ^"),
        ("a  # ##[group]", 0, 1, "1 | a  # \\x23#[group]", "  | ^"),
        ("abc\r\n", 2, 5, "1 | abc", "  |   ^"),
    ],
)
def test_excerpt(line, begin, end, shown, below):
    assert excerpt(line, begin, end) == (shown, below)


def test_a_range_over_several_lines_is_underlined_in_the_first():
    assert excerpt("f(\n  a)\n", 0, 7) == ("1 | f(", "  | ^^")


@pytest.mark.parametrize("encoding", ["ascii", "no-such-encoding"])
def test_what_a_terminal_can_not_show(encoding):
    assert excerpt("ü = 名", 4, 5, Screen(encoding=encoding)) == ("1 | \\xfc = \\u540d", "  |        ^^^^^^")


def test_long_lines():
    line = "x" * 500 + "HERE" + "y" * 500
    shown, below = excerpt(line, 500, 504, Screen(width=60))
    assert len(shown) <= 60
    assert shown.startswith("1 | ...x")
    assert shown.endswith("y...")
    assert shown[below.index("^") : below.rindex("^") + 1] == "HERE"
    shown, below = excerpt(line, 0, 1000, Screen(width=60))
    assert shown == "1 | " + "x" * 53 + "..."
    assert below == "  | " + "^" * 53


TEXTS = st.text(st.sampled_from("ab \t名é\u0301\x1b😀"), max_size=200)


@given(line=TEXTS, begin=st.integers(0, 220), size=st.integers(0, 50), room=st.integers(30, 100))
def test_an_excerpt_fits(line, begin, size, room):
    begin = min(begin, len(line))
    shown, below = excerpt(line, begin, min(begin + size, len(line)), Screen(width=room))
    assert width(shown) <= room
    assert len(below) <= room + 1  # behind the end of the line
    assert "\x1b" not in shown
    assert "\t" not in shown
    assert "^" in below


BAD = "from celery import shared_task\n\n\n@shared_task\ndef a(): ...\n"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    write(tmp_path, {"shop/tasks.py": BAD})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def outcome(*findings):
    from flake8.statistics import Statistics

    return Outcome([], Statistics(), list(findings), [], {})


def options():
    return configuration_for(Namespace(config=None, append_config=[], isolated=True), ["."]).options


FINDING = Finding("shop/tasks.py", 4, 2, "CLY101", "Task 'a' has no explicit name", "a")


def test_a_finding(shop):
    assert full.render(outcome(FINDING), options()) == (
        "shop/tasks.py:4:2: CLY101 Task 'a' has no explicit name [missing-task-name]\n"
        "  |\n4 | @shared_task\n  |  ^^^^^^^^^^^\n"
    )


def test_colors_and_links(shop):
    text = full.render(outcome(FINDING), options(), Screen(colored=True, links=True))
    assert "\033]8;;https://github.com/" in text
    assert "/CLY101.md\033\\CLY101\033]8;;\033\\" in text
    assert "\033[1m\033[31m^^^^^^^^^^^\033[m" in text


@pytest.mark.parametrize(
    "finding",
    [
        FINDING._replace(path="gone.py"),
        FINDING._replace(path="shop", code="E902", line=0),
        FINDING._replace(path="shop/latin.py", line=0, code="E902"),
    ],
)
def test_without_a_source(shop, finding):
    assert full.render(outcome(finding), options()).count("\n") == 1


def test_standard_input(shop, rendered, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BAD.replace("\n", "\r\n").encode("utf-8-sig"))))
    text = rendered("full", "--stdin-display-name=shop/other.py", "-")
    assert text.splitlines()[2] == "4 | @shared_task"


def test_names_can_not_command_a_terminal(shop):
    text = full.render(outcome(FINDING._replace(path="a\x1b[2J\n::error::x.py", text="b\x1b\n::c")), options())
    assert text == "a\\x1b[2J\\n::error::x.py:4:2: CLY101 b\\x1b\\n::c [missing-task-name]\n"


def test_statistics_and_count(shop, rendered):
    text = rendered("full", "--statistics", "--count", "--select=CLY")
    assert text.endswith(
        "\n1     CLY101 Task 'a' has no explicit name: moving or renaming it loses queued messages; add "
        'name="shop.tasks.a"\n1\n'
    )
