"""A record held against the code: what is gone, and where it is said."""

from __future__ import annotations

import os

import pytest

from flake8_celery_tasks.contract import agreement, signature
from flake8_celery_tasks.contract.agreement import Agreement
from flake8_celery_tasks.contract.present import Present
from flake8_celery_tasks.contract.record import Record, RecordedTask
from flake8_celery_tasks.contract.record import as_text as text_of
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.facts.facts import Facts
from flake8_celery_tasks.facts.task import GoneTask, KeptTask
from flake8_celery_tasks.resolution.overlay import Overlay
from flake8_celery_tasks.workspace.source import Source
from tests.helpers import opened, write

HEAD = "from celery import Celery, shared_task\nfrom elsewhere import NAME, make\n\napp = Celery('shop')\n\n\n"


def task(name: str, text: str = "(a)", place: str = "") -> RecordedTask:
    module, _, function = (place or name[::-1].replace(".", ":", 1)[::-1]).partition(":")
    return RecordedTask(signature.parse(text), module, function, {}, "stored")


def record(*names: str, uncertain: tuple[str, ...] = (), **places: str) -> Record:
    tasks = {name: task(name) for name in names}
    tasks.update({name: task(name, place=place) for name, place in places.items()})
    return Record(tasks, uncertain)


@pytest.fixture
def held(tmp_path):
    def to(kept: Record, files: dict[str, str], places: dict[str, str] | None = None) -> Agreement:
        session.forget()
        write(tmp_path, {name: text if "def " not in text else HEAD + text for name, text in files.items()})
        projects = session.projects_around(str(tmp_path), Options(celery_no_cache=True))
        return Agreement(kept, Present(projects), places)

    yield to
    session.forget()


def gone(found: Agreement) -> list[tuple[str, str, str]]:
    """Return the names that are gone, each with the file and the name that it has now."""
    root = found.present.projects[0].layout.root
    return [
        (one.name, os.path.relpath(one.path, root) if one.path else "", one.entry.name if one.entry else "")
        for one in found.gone
    ]


ONE = "@shared_task\ndef pay(a): ...\n"


@pytest.mark.parametrize(
    ("kept", "files", "said"),
    [
        # it is still there
        (record("shop.tasks.pay"), {"shop/tasks.py": ONE}, []),
        (record(pay="shop.old:pay"), {"shop/new.py": "@shared_task(name='pay')\ndef other(a): ...\n"}, []),
        # the same definition by another name
        (
            record(pay="shop.tasks:pay"),
            {"shop/tasks.py": "@shared_task(name='x')\ndef pay(a): ...\n"},
            [("pay", "shop/tasks.py", "x")],
        ),
        # the only function of that name
        (
            record("shop.tasks.pay"),
            {"shop/money/tasks.py": ONE, "shop/tasks.py": ""},
            [("shop.tasks.pay", "shop/money/tasks.py", "shop.money.tasks.pay")],
        ),
        (
            record("shop.tasks.pay"),
            {"a.py": ONE, "b.py": ONE, "shop/tasks.py": ""},
            [("shop.tasks.pay", "shop/tasks.py", "")],
        ),
        (record("shop.tasks.pay", "a.pay"), {"a.py": ONE, "b.py": ONE}, [("shop.tasks.pay", "b.py", "b.pay")]),
        (record("x.pay", "y.pay"), {"a.py": ONE}, [("x.pay", "", ""), ("y.pay", "", "")]),
        (record("x.pay", "a.pay"), {"a.py": ONE}, [("x.pay", "", "")]),
        # what tests define is no task that took over
        (record("x.pay"), {"tests/test_a.py": ONE}, [("x.pay", "", "")]),
        # the module that held it, or the package that it became
        (record("shop.tasks.pay"), {"shop/tasks.py": "X = 1\n"}, [("shop.tasks.pay", "shop/tasks.py", "")]),
        (record("shop.tasks.pay"), {"shop/tasks/a.py": "X = 1\n"}, [("shop.tasks.pay", "shop/tasks/__init__.py", "")]),
        (record("shop.tasks.pay"), {"shop/a.py": "X = 1\n"}, [("shop.tasks.pay", "", "")]),
        # an alias is no definition that it became
        (
            record(pay="shop.tasks:pay"),
            {"shop/tasks.py": "@shared_task(name='x')\ndef buy(a): ...\n\n\napp.tasks['y'] = buy\n"},
            [("pay", "shop/tasks.py", "")],
        ),
    ],
)
def test_what_is_gone(held, kept, files, said):
    assert gone(held(kept, files)) == said


