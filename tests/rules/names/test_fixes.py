"""Fixes of names."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap

import pytest

from flake8_celery_tasks.fixer import rounds
from flake8_celery_tasks.fixer.files import fix_files
from tests.fixing import OWN_NAMES, fix_one, fixed, task
from tests.helpers import write


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("@shared_task", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task()", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task(name=None)", '@shared_task(name="shop.tasks.add")'),
        ("@shared_task(queue='slow')", "@shared_task(name='shop.tasks.add', queue='slow')"),
        (
            "@shared_task(\n    queue='slow',  # not now\n    expires=60,\n)",
            "@shared_task(\n    name='shop.tasks.add',\n    queue='slow',  # not now\n    expires=60,\n)",
        ),
        (
            '@shared_task(\n    queue="slow", expires=60\n)',
            '@shared_task(\n    name="shop.tasks.add", queue="slow", expires=60\n)',
        ),
        ("@shared_task(**{})", '@shared_task(name="shop.tasks.add", **{})'),
    ],
)
def test_automatic_name(before, after, tmp_path):
    text = task(f"{before}\ndef add(x):\n    return x\n")
    expected = task(f"{after}\ndef add(x):\n    return x\n")
    assert fix_one(tmp_path, text, "CLY101", unsafe=False) == expected


@pytest.mark.parametrize(
    "text",
    [
        "EMPTY = {'name': None}\n\n\n@shared_task(**EMPTY)\ndef add(x):\n    return x\n",
        "def job(**options):\n    return shared_task(**options)\n\n\n@job\ndef add(x):\n    return x\n",
        "def job(queue):\n    return shared_task(queue=queue)\n\n\n@job('slow')\ndef add(x):\n    return x\n",
        "import functools\n\njob = functools.partial(shared_task, queue='slow')\n\n\n@job()\ndef add(x):\n"
        "    return x\n",
    ],
)
def test_name_that_can_not_be_added(text, tmp_path):
    assert fix_one(tmp_path, task(text), "CLY101") == task(text)


def test_name_for_readable_house_decorators(tmp_path):
    text = "def job(**options):\n    return shared_task(**options)\n\n\n@job()\ndef add(x):\n    return x\n"
    assert '@job(name="shop.tasks.add")' in fix_one(tmp_path, task(text), "CLY101")


def test_name_for_listed_decorators(tmp_path):
    text = "from house import job\n\n\n@job\ndef add(x):\n    return x\n"
    after = fix_one(tmp_path, text, "CLY101", celery_task_decorators="house.job")
    assert '@job(name="shop.tasks.add")' in after


@pytest.mark.parametrize(
    "app", [OWN_NAMES, "from celery import Celery\n\napp = Celery()\napp.gen_task_name = lambda name, module: name\n"]
)
def test_no_name_where_an_app_makes_its_own(app, tmp_path):
    files = {
        "shop/tasks.py": task("@shared_task\ndef add(x):\n    return x\n"),
        "shop/celery.py": app,
        "blog/views.py": "from shop.tasks import add\n\nadd.delay(1)\n",
    }
    assert fixed(tmp_path, files) == files


def test_name_where_the_automatic_one_is_asked_for(tmp_path):
    files = {
        "shop/tasks.py": task("@shared_task\ndef add(x):\n    return x\n"),
        "shop/celery.py": "from celery import Celery\n\napp = Celery()\nprint(app.gen_task_name('add', 'shop'))\n",
    }
    assert '(name="shop.tasks.add")' in fixed(tmp_path, files, "CLY101", unsafe=False)["shop/tasks.py"]


def test_name_in_a_script_is_not_safe(tmp_path):
    text = task("@shared_task\ndef add(x):\n    return x\n\n\nif __name__ == '__main__':\n    add.delay(1)\n")
    assert fix_one(tmp_path, text, "CLY101", unsafe=False) == text
    assert '(name="shop.tasks.add")' in fix_one(tmp_path, text, "CLY101").replace("'", '"')


def test_no_name_for_classes_and_uncertain_modules(tmp_path):
    text = (
        "from celery import Celery, Task\n\napp = Celery()\n\n\nclass Add(Task):\n    def run(self):\n"
        "        pass\n\n\n"
    )
    text += "app.register_task(Add())\n"
    assert fix_one(tmp_path, text, "CLY101") == text


APPS = {
    "project/celery.py": "from celery import Celery\n\napp = Celery('project', broker='memory://')\n"
    "app.autodiscover_tasks(['shop', 'shop.billing', 'content'], force=True)\n"
    "other = Celery('other', broker='memory://', set_as_current=False)\n"
    "other.autodiscover_tasks(['shop.other'], force=True)\n",
    "shop/other/tasks.py": "from project.celery import other\n\n\n@other.task\ndef one():\n    pass\n\n\n"
    "@other.task(shared=False)\ndef four():\n    pass\n",
    "shop/tasks.py": "from celery import shared_task\n\n\n@shared_task\ndef one():\n    pass\n\n\n"
    "@shared_task()\ndef two():\n    pass\n\n\n@shared_task(\n    queue='q'\n)\ndef three():\n    pass\n\n\n"
    "def make():\n    @shared_task\n    def inner():\n        pass\n\n    return inner\n\n\nmake()\n",
    "shop/billing/tasks.py": "import celery\n\nfrom project.celery import app\n\n\n@app.task(name=None)\ndef one():\n"
    "    pass\n\n\n@app.task\ndef two():\n    pass\n\n\n@celery.shared_task(name='', bind=True, max_retries=3)\n"
    "def three(self):\n    pass\n",
    "content/tasks/__init__.py": "from content.tasks import images  # noqa\nfrom celery import shared_task\n\n\n"
    "@shared_task\ndef one():\n    pass\n",
    "content/tasks/images.py": "from celery import shared_task as job\nfrom functools import wraps\n\n\n"
    "def logged(f):\n    @wraps(f)\n    def g(*args, **kwargs):\n        return f(*args, **kwargs)\n\n    return g\n"
    "\n\n"
    "@job\n@logged\ndef one():\n    pass\n\n\n@job(name='given')\ndef two():\n    pass\n",
}

LIST = "from project.celery import app, other\nfor one in app, other:\n    one.loader.import_default_modules()\n"
LIST += "for one in app, other:\n    print(one.main, *sorted(n for n in one.tasks if not n.startswith('celery.')))\n"


def test_registered_names_stay_the_same(tmp_path):
    def registered():
        return subprocess.run(
            [sys.executable, "-B", "-c", LIST], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.splitlines()

    write(tmp_path, APPS)
    before = registered()
    assert len(before) == 2
    assert "shop.other.tasks.four" in before[1]
    assert len(before[0].split()) > 10
    assert before[0] != before[1]
    files = [str(tmp_path / name) for name in APPS]
    results = list(fix_files(files, rounds.Order()))
    assert sum(len(result.violations) for result in results) == 11
    assert registered() == before
    for name in APPS:
        tree = ast.parse((tmp_path / name).read_bytes())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.decorator_list and node.name != "g":
                assert "name=" in ast.unparse(node.decorator_list[0]), textwrap.dedent(ast.unparse(node))
    assert not list(fix_files(files, rounds.Order()))
