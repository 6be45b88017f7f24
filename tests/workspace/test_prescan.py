"""What is told from the text of a file must never leave out what may define a task."""

from __future__ import annotations

import ast
import time

import pytest

from flake8_celery_tasks.binding.module import Module
from flake8_celery_tasks.workspace import prescan
from flake8_celery_tasks.workspace.layout import Layout
from flake8_celery_tasks.workspace.marks import BINDINGS, DEFINITIONS, USES
from flake8_celery_tasks.workspace.source import Source

#: Each of these has something that the index looks for.
DEFINING = {
    "a decorator": "@job\ndef bill(): ...",
    "one with arguments": "@jobs.job(queue='x')\ndef bill(): ...",
    "one after blanks": "@ job\ndef bill(): ...",
    "one below another": "class Bill:\n    @property\n    @job\n    def bill(self): ...",
    "an accessor that is called": "@property()\ndef bill(): ...",
    "an accessor of the module's own": "def property(f): ...\n\n@property\ndef bill(): ...",
    "an imported accessor": "from shop.jobs import job as setter\n\n@setter\ndef bill(): ...",
    "one in a function": "def make():\n    @job\n    def bill(): ...",
    "a class with run": "class Bill(Base):\n    def run(self): ...",
    "a class with a name": "class Bill(Base):\n    name = 'bill'",
    "a class with an annotated name": "class Bill(Base):\n    name: str = 'bill'",
    "a class with a name among others": "class Bill(Base):\n    (name, queue) = 'bill', 'x'",
    "a class with an imported run": "class Bill(Base):\n    from shop.jobs import bill as run",
    "a class with a walrus": "class Bill(Base):\n    (name := 'bill')",
    "a class over lines": "class \\\n  Bill \\\n  (Base):\n    run = None",
    "a registered class": "app.register_task(Bill())",
    "a call of a decorator's result": "job(queue='x')(bill)",
    "one with blanks": "job(queue='x') (bill)",
    "one over lines": "(job(queue='x')\n  # the function\n  (bill))",
    "one in a function too": "def make():\n    return job()(bill)",
    "a call of a task decorator": "app.task(bill)",
    "one of its own": "make_task_of(shop.bill)",
    "one in brackets": "task((bill))",
    "one with a comma": "task(\n    bill,  # the function\n)",
    "one with a comment": "task(  # the function\n    bill  # here\n)",
    "one with a function's name before": "def f(x=task(bill)): ...",
    "one with blanks before the bracket": "task \\\n (bill)",
    "one with options": "app.task(bill, name='x')",
    "one with options over lines": "shared_task(\n    bill,  # the function\n    name='x',\n)",
    "one with options in a dict": "app.task(shop.bill, **options)",
    "one with options, brackets and blanks": "task \\\n (((bill)), name = 'x')",
    "a long name": f"task{'_' * 300}(bill)",
    "a name of the module": "send = job(bill)",
    "one with a type": "send: object = job(bill)",
    "one of several": "one, send = 1, job(bill)",
    "one over several lines": "one, send = (\n    1,\n    job(bill),\n)",
    "one in a block": "try:\n    send = job(bill)\nexcept Exception:\n    pass",
    "one in another block": "if send:\n    pass\nelse:\n    send = job(bill)",
    "a name by a walrus": "if (send := job(bill)):\n    pass",
    "a name by a walrus in a default": "def f(x=(send := job(bill))): ...",
    "a global name": "def make():\n    global send\n    send = job(bill)",
    "after a text": '"""Text\nwith lines\n"""\nsend = job(bill)',
    "a semicolon": "import job; send = job(bill)",
}

#: These have nothing of it, and are not parsed.
HARMLESS = {
    "a sender": "from shop.tasks import bill\n\n\ndef view(request):\n    task = bill.delay(request)\n",
    "accessors": (
        "class Order:\n    @property\n    def name(self): ...\n\n    @name.setter\n    def name(self, x): ...\n\n"
        "    @staticmethod  \n    def task(): ...\n"
    ),
    "a class with bases": "class Order(Base):\n    def send(self):\n        self.run(self.name, Box(name='x'), 'name')",
    "a class without bases": "class Order:\n    name = 'x'\n\n    def run(self): ...",
    "functions named after tasks": "def task(self): ...\ndef send_task(bill): ...\nasync def _task (bill): ...",
    "calls with other arguments": "task()\ntask('x')\ntask(f(x))\ntask(a, b)\ntask(x=1)\ntask(*a)\ntask(1)\ntask(a[0])",
    "calls with several arguments": "task(a, b)\ntask(a, b, c=1)\ntask(a, b == 1)",
    "names in functions": "def f(x):\n    y = str(x)\n    return y\n\n\nclass A:\n    z = str(f)\n",
    "names of other things": "import a\n\nx = 1\ny = f('task')\nz = f(x, y)\n__all__ = ['x']\nif x:\n    print(x)\n",
    "a declared encoding": "# -*- coding: utf-8 -*-\ntask = 1",
}


