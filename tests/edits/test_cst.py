"""Nodes written anew by libcst: what stays byte for byte, and where what is new comes."""

from __future__ import annotations

import ast
import subprocess
import sys

import libcst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flake8_celery_tasks.core.errors import Unfixable, UnknownSyntax
from flake8_celery_tasks.edits import cst
from flake8_celery_tasks.edits.edit import New, Old, Packed
from tests.helpers import write

# What stays.

GAPS = st.sampled_from(["", " ", "\n    ", "  # one\n    ", "\n\n    # two\n    ", "  # one\n    # two\n\n    "])
VALUES = st.sampled_from(
    ["1", "'a'", "x", "f(1, 2)", "[a,  b]", "(1)", "{'a':1}", "lambda a : a", "x if y else z", "-1"]
)
NAMES = ["queue", "bind", "max_retries", "name", "rate_limit"]


@st.composite
def calls(draw, *, least=1):
    """A call: its arguments, and its text."""
    values = draw(st.lists(VALUES, min_size=0, max_size=2))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=least, max_size=4))
    equals = st.sampled_from(["=", " = "])
    given = [*values, *(f"{name}{draw(equals)}{draw(VALUES)}" for name in names)]
    first, last = draw(GAPS), draw(GAPS)
    between = [draw(GAPS) for _ in given]
    comma = draw(st.sampled_from(["", ","]))
    listed = ",".join(
        f"{gap if number else ''}{one}" for number, (gap, one) in enumerate(zip(between, given, strict=True))
    )
    return names, len(values), f"app.task({first}{listed}{comma if given else ''}{last})"


def comments(code):
    return sorted(part.partition("\n")[0].strip() for part in code.split("#")[1:])


def keywords(code):
    node = ast.parse(f"({code}\n)", mode="eval").body
    found = {keyword.arg: ast.unparse(keyword.value) for keyword in getattr(node, "keywords", ())}
    return [ast.unparse(argument) for argument in getattr(node, "args", ())], found


@given(calls())
@settings(max_examples=200, deadline=None)
def test_what_changes_nothing_prints_back_what_was_there(call):
    names, _, code = call
    for name in names:
        assert cst.renamed_keyword(code, name, name) == code


@given(calls(), st.sampled_from(NAMES))
@settings(max_examples=200, deadline=None)
def test_a_keyword_is_set_and_nothing_else(call, name):
    names, _, code = call
    after = cst.with_keyword(code, name, "new")
    before_args, before = keywords(code)
    assert keywords(after) == (before_args, {**before, name: "new"})
    assert comments(after) == comments(code)
    if name in names:
        assert len(after.splitlines()) == len(code.splitlines())


