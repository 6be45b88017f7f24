"""The index of a project's tasks: whose they are, and where they are imported from."""

from __future__ import annotations

import ast
import gc

import pytest

from flake8_celery_tasks.celery_model import definitions, registry
from flake8_celery_tasks.celery_model.registry import tasks_of
from flake8_celery_tasks.core.options import Options
from flake8_celery_tasks.engine import session
from flake8_celery_tasks.resolution import modules
from flake8_celery_tasks.workspace import cache
from tests.helpers import findings, opened, project_at

TASK = "from celery import shared_task\n\n\n@shared_task(name={name!r})\ndef task(): ...\n"


def write(folder, files):
    """Write files as they are: no package is made of a folder that has none."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def index_of(folder, **options):
    return tasks_of(session.open_project(str(folder), Options.of({"celery_no_cache": True, **options})))


def duplicates(folder, name, **options):
    return [found for found in findings(folder, name, **options) if found.code == "CLY102"]


@pytest.mark.parametrize(
    "folder", [".venv/lib", "env/lib", "build/lib", "dist", "node_modules/x", "site-packages", ".tox/py", "own/lib"]
)
def test_environments_and_build_folders_never_count(tmp_path, folder):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/tasks.py": TASK.format(name="shop_a"),
            "own/pyvenv.cfg": "",
            f"{folder}/shop/__init__.py": "",
            f"{folder}/shop/tasks.py": TASK.format(name="shop_a"),
        },
    )
    assert len(index_of(tmp_path).by_name["shop_a"]) == 1
    assert not duplicates(tmp_path, "shop/tasks.py")


def test_vendored_copies_are_only_possible(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/vendor/__init__.py": "",
            "shop/vendor/tasks.py": TASK.format(name="vendor_a"),
        },
    )
    index = index_of(tmp_path)
    assert "vendor_a" not in index.by_name
    assert index.has("vendor_a")


def test_two_projects_under_one_run_do_not_mix(tmp_path):
    for service in ("one", "two"):
        write(
            tmp_path,
            {
                "pyproject.toml": "",
                f"{service}/pyproject.toml": "",
                f"{service}/shop/__init__.py": "",
                f"{service}/shop/tasks.py": TASK.format(name="shop_a"),
            },
        )
    assert not duplicates(tmp_path, "one/shop/tasks.py")
    assert not index_of(tmp_path).by_name
    assert list(index_of(tmp_path / "one").by_name) == ["shop_a"]


def test_two_import_roots_do_not_mix(tmp_path):
    for service in ("one", "two"):
        write(
            tmp_path,
            {
                "pyproject.toml": "",
                f"services/{service}/shop/__init__.py": "",
                f"services/{service}/shop/tasks.py": TASK.format(name="shop_a"),
                f"services/{service}/shop/views.py": "from shop.tasks import task\n\ntask.delay()\n",
            },
        )
    assert not duplicates(tmp_path, "services/one/shop/tasks.py")


@pytest.mark.parametrize("source", ["", "src/"])
def test_source_folder_and_root_are_import_roots(tmp_path, source):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            f"{source}shop/__init__.py": "",
            f"{source}shop/tasks.py": TASK.format(name="shop_a"),
            f"{source}billing/__init__.py": "",
            f"{source}billing/tasks.py": TASK.format(name="shop_a"),
        },
    )
    assert len(duplicates(tmp_path, f"{source}shop/tasks.py")) == 1


@pytest.mark.parametrize(("source", "imported"), [("", True), ("src/", True), ("", False)])
def test_namespace_packages_share_a_root_where_they_are_imported(tmp_path, source, imported):
    views = "from shop import tasks\nimport billing.tasks\n\ntasks.task.delay()\n" if imported else "task = None\n"
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            f"{source}shop/tasks.py": TASK.format(name="shop_a"),
            f"{source}billing/tasks.py": TASK.format(name="shop_a"),
            f"{source}billing/views.py": views,
        },
    )
    assert len(duplicates(tmp_path, f"{source}shop/tasks.py")) == imported


def test_automatic_names_in_namespace_packages_are_possible(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "company/shop/tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef send(): ...\n",
        },
    )
    index = index_of(tmp_path)
    assert not index.by_name
    assert index.has("company.shop.tasks.send")
    assert index.has("shop.tasks.send")
    assert index.namespaces == {"company"}


def test_a_namespace_shared_with_other_distributions_is_owned_in_part(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "company/shop/__init__.py": "",
            "company/shop/tasks.py": TASK.format(name="company.shop.a"),
        },
    )
    index = index_of(tmp_path)
    assert index.owns("company.shop.b")
    assert not index.owns("company.stock.b")
    assert not index.owns("company.b")


def test_manage_py_in_a_package_makes_no_root(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/manage.py": "",
            "shop/tasks.py": TASK.format(name="shop_a"),
            "site/manage.py": "",
            "site/tasks.py": TASK.format(name="site_a"),
        },
    )
    assert list(index_of(tmp_path).by_name) == ["shop_a"]


def test_excluded_files_may_hold_a_name(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/tasks.py": TASK.format(name="shop.count"),
            "shop/legacy/tasks.py": TASK.format(name="shop.render"),
        },
    )
    found = session.open_project(str(tmp_path), Options.of({"celery_no_cache": True}), ("legacy",))
    origin = found.module(str(tmp_path / "shop/tasks.py"))
    assert not tasks_of(found).has("shop.render")
    assert not tasks_of(found).is_unknown("shop.render", origin)
    assert tasks_of(found).is_unknown("shop.rendre", origin)


def test_a_name_is_possible_where_nothing_else_is_known(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/tasks.py": (
                "from celery import shared_task\nfrom somewhere import NAME, options\n\n\n"
                "@shared_task(name=NAME)\ndef a(): ...\n\n\n"
                "@shared_task(**options)\ndef b(): ...\n"
            ),
        },
    )
    index = index_of(tmp_path)
    assert index.nameless
    assert index.has("shop.tasks.b")
    assert not index.definitions("shop.tasks.b")


ODD = """
from celery import Celery, Task