#: Bodies of functions that other modules have to know about.
OUTER = {
    "a task in it": "from x import y\n    send_task(y)",
    "a decorated function first": "@job\n    def bill(): ...",
    "a decorated function later": "x = 1\n    @job\n    def bill(): ...",
    "a class": "class Bill(Base):\n        def run(self): ...",
    "a generator": "yield 1",
    "a global name": "global send\n    send = 1",
    "names that are written": "globals()['x'] = 1",
    "other names that are written": "vars(module)['x'] = 1",
    "code that is run": "exec('x = 1')",
    "a call of what a call returns": "job()(bill)",
    "letters like others": "bill = \uff54ask(job)",
    "a name around it": "x = 1\n    def g():\n        nonlocal x\n        x = 2\n    @job(x)\n    def f(): ...",
}

#: Those that they need not know about.
INNER = {
    "calls": "x = job(bill)\n    return x.delay(1)",
    "a function": "def g():\n        return 1\n    return g()",
}


def module_of(text, content=None):
    tree = ast.parse(text)
    return Module(Layout("/project").place("/project/shop/jobs.py"), Source(()), tree, lambda: tree, text=content)


def summary_of(module):
    """Return what is kept of a module of which everything was asked that others ask."""
    for name in (*module.names(), "A.f", "f.x", *(name for name, _ in module.definable())):
        module.symbols(name)
    module.made()
    return module.summary()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("body", [*OUTER.values(), *INNER.values()], ids=[*OUTER, *INNER])
def test_others_see_the_same_on_the_surface(body, end):
    inside = body.replace("\n", "\n    ")
    text = f"def f():\n    {body}\n\n\nclass A:\n    async def f(self):\n        {inside}\n\n    f = f\n"
    module = module_of(text, text.replace("\n", end).encode())
    assert summary_of(module) == summary_of(module_of(text))
    for around in ("", "@f\nclass A: ...\n\n\nf()(1)\n\u00e9 = 1\n"):
        is_inner = prescan.inner_test(f"{around}{body}".encode())
        assert is_inner(body.encode()) is (body in INNER.values())


@pytest.mark.parametrize("body", INNER.values(), ids=INNER)
def test_the_surface_leaves_out_bodies(body):
    text = f"def f():\n    {body}\n\n\n@property\ndef f(): ...\n"
    module = module_of(text, text.encode())
    assert not module.surface.calls
    assert [symbol.line for symbol in module.symbols("f")] == [1, text.count("\n")]
    assert module.candidates.calls
    assert module.surface is module.candidates


def test_there_is_no_surface_where_bytes_mean_something_else():
    text = "# coding: utf-7\ndef f():\n    g()\n"
    assert module_of(text, text.encode()).surface.calls


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("text", DEFINING.values(), ids=DEFINING)
def test_what_may_define_a_task_is_parsed(text, end):
    module = module_of(text)
    assert module.definable() or module.made()
    assert prescan.may_define(f"# task\n{text}".replace("\n", end).encode())


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_what_defines_nothing_is_not_parsed(text, end):
    module = module_of(text)
    assert not module.definable()
    assert not module.made()
    assert not prescan.may_define(f"# task\n{text}".replace("\n", end).encode())


def test_what_bytes_mean_may_be_declared():
    text = "# task\n# coding: utf-7\n@job\ndef bill(): ..."
    assert prescan.may_define(text.replace("@", "+AEA-").encode())
    assert not prescan.may_define(text.replace("@job", "").replace("utf-7", "latin-1").encode())


def test_marks():
    assert not prescan.may_define(b"@job\ndef f(): ...")
    assert prescan.holds(b"x = task", b"task")
    assert not prescan.holds(b"x = task", DEFINITIONS)
    assert prescan.holds(b"@task\ndef f(): ...", DEFINITIONS)


#: Each of these binds a task decorator, or something made of one, to a name.
BINDING = {
    "a function": "from celery import shared_task\n\ndef job(f):\n    return shared_task(f)",
    "a function that decorates": "def job(f):\n    @shared_task\n    def run(): ...\n    return run",
    "an app's method": "def job(f):\n    return app.task(queue='x')(f)",
    "over lines": "def job(f):\n    return (\n        app\n        .task(f)\n    )",
    "another name": "from celery import shared_task as job",
    "another name, over lines": "from celery import (\n    chain as c,\n    shared_task as job,\n)",
    "a name of the module": "job = app.task",
    "one in a comment's line": "job = app.task  # ours",
    "at the end": "job = shared_task",
    "a part of one": "job = partial(shared_task, queue='x')",
    "a part of one, over lines": "job = partial(\n    my_app.task,\n    queue='x',\n)",
    "a long line": f"x = '{'x' * 300}'; job = partial(app.task, 1)",
}
#: These do not.
PLAIN = {
    "a task": "from celery import shared_task\n\n@shared_task\ndef bill(): ...",
    "a task of an app": "@app.task(queue='x')\ndef bill(): ...",
    "an import": "from celery import chain, shared_task",
    "an import over lines": "from celery import (\n    chain as c,\n    shared_task,\n)",
    "two imports": "from celery import (\n    shared_task,\n)\n\nfrom celery import (\n    shared_task,\n)",
    "an attribute": "def bill(request):\n    return request.task.name",
    "a value in a function": "def bill(request):\n    task = request.task",
    "a method's own": "class Bill:\n    def go(self):\n        self.task()",
    "a comment": "# shared_task (f)\n",
    "a function of that name": "def periodic_task(): ...",
    "a word": "get_shared_task(1); shared_tasks(1)",
    "nothing": "import os",
}


