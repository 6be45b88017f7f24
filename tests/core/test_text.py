"""Texts of a repository."""

from __future__ import annotations

import sys

import pytest

from flake8_celery_tasks.core.text import literal, toml


def test_toml():
    assert toml("[tool.black]\nline-length = 100\n") == {"tool": {"black": {"line-length": 100}}}
    with pytest.raises(ValueError, match="table"):
        toml("[tool")


def test_tomli_reads_it_on_python_3_10(monkeypatch):
    parser = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
    monkeypatch.setattr(sys, "version_info", (3, 10))
    monkeypatch.setitem(sys.modules, "tomli", parser)
    assert toml("a = 1\n") == {"a": 1}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib came with Python 3.11")
def test_tomllib_reads_it_elsewhere(monkeypatch):
    monkeypatch.setitem(sys.modules, "tomli", None)
    assert toml("a = 1\n") == {"a": 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"mon", "fri", "7"}, "{'7', 'fri', 'mon'}"),
        (frozenset({2, 1}), "{1, 2}"),
        (set(), "set()"),
        (({"b", "a"},), "({'a', 'b'},)"),
        ((1, 2), "(1, 2)"),
        ([{"b", "a"}, []], "[{'a', 'b'}, []]"),
        ({"a": 1}, "{'a': 1}"),
    ],
)
def test_values_are_written_alike_in_each_run(value, text):
    assert literal(value) == text
