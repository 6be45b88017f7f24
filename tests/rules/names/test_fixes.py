"""Fixes of names."""

from __future__ import annotations

import pytest

from tests.fixing import OWN_NAMES, fix_one, fixed, task


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
