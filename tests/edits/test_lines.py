"""Lines broken as black breaks them."""

from __future__ import annotations

import ast

import black
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.core.text import Style
from flake8_celery_tasks.edits.leaves import Unknown
from flake8_celery_tasks.edits.lines import laid, width_of

NAME = st.sampled_from(
    ["a", "task", "current_app", "shop.tasks.send_the_mail", "'a text of some length'", "1", "self.x.y"]
)


def expressions():
    def more(inner):
        items = st.lists(inner, min_size=1, max_size=4)
        return st.one_of(
            st.tuples(st.sampled_from(["f", "app.send_task", "group"]), items).map(
                lambda x: f"{x[0]}({', '.join(x[1])})"
            ),
            st.tuples(NAME, inner).map(lambda x: f"call({x[0]}, args=[{x[1]}], **more)"),
            items.map(lambda x: f"[{', '.join(x)}]"),
            items.map(lambda x: "{" + ", ".join(f"'k{n}': {one}" for n, one in enumerate(x)) + "}"),
            inner.map(lambda x: f"f({x}).get(timeout=3)"),
            inner.map(lambda x: f"[{x} for a in b if a not in c]"),
            inner.map(lambda x: f"f(lambda o=o, p=p: {x})"),
            st.tuples(inner, st.sampled_from(["+", "|", "and", "==", "not in", "is not", "-", "%"]), inner).map(
                " ".join
            ),
            inner.map(lambda x: f"f(-{x})" if not x.startswith("-") else x),
            inner.map(lambda x: f"a[{x}]"),
        )

    return st.recursive(NAME, more, max_leaves=10)


STATEMENTS = st.sampled_from(
    [
        "{0}",
        "x = {0}",
        "self.result.of_something = {0}",
        "a, b = {0}, {1}",
        "x = y = {0}",
        "x: int = {0}",
        "x['some key'] = {0}",
        "x += {0}",
        "return {0}",
        "assert {0}, {1}",
        "raise ValueError({0})",
        "await f({0})",
        "del x[{0}]",
        "from shop.tasks import one, two as three, four",
        "from shop.tasks import a_single_name_of_some_length",
        "from shop import *",
    ]
)
BLOCKS = st.sampled_from(["if {0}:", "while {0}:", "for a in {0}:", "with f({0}) as g:", "if {0} and {1}:"])
HEADS = st.sampled_from(
    ["def f(self, a, b={0}, *args, c=None, **kwargs):", "def f(self):", "async def f(a, b, *, c) -> int:"]
)


VERSIONS = {black.TargetVersion.PY310}


def formatted(code, width):
    return black.format_str(code, mode=black.Mode(line_length=width, target_versions=VERSIONS))


def known(code, style, indent, **options):
    try:
        return laid(code, style, indent, **options)
    except Unknown:
        return None


@given(STATEMENTS, expressions(), expressions(), st.sampled_from([20, 30, 40, 60]), st.sampled_from(["", "  # why"]))
@settings(max_examples=300, deadline=None)
def test_statements_are_broken_as_black_breaks_them(form, one, other, width, comment):
    code = form.format(one, other)
    _compare(f"async def f():\n    {code}{comment}\n", 1, width, "    ", comment)


@given(BLOCKS, expressions(), expressions(), st.sampled_from([20, 40, 60]))
@settings(max_examples=100, deadline=None)
def test_heads_of_blocks_are_broken_as_black_breaks_them(form, one, other, width):
    _compare(f"def f():\n    {form.format(one, other)}\n        pass\n", 1, width, "    ", "", behind=1)


@given(HEADS, expressions(), st.sampled_from([20, 40, 60]))
@settings(max_examples=100, deadline=None)
def test_definitions_are_broken_as_black_breaks_them(form, one, width):
    _compare(f"{form.format(one)}\n    pass\n", 0, width, "", "", behind=1)


@given(expressions(), st.sampled_from([20, 40, 60]))
@settings(max_examples=100, deadline=None)
def test_decorators_are_broken_as_black_breaks_them(one, width):
    _compare(f"@app.task(name='a', max_retries={one})\ndef f():\n    pass\n", 0, width, "", "", behind=2)


