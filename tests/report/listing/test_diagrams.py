"""The picture of who sends what, as text."""

from __future__ import annotations

import html
import re

import pytest

from flake8_celery_tasks.command.main import main
from flake8_celery_tasks.engine.survey.inventory import Entry, Inventory, Listed
from flake8_celery_tasks.report.listing import diagrams
from tests.report.listing.projects import HOSTILE, lay_out

pytestmark = pytest.mark.usefixtures("_fresh_plugin")


@pytest.fixture
def drawn(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(lay_out(tmp_path))

    def run(form, *options):
        assert main(["tasks", f"--format={form}", "--celery-known-tasks=crm.json", *options]) == 0
        return capfd.readouterr().out

    return run


def test_mermaid(drawn):
    text = drawn("mermaid")
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "flowchart LR"
    for label in ("shop", "content", "other service", "unknown names", "beat schedule"):
        assert any(re.fullmatch(rf'subgraph c\d+\["{label}"\]', line) for line in lines), label
    nodes = dict(re.findall(r'(\w+)[\[({]"([^"]*)"[\])}]:::\w+', text))
    keys = {label: key for key, label in nodes.items()}
    edges = re.findall(r"(\w+) -->(?:\|(\d+)\|)? (\w+)", text)
    assert (keys["shop.send"], "2", keys["content.index"]) in edges
    assert (keys["beat"], "", keys["content.index"]) in edges
    assert (keys["shop/views.py"], "", keys["crm.call"]) in edges
    assert (keys["shop/views.py"], "", keys["content.gone #63;"]) in edges
    assert "#63; odd" in keys
    assert {end for source, _, target in edges for end in (source, target)} <= nodes.keys()


def test_nothing_breaks_out_of_mermaid(drawn):
    text = drawn("mermaid")
    for line in text.splitlines()[1:]:
        assert re.fullmatch(
            r'\s*(subgraph c\d+\["[\w ./#;\-]*"\]|end|\w+[\[({]"[\w ./#;\-]*"[\])}]:::\w+|'
            r"\w+ -->(\|\d+\|)? \w+|classDef .*)",
            line,
        ), line
    assert "%%" not in text
    assert "<" not in text


def unquoted(text):
    """Return what Graphviz reads: the texts in quotes, and what is left without them."""
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', text)
    return [html.unescape(re.sub(r"\\(.)", r"\1", item)) for item in quoted], re.sub(r'"(?:[^"\\]|\\.)*"', "Q", text)


def test_dot(drawn):
    labels, rest = unquoted(drawn("dot"))
    assert {"shop.send", "content.index", "crm.call", "content.gone ?", "beat", "? odd", "shop"} <= set(labels)
    assert rest.startswith("digraph tasks {\n")
    assert rest.count("{") == rest.count("}")
    assert "[label=Q];" in rest
    for line in rest.splitlines()[1:]:
        assert re.fullmatch(
            r"\s*(rankdir=LR; .*|subgraph cluster_\d+ \{|label=Q; .*|\w+ \[.*\];|\w+ -> \w+( \[label=Q\])?;|\})", line
        )
    assert "script" not in rest


def test_the_hostile_name_is_shown_as_it_is(drawn):
    from flake8_celery_tasks.core.text import plain

    assert plain(HOSTILE) in unquoted(drawn("dot"))[0]


def test_one_app_only(drawn):
    text = drawn("mermaid", "--app=content")
    assert "content.index" in text
    assert "shop.send" not in text
    assert "loose.py" in text


def test_what_is_of_no_app_is_in_no_cluster():
    words = ["x"] * 7
    entry = Entry("script", "script", 1, "", *words, ())
    found = Inventory([Listed(entry, {}, (), ("script", "script", 1))], {})
    assert '\n  t0["script"]:::task\n' in diagrams.as_mermaid(found)
    assert '\n  t0 [label="script", ' in diagrams.as_dot(found)


def test_of_nothing_there_is_a_picture():
    assert diagrams.as_mermaid(Inventory([], {})).startswith("flowchart LR\n  classDef")
    assert diagrams.as_dot(Inventory([], {})).endswith("}\n")
