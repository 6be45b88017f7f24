"""The gate hides nothing: a file has the same findings with a comment that makes it pass, however it is written."""

from __future__ import annotations

import pytest

from flake8_celery_tasks.engine import session
from tests.helpers import findings, write

SHARED = "from celery import shared_task"
TASK = "from celery import Task"

#: How `shop/lib.py` makes `job` of Celery's decorator.
DECORATORS = [
    f"{SHARED} as job\n",
    f"{SHARED}\njob = shared_task\n",
    f"{SHARED}; job = shared_task\n",
    f"{SHARED}\rjob = shared_task\r",
    f"{SHARED}\njob = \\\n    shared_task\n",
    f"{SHARED}\nif True:\n    job = shared_task\n",
    f"{SHARED}\nwith open('x'):\n    # here\n    job = shared_task\n",
    f"{SHARED}\ndef setup():\n    global job\n    job = shared_task\n",
    f"{SHARED}\nclass Jobs:\n    work = shared_task\njob = Jobs.work\n",
    f"{SHARED}\nclass Jobs:\n    job = shared_task(bind=True)\njob = Jobs.job\n",
    f"{SHARED}\n\ndef job(*args, **options):\n    return shared_task(*args, **options)\n",
    "from shop.deep import *\n",
]

#: How `shop/work.py` uses it.
USES = [
    "from shop.lib import job\n\n@job(name='b', bind=True)\n",
    "from shop import lib\n\n@lib.job(name='b', bind=True)\n",
    "import shop.lib as s\n\n@s.job(name='b', bind=True)\n",
    "import os; from shop.lib import job\n\n@job(name='b', bind=True)\n",
    "if True: from shop.lib import job\n\n@job(name='b', bind=True)\n",
    "from shop.lib \\\n    import job\n\n@job(name='b', bind=True)\n",
    "from.lib import(job)\n\n@job(name='b', bind=True)\n",
    "from shop.lib import (\n    # :)\n    job,  # one\n)\n\n@job(name='b', bind=True)\n",
    "from shop.lib import job\tas\tj\n\n@j(name='b', bind=True)\n",
    "from shop.lib import job\n\n@(job(name='b', bind=True))\n",
    "\x0cfrom shop.lib import job\n\n\x0c@job(name='b', bind=True)\n",
    "from shop.second import again\n\n@again(name='b', bind=True)\n",
    "from shop.second import *\n\n@again(name='b', bind=True)\n",
    "import shop.second as s\n\n@s.lib.job(name='b', bind=True)\n",
]

#: How `shop/lib.py` makes `Base` of Celery's class.
CLASSES = [
    f"{TASK} as Base\n",
    f"{TASK}; Base = Task\n",
    f"{TASK}\nBase: type = Task\n",
    f"{TASK}\nBase = (Task)\n",
    f"{TASK}\nBase, other = Task, 1\n",
    f"{TASK}\nif True:\n    Base = Task\n",
    f"{TASK}\nif True:\n    class Base(Task):\n        pass\n",
    f"{TASK}\ndef setup():\n    global Base\n    Base = Task\n",
    f"{TASK}\ndef setup():\n    global Base\n    class Base(Task): ...\n",
    f"{TASK}\nclass Base(  # :)\n    Task,\n): ...\n",
    f"{TASK}\nclass Base \\\n        (Task): ...\n",
    f"{TASK}\nclass Base(Task):\n    def client(self):\n        name = 'shop'\n        return name\n",
    f"{TASK}\nclass Base(Task):\n    abstract = True\n    def run(self): ...\n",
    f"{TASK}\nclass Jobs:\n    Base = Task\nBase = Jobs.Base\n",
    f"{TASK}\nclass Jobs:\n    class Base(Task): ...\nBase = Jobs.Base\n",
    "from celery import Celery\napp = Celery()\nBase = app.Task\n",
]

#: How `shop/work.py` derives a task from it.
DERIVED = [
    "from shop.lib import Base\n\nclass Bill(Base):\n",
    "from shop.lib import Base\n\nclass \\\n        Bill(Base):\n",
    "import shop.lib as s\n\nclass Bill(s.Base):\n",
    "import os; from shop.lib import Base\n\nclass Bill(Base):\n",
]

FUNCTION = "def b():\n    pass\n"
BODY = """\
    name = "b"
    max_retries = None
    autoretry_for = (Exception,)

    def run(self):
        self.retry()
"""


def compare(folder, lib, work):
    """Check a file as it is, and with a word of Celery in it."""
    deep = "from celery import shared_task as job\n"
    second = "from shop import lib\nfrom shop.lib import job as again\n"
    write(folder, {"shop/lib.py": lib, "shop/deep.py": deep, "shop/second.py": second})
    found = []
    for text in (work, f"{work}# celery\n"):
        write(folder, {"shop/work.py": text})
        session.start_over()
        found.append(findings(folder, "shop/work.py", celery_no_cache=True, extend_select="CLY9"))
    assert found[0] == found[1] != []


@pytest.mark.parametrize("lib", DECORATORS)
def test_how_decorators_are_made(tmp_path, lib):
    compare(tmp_path, lib, USES[0] + FUNCTION)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("lib", [DECORATORS[1], DECORATORS[-1]])
def test_how_decorators_are_used(tmp_path, lib, use):
    compare(tmp_path, lib, use + FUNCTION)


@pytest.mark.parametrize("lib", CLASSES)
def test_how_classes_are_made(tmp_path, lib):
    compare(tmp_path, lib, DERIVED[0] + BODY)


@pytest.mark.parametrize("use", DERIVED)
def test_how_classes_are_used(tmp_path, use):
    compare(tmp_path, CLASSES[0], use + BODY)