@given(calls(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_keyword_goes_and_nothing_else(call, data):
    names, _, code = call
    name = data.draw(st.sampled_from(names))
    after = cst.without_keyword(code, name)
    args, found = keywords(code)
    del found[name]
    assert keywords(after) == (args, found)
    assert comments(after) == comments(code)
    assert after.startswith("app.task(") == bool(args or found)


@given(calls(least=0), st.sampled_from(["", ", *more"]))
@settings(max_examples=100, deadline=None)
def test_a_call_keeps_the_comments_of_the_arguments_that_it_keeps(call, more):
    names, values, code = call
    places = range(values + len(names))
    packed = [Packed("args", tuple((place, "") for place in places if place < values))] if values else []
    if names:
        packed.append(Packed("kwargs", tuple((values + n, f"'{name}'") for n, name in enumerate(names)), is_dict=True))
    after = cst.rewritten(code, "app.send", (New("'n'"), *packed, New("queue=q")), "", 88)
    args, found = keywords(after)
    assert args == ["'n'"]
    assert found.pop("queue") == "q"
    assert comments(after) == comments(code)
    before_args, before = keywords(code)
    written = {**({"args": f"[{', '.join(before_args)}]"} if values else {})}
    if names:
        written["kwargs"] = "{" + ", ".join(f"'{name}': {value}" for name, value in before.items()) + "}"
    assert found == {name: ast.unparse(ast.parse(value, mode="eval")) for name, value in written.items()}


PARAMETERS = ["a, b", "a, /, b", "a=1, *, c", "*args, **kw", "*, c, d=3", "**kw", "a, /", "a, b=2, *args, c"]


@given(st.sampled_from(PARAMETERS), GAPS, GAPS)
@settings(max_examples=100, deadline=None)
def test_a_parameter_comes_and_goes_again(params, first, gap):
    code = f"({first}{params.replace(', ', f',{gap or chr(32)}')})"
    after = cst.with_parameter(code, "self")
    args = ast.parse(f"def f{after}: pass").body[0].args
    assert (args.posonlyargs or args.args)[0].arg == "self"
    again = cst.without_parameter(after)
    assert ast.dump(ast.parse(f"def f{again}: pass")) == ast.dump(ast.parse(f"def f{code}: pass"))
    assert comments(again) == comments(code)


# Where what is new comes.


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("task", 'task(name="a")'),
        ("task()", 'task(name="a")'),
        ("task(\n)", 'task(name="a")'),
        ("task(\n    # none\n)", 'task(\n    name="a",\n    # none\n)'),
        ("task(\n\n\t# none\n\t# yet\n)", 'task(\n\tname="a",\n\n\t# none\n\t# yet\n)'),
        ("task(  # none\n)", 'task(  # none\n    name="a",\n)'),
        ("task(1, bind=True)", 'task(1, name="a", bind=True)'),
        ("task(**more)", 'task(name="a", **more)'),
        ("task(*some, **more)", 'task(*some, name="a", **more)'),
        (
            "task(  # why\n    # about b\n    b=1,  # x\n    c=2,\n)",
            'task(  # why\n    name="a",\n    # about b\n    b=1,  # x\n    c=2,\n)',
        ),
        ("task(\n    b=1, c=2\n)", 'task(\n    name="a", b=1, c=2\n)'),
    ],
)
def test_where_a_keyword_comes(code, after):
    assert cst.with_keyword(code, "name", '"a"') == after


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("task(\n    name='a'  # x\n)", "task(\n    name='a',  # x\n    bind=True\n)"),
        ("task(\n    name='a',  # x\n    # end\n)", "task(\n    name='a',  # x\n    bind=True,\n    # end\n)"),
        ("task(a, name='a',  # x\n)", "task(a, name='a', bind=True,  # x\n)"),
        ("task(\n    name='a')", "task(\n    name='a',\n    bind=True)"),
    ],
)
def test_where_a_keyword_comes_behind_others(code, after):
    assert cst.with_keyword(code, "bind", "True", ("name",)) == after


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("task(bind=True)", "task"),
        ("task(  # why\n    bind=True\n)", "task  # why"),
        ("task(a=1, bind=True)", "task(a=1)"),
        ("task(bind=True, a=1)", "task(a=1)"),
        ("task(bind=True,  # B\n     a=1)", "task(  # B\n     a=1)"),
        ("task(a=1,  # A\n     bind=True)", "task(a=1  # A\n     )"),
        ("task(a=1,\n     bind=True)", "task(a=1)"),
        ("task(a=1, bind=True,  # B\n     c=1)", "task(a=1,  # B\n     c=1)"),
        (
            "task(\n    a=1,  # A\n    # ab\n    bind=True,  # B\n    # end\n)",
            "task(\n    a=1,  # A\n    # ab\n    # B\n    # end\n)",
        ),
        ("task(\n    bind=True, a=1,\n)", "task(\n    a=1,\n)"),
    ],
)
def test_where_a_keyword_goes(code, after):
    assert cst.without_keyword(code, "bind") == after


def test_comments_of_a_call_that_is_written_anew():
    code = "t.delay(\n    user.pk,  # the key\n    # the order\n    order.pk,\n    flag=True\n    # end\n)"
    packed = (Packed("args", ((0, ""), (1, ""))), Packed("kwargs", ((2, "'flag'"),), is_dict=True))
    assert cst.rewritten(code, "app.send_task", (New("'n'"), *packed), "", 88) == (
        "app.send_task(\n    'n',\n    args=[\n        user.pk,  # the key\n        # the order\n        order.pk,\n"
        "    ],\n"
        "    kwargs={'flag': True}\n    # end\n)"
    )
    assert (
        cst.rewritten("f(a,  # c\n  b)", "g", (Old(1), Old(0, "x")), "  ", 88) == "g(\n      b,\n      x=a,  # c\n  )"
    )
    assert cst.rewritten("f(\n\ta  # c\n)", "g", (Old(0),), "", 88) == "g(\n\ta  # c\n)"


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("f(\n    # c\n)", "g(\n    n,\n    # c\n)"),
        ("f(\n    # c\n    a\n)", "g(\n    n,\n    # c\n    a,\n)"),
        ("f(\n    a, b  # c\n)", "g(\n    n,\n    a,\n    b,  # c\n)"),
        ("f(\n    a,\n    b  # c\n)", "g(\n    n,\n    a,\n    b  # c\n)"),  # as it was written
    ],
)
def test_commas_of_a_call_with_comments(code, after):
    kept = (Old(0), Old(1))[: code.count("a") + code.count("b")]
    assert cst.rewritten(code, "g", (New("n"), *kept), "", 88) == after


