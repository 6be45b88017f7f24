from __future__ import annotations

import ast

import pytest
from hypothesis import given

from flake8_celery_tasks.binding.symbols import Params
from flake8_celery_tasks.contract import signature
from tests.contract.test_compare import signatures


@pytest.mark.parametrize(
    ("text", "params"),
    [
        ("()", Params()),
        ("(a)", Params(positional=("a",))),
        ("(a, b=...)", Params(positional=("a", "b"), defaults=1)),
        ("(a, /, b)", Params(positional_only=("a",), positional=("b",))),
        ("(a=..., /)", Params(positional_only=("a",), defaults=1)),
        ("(*, a, b=...)", Params(keyword_only=("a", "b"), keyword_required=("a",))),
        ("(*args, a)", Params(vararg="args", keyword_only=("a",), keyword_required=("a",))),
        ("(a, *args, **kwargs)", Params(positional=("a",), vararg="args", kwarg="kwargs")),
        ("(größe)", Params(positional=("größe",))),
    ],
)
def test_text_and_parameters(text, params):
    assert signature.as_text(params) == text
    assert signature.parse(text) == params


@pytest.mark.parametrize("text", ["( a,b = ...,* ,c , ** d )", "(a,\n b=...,\n *, c, **d,\n)"])
def test_how_it_is_written_does_not_count(text):
    assert signature.as_text(signature.parse(text)) == "(a, b=..., *, c, **d)"


def test_a_name_is_what_python_makes_of_it():
    assert signature.parse("(\N{LATIN SMALL LIGATURE FI}le)") == Params(positional=("file",))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no signature"),
        ("(", "no signature"),
        ("a, b", "no signature"),
        ("(a", "no signature"),
        ("(" + "a" * signature.LONGEST + ")", "no signature"),
        ("(a, a)", "there twice"),
        ("(a, *a)", "there twice"),
        ("(a b)", "not a parameter"),
        ("(a=1)", "not a parameter"),
        ("(a=...=...)", "not a parameter"),
        ("(a: int)", "not a parameter"),
        ("(None)", "not a parameter"),
        ("(a=(((((())))))", "not a parameter"),
        ("(,)", "not a parameter"),
        ("(a,,b)", "not a parameter"),
        ("(**)", "not a parameter"),
        ("(a=..., b)", "behind one that has one"),
        ("(/)", "does not belong"),
        ("(a, /, b, /)", "does not belong"),
        ("(*args, /)", "does not belong"),
        ("(*, *args)", "two"),
        ("(*)", "without parameters"),
        ("(*, **kwargs)", "without parameters"),
        ("(**kwargs, a)", "behind the"),
    ],
)
def test_what_is_no_signature(text, why):
    with pytest.raises(ValueError, match=why):
        signature.parse(text)


@given(signatures())
def test_it_is_read_as_it_was_written(text):
    ast.parse(f"def function{text}: ...")
    assert signature.as_text(signature.parse(text)) == text
