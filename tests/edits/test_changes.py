"""Changes that become edits: nested ones, what is broken into lines, and what is cut."""

from __future__ import annotations

import ast
from functools import partial

import pytest

from flake8_celery_tasks.core.errors import Unfixable
from flake8_celery_tasks.core.text import Style
from flake8_celery_tasks.edits.changes import edits_of, is_cut
from flake8_celery_tasks.edits.edit import Change, New, Old, Packed
from flake8_celery_tasks.edits.operations import Replace, SetKeyword, TakeAttribute
from flake8_celery_tasks.edits.rewrite import Rewrite
from flake8_celery_tasks.fixer.edited import Edits
from flake8_celery_tasks.fixer.edited import edited as proven
from flake8_celery_tasks.workspace.source import Source


class Writing:
    """Writes what a test says between two offsets."""

    def __init__(self, start, end, written):
        self.change = Change(start, end, lambda _: written)

    def changes(self, _text):
        yield self.change


def changed(text, operations, width=88):
    """Return what becomes of a text, where the proof holds."""
    source = Source.of(text, Style(width))
    return proven(source, source.tree, Edits(edits_of(operations(source.tree), source)))[0].text


def calls(tree, name):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == name]


def test_a_change_within_another_one():
    def both(tree):
        (outer,) = calls(tree, "outer")
        (inner,) = calls(tree, "inner")
        return [Rewrite(outer, "send", (New("1"), Old(0))), Rewrite(inner, "sign", (New("2"), Old(0)))]

    assert changed("x = outer(inner(a))\n", both) == "x = send(1, sign(2, a))\n"


def test_two_changes_of_one_node():
    def both(tree):
        (call,) = calls(tree, "f")
        return [SetKeyword(call, "a", "1"), SetKeyword(call, "b", "2", after=("a",))]

    assert changed("f()\n", both) == "f(a=1, b=2)\n"


@pytest.mark.parametrize("spans", [((0, 5), (3, 8)), ((0, 8), (2, 6), (4, 7)), ((0, 6), (0, 3), (2, 5))])
def test_changes_that_overlap(spans):
    source = Source.of("a + b + c\n")
    with pytest.raises(Unfixable):
        edits_of([Writing(*span, "x") for span in spans], source)


def test_a_change_of_more_than_a_statement():
    source = Source.of("a\nb\n")
    assert [edit.text for edit in edits_of([Writing(0, 3, "x\ny")], source)] == ["x\ny"]


LONG = "call(one, two, three)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = f(1)\n", "x = call(\n    one, two, three\n)\n"),
        ("if f(1):\n    pass\n", "if call(\n    one, two, three\n):\n    pass\n"),
        (
            "match f(1):\n    case 1:\n        pass\n",
            "match call(\n    one, two, three\n):\n    case 1:\n        pass\n",
        ),
        (
            "x = [\n    f(1),\n    2,\n]\n",
            "x = [\n    call(\n        one,\n        two,\n        three,\n    ),\n    2,\n]\n",
        ),
        (
            "x = {\n    1: f(1),  # why\n}\n",
            "x = {\n    1: call(\n        one,\n        two,\n        three,\n    ),  # why\n}\n",
        ),
        ("x = {\n    **f(1),\n}\n", "x = {\n    **call(\n        one,\n        two,\n        three,\n    ),\n}\n"),
        ("@f(1)\ndef a(): pass\n", "@call(\n    one, two, three\n)\ndef a(): pass\n"),
        ("a; f(1)\n", "a; call(one, two, three)\n"),
        (
            "try:\n    f(1)\nfinally:\n    pass\n",
            "try:\n    call(\n        one,\n        two,\n        three,\n    )\nfinally:\n    pass\n",
        ),
        # Not written as black writes it: only the call is broken.
        (
            "x = g(a, # why\n      f(1))\n",
            "x = g(a, # why\n      call(\n          one,\n          two,\n          three,\n      ))\n",
        ),
        ("x = g(f(1),\n      a)\n", "x = g(call(\n    one, two, three\n),\n      a)\n"),
        ("xx =  [f(1),\n      a]\n", "xx =  [call(\n    one, two, three\n),\n      a]\n"),
    ],
)
def test_what_is_broken(before, after):
    def write(tree):
        return [Replace(calls(tree, "f")[0], LONG)]

    assert changed(before, write, width=20) == after


@pytest.mark.parametrize(
    "written", ["call(one if two else three_or_four)", "await call(one, two, three, four)", "[one, two, three, four]"]
)
def test_what_stays_in_a_long_line(written):
    def write(tree):
        return [Replace(calls(tree, "f")[0], written)]

    assert changed("x = g(a, # why\n      f(1))\n", write, width=20) == f"x = g(a, # why\n      {written})\n"


def test_a_line_that_nobody_has_broken_is_changed_where_it_has_to_be():
    def write(tree):
        return [SetKeyword(call, "a", "1") for call in calls(tree, "f")]

    assert changed(f"x = [{'f(), ' * 200}f()]\n", write) == f"x = [{'f(a=1), ' * 200}f(a=1)]\n"


def test_line_ends_stay():
    def write(tree):
        return [Replace(calls(tree, "f")[0], LONG)]

    assert changed("x = f(1)\r\ny\r\n", write, width=20) == "x = call(\r\n    one, two, three\r\n)\r\ny\r\n"


def test_a_comment_that_would_be_lost():
    source = Source.of("f(a,  # why\n  b)\n")
    with pytest.raises(Unfixable):
        edits_of([Replace(source.tree.body[0].value, "g()")], source)


def test_what_is_no_python():
    source = Source.of("f(a)\n")
    for written in "g(", "a b c":
        with pytest.raises(Unfixable):
            edits_of([Replace(source.tree.body[0].value, written)], source)


def test_edits_are_small():
    source = Source.of("task.delay(first, second=f(2))\n")
    (call,) = calls(source.tree, "task.delay")
    packed = Packed("args", ((0, ""),)), Packed("kwargs", ((1, "'second'"),), is_dict=True)
    edits = edits_of([Rewrite(call, "task.apply_async", packed)], source)
    kept = source.text
    for edit in reversed(edits):
        kept = kept[: edit.start] + "_" * (edit.end - edit.start) + kept[edit.end :]
    assert kept == "task._____(first,____________)\n"


def test_nodes_that_start_or_end_in_an_edit():
    assert not is_cut(2, 8, [(3, 5), (6, 8)])
    assert is_cut(2, 8, [(0, 4)])
    assert is_cut(2, 8, [(6, 9)])
    assert not is_cut(2, 8, [(0, 4), (6, 9)])


def test_many_items_are_not_all_looked_at():
    items = "".join(f"    f({number}),\n" for number in range(30))
    after = changed(f"x = [\n{items}]\n", lambda tree: [TakeAttribute(calls(tree, "f")[20], "s")])
    assert after == f"x = [\n{items}]\n".replace("f(20)", "f(20).s")


def test_writing_may_refuse():
    source = Source.of("f(a)\n")

    class Refusing:
        def changes(self, text):
            yield Change(0, 4, partial(int, base=0))

    with pytest.raises(ValueError, match="invalid literal"):
        edits_of([Refusing()], source)