def test_a_long_list_of_arguments_is_broken():
    code = "f(\n\ta,\n\t*b,\n)"
    assert cst.rewritten(code, "g", (Packed("args", ((0, ""), (1, ""))),), "", 10) == (
        "g(\n\targs=[\n\t\ta,\n\t\t*b,\n\t],\n)"
    )


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("x", "(x,)"),
        ("(x)", "(x,)"),
        ("(\n  x\n)", "(\n  x,\n)"),
        ("[x]", "(x,)"),
        ("[x, y]", "(x, y)"),
        ("[x,]", "(x,)"),
        ("(a, b)", "((a, b),)"),
        ("(a for a in b)", "((a for a in b),)"),
    ],
)
def test_tuples(code, after):
    assert cst.as_tuple(code) == after
    assert isinstance(ast.parse(after, mode="eval").body, ast.Tuple)


@pytest.mark.parametrize(
    ("code", "after"), [("a.b", "a.b.s"), ("a | b", "(a | b).s"), ("(a | b)", "(a | b).s"), ("await a", "(await a).s")]
)
def test_attributes(code, after):
    assert cst.attribute(code, "s") == after


def test_other_expressions():
    assert cst.renamed_attribute("a . b", "c") == "a . c"
    assert cst.with_bound_names("lambda: f(a)", ["a"]) == "lambda a=a: f(a)"
    assert cst.with_bound_names("lambda x, y=1: f(a)", ["a", "b"]) == "lambda x, y=1, a=a, b=b: f(a)"
    assert cst.named_argument("retry(exc,  # c\n)", 0, "exc") == "retry(exc=exc,  # c\n)"


@pytest.mark.parametrize(
    ("code", "after"),
    [
        ("import a, b", "import b"),
        ("from m import a, b as c", "from m import b as c"),
        ("from m import (a, b)", "from m import (b)"),
        ("from m import (\n    a,  # A\n    b,\n)", "from m import (\n    # A\n    b,\n)"),
    ],
)
def test_names_of_imports_go(code, after):
    assert cst.without_names(code, [0]) == after


@pytest.mark.parametrize(
    ("code", "place", "after"),
    [
        ("from m import a, c", 1, "from m import a, b as d, c"),
        ("from m import a", 1, "from m import a, b as d"),
        ("from m import (\n    a,  # A\n)", 1, "from m import (\n    a,  # A\n    b as d,\n)"),
        ("from m import (a\n)", 1, "from m import (a, b as d\n)"),
    ],
)
def test_names_of_imports_come(code, place, after):
    assert cst.with_name(code, "b", "d", place) == after


# What is not known.


@pytest.mark.parametrize(
    "change",
    [
        lambda: cst.without_keyword("task", "bind"),
        lambda: cst.without_keyword("task(a=1)", "bind"),
        lambda: cst.without_keyword("task(bind=True  # why\n    , a=1)", "bind"),
        lambda: cst.renamed_attribute("a", "b"),
        lambda: cst.with_bound_names("a", ["b"]),
        lambda: cst.with_bound_names("lambda *a: b", ["b"]),
        lambda: cst.with_bound_names("lambda **a: b", ["b"]),
        lambda: cst.without_names("from a import *", [0]),
        lambda: cst.without_names("a = 1", [0]),
        lambda: cst.without_parameter("()"),
        lambda: cst.named_argument("f(a, b)", 0, "x"),
    ],
)
def test_what_is_no_such_node_is_refused(change):
    with pytest.raises(Unfixable):
        change()


def test_a_syntax_that_libcst_does_not_know(monkeypatch):
    for code in "f(", "f(a b)":
        with pytest.raises(UnknownSyntax):
            cst.with_keyword(code, "a", "1")
    with pytest.raises(UnknownSyntax):
        cst.without_names("import", [0])


@pytest.mark.parametrize(
    "run",
    [
        "from flake8.main.cli import main; main(['--isolated', '--select=CLY', 'shop'])",
        "from flake8_celery_tasks.command.main import main; main(['check', '--isolated', 'shop'])",
        "from flake8_celery_tasks.command.main import main; main(['tasks', 'shop'])",
        "from flake8_celery_tasks.command.main import main; main(['explain', 'CLY401'])",
    ],
)
def test_libcst_is_imported_for_a_fix_only(run, tmp_path):
    assert libcst
    write(
        tmp_path,
        {"shop/tasks.py": "from celery import shared_task\n\n\n@shared_task(bind=True)\ndef a(x):\n    pass\n"},
    )
    code = f"import sys\n{run}\nprint('libcst' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
    assert "CLY" in done.stdout or "shop.tasks.a" in done.stdout
