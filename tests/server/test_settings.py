"""The client's settings: what is taken, and what is told of the rest."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.server.settings import Settings, read


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        ({}, {}),
        ({"enable": False}, {"enable": False}),
        ({"flake8-celery-tasks": {"codeLens": True}}, {"code_lens": True}),
        ({"extendSelect": ["CLY9"], "ignore": ["CLY1"]}, {"extend_select": ("CLY9",), "ignore": ("CLY1",)}),
        ({"severity": {"CLY": "Hint", "CLY4": "error"}}, {"severity": {"CLY": "hint", "CLY4": "error"}}),
        ({"debounce": 1.5}, {"debounce": 1}),
    ],
)
def test_taken(given, expected):
    assert read(given) == (Settings(**expected), [])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"colour": 1}, "unknown setting 'colour'"),
        ({"enable": "no"}, "setting 'enable' does not take 'no'"),
        ({"ignore": "CLY"}, "setting 'ignore' does not take 'CLY'"),
        ({"ignore": [1]}, "setting 'ignore' does not take [1]"),
        ({"severity": {"CLY": "bad"}}, "setting 'severity' does not take {'CLY': 'bad'}"),
        ({"severity": 3}, "setting 'severity' does not take 3"),
        ({"debounce": True}, "setting 'debounce' does not take True"),
        ({"debounce": -1}, "setting 'debounce' does not take -1"),
        ({"debounce": float("inf")}, "setting 'debounce' does not take inf"),
        ({"debounce": float("nan")}, "setting 'debounce' does not take nan"),
    ],
)
def test_told(given, told):
    assert read(given) == (Settings(), [told])


@pytest.mark.parametrize(
    ("given", "key", "code"),
    [
        ({"ignore": ["CLY4", "CLY777x", "E5"]}, "ignore", "CLY777x"),
        ({"extendSelect": ["cly1"]}, "extendSelect", "cly1"),
        ({"severity": {"CLY777x": "hint", "CLY": "error", "": "hint"}}, "severity", "CLY777x"),
    ],
)
def test_a_code_that_does_not_exist(given, key, code):
    _, (told,) = read(given)
    assert told.startswith(f"setting {key!r}: there is no rule {code}")


def test_the_longest_prefix_counts():
    known = Settings(severity={"CLY": "hint", "CLY4": "error"})
    assert [known.severity_of(code) for code in ("CLY101", "CLY403", "E999")] == [4, 1, 1]
    assert [Settings().severity_of(code) for code in ("CLY101", "CLY901", "E999")] == [2, 3, 1]
