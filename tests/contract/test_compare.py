"""Signatures compared, and the comparison held against what Python itself says of every small call."""

from __future__ import annotations

import inspect
from itertools import combinations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.contract import signature
from flake8_celery_tasks.contract.compare import DEMANDS, Break, breaks

NAMES = "abcd"


def compared(before: str, now: str) -> list[tuple[str, ...]]:
    found = breaks(signature.parse(before), signature.parse(now))
    return [tuple(part for part in one if part) for one in found]


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ("(a, b=...)", "(a, b=...)", []),
        ("(a)", "(a, b=...)", []),
        ("(a)", "(a, *, b=...)", []),
        ("(a)", "(a, *rest, **more)", []),
        ("(a, b)", "(a, *args, **kwargs)", []),
        ("(a, b)", "(a, b=...)", []),
        ("(*args)", "(*rest)", []),
        ("(a, **kwargs)", "(a, b=..., **kwargs)", []),
        ("(a, /)", "(b, /)", []),
        ("(a, /)", "(b)", []),
        ("(a, /, *, b)", "(a, *, b)", []),
        ("(a, b)", "(a)", [("gone", "b")]),
        ("(a, b=...)", "(a, **kwargs)", [("gone", "b")]),
        ("(a, b=...)", "(a, *args)", [("gone", "b")]),
        ("(a, *, b=...)", "(a, **kwargs)", []),
        ("(a, *, b=...)", "(a)", [("gone", "b")]),
        ("(user)", "(user_id)", [("renamed", "user", "user_id")]),
        ("(user)", "(user_id, **kwargs)", [("renamed", "user", "user_id")]),
        ("(a, b=...)", "(a, c=...)", [("renamed", "b", "c")]),
        ("(a, b=...)", "(a, c)", [("renamed", "b", "c"), ("added", "c")]),
        ("(*, a)", "(*, b)", [("renamed", "a", "b")]),
        ("(*, a, b)", "(*, a, c, d)", [("renamed", "b", "c"), ("added", "d")]),
        ("(a, b)", "(a, *, b)", [("keyword-only", "b")]),
        ("(a, b)", "(a, b, /)", [("positional-only", "a"), ("positional-only", "b")]),
        ("(a, *args)", "(a)", [("no *args", "args")]),
        ("(a, **kwargs)", "(a)", [("no **kwargs", "kwargs")]),
        ("(a, /, **kwargs)", "(a, **kwargs)", [("now taken by name", "a", "a")]),
        ("(a, /, **kwargs)", "(b, **kwargs)", [("now taken by name", "a", "b")]),
        ("(a, b)", "(b, a)", [("swapped", "a", "b")]),
        ("(a)", "(b=..., a=...)", [("swapped", "a", "b")]),
        ("(a, b=..., c=...)", "(a, c=...)", [("swapped", "b", "c")]),
        ("(a, b, *args)", "(a, *args)", [("swapped", "b", "*")]),
        ("(a, b=...)", "(a, *args, b=...)", [("swapped", "b", "*")]),
        ("(a, *args)", "(a, b=..., *args)", [("swapped", "*", "b")]),
        ("(a, b, c)", "(a, c)", [("gone", "b")]),
        ("(a, *, b)", "(b, *, a)", [("keyword-only", "a")]),
        ("(a, *, b)", "(b, a)", [("moved", "a", "b")]),
        ("(a)", "(a, b)", [("added", "b")]),
        ("(a, b=...)", "(a, b)", [("required", "b")]),
        ("(a)", "(b, a)", [("moved", "a", "b"), ("added", "b")]),
        ("(a, c=...)", "(b, a, c=...)", [("swapped", "a", "b"), ("added", "b")]),
        ("(a)", "(a, *, b)", [("added", "b")]),
    ],
)
def test_breaks(before, now, found):
    assert compared(before, now) == found


def test_a_break_names_what_it_is_about():
    assert breaks(signature.parse("(a)"), signature.parse("(b)")) == [Break("renamed", "a", "b")]


# What Python says.


@st.composite
def signatures(draw: Any) -> str:
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, len(NAMES)))]
    positional = draw(st.integers(0, len(names)))
    only = draw(st.integers(0, positional))
    required = draw(st.integers(0, positional))
    parts = [name if index < required else f"{name}=..." for index, name in enumerate(names[:positional])]
    if only:
        parts.insert(only, "/")
    below = [name if draw(st.booleans()) else f"{name}=..." for name in names[positional:]]
    if draw(st.booleans()):
        parts.append("*args")
    elif below:
        parts.append("*")
    parts += below
    if draw(st.booleans()):
        parts.append("**kwargs")
    return f"({', '.join(parts)})"


