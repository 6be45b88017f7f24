"""Files that this Python can't parse: flake8's E999 there, and elsewhere their names are unknown, not missing."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from types import SimpleNamespace

import pytest

from flake8_celery_tasks.binding import binder, scopes
from flake8_celery_tasks.engine import loader
from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.fixer.files import fix_files
from flake8_celery_tasks.pages import examples
from tests.helpers import EDGE_CASES, check, codes, run, write

#: What came with each Python; the last is broken in all of them.
SYNTAX = {
    "3.11": "try:\n    pass\nexcept* ValueError:\n    pass\n",
    "3.12, type": "type X = int\n",
    "3.12, generic": "def f[T](x: T) -> T:\n    return x\n",
    "3.12, f-string": 'x = f"{"x"}"\n',
    "3.13": "class X[T = int]:\n    pass\n",
    "3.14, t-string": 'x = t"{x}"\n',
    "3.14, except": "try:\n    pass\nexcept ValueError, TypeError:\n    pass\n",
    "none": "def broken(:\n",
}


def can_parse(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


NEWER = [pytest.param(text, id=name) for name, text in SYNTAX.items() if not can_parse(text)]

TASKS = """\
from celery import Task, shared_task

OPTIONS = {"acks_late": True}


class Base(Task):
    acks_late = True


def house_task(**options):
    return shared_task(bind=True, **options)


@shared_task(name="shop.send_receipt")
def send_receipt(order_pk, language="en"):
    print(order_pk, language)


@shared_task(name=f"shop.{house_task.__name__}_7")
def seventh():
    pass
"""

#: A project of which everything can be parsed but one file, which could refute all that there is to say.
PROJECT = {
    "shop/tasks.py": TASKS,
    "billing/tasks.py": """\
import shop.tasks
from celery import current_app, shared_task
from shop.tasks import *
from shop.tasks import OPTIONS, Base, house_task


@shared_task(name="billing.bill", base=Base, reject_on_worker_lost=True)
def bill():
    pass


@shared_task(name="billing.pay", reject_on_worker_lost=True, **OPTIONS)
def pay():
    pass


@house_task(name="billing.remind")
def remind(self):
    pass


@shared_task(name="shop.receipts")
def receipts():
    pass


def close(order):
    current_app.send_task("shop.send_receipt", kwargs={"order": order.pk})
    current_app.send_task("shop.tasks.send_receipt")
    current_app.send_task("shop.receiptz")
    current_app.send_task("shop.anything")
    remind.delay(1, 2, 3)
    shop.tasks.gone.delay()
""",
    "project/celery.py": """\
from celery import Celery

app = Celery("project")
app.conf.beat_schedule = {"receipts": {"task": "shop.send_receipt", "schedule": 3600.0}}
app.conf.task_routes = {"shop.send_receipt": {"queue": "slow"}, "shop.send_*": {"queue": "slow"}}
""",
}


@pytest.mark.parametrize("syntax", NEWER)
def test_flake8_says_e999_there(tmp_path, syntax):
    write(tmp_path, {**PROJECT, "shop/tasks.py": TASKS + syntax})
    lines = run(tmp_path, "--select=CLY,E9")
    assert next(line for line in lines if "/shop/" in line).split(" ")[1] == "E999"
    assert {line.split(" ")[1] for line in lines} <= {"E999", "E902", "CLY401"}
    assert len([line for line in lines if " E9" in line]) == 1


@pytest.mark.parametrize("syntax", NEWER)
def test_names_defined_there_are_unknown(tmp_path, syntax):
    files = {**PROJECT, "shop/tasks.py": TASKS + syntax}
    assert set(codes(tmp_path, files)) <= {"CLY401"}


def test_the_same_names_are_judged_where_the_file_can_be_parsed(tmp_path):
    found = set(codes(tmp_path, {**PROJECT, "shop/tasks.py": TASKS.replace("house_task.__name__", "'x'")}))
    assert found >= {"CLY404", "CLY601", "CLY616"}


@pytest.mark.parametrize("syntax", NEWER)
def test_a_name_that_is_not_written_there_is_missing_all_the_same(tmp_path, syntax):
    files = {**PROJECT, "shop/tasks.py": TASKS.partition("@shared_task(name=f")[0] + syntax}
    found = check(tmp_path, files)["billing/tasks.py"]
    texts = [violation.text for violation in found if violation.code == "CLY403"]
    assert [text.split("'")[1] for text in texts] == ["shop.receiptz", "shop.anything"]


@pytest.mark.parametrize("syntax", NEWER)
def test_it_is_left_alone_by_fix(tmp_path, syntax):
    write(tmp_path, {**PROJECT, "shop/tasks.py": TASKS.replace('name="shop.send_receipt"', "") + syntax})
    assert not list(fix_files([str(tmp_path / "shop/tasks.py")], rounds.Order(unsafe=True)))


SHADOWED = """\
from celery import shared_task