def test_a_file_that_held_it_is_known_from_before(held, tmp_path):
    places = {"lib.x.pay": str(tmp_path / "lib" / "x.py"), "lib.y.pay": str(tmp_path / "lib" / "gone.py")}
    files = {"lib/x.py": "X = 1\n"}
    found = held(record("lib.x.pay", "lib.y.pay"), files, places)
    assert gone(found) == [("lib.x.pay", "lib/x.py", ""), ("lib.y.pay", "", "")]


@pytest.mark.parametrize(
    "files",
    [
        # a task that could have the name
        {"shop/a.py": "@shared_task(name=NAME)\ndef f(a): ...\n"},
        {"shop/a.py": "@shared_task(name='shop.' + NAME)\ndef f(a): ...\n"},
        {"shop/a.py": "@shared_task(**NAME)\ndef pay(a): ...\n"},
        {"shop/a.py": "def f(): ...\n\n\napp.register_task(make())\n"},
        {"shop/a.py": "def f(): ...\n\n\napp.tasks[NAME] = make()\n"},
        {"shop/a.py": "def f(): ...\n\n\napp.tasks['shop.tasks.pay'] = make()\n"},
        {
            "shop/a.py": "class App(Celery):\n    def gen_task_name(self, *a): ...\n",
            "shop/b.py": "@shared_task\ndef f(): ...\n",
        },
        # something is given the name in a way that is not read
        {"shop/a.py": "from elsewhere import define\n\ncelery_task = define(name='shop.tasks.pay')\n"},
        # a file that can't be parsed: the module that held it, or one that defines tasks and holds the last part
        {"shop/tasks.py": "def broken(:\n"},
        {"shop/a.py": "@shared_task\ndef broken(:\n  pay\n"},
        {"shop/a.py": "@shared_task(name=NAME)\ndef broken(:\n"},
    ],
)
def test_what_hides_a_name(held, files):
    assert held(record("shop.tasks.pay"), files).gone == []


@pytest.mark.parametrize(
    "files",
    [
        {"tests/test_a.py": "@shared_task(name=NAME)\ndef f(a): ...\n"},
        {"other/a.py": "@shared_task(name='other.' + NAME)\ndef f(a): ...\n"},
        {"tests/test_a.py": "@shared_task\ndef broken(:\n  pay\n"},
        {"tests/test_a.py": "from elsewhere import define\n\ncelery_task = define(name='shop.tasks.pay')\n"},
        {"shop/a.py": "@shared_task\ndef broken(:\n  other\n"},
        {"shop/a.py": "def broken(:\n  pay  # of no task\n"},
        {"shop/a.py": "def f(): ...\n\n\nmake().tasks[NAME] = make()\n"},
    ],
)
def test_what_hides_nothing(held, files):
    assert [one.name for one in held(record("shop.tasks.pay"), files).gone] == ["shop.tasks.pay"]


def test_a_name_that_was_uncertain_already_hides_nothing(held):
    files = {"shop/a.py": "@shared_task(name=NAME)\ndef f(a): ...\n\n\napp.register_task(make())\n"}
    kept = record("shop.tasks.pay", uncertain=("shop.a:f", "shop.a:make"))
    assert [one.name for one in held(kept, files).gone] == ["shop.tasks.pay"]


def breaks(found: Agreement) -> dict[str, list[str]]:
    return {kept.name: [one.kind for one in kept.breaks] for kept in found.kept}


def test_what_breaks(held):
    kept = Record(
        {
            "a": task("a", "(x)", "t:a"),
            "b": task("b", "(x)", "t:b"),
            "c": task("c", "(x)", "t:c")._replace(signature=None),
            "d": task("d", "(x)", "t:d"),
            "e": task("e", "(x)", "t:e"),
            "old": task("old", "(x, y)", "t:a"),
        }
    )
    files = {
        "t.py": """
@shared_task(name="a")
def a(x, y=1): ...


@shared_task(name="b")
def b(z): ...


@shared_task(name="c")
def c(z): ...


@shared_task(name="d")
@make
def d(z): ...


@shared_task(name="e")
def e(z): ...


@shared_task(name="e")
def f(x): ...


app.tasks["old"] = a
"""
    }
    assert breaks(held(kept, files)) == {"a": [], "b": ["renamed"], "c": [], "d": [], "old": []}