@pytest.mark.parametrize("text", BINDING.values(), ids=BINDING)
def test_bindings(text):
    assert prescan.holds(text.encode(), BINDINGS)


@pytest.mark.parametrize("text", PLAIN.values(), ids=PLAIN)
def test_no_bindings(text):
    assert not prescan.holds(text.encode(), BINDINGS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from jobs import job", True),
        ("import jobs.job", True),
        ("from jobs import (\n    other,\n    job as x,\n)", True),
        ("@job\ndef bill(): ...", True),
        ("@ jobs.job(1)\ndef bill(): ...", True),
        ("send = jobs.job(bill)", True),
        ("x = jobs.job", True),
        ("x = partial(jobs.job, 1)", True),
        ("from jobs import *\n\nsend = job(bill)", True),
        ("from jobs import *\n\njobs = 1", False),
        ("from jobs import jobs", False),
        ("job = 1\nprint(job)", False),
        ("@jobs\ndef bill(): ...", False),
        ("order.job = 1", False),
        ("order.jobs()", False),
    ],
)
def test_uses(text, expected):
    assert prescan.holds(text.encode(), USES + b"job") is expected


def test_mentions_in_functions():
    assert prescan.mentions_inside(b"def f(g):\n    return job(g)", [b"work", b"job"])
    assert prescan.mentions_inside(b"job = 1\nif job:\n\tx = job", [b"job"])
    assert not prescan.mentions_inside(b"job = 1\nif job:\n    from jobs import job\n    jobs = 1", [b"job"])


@pytest.mark.parametrize("unit", ["x.task", "a.task(", " task", "from x import (", "@x.task ", "shared_task as ", "\\"])
def test_time_for_bindings_is_linear(unit):
    """Ten times the text takes about ten times as long."""

    def spent(count):
        text = (unit * count).encode()
        start = time.process_time()
        for scan in (prescan.may_bind, lambda text: prescan.uses(text, b"task")):
            scan(text)
        prescan.mentions_inside(b"\n " + text, [b"task"])
        return time.process_time() - start

    assert min(spent(30_000) for _ in range(2)) < 25 * min(spent(3_000) for _ in range(3)) + 0.05


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("job(x)\n", True),
        ("x = job(y)\n", True),
        ("x = rejob(y)\n", False),
        ("x = jobs(y)\n", False),
        ("rejob(y), job(y)\n", True),
    ],
)
def test_a_name_is_no_part_of_another(text, expected):
    assert prescan.may_bind(text.encode(), b"job") is expected


def test_prose_names_no_class():
    assert prescan.may_bind(b"from celery import Task as Job\n")
    assert not prescan.may_bind(b'"""A Task as standalone as this one."""\n\nfrom celery import Task\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("from django.urls import include, path\n", True),
        ("from django.urls import (\n    include,\n    path,\n)\n\nx = [path('', include('shop'))]\n", True),
        ("def include (x): ...\n", True),
        ("includes = reinclude = 1\n", True),
        ("include = 1\n", False),
        ("app = Celery(include=['shop'])\n", False),
        ("x = {'include': 1}\n", False),
        ("conf.include\n", False),
        ("from .urls import include\n", False),
        ("from django.urls import path; include = 1\n", False),
        ("from django.urls import path\ninclude = include(1)\n", False),
    ],
)
def test_what_only_calls(text, expected):
    assert prescan.only_calls(text.encode(), b"include") is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if True:\n    job = shared_task\n", True),
        ("if True:\n    # here\n\n    job: object = shared_task\n", True),
        ("class Jobs:\n    job = shared_task\n", True),
        ("def f(\n    x,\n):\n    if x:\n        job = shared_task\n", False),
        ("def f():\n    global job\n    job = shared_task\n", True),
        ("if True:\n" + "    x = 1\n" * 300 + "    job = shared_task\n", True),
        ("job = 1; work = shared_task; x = 1\n", True),
    ],
)
def test_bindings_in_blocks(text, expected):
    assert prescan.may_bind(text.encode()) is expected
