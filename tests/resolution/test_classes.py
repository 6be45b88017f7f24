"""Classes and their bases."""

from __future__ import annotations

from flake8_celery_tasks.binding.values import MISSING, UNKNOWN
from flake8_celery_tasks.celery_model import apps
from flake8_celery_tasks.resolution.classes import ANCESTORS
from tests.helpers import project_at

CLASSES = """\
import elsewhere


class Plain:
    own = 1
    none = None


class Below(Plain, keyword=3): ...


class Twice(Below, Plain): ...


class Unread(elsewhere.Base): ...


class Odd(elsewhere.make(), Plain): ...


class Odder((Plain, Below)[0]): ...


class Method(Plain):
    def own(self): ...


number = 5


class OfNumber(number): ...
"""


def test_class_attributes(tmp_path):
    known = project_at(tmp_path, {"a.py": CLASSES})
    module = known.module(str(tmp_path / "a.py"))

    def attribute(cls, name):
        return known.class_attribute(known.resolve(f":{cls}", module), name)

    assert attribute("Below", "own") == 1
    assert attribute("Twice", "own") == 1
    assert attribute("Below", "none") is None
    assert attribute("Below", "keyword") == 3
    assert attribute("Below", "missing") is MISSING
    assert attribute("Unread", "own") is MISSING
    assert attribute("Twice", "missing") is MISSING
    assert apps.is_task_class(known, known.resolve(":Odd", module)) is UNKNOWN
    assert apps.is_task_class(known, known.resolve(":Twice", module)) is False
    for odd in ("Odd", "Odder", "Method", "OfNumber"):
        assert attribute(odd, "own") is UNKNOWN


def test_not_all_ancestors_are_followed(tmp_path):
    lines = "class C0: ...\n" + "".join(f"class C{n + 1}(C{n}): ...\n" for n in range(200))
    known = project_at(tmp_path, {"shop/base.py": lines})
    module = known.module(str(tmp_path / "shop/base.py"))
    assert list(known.line(known.resolve(":C50", module)))[-1].path == "shop.base.C0"
    line = list(known.line(known.resolve(":C200", module)))
    assert len(line) == ANCESTORS + 1
    assert line[-1] is UNKNOWN


def test_classes_that_are_known_not_to_be_tasks(tmp_path):
    text = (
        "import celery\n\n\nclass A(Exception): ...\nclass B(A): ...\nclass T(celery.Task): ...\nclass U(A, T): ...\n"
    )
    known = project_at(tmp_path, {"shop/base.py": f"{text}class V(A, gone()): ...\n"})
    module = known.module(str(tmp_path / "shop/base.py"))
    found = [apps.is_task_class(known, known.resolve(f":{name}", module)) for name in "BABUTUV"]
    assert found[:6] == [False, False, False, True, True, True]
    assert found[6] is UNKNOWN