def test_nothing_breaks_where_a_file_could_define_the_task_too(held):
    files = {"t.py": "@shared_task(name='pay')\ndef pay(b): ...\n", "u.py": "@shared_task\ndef broken(:\n  pay\n"}
    assert breaks(held(record(pay="t:pay"), files)) == {"pay": []}


def test_what_is_said_in_which_file(held, tmp_path):
    files = {"t.py": "@shared_task(name='pay')\ndef pay(b): ...\n", "u.py": "X = 1\n"}
    found = held(record("u.sell", pay="t:pay"), files)
    assert [one.name for one in found.kept_in(str(tmp_path / "t.py"))] == ["pay"]
    assert [one.name for one in found.gone_in(str(tmp_path / "u.py"))] == ["u.sell"]
    assert found.kept_in(str(tmp_path / "u.py")) == found.gone_in(str(tmp_path / "t.py")) == []


# What the options name.


def agreed(tmp_path, name: str = "celery-tasks.json", where: str = "any.py", **options) -> Agreement | None:
    session.forget()
    chosen = Options(celery_no_cache=True, celery_contract=str(tmp_path / name) if name else "", **options)
    return agreement.agreement_of(session.project_of(str(tmp_path / where), chosen))


def test_a_project_is_held_to_the_record_that_is_named(tmp_path):
    write(tmp_path, {"celery-tasks.json": '{"version": 1, "tasks": {}, "uncertain": ["a:b"]}', "one/setup.cfg": ""})
    assert agreed(tmp_path, name="") is None
    found = agreed(tmp_path)
    assert found is not None
    assert found.record.uncertain == ("a:b",)
    assert len(found.present.projects) == 2
    assert agreement.agreement_of(found.present.projects[0]) is found
    inner = found.present.projects[1]
    assert agreement.agreement_of(inner) is found
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "setup.cfg").touch()
    write(tmp_path / "other", {"celery-tasks.json": "{}"})
    assert agreed(tmp_path, name="other/celery-tasks.json") is None


def test_a_project_in_which_a_file_holds_another_text_has_its_own(tmp_path):
    write(tmp_path, {"celery-tasks.json": '{"version": 1, "tasks": {}, "uncertain": []}', "a.py": HEAD + ONE})
    found = agreed(tmp_path)
    assert found is not None
    assert list(found.present.by_name) == ["a.pay"]
    path = str(tmp_path / "a.py")
    text = HEAD + ONE.replace("pay", "sell")
    revised = Overlay(found.present.projects[0], path)
    import ast

    revised.open(path, Source(text.splitlines(keepends=True)), ast.parse(text))
    other = agreement.agreement_of(revised)
    assert other is not None
    assert list(other.present.by_name) == ["a.sell"]
    assert list(found.on([revised]).present.by_name) == ["a.sell"]


def test_a_file_that_has_changed_meanwhile(tmp_path):
    """What was found out before stands elsewhere now: nothing is said at a wrong place."""
    tasks = "@shared_task(name='pay')\ndef pay(b): ...\n\n\n@shared_task(name='x')\ndef sell(a): ...\n"
    kept = Record({"pay": task("pay", "(a)", "a:pay"), "sell": task("sell", "(a)", "a:sell")})
    write(tmp_path, {"celery-tasks.json": text_of(kept), "a.py": HEAD + tasks})
    found = agreed(tmp_path)
    assert found is not None
    project = found.present.projects[0]
    for text, (gone_task, kept_tasks) in {HEAD + tasks: (True, 1), "\n" + HEAD + tasks: (False, 0)}.items():
        facts = Facts(project, opened(project, tmp_path, "a.py", text))
        (one,) = facts.of(GoneTask)
        assert (one.task is not None) is gone_task
        assert len(list(facts.of(KeptTask))) == kept_tasks
