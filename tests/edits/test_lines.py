"""Lines broken as black breaks them."""

from __future__ import annotations

import ast
import tokenize

import black
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.core.text import Style
from flake8_celery_tasks.edits import leaves
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
    expected = formatted(flat, width)
    source, part = (_part(text, before, behind, indent) for text in (flat, expected))
    is_settled = formatted(expected, width) == expected
    if not is_settled or not (source.endswith(comment) and part.endswith(comment)):
        return
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
        ("def some_name_of_a_function(a):", "def some_name_of_a_function(\n    a,\n):"),
    ],
)
def test_lines(code, after):
    assert laid(code, Style(19), "") == after


#: What is broken in one way or another, each at several widths.
SOME = [
    "self.fields[name].queryset = Component.objects.filter(project=project)",
    "some[key][other_key] = value_of_something",
    "x['key'] = value_of_something",
    "result = 'a text of some length'.strip()",
    "result = 'a text'.strip(one).strip()",
    "some['key'].attribute.of_something['another'] = call(argument, another)",
    "one = two['key'] = three['another'] = some_value_of_it",
    "x[call(argument)] = y[call(argument)] = some_value_of_it",
    "result = [one_thing, another_thing] + more_things",
    "result = (one_thing + another_thing)[0]",
    "result = call(argument)[key_of_something] + 1",
    "result = [a_thing_of_some_length + b for b in c] + [d]",
    "result = one_thing and {'key': value, 'another': other}",
    "result = -call(argument, another_argument)",
    "result = {'key': value} | other_dictionary",
    "result = 'a text {}'.format(some_argument_of_it)",
    "result = 'a text'.join(one).replace(two, three)",
    "'a text of some length that is no statement'.strip()",
    "result = some_function_without_arguments()",
    "result = some.function.of.an.object()[0]()",
    "result = function(one)(two)(three_of_some_length)",
    "result = Model.objects.filter(a=b).exclude(c=d).order_by(e)",
    "result = Model.objects.filter(a=b)[0].attribute_of_it",
    "call(one, [two, three,], four)",
    "call(one)(two, three,)(four)",
    "call([one, two,])[key].method(argument).another()",
    "call(one, two,).method(argument_of_some_length)",
    "call(**options_of_some_length, name=value)",
    "call(lambda one, two=three: one + two, another_argument)",
    "call(one if not two else three)",
    "call(f'{one}', 'two' 'three', not_one, not two)",
    "call(*args, a * b, -c, ~d, e @ f, g << h)",
    "assert one == two, 'a text of some length about it'",
    "return one_thing_of_some_length",
    "return not one_thing_of_some_length(argument)",
    "return one, two_of_some_length, three",
    "return (yield one_thing_of_some_length)",
    "return (one, two)",
    "x: dict[str, int] = {'key': value_of_it}",
    "x: SomeType = some_function_of_it(argument)",
    "from shop.tasks import one as two, three_of_some_length",
    "from shop.tasks import (one)",
    "del one[key], two[key_of_some_length]",
    "raise SomeError('a text of some length', argument)",
    "await some_function(argument_of_some_length)",
    "[one for one in two if one in three and one not in four]",
    "{key: value for key, value in some_items.items()}",
    "x = [a async for a in some_generator_of_it(argument)]",
]


@pytest.mark.parametrize("code", SOME)
def test_some_statements(code):
    for width in range(8, 70, 6):
        for comment in "", "  # why":
            _compare(f"async def f():\n    {code}{comment}\n", 1, width, "    ", comment)


@pytest.mark.skipif(hasattr(tokenize, "FSTRING_START"), reason="Python itself splits f-strings")
def test_f_strings_as_later_pythons_split_them(monkeypatch):
    def split(readline):
        text = "(f'a{f'b'}')"
        assert readline() == text
        kinds = [
            (tokenize.OP, 0, 1),
            (90, 1, 3),
            (tokenize.OP, 4, 5),
            (90, 5, 7),
            (91, 8, 9),
            (91, 10, 11),
            (tokenize.OP, 11, 12),
        ]
        for kind, start, end in kinds:
            yield tokenize.TokenInfo(kind, text[start:end], (1, start), (1, end), text)

    monkeypatch.setattr(tokenize, "generate_tokens", split)
    monkeypatch.setattr(leaves, "_STARTS", {90})
    monkeypatch.setattr(leaves, "_ENDS", {91})
    assert [leaf.text for leaf in leaves.leaves_of("f'a{f'b'}'")] == ["f'a{f'b'}'"]
    assert leaves._between(["ab\n", "cd\n", "ef\n"], (1, 1), (3, 1)) == "b\ncd\ne"


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
