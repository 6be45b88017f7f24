"""Imports that come with a fix, and imports that go."""

from __future__ import annotations

import ast

import pytest

from flake8_celery_tasks.edits.edit import Import
from flake8_celery_tasks.edits.imports import added
from flake8_celery_tasks.workspace.source import Source
from tests.fixing import BEFORE, CONTENT, DJANGO, VIEWS, by_name, fixed, same
from tests.helpers import write

OPTIONS = 'queue="images", priority=3'


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n", False),
        ("from content.tasks import make as m\n\n\ndef f():\n    m.delay()\n", False),
        ("from content import tasks\n\n\ndef f():\n    tasks.make.delay()\n    tasks.drop.delay()\n", False),
        ("import content.tasks\n\n\ndef f():\n    content.tasks.make.delay()\n", False),
        ("import content.tasks as t\n\n\ndef f():\n    t.make.delay()\n", False),
        ("from content.tasks import make as make\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n__all__ = ['make']\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n__all__ = []\n__all__ += ['make']\n\n\ndef f():\n    make.delay()\n", True),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    print('make')\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    globals()['make']\n", True),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n\n\ndef g(make):\n    make(1)\n", False),
        ("from content.tasks import make\n\n\ndef f():\n    make.delay()\n    h(lambda make: make(1))\n", False),
        ("from content.tasks import make\n\n\ndef f(x: 'Task[make]'):\n    make.delay()\n", True),
        ("from content.tasks import make\n\n\ndef f() -> 'make':\n    make.delay()\n", True),
        (
            'from content.tasks import make\n\n\ndef f():\n    """Do.\n\n    >>> make(1)\n    """\n    make.delay()\n',
            True,
        ),
        ('from content.tasks import make\n\n\ndef f():\n    """Do make."""\n    make.delay()\n', False),
        ("def f():\n    from content.tasks import make\n\n    make.delay()\n", False),
        (
            "def f():\n    from content.tasks import make\n\n    make.delay()\n\n    def g(make):\n        make(1)\n",
            False,
        ),
    ],
)
def test_import_goes_where_nothing_else_needs_it(text, kept, tmp_path):
    after = by_name(tmp_path, text)
    assert "send_task" in after
    assert ("content" in after) is kept


@pytest.mark.parametrize(
    "text",
    [
        "from content.tasks import make\n\n\ndef f():\n    make.delay()\n    make(1)\n",
        "from content.tasks import make\n\n\ndef f():\n    make.delay()\n\n\ndef g(make=make): ...\n",
        "from content.tasks import make\n\n\nclass K:\n    make = make\n    make.delay()\n\n\nmake.delay()\n",
        "def f():\n    from content.tasks import make\n\n    make.delay()\n    make(1)\n",
    ],
)
def test_import_that_is_used_otherwise_is_left_alone(text, tmp_path):
    assert by_name(tmp_path, text) == text