def _compare(code, before, width, indent, comment, behind=0):
    """Compare with black: what is written in one line, and what black has made of it, is broken as black breaks it.

    Where black itself does not come to an end at once there is nothing to compare with.
    """
    flat = formatted(code, 10_000)
    try:
        expected = formatted(flat, width)
        assume(formatted(expected, width) == expected)
    except black.parsing.ASTSafetyError:  # pragma: no cover
        assume(False)
    source, part = (_part(text, before, behind, indent) for text in (flat, expected))
    assume(source.endswith(comment) and part.endswith(comment) and "# why" not in part.removesuffix(comment))
    source, part = source.removesuffix(comment), part.removesuffix(comment)
    for one in source, part:
        assert known(one, Style(width), indent, comment=comment) in (None, part)


def _part(text, before, behind, indent):
    lines = text.splitlines()
    return "\n".join(lines[before : len(lines) - behind]).removeprefix(indent)


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("send(name, args=[1])", "send(\n    name, args=[1]\n)"),
        ("send(name, args=[users])", "send(\n    name,\n    args=[users],\n)"),
        ("f(a,)", "f(\n    a,\n)"),
        ("(a,)", "(a,)"),
        ("a[b,]", "a[b,]"),
        ("[a,]", "[\n    a,\n]"),
        ("x = (aaaaaaaaaaaaa)", "x = aaaaaaaaaaaaa"),
        ("x = (aaaaaaaaaaaaaaaaa)", "x = aaaaaaaaaaaaaaaaa"),
        ("x = aaaaaaaaaa + bbbb", "x = (\n    aaaaaaaaaa\n    + bbbb\n)"),
        ("x = f'{a}' 'bbbbbbbbbbbbb'", "x = (\n    f'{a}'\n    'bbbbbbbbbbbbb'\n)"),
        ("def f(aaaaaaaaaaaaaaa):", "def f(\n    aaaaaaaaaaaaaaa,\n):"),
        ("def f() -> aaaaaaaaaaaaaaa:", "def f() -> aaaaaaaaaaaaaaa:"),
    ],
)
def test_lines(code, after):
    assert laid(code, Style(19), "") == after


def test_magic_commas_may_say_nothing():
    style = Style(19, magic=False)
    assert laid("f(\n    a,\n)", style, "") == "f(a)"
    assert laid("(a,)", style, "") == "(a,)"
    assert laid("send(names, [users],)", style, "") == "send(\n    names, [users]\n)"


def test_items():
    assert laid("send(name, args)", Style(19), "", is_item=True) == "send(name, args)"
    assert laid("send(name, args)", Style(16), "", is_item=True) == "send(\n    name, args\n)"
    assert laid("'a': send(name)", Style(12), "\t", is_item=True) == "'a': send(\n\t\tname\n\t)"


def test_comments_count_but_those_for_tools():
    assert laid("f(a)", Style(10), "", comment="  # comment") == "f(\n    a\n)"
    assert laid("f(a)", Style(10), "", comment="  # type: ignore[x]") == "f(a)"
    assert laid("f(a)", Style(10), "", comment="  # noqa: X") == "f(\n    a\n)"
    assert laid("f(a)", Style(10, pragmas=True), "", comment="  # noqa: X") == "f(a)"


@pytest.mark.parametrize(
    "code",
    [
        "f(  # why\n    a\n)",
        "f('''\n''')",
        "f(a)\\\n    .b",
        "f(a",
        "f(]",
        "x = a,",
        "x = f(a if bbbbbbbbbb else c)",
        "'",
        "",
    ],
)
def test_what_is_left_as_it_is(code):
    with pytest.raises(Unknown):
        laid(code, Style(10), "")


def test_widths():
    assert width_of("\ta") == 5
    assert width_of("日本") == 4
    assert width_of("e\u0301") == 1


@given(st.text("ab()[]{},.:=+-*'\"#\n ifornlmd", max_size=40))
@settings(max_examples=300, deadline=None)
def test_whatever_is_given(code):
    after = known(code, Style(10), "")
    if after is not None:
        try:
            tree = ast.parse(code)
        except SyntaxError:
            return
        if len(tree.body) == 1:
            assert ast.dump(ast.parse(after)) == ast.dump(tree)
