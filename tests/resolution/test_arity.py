"""Whether arguments fit parameters, compared with what Python and Celery themselves say."""

from __future__ import annotations

import ast
import inspect
import itertools

import pytest
from celery.utils.functional import head_from_fun
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.binding.symbols import parameters
from flake8_celery_tasks.celery_model.task import without_first
from flake8_celery_tasks.resolution.arity import MISSING, REPEATED, SURPLUS, UNEXPECTED, Given, Misfit, misfits

NAMES = "abcdefg"
KEYWORDS = (*NAMES, "x", "y")


@st.composite
def heads(draw, positional_only=True):
    """The parameter list of a function, as text."""
    counts = [draw(st.integers(0, 2)) for _ in range(3)]
    if not positional_only:
        counts[0] = 0
    names = iter(NAMES)
    first, second, third = ([next(names) for _ in range(count)] for count in counts)
    defaults = draw(st.integers(0, len(first) + len(second)))
    ordered = [*first, *second]
    parts = [name if index < len(ordered) - defaults else f"{name}=None" for index, name in enumerate(ordered)]
    if first:
        parts.insert(len(first), "/")
    star = draw(st.booleans())
    if star or third:
        parts.append("*args" if star else "*")
    parts += [f"{name}=None" if draw(st.booleans()) else name for name in third]
    if draw(st.booleans()):
        parts.append("**kwargs")
    return ", ".join(parts)


def params_of(head):
    return parameters(ast.parse(f"def f({head}): pass").body[0].args)


def function_of(head):
    namespace = {}
    exec(f"def f({head}): pass", namespace)
    return namespace["f"]


def takes(function, positional, keywords):
    """Whether a function with an empty body can be called so.

    `inspect.Signature.bind` says the same, but before Python 3.13 not for a name that is both that of a
    positional-only parameter with a default and a key of `**kwargs`.
    """
    try:
        function(*range(positional), **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


def binds(function, positional, keywords):
    try:
        inspect.signature(function).bind(*range(positional), **dict.fromkeys(keywords))
    except TypeError:
        return False
    return True


names = st.lists(st.sampled_from(KEYWORDS), unique=True, max_size=4).map(tuple)
calls = st.builds(lambda positional, keywords: Given(positional, keywords), st.integers(0, 6), names)


@settings(max_examples=500)
@given(heads(), calls)
def test_agrees_with_python(head, call):
    expected = takes(function_of(head), call.positional, call.keywords)
    assert (not list(misfits(params_of(head), call))) == expected


@settings(max_examples=300)
@given(heads(positional_only=False), calls)
def test_agrees_with_signature_bind(head, call):
    expected = binds(function_of(head), call.positional, call.keywords)
    assert (not list(misfits(params_of(head), call))) == expected


@settings(max_examples=300)
@given(heads(positional_only=False), calls, st.booleans())
def test_agrees_with_celery(head, call, bound):
    """Celery's own check, which takes positional-only parameters for plain ones; a bound task gets its first one."""
    function = function_of(f"self, {head}" if bound else head)
    params = params_of(f"self, {head}" if bound else head)
    fits = takes(head_from_fun(function, bound=bound), call.positional, call.keywords)
    assert (not list(misfits(without_first(params) if bound else params, call))) == fits


@settings(max_examples=300, deadline=None)
@given(heads(), calls, st.booleans(), st.booleans())
def test_partial_arguments_misfit_only_where_nothing_completes_them(head, call, more_positional, more_keywords):
    """With further arguments to come there is a misfit exactly where no further arguments make it fit."""
    function = function_of(head)
    others = [name for name in NAMES if name not in call.keywords] if more_keywords else []
    possible = any(
        takes(function, call.positional + more, (*call.keywords, *itertools.compress(others, chosen)))
        for more in range(5 if more_positional else 1)
        for chosen in itertools.product((False, True), repeat=len(others))
    )
    partial = Given(call.positional, call.keywords, more_positional, more_keywords)
    assert (not list(misfits(params_of(head), partial))) == possible


@pytest.mark.parametrize(
    ("head", "call", "expected"),
    [
        ("a, b", Given(2), []),
        ("a, b", Given(3), [Misfit(SURPLUS, ("a", "b"))]),
        ("a, b", Given(1), [Misfit(MISSING, ("b",))]),
        ("a, b", Given(1).partial, []),
        ("a, b", Given(2, ("a",)), [Misfit(REPEATED, ("a",))]),
        ("a, /, **kwargs", Given(1, ("a",)), []),
        ("a, /", Given(1, ("a",)), [Misfit(UNEXPECTED, ("a",))]),
        ("a, *, b", Given(1, (), more_positional=True), [Misfit(MISSING, ("b",))]),
        ("a", Given(0, ("b", "c")), [Misfit(UNEXPECTED, ("b", "c")), Misfit(MISSING, ("a",))]),
    ],
)
def test_says_what_is_wrong(head, call, expected):
    assert list(misfits(params_of(head), call)) == expected