@shared_task(name="shop.add")
def add(x): ...


def generic[add](x):
    add.delay(1, 2)


def parameter[add](add):
    add.delay(1, 2)


class Generic[add]:
    def method(self):
        add.delay(1, 2)

    class Inner:
        def method(self):
            add.delay(1, 2)


def alias():
    type add = int
    add.delay(1, 2)


def other[T](x):
    add.delay(1, 2)


class Other[T]:
    def method(self):
        return f"{add.delay(1, 2)}"
"""


@pytest.mark.skipif(not can_parse(SHADOWED), reason="this Python can't parse it")
def test_names_of_types_hide_tasks(tmp_path):
    found = check(tmp_path, {"shop/tasks.py": SHADOWED})["shop/tasks.py"]
    lines = [number for number, line in enumerate(SHADOWED.splitlines(), 1) if "add.delay" in line]
    assert [(violation.line, violation.code) for violation in found] == [(line, "CLY601") for line in lines[-2:]]


class Alias(ast.stmt):
    """What `type add = int` is on Pythons that know it."""

    _fields = ("name",)


def test_names_of_types_are_bound_whatever_runs_this(monkeypatch):
    monkeypatch.setitem(binder._HANDLERS, Alias, binder._NEWER["TypeAlias"])
    tree = ast.parse("def f(x): ...\nclass C:\n    def g(self): ...\n")
    for node in tree.body:
        node.type_params = [SimpleNamespace(name="add")]
    tree.body.append(Alias(name=ast.Name("ship", ast.Store())))
    found = binder.collect(tree)
    assert found.scope.find("add") is None
    for name in ("f", "C.g"):
        [binding] = found.scopes[name].find("add")[1]
        assert binding.kind == scopes.OTHER
    assert [binding.kind for binding in found.scope.bindings["ship"]] == [scopes.OTHER]


# Every example of more than one file, with one of them broken.


def cases():
    texts = {rule.code: inspect.getdoc(type(rule)) for rule in loader.rules()}
    texts.update({path.stem: path.read_text(encoding="utf-8") for path in EDGE_CASES})
    for name, text in texts.items():
        for section in examples.sections(text):
            for case in examples.cases(section):
                modules = [path for path in case.files if path.endswith(".py")]
                if len(modules) > 1:
                    yield pytest.param(case, modules, id=f"{name}:{case.line}")


@pytest.mark.parametrize(("case", "modules"), list(cases()))
def test_less_is_known_and_no_more_is_said(tmp_path, case, modules):
    options = {**case.options, "extend_select": "CLY9"}
    before = check(tmp_path, case.files, **options)
    for broken in modules:
        after = check(tmp_path, {**case.files, broken: case.files[broken] + "\ndef (:\n"}, **options)
        for path in set(modules) - {broken}:
            new = said(after[path]) - said(before[path])
            assert not new, f"{path}, where {broken} can't be parsed"


def said(found):
    """Return the lines and codes of reports, but for what is said of tasks in modules that can't be read.

    That an import crosses the border of an app is true without them. A name that is missing is said to be missing where
    it can't be seen that a decorator gives another one (CLY104, in another line).
    """
    names = ("CLY101", "CLY104")
    return Counter(
        ("a name", item.code) if item.code in names else (item.line, item.code)
        for item in found
        if item.code not in ("CLY401", "CLY402")
    ) + Counter({("a name", "CLY101"): sum(item.code == "CLY104" for item in found)})
