"""What symbolic values come to."""

from __future__ import annotations

import ast
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flake8_celery_tasks.binding.values import UNKNOWN, Ref
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.resolution import evaluation
from flake8_celery_tasks.resolution.evaluation import Called, Table
from flake8_celery_tasks.resolution.resolver import Target
from tests.helpers import project_at, write

BASE = """\
import datetime
from datetime import timedelta
from enum import Enum
from shop.other import FAR, Names as Aliased, MISSING_NAME

A = 2
B = A * 3 + 1
NAME = "shop"
NOTHING = None
HOUR = timedelta(hours=1)
TWICE = 1
TWICE = 2
SAME = 1
SAME = 1
GROWS = "a"
GROWS += "b"
LOOP = LOOP + 1
X1, (X2, *X3) = 1, (2, 3)
Y1, Y2 = pair
D = {"a": 1, **{"b": A}, NAME: (A, B)}


class Names(str, Enum):
    MAIL = "mail"
    LATE = NAME + ".late"


class Config:
    inner = A
    unset = None
"""


@pytest.fixture
def settle(tmp_path):
    write(tmp_path, {"shop/tasks.py": BASE, "shop/other.py": "FAR = 'far'\nclass Names:\n    Z = 26\n"})
    known = session.project_of(str(tmp_path / "shop/tasks.py"), Options())
    module = known.module(str(tmp_path / "shop/tasks.py"))

    def settled(text):
        node = ast.parse(text, mode="eval").body
        return known.settle(module.value(node, module.candidates.scope), module)

    return settled


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1.5", -1.5),
        ("'a' 'b'", "ab"),
        ("A", 2),
        ("B", 7),
        ("B - A, B / 2, B // 2, B % 4, A ** 3", (5, 3.5, 3, 3, 8)),
        ("[A, B]", [2, 7]),
        ("{A, B}", {2, 7}),
        ("D", {"a": 1, "b": 2, "shop": (2, 7)}),
        ("dict(a=A)", {"a": 2}),
        ("D | {'c': 3}", {"a": 1, "b": 2, "shop": (2, 7), "c": 3}),
        ("f'{NAME}.{A}'", "shop.2"),
        ("NAME + '.x'", "shop.x"),
        ("(1,) + (2,)", (1, 2)),
        ("__name__ + '.X'", "shop.tasks.X"),
        ("Names.MAIL", "mail"),
        ("Names.LATE.value", "shop.late"),
        ("Config.inner", 2),
        ("Aliased.Z", 26),
        ("FAR", "far"),
        ("NOTHING", None),
        ("SAME", 1),
        ("X1", 1),
        ("timedelta(minutes=A)", datetime.timedelta(minutes=2)),
        ("-datetime.timedelta(1) * 2", datetime.timedelta(days=-2)),
        ("timedelta(hours=1) + timedelta(1)", datetime.timedelta(hours=25)),
        ("timedelta(minutes=A).total_seconds()", 120.0),
        ("HOUR.total_seconds() * A", 7200.0),
        ("int(HOUR.total_seconds())", 3600),
        ("float(A)", 2.0),
        ("tuple([1, A])", (1, 2)),
        ("list((1,))", [1]),
        ("(x := A)", 2),
    ],
)
def test_folds(settle, text, value):
    found = settle(text)
    assert found == value
    assert type(found) is type(value) or isinstance(found, Table)


@pytest.mark.parametrize(
    "text",
    [
        "TWICE",
        "GROWS",
        "LOOP",
        "Y1",
        "f'{A!r}'",
        "f'{A:>3}'",
        "f'{x}'",
        "a[0]",
        "not A",
        "~A",
        "A @ B",
        "1 / 0",
        "9 ** 99999",
        "2.5 ** 65",
        "'x' * 10 ** 9",
        "'a' * 2",
        "'%s' % 1",
        "timedelta('x')",
        "timedelta(nonsense=1)",
        "timedelta(days=10 ** 12)",
        "tuple(x)",
        "[*A]",
        "{[]}",
        "'" + "a" * 9000 + "' + '" + "b" * 9000 + "'",
        "lambda: 1",
        "-'a'",
        "Names.MAIL.other",
        "(lambda: 1)()",
    ],
)
def test_does_not_fold(settle, text):
    assert settle(text) is UNKNOWN


@pytest.mark.parametrize(
    "text",
    [
        "HOUR.total_seconds(1)",
        "NAME.total_seconds()",
        "int('5')",
        "int(9e999)",
        "int(x=A)",
        "int(A, 2)",
        "pair.total_seconds()",
    ],
)
def test_calls_that_are_not_understood(settle, text):
    assert isinstance(settle(text), Called)


def test_partly_known(settle):
    table = settle("{'a': 1, **other, b: 2, [1]: 3}")
    assert table == {"a": 1}
    assert not table.complete
    assert settle("(1, f(), a.b)")[0] == 1
    assert isinstance(settle("ValueError"), Target)
    assert settle("ValueError").path == "builtins.ValueError"
    assert settle("f(1, *a, k=2)").keywords == {"k": 2, None: UNKNOWN}
    assert settle("MISSING_NAME") is UNKNOWN or settle("MISSING_NAME").lost