def test_import_that_others_import_from_here_stays(tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    other = {
        "shop/tasks.py": "from blog.views import make\n",
        "shop/x.py": "a = 'make task'\n",
        "shop/y.py": "make task",
    }
    assert "from content.tasks import make" in by_name(tmp_path, text, **other)


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ({"shop/x.py": "from blog.views import *\n\nmake(1)\n"}, True),
        ({"shop/x.py": "from blog import views\n\nviews.make(1)\n"}, True),
        ({"blog/x.py": "from .views import (\n    publish,\n    make,\n)\n"}, True),
        ({"blog/x.py": "from .views import publish as make\n"}, False),
        ({"shop/x.py": "from shop.views import make\n", "shop/views.py": "make = 1\n"}, False),
        ({"shop/x.py": "from shop.views import *\n", "shop/views.py": "make = 1\n"}, False),
        ({"shop/tests.py": "patch('blog.views.make')\n"}, True),
        ({"shop/tests.py": "patch('blog.views.make.delay')\n"}, True),
        ({"shop/x.py": "import blog.views as v\n\nv.make(1)\n"}, True),
        ({"shop/x.py": "import blog.views\n\nv = blog.views\nv.make(1)\n"}, True),
        ({"shop/x.py": "import importlib\n\nimportlib.import_module('blog.views').make(1)\n"}, True),
        ({"shop/x.py": "from blog import views as v\n\ngetattr(v, 'make')(1)\n"}, True),
        ({"shop/tests.py": "from blog import views\n\nmonkeypatch.setattr(views, 'make', print)\n"}, True),
        ({"shop/x.py": "from blog import views\nfrom content import tasks\n\ntasks.make(views)\n"}, False),
        ({"shop/x.py": "from blog import views\n\nmake = getattr(views, 'publish')\n"}, False),
        ({"shop/x.py": "from blog import views\n\nviews().make(\n("}, False),
        ({"shop/x.py": "import blog.views\n\nblog.views.make(1)\n"}, True),
        ({"shop/x.py": "a = 'content.views.make'\nb = views.makes\n"}, False),
        # A star hands it on, if anybody takes it.
        ({"blog/all.py": "from .views import *\n"}, False),
        ({"blog/all.py": "from .views import *\n", "shop/x.py": "from blog.all import make\n"}, True),
        ({"blog/all.py": "from .views import *\n", "shop/x.py": "from blog.all import other\n"}, False),
        ({"blog/all.py": "from .views import *\n", "blog/any.py": "from .all import *\n\nmake(1)\n"}, True),
        ({"blog/one.py": "from .views import *\nfrom .two import *\n", "blog/two.py": "from .one import *\n"}, False),
        ({"shop/x.py": "from blog.views import make\n(\n"}, False),
    ],
)
def test_import_that_others_may_need_from_here(others, kept, tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    after = by_name(tmp_path, text, **others)
    assert "send_task" in after
    assert ("from content.tasks import make" in after) is kept


def test_import_of_a_package_stays(tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    files = {"content/tasks.py": CONTENT, "blog/__init__.py": text, **DJANGO}
    after = fixed(tmp_path, files, "CLY401")["blog/__init__.py"]
    assert "send_task" in after
    assert "from content.tasks import make" in after


@pytest.mark.parametrize(
    "text",
    [
        "import os; from content.tasks import make\n\n\ndef f():\n    make.delay()\n",
        "def f():\n    if f:\n        from content.tasks import make\n    make.delay()\n",
        "try:\n    from content.tasks import make\nexcept ImportError:\n    make = None\n\n\ndef f():\n"
        "    make.delay()\n",
    ],
)
def test_imports_that_can_not_be_taken_out(text, tmp_path):
    assert by_name(tmp_path, text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "import os\nfrom content.tasks import drop, make\n",
            "import os\n\nfrom celery import current_app\n\nfrom content.tasks import drop\n",
        ),
        (
            "from content.tasks import make, drop  # noqa: I001\n",
            "from celery import current_app\n\nfrom content.tasks import drop  # noqa: I001\n",
        ),
        (
            "from content.tasks import (\n    drop,\n    make,\n)\n",
            "from celery import current_app\n\nfrom content.tasks import (\n    drop,\n)\n",
        ),
        (
            "from content.tasks import (\n    make,\n    drop,\n)\n",
            "from celery import current_app\n\nfrom content.tasks import (\n    drop,\n)\n",
        ),
    ],
)
def test_name_leaves_its_import(before, after, tmp_path):
    body = "\n\ndef f():\n    drop(1)\n    make.delay()\n"
    expected = after + body.replace("make.delay()", f'current_app.send_task("make", {OPTIONS})')
    got = by_name(tmp_path, before + body)
    assert same(got, expected)
    if "import os" not in before:
        assert got == expected