class Made:
    """A function of a signature, to be called: `Signature.bind` does not say the same before Python 3.13."""

    def __init__(self, text: str) -> None:
        namespace: dict[str, Any] = {}
        exec(f"def function{text}: return dict(locals())", namespace)
        self.function = namespace["function"]
        self.parameters = inspect.signature(self.function).parameters

    def call(self, count: int, names: tuple[str, ...]) -> tuple[list[str], dict[str, str]] | None:
        """Return what the values by position, and those by name, go to; None where the call is refused."""
        try:
            found = self.function(*range(count), **{name: name for name in names})
        except TypeError:
            return None
        by_position, by_name = [""] * count, {}
        for position in found.pop("args", ()):
            by_position[position] = "*"
        by_name = dict.fromkeys(found.pop("kwargs", ()), "**")
        for name, value in found.items():
            if isinstance(value, int):
                by_position[value] = name
            elif isinstance(value, str):
                by_name[value] = name
        return by_position, by_name

    def of(self, *kinds: inspect._ParameterKind, required: bool = False) -> list[str]:
        """Return the parameters of some kinds."""
        found = [one for one in self.parameters.values() if one.kind in kinds]
        return [one.name for one in found if one.default is inspect.Parameter.empty or not required]

    @property
    def takers(self) -> list[str]:
        """The parameters, with a `*` for the one of all further arguments."""
        shown = {VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        return [shown.get(one.kind, one.name) for one in self.parameters.values()]


BY_POSITION = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
VAR_POSITIONAL = inspect.Parameter.VAR_POSITIONAL

CALLS = [
    (count, names)
    for count in range(len(NAMES) + 3)
    for size in range(len(NAMES) + 2)
    for names in combinations(f"{NAMES}x", size)
]


def replaced(before: Made, now: Made, name: str) -> bool:
    """Return whether a new parameter stands where one stood that is gone."""
    olds, news = before.of(*BY_POSITION), now.of(*BY_POSITION)
    if name in olds and olds.index(name) < len(news):
        return news[olds.index(name)] not in before.parameters
    gone = [one for one in before.of(KEYWORD_ONLY, required=True) if one not in now.parameters]
    new = [one for one in now.of(KEYWORD_ONLY, required=True) if one not in before.parameters]
    return name in gone[: len(new)]


def verdicts(before: Made, now: Made) -> tuple[bool, bool]:
    """Return whether some call that fits before is refused now, and whether one gives a value to another parameter."""
    refused = moved = False
    for call in CALLS:
        old, new = before.call(*call), now.call(*call)
        if old is None:
            continue
        if new is None:
            refused = True
            continue
        moved |= any(
            one != other and (one in now.takers or other in before.takers)
            for one, other in zip(old[0], new[0], strict=True)
        )
        refused |= any(
            old[1][name] != "**" and new[1][name] == "**" and (name in now.parameters or replaced(before, now, name))
            for name in call[1]
        )
    return refused, moved


@settings(max_examples=400, deadline=None)
@given(signatures(), signatures())
@example("(a, /, **kwargs)", "(b, **kwargs)")
@example("(a, b, c)", "(a, c, **kwargs)")
def test_the_verdict_is_that_of_python(before, now):
    found = breaks(signature.parse(before), signature.parse(now))
    refused, moved = verdicts(Made(before), Made(now))
    assert bool(found) == (refused or moved), found
    assert any(one.kind == "swapped" for one in found) == moved, found
    assert len(set(found)) == len(found)


@settings(max_examples=200, deadline=None)
@given(signatures(), signatures())
def test_what_is_demanded_has_to_be_given_and_had_not(before, now):
    found = breaks(signature.parse(before), signature.parse(now))
    old, new = Made(before), Made(now)
    for one in found:
        if one.kind in DEMANDS:
            # Some call fits before without giving that parameter by name; no call fits today that lacks it.
            assert new.parameters[one.name].default is inspect.Parameter.empty
            assert any(old.call(*call) and one.name not in call[1] for call in CALLS)


@given(signatures())
def test_nothing_breaks_where_nothing_changes(text):
    assert compared(text, text) == []