def test_work_is_limited(settle, tmp_path):
    """Values that double with each name, and very deep ones, end as unknown and soon."""
    lines = ["V0 = 1"] + [f"V{n} = (V{n - 1}, V{n - 1})" for n in range(1, 60)]
    write(tmp_path, {"shop/double.py": "\n".join(lines)})
    known = session.project_of(str(tmp_path / "shop/double.py"), Options())
    module = known.module(str(tmp_path / "shop/double.py"))
    node = ast.parse("V59", mode="eval").body
    assert repr(known.settle(module.value(node, module.candidates.scope), module)).count("(") < 10 * evaluation.STEPS
    assert settle("-" * 60 + "1") is UNKNOWN


numbers = st.integers(-20, 20) | st.floats(-20, 20)


@given(st.sampled_from(["+", "-", "*", "/", "//", "%", "**"]), numbers, numbers)
def test_arithmetic_agrees_with_python(operator, left, right):
    try:
        expected = eval(f"left {operator} right")
    except (ArithmeticError, ValueError):
        expected = UNKNOWN
    found = evaluation.operate(operator, [left, right])
    assert found is UNKNOWN if expected is UNKNOWN else found == expected or expected != expected


def test_reprs_are_for_people():
    assert repr(Target("a.b", rest=("c",))) == "Target('a.b', NoneType, ('c',))"
    assert repr(Called(1, (2,), {"k": 3})) == "Called(1, (2,), {'k': 3})"


def test_routes_are_looked_up(tmp_path):
    known = project_at(tmp_path, {"a.py": "x = {'a': 1, 'a.*': 2, '[': 3, 'b': 4}\ny = {1: 1}\n"})
    module = known.module(str(tmp_path / "a.py"))
    routes, others = (known.settle(Ref(f":{name}"), module) for name in "xy")
    assert routes.matching("a") == ["a"]
    assert routes.matching("a.b") == ["a.*"]
    assert routes.matching("[") == ["["]
    assert routes.matching("a.*") == ["a.*"]
    assert not routes.has_other_keys
    assert others.has_other_keys


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (("shop",), "shop", True),
        (("shop",), "shops", False),
        (("shop.", ""), "shop.bill", True),
        (("", ".bill"), "shop.bill", True),
        (("shop.", ".task"), "shop.task", False),  # the two may not overlap
        (("shop.", ".bill.", ".task"), "shop.x.bill.y.task", True),
        (("shop.", ".bill.", ".task"), "shop.x.ship.y.task", False),
        (("a", "b", "b", "c"), "axbxbxc", True),
        (("a", "b", "b", "c"), "axbxc", False),
    ],
)
def test_patterns(pattern, name, expected):
    assert evaluation.matches(pattern, name) == expected


LONG = "a" * 4000


@pytest.mark.parametrize(("times", "expected"), [(1, (LONG, "")), (2, (LONG, LONG, "")), (3, ("", ""))])
def test_a_text_that_is_too_long_is_anything(tmp_path, times, expected):
    known = project_at(tmp_path, {"shop/names.py": f"A = '{LONG}'\nB = f'{'{A}{x}' * times}'\n"})
    module = known.module(str(tmp_path / "shop/names.py"))
    [binding] = module.candidates.scope.bindings["B"]
    value = module.value(binding.value, module.candidates.scope)
    assert evaluation.pattern_of(known, value, module) == expected


def test_what_was_large_comes_to_the_same_again(tmp_path):
    wide = f"A = [{'1, ' * 100}]\nB = [{'A, ' * 10}]\nC = [{'B, ' * 10}]\n"
    lines = f"{wide}D = {'[' * 30}A{']' * 30}\nE = {'[' * 30}D{']' * 30}\n"
    known = project_at(tmp_path, {"shop/base.py": lines})
    module = known.module(str(tmp_path / "shop/base.py"))
    for names in ("ABCDE", "EDCBA", "CCEE"):
        first = project_at(tmp_path, {"shop/base.py": lines})
        found = {name: first.settle(Ref(f":{name}"), module) for name in names}
        assert found == {name: known.settle(Ref(f":{name}"), module) for name in names}
        assert all(first.settle(Ref(f":{name}"), module) == value for name, value in found.items())
    assert known.settle(Ref(":B"), module) == [[1] * 100] * 10
    assert UNKNOWN in known.settle(Ref(":C"), module), "it has more parts than are evaluated"
    assert "UNKNOWN" in repr(known.settle(Ref(":E"), module)), "it is too deep"
    assert "UNKNOWN" not in repr(known.settle(Ref(":D"), module))


def test_a_large_value_of_a_local_name_is_evaluated_once(tmp_path):
    text = f"def f():\n    a = ({'1, ' * 60})\n    return [a, a, a]\n"
    known = project_at(tmp_path, {"shop/base.py": text})
    module = known.module(str(tmp_path / "shop/base.py"))
    [value] = module.symbols("f")[0].returns
    assert known.settle(value, module) == [(1,) * 60] * 3
    assert known.settle(value, module) == [(1,) * 60] * 3