@pytest.mark.parametrize(
    ("head", "after"),
    [
        ('"""Views."""\n', '"""Views."""\n\nfrom celery import current_app\n'),
        ('"""Views."""\nX = 1\n', '"""Views."""\n\nfrom celery import current_app\n\nX = 1\n'),
        ("X = 1\n", "from celery import current_app\n\nX = 1\n"),
        (
            "from __future__ import annotations\n",
            "from __future__ import annotations\n\nfrom celery import current_app\n",
        ),
        ("import os\nX = os\n", "import os\n\nfrom celery import current_app\n\nX = os\n"),
        ("from celery import current_app\n", "from celery import current_app\n"),
        ("import celery\n", "import celery\n"),
        ("from celery import *\n", "from celery import current_app\nfrom celery import *\n"),
        ("from celery import Task\n", "from celery import Task, current_app\n"),
        ("from celery import shared_task\n", "from celery import current_app, shared_task\n"),
        ("from celery import (\n    Task,\n)\n", "from celery import (\n    Task,\n    current_app,\n)\n"),
        (
            "from celery import (\n    shared_task,\n)\n",
            "from celery import (\n    current_app,\n    shared_task,\n)\n",
        ),
        (
            "from celery import aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n",
            "from celery import (\n    aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,\n    bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb,\n"
            "    current_app,\n)\n",
        ),
        ("import django\n", "import django\nfrom celery import current_app\n"),
        ("from django import x\n", "from celery import current_app\nfrom django import x\n"),
        ("from blog import x\n", "from celery import current_app\n\nfrom blog import x\n"),
        ("from . import x\n", "from celery import current_app\n\nfrom . import x\n"),
    ],
)
def test_import_comes_where_isort_puts_it(head, after, tmp_path):
    body = "\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    text = by_name(tmp_path, head + body)
    app = "celery.current_app" if head == "import celery\n" else "current_app"
    assert text == after + f'\n\ndef f():\n    {app}.send_task("drop")\n'


def test_import_beside_another_statement(tmp_path):
    for head in ("import os; X = 1\n", "X = 1; import os\n"):
        text = head + "\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
        assert ("send_task" in by_name(tmp_path, text)) is head.startswith("X")


def test_name_that_is_taken(tmp_path):
    text = "from flask import current_app\n\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    after = by_name(tmp_path, text)
    assert after.startswith("from celery import current_app as celery_current_app\nfrom flask import current_app\n")
    assert "celery_current_app.send_task" in after
    both = text + "\n\ncelery_current_app = 1\n"
    assert by_name(tmp_path, both) == both


def test_name_that_is_hidden(tmp_path):
    text = (
        "from celery import current_app\n\n\ndef f(current_app):\n    from content.tasks import drop\n\n"
        "    drop.delay()\n"
    )
    assert "celery_current_app.send_task" in by_name(tmp_path, text)


def test_name_that_is_global_elsewhere(tmp_path):
    text = "def g():\n    global current_app\n\n\ndef f():\n    from content.tasks import drop\n\n    drop.delay()\n"
    assert "celery_current_app.send_task" in by_name(tmp_path, text)


def test_other_modules_that_only_look_like_it(tmp_path):
    text = VIEWS.format(imports="", call="make.delay()")
    others = {"shop/x.py": "views = make = 1\n", "shop/y.py": "views make (\n"}
    assert "content" not in by_name(tmp_path, text, **others)


@pytest.fixture
def shop(tmp_path):
    write(tmp_path, {"shop/tasks.py": BEFORE})
    return tmp_path / "shop" / "tasks.py"


def test_import_beside_imports_alone(monkeypatch, shop):
    text = "import os\n"
    tree = ast.parse(text)
    (edit,) = added(Source.of(text), tree, Import("re", "sub"), lambda _: False)
    assert edit == (10, 10, "from re import sub\n")
    (edit,) = added(Source.of("import os"), ast.parse("import os"), Import("re", "sub"), lambda _: False)
    assert edit == (9, 9, "\nfrom re import sub\n")


def test_comments_in_an_import_stay(tmp_path):
    head = "from content.tasks import (\n    drop,  # why\n    make,  # that\n)\n"
    after = by_name(tmp_path, f"{head}\n\ndef f():\n    drop(1)\n    make.delay()\n")
    assert "from content.tasks import (\n    drop,  # why\n    # that\n)\n" in after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("from content.tasks import make  # JIRA-123\n", "# JIRA-123\n"),
        ("from content.tasks import make  # noqa: E402\n", ""),
        ("from content.tasks import (  # one\n    make,  # two\n    # noqa\n)\n", "# one\n# two\n"),
        ("# about it\nfrom content.tasks import make\n", "# about it\n"),
    ],
)
def test_comments_on_an_import_stay(text, after, tmp_path):
    text = f"import os\n{text}\n\ndef f():\n    make.delay(os)\n"
    written = by_name(tmp_path, text)
    head = written[: written.index("def f")]
    assert "content" not in head
    assert [line for line in head.splitlines() if line.startswith("#")] == after.splitlines()