app = Celery()


class A(Task):
    name = "shop.a"

    def run(self): ...


a = A()
app.register_task({given})
"""


@pytest.mark.parametrize("given", ["A", "A()", "a", "TASKS[0]", "find()", "unheard_of", "*TASKS"])
def test_what_is_registered(tmp_path, given):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/tasks.py": ODD.format(given=given),
            "tests/__init__.py": "",
            "tests/test_shop.py": ODD.format(given="find()").replace('"shop.a"', "find()"),
        },
    )
    index = index_of(tmp_path)
    assert index.has("shop.a")
    assert bool(index.nameless) == (given not in ("A", "A()", "a"))


def test_result_of_a_registration_without_a_task(tmp_path):
    write(
        tmp_path,
        {
            "pyproject.toml": "",
            "shop.py": "from celery import Celery\n\napp = Celery()\na = app.register_task()\na.delay(1)\n",
        },
    )
    assert not findings(tmp_path, "shop.py")


def test_names_do_not_depend_on_the_disk_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "folder", lambda: str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "RACY_NS", -(10**12))
    top = tmp_path / "project"
    write(
        top,
        {
            "pyproject.toml": "",
            "shop/__init__.py": "",
            "shop/tasks.py": (
                "from celery import Celery, Task, shared_task\n\napp = Celery()\n\n\n"
                "def a(): ...\n\n\nshared_task(name='shop_a')(a)\n\n\n"
                "class B(Task):\n    name = 'shop_b'\n\n    def run(self): ...\n\n\n"
                "class C(B):\n    name = 'shop_c'\n\n\napp.register_task(C())\n"
            ),
        },
    )
    seen = []
    for _ in range(2):
        found = session.open_project(str(top), Options())
        seen.append((sorted(tasks_of(found).by_name), tasks_of(found).nameless))
        found.save()
    assert seen[0] == seen[1] == (["shop_a", "shop_b", "shop_c"], set())


def test_the_index_keeps_no_trees(tmp_path, monkeypatch):
    """What goes in circles is taken apart, since the garbage collector does not look for it."""
    monkeypatch.setattr(modules, "KEPT", 3)
    files = {
        f"shop/m{number}.py": (
            "from celery import shared_task\n\n\n"
            f"@shared_task(name='{number}')\ndef f(x=lambda y: y):\n    return [z for z in x]\n\n\n"
            f"class A:\n    B = f\n"
        )
        for number in range(9)
    }
    known = project_at(tmp_path, {**files, "shop/broken.py": "@task(\n"}, celery_no_cache=True)
    text = files["shop/m4.py"]
    current = opened(known, tmp_path, "shop/m4.py", text)
    lent = known.module(str(tmp_path / "shop/m8.py")).candidates
    known.is_lasting = False
    gc.collect()
    before = classes_in_memory()
    gc.disable()
    try:
        assert len(tasks_of(known).by_name) == 9
        assert classes_in_memory() == before
    finally:
        gc.enable()
    trees = [path for path, module in known._modules.items() if module is not None and module.tree is not None]
    kept = [str(tmp_path / name) for name in ("shop/m4.py", "shop/m8.py")]
    assert trees == kept, "the file at hand keeps its nodes, and so does what was in memory before"
    assert lent.scope.bindings, "somebody may be going through them"
    assert current.tree is not None


def classes_in_memory():
    return sum(type(node) is ast.ClassDef for node in gc.get_objects())


def test_a_project_that_nobody_keeps_is_not_frozen(tmp_path, monkeypatch):
    known = project_at(tmp_path, {"shop/tasks.py": "from celery import current_task\n"})
    monkeypatch.setattr(session.gc, "freeze", None)
    assert not tasks_of(known).by_name


def test_what_an_editor_holds_counts_before_it_is_saved(tmp_path):
    """The first task of a file, in a buffer, in one that is not there yet; and what is no longer in a buffer."""
    task = "from celery import shared_task\n\n@shared_task(name='{}')\ndef f(): ...\n"
    files = {"a.py": "import json\n", "b.py": task.format("b"), "c.py": "task = 1\n"}
    for name, text, names in (
        ("a.py", task.format("a"), {"a", "b"}),
        ("c.py", task.format("c"), {"b", "c"}),
        ("new.py", task.format("new"), {"b", "new"}),
        ("b.py", "task = 1\n", set()),
        ("b.py", files["b.py"], {"b"}),
    ):
        known = project_at(tmp_path, files, celery_no_cache=True)
        opened(known, tmp_path, name, text)
        assert tasks_of(known).by_name.keys() == names


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("models.CharField(max_length=9)", False),
        ("_('order')", False),
        ("serializers.CharField()", False),
        ("slugify('order')", True),
        ("make('order')", True),
        ("'order'", True),
        ("(lambda: 'order')()", True),
    ],
)
def test_bases_of_a_class_with_a_field_for_its_name_are_not_read(tmp_path, name, is_read):
    """Such classes are many, they are no tasks, and their bases stand in long modules."""
    files = {
        "models.py": (
            "from django.db import models\nfrom django.utils.text import slugify\n"
            "from django.utils.translation import gettext_lazy as _\nfrom rest_framework import serializers\n\n"
            "from bases import Base, make\n\n\n"
            f"class Order(Base):\n    name = {name}\n\n    def run(self):\n        return 'task'\n"
        ),
        "bases.py": "class Base: ...\n\n\ndef make(name):\n    return name\n",
    }
    known = project_at(tmp_path, files, celery_no_cache=True)
    assert not tasks_of(known).by_name
    assert (str(tmp_path / "bases.py") in known._modules) is is_read


@pytest.mark.parametrize(
    ("text", "may"),
    [
        (b"@app.task(name)", True),
        (b"@app.task(name='shop.bill')", False),
        (b"app.register_task(Bill())\nclass Bill:\n    name = PREFIX", True),
        (b"app.register_task(Bill())\nclass Bill:\n    name = 'shop.bill'", False),
        (b"make_task(bill, name=NAME)", True),
        (b"make_task(bill)\ndef other():\n    name=NAME", False),
    ],
)
def test_whether_a_broken_text_may_compute_names(text, may):
    assert registry._computes(text) == may


KINDS = """\
from celery import Celery, Task, shared_task
from elsewhere import Thing

app = Celery()
NUMBER = 5


def plain(): ...


@shared_task
def bill(): ...


class Registered(Task):
    name = "a"

    def run(self): ...


app.register_task(Registered())


class Forgotten(Task):
    name = "b"

    def run(self): ...


class Other: ...


class Unreadable(Thing): ...
"""


@pytest.mark.parametrize(
    ("name", "is_none"),
    [
        ("shop.jobs:", True),
        ("shop.jobs:plain", True),
        ("shop.jobs:bill", False),
        ("shop.jobs:NUMBER", True),
        ("shop.jobs:Registered", False),
        ("shop.jobs:Forgotten", True),
        ("shop.jobs:Other", True),
        ("shop.jobs:Unreadable", False),
        ("shop.gone:plain", False),
    ],
)
def test_what_is_certainly_no_task(tmp_path, name, is_none):
    known = project_at(tmp_path, {"shop/jobs.py": KINDS})
    origin = known.module(str(tmp_path / "shop/jobs.py"))
    assert definitions.is_no_task(known, known.resolve(name, origin)) == is_none
